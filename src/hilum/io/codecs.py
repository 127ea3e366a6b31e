"""How compressed pixels are decoded: one table, transfer syntax by transfer syntax.

Every transfer syntax has exactly one decoder, called directly, so that the same file gives the
same pixels on every machine. pydicom's own plugins are not asked: which of them answers depends
on what happens to be installed.

Source: PS3.5 Annex A.4, PS3.6 Table A-1.
"""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.errors import MissingExtraError, UnreadableImageError, UnsupportedImageError
from hilum.io.dicom_header import PixelLayout
from hilum.io.dicom_parse import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    EXPLICIT_VR_BIG_ENDIAN,
    EXPLICIT_VR_LITTLE_ENDIAN,
    IMPLICIT_VR_LITTLE_ENDIAN,
)
from hilum.io.j2k_stream import read_j2k_header
from hilum.io.jpeg_stream import (
    DCT_PROCESSES,
    JPEG_LS_PROCESS,
    LOSSLESS_PROCESS,
    JpegHeader,
    read_jpeg_header,
)
from hilum.io.limits import ReadLimits
from hilum.language import Text


@dataclass(frozen=True, slots=True)
class DecodedFrame:
    """One frame as its decoder gave it.

    values
        Unsigned bit patterns, uint8 or uint16, shape (H, W) or (H, W, 3).
    bits
        Significant bits of a value, as the codestream says; ``None`` leaves it to the header.
    rgb
        The decoder has turned colour into RGB, whatever PhotometricInterpretation says.
    """

    values: NDArray[Any]
    bits: int | None = None
    rgb: bool = False


Decode = Callable[[bytes, PixelLayout, ReadLimits], DecodedFrame]


@dataclass(frozen=True, slots=True)
class Codec:
    """How one transfer syntax is decoded; ``decode`` is ``None`` where pixels are stored raw."""

    name: str
    decode: Decode | None = None
    lossy: bool = False


def _check_claims(layout: PixelLayout, rows: int, columns: int, components: int) -> None:
    if (rows, columns, components) != (layout.rows, layout.columns, layout.samples):
        raise UnreadableImageError(
            Text(
                "The compressed film is {columns}x{rows} px with {components} "
                "components, the DICOM header says {header_columns}x{header_rows} with {samples}.",
                columns=columns,
                rows=rows,
                components=components,
                header_columns=layout.columns,
                header_rows=layout.rows,
                samples=layout.samples,
            )
        )


def _to_array(buffer: Any, layout: PixelLayout, bits: int) -> NDArray[Any]:
    """Shape a decoder's little-endian buffer."""
    kind = np.dtype("<u1" if bits <= 8 else "<u2")
    shape = (layout.rows, layout.columns) + ((layout.samples,) if layout.samples > 1 else ())
    values = np.frombuffer(buffer, dtype=kind)
    if values.size != layout.rows * layout.columns * layout.samples:
        raise UnreadableImageError(Text("The decoder gave another number of pixels than claimed."))
    return values.reshape(shape)


def _read_checked_jpeg(frame: bytes, layout: PixelLayout, limits: ReadLimits) -> JpegHeader:
    header = read_jpeg_header(frame, limits)
    _check_claims(layout, header.rows, header.columns, header.components)
    if not 2 <= header.precision <= 16:
        raise UnreadableImageError(Text("The compressed film claims an impossible number of bits."))
    return header


def _decode_jpeg(frame: bytes, layout: PixelLayout, limits: ReadLimits) -> DecodedFrame:
    """Baseline, extended and progressive JPEG of 8 bits, by Pillow (libjpeg-turbo)."""
    from PIL import Image

    header = _read_checked_jpeg(frame, layout, limits)
    if header.process == LOSSLESS_PROCESS:
        return _decode_jpeg_lossless(frame, layout, limits)
    if header.precision == 12:
        raise UnsupportedImageError(
            Text(
                "The film is compressed as 12-bit JPEG Extended, which hilum does not "
                "decode. Transcode it, for instance to JPEG 2000 or to an uncompressed "
                "transfer syntax.",
            )
        )
    if header.process not in DCT_PROCESSES or header.precision != 8:
        raise UnsupportedImageError(
            Text(
                "The film is compressed with JPEG process {process:#x}, which is not read.",
                process=header.process,
            )
        )
    essence = b"".join(frame[part] for part in header.essence)
    image = Image.open(BytesIO(essence), formats=("JPEG",))
    if layout.samples == 1:
        return DecodedFrame(np.asarray(image), 8)
    if layout.photometric == "RGB" and not header.adobe:
        # The components are RGB as they stand; without a marker libjpeg would take them for YBR.
        image.draft("YCbCr", image.size)
        return DecodedFrame(np.asarray(image), 8, rgb=True)
    return DecodedFrame(np.asarray(image.convert("RGB")), 8, rgb=True)


def _decode_jpeg_lossless(frame: bytes, layout: PixelLayout, limits: ReadLimits) -> DecodedFrame:
    """JPEG Lossless (process 14), by GDCM."""
    header = _read_checked_jpeg(frame, layout, limits)
    if header.process != LOSSLESS_PROCESS:
        raise UnreadableImageError(Text("The compressed film is not a JPEG Lossless stream."))
    gdcm = _import_gdcm()
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((layout.columns, layout.rows, 1))
    image.SetDataElement(element)
    photometric = "MONOCHROME2" if layout.samples == 1 else "RGB"
    image.SetPhotometricInterpretation(
        gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.GetPIType(photometric))
    )
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGLosslessProcess14_1))
    bits = header.precision
    allocated = 8 if bits <= 8 else 16
    image.SetPixelFormat(gdcm.PixelFormat(layout.samples, allocated, bits, bits - 1, 0))
    # SWIG gives a char* as str; the pixels are behind its surrogates.
    buffer = image.GetBuffer().encode("utf-8", "surrogateescape")
    return DecodedFrame(_to_array(buffer, layout, bits), bits)


def _import_gdcm() -> Any:
    """Import GDCM without the module ``dl`` that its wrapper asks for.

    ``dl`` left Python with version 3. A folder of that name in the working directory would be
    imported in its place and break GDCM.
    """
    missing = object()
    before = sys.modules.get("dl", missing)
    sys.modules["dl"] = None  # type: ignore[assignment]
    try:
        import gdcm
    except ImportError as error:
        raise MissingExtraError("jpeg-lossless", Text("read a film in JPEG Lossless")) from error
    finally:
        if before is missing:
            del sys.modules["dl"]
        else:
            sys.modules["dl"] = before  # type: ignore[assignment]
    gdcm.Trace.DebugOff()
    gdcm.Trace.WarningOff()
    gdcm.Trace.ErrorOff()
    return gdcm


_JPEG_LS_END = b"\xff\xd9" * 16


def _decode_jpeg_ls(frame: bytes, layout: PixelLayout, limits: ReadLimits) -> DecodedFrame:
    """JPEG-LS, lossless and near-lossless, by CharLS."""
    import jpeg_ls

    header = _read_checked_jpeg(frame, layout, limits)
    if header.process != JPEG_LS_PROCESS:
        raise UnreadableImageError(Text("The compressed film is not a JPEG-LS stream."))
    # CharLS 2.4 looks for the next marker without minding the end of its input: a stream that
    # breaks off sends it reading through foreign memory for seconds. So there is always one.
    buffer, info = jpeg_ls.decode_pixel_data(frame + _JPEG_LS_END)
    if layout.samples == 3 and info["interleave_mode"] == 0:  # colour by plane
        planes = np.frombuffer(buffer, np.uint8 if header.precision <= 8 else np.dtype("<u2"))
        planes = planes.reshape(3, layout.rows, layout.columns)
        return DecodedFrame(np.moveaxis(planes, 0, -1), header.precision)
    return DecodedFrame(_to_array(buffer, layout, header.precision), header.precision)


def _decode_j2k(frame: bytes, layout: PixelLayout, limits: ReadLimits) -> DecodedFrame:
    """JPEG 2000 and High-Throughput JPEG 2000, by OpenJPEG."""
    from openjpeg.utils import decode_pixel_data

    header = read_j2k_header(frame, limits)
    _check_claims(layout, header.rows, header.columns, header.components)
    if header.precision > 16:
        raise UnsupportedImageError(
            Text(
                "The film has {precision} bits a pixel; 16 are read.",
                precision=header.precision,
            )
        )
    buffer = decode_pixel_data(frame[header.start :], version=2)
    transformed = layout.photometric in ("YBR_RCT", "YBR_ICT")  # undone by OpenJPEG
    values = _to_array(buffer, layout, header.precision)
    return DecodedFrame(values, header.precision, rgb=transformed)


def _decode_rle(frame: bytes, layout: PixelLayout, limits: ReadLimits) -> DecodedFrame:
    """RLE Lossless (PS3.5 Annex G): PackBits, one segment a byte of a sample, by Pillow."""
    width = layout.bits_allocated // 8
    count, *offsets = struct.unpack_from("<16L", frame)
    if count != layout.samples * width:
        raise UnreadableImageError(
            Text("The RLE film has another number of segments than claimed.")
        )
    ends = [*offsets[1:count], len(frame)]
    planes = []
    for start, end in zip(offsets[:count], ends, strict=True):
        if not 64 <= start < end <= len(frame):
            raise UnreadableImageError(Text("The segments of the RLE film are damaged."))
        planes.append(_unpack_bits(frame[start:end], layout))
    values = np.stack(planes, axis=-1)
    if width == 2:  # the segment of the high byte comes first
        values = values.view(">u2").astype(np.uint16)
    return DecodedFrame(values[..., 0] if layout.samples == 1 else values)


def _unpack_bits(segment: bytes, layout: PixelLayout) -> NDArray[np.uint8]:
    """Unpack one segment to a plane of the film."""
    from PIL import Image

    # As one row: some writers let a run go on into the next row.
    pixels = layout.rows * layout.columns
    plane = Image.frombytes("L", (pixels, 1), segment, "packbits", "L")
    # Pillow ignores what is left over. A row of it means that the header has another size.
    try:
        Image.frombytes("L", (pixels + layout.columns, 1), segment, "packbits", "L")
    except ValueError:
        return np.asarray(plane).reshape(layout.rows, layout.columns)
    raise UnreadableImageError(Text("The RLE film has more pixels than the DICOM header says."))


_UID = "1.2.840.10008.1.2."

CODECS: dict[str, Codec] = {
    IMPLICIT_VR_LITTLE_ENDIAN: Codec("Implicit VR Little Endian"),
    EXPLICIT_VR_LITTLE_ENDIAN: Codec("Explicit VR Little Endian"),
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN: Codec("Deflated Explicit VR Little Endian"),
    EXPLICIT_VR_BIG_ENDIAN: Codec("Explicit VR Big Endian"),
    _UID + "5": Codec("RLE Lossless", _decode_rle),
    _UID + "4.50": Codec("JPEG Baseline", _decode_jpeg, lossy=True),
    _UID + "4.51": Codec("JPEG Extended", _decode_jpeg, lossy=True),
    _UID + "4.57": Codec("JPEG Lossless", _decode_jpeg_lossless),
    _UID + "4.70": Codec("JPEG Lossless, First-Order Prediction", _decode_jpeg_lossless),
    _UID + "4.80": Codec("JPEG-LS Lossless", _decode_jpeg_ls),
    _UID + "4.81": Codec("JPEG-LS Near-Lossless", _decode_jpeg_ls, lossy=True),
    _UID + "4.90": Codec("JPEG 2000 Lossless", _decode_j2k),
    _UID + "4.91": Codec("JPEG 2000", _decode_j2k, lossy=True),
    _UID + "4.201": Codec("HTJ2K Lossless", _decode_j2k),
    _UID + "4.202": Codec("HTJ2K Lossless RPCL", _decode_j2k),
    _UID + "4.203": Codec("HTJ2K", _decode_j2k, lossy=True),
}
"""Transfer Syntax UID -> codec, of all transfer syntaxes that hilum reads."""
