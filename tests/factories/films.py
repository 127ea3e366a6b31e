"""Films of every kind, made in memory: DICOM in every transfer syntax, PNG, JPEG, TIFF."""

from __future__ import annotations

import struct
import warnings
import zlib
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.data.phantom import draw_phantom

STORAGE = "1.2.840.10008.5.1.4.1.1."
CR, DX, DX_FOR_PROCESSING = STORAGE + "1", STORAGE + "1.1", STORAGE + "1.1.1"
SECONDARY_CAPTURE, CT, MR = STORAGE + "7", STORAGE + "2", STORAGE + "4"
ENHANCED_XA = STORAGE + "12.1.1"

_UID = "1.2.840.10008.1.2"
IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN = _UID, _UID + ".1", _UID + ".1.99", _UID + ".2"
RLE, JPEG_BASELINE, JPEG_EXTENDED = _UID + ".5", _UID + ".4.50", _UID + ".4.51"
JPEG_LOSSLESS, JPEG_LOSSLESS_SV1 = _UID + ".4.57", _UID + ".4.70"
JPEG_LS, JPEG_LS_NEAR = _UID + ".4.80", _UID + ".4.81"
J2K_LOSSLESS, J2K, HTJ2K_LOSSLESS = _UID + ".4.90", _UID + ".4.91", _UID + ".4.201"
RAW_SYNTAXES = (IMPLICIT, EXPLICIT, DEFLATED, BIG_ENDIAN)

_CODESTREAMS = Path(__file__).resolve().parents[1] / "io" / "data"


def draw_pattern() -> NDArray[np.uint16]:
    """Draw the 12-bit pattern of the codestreams in ``tests/io/data``."""
    y, x = np.mgrid[0:48, 0:40]
    pattern: NDArray[np.uint16] = ((x * x * 2 + y * 53 + x * y) % 4096).astype(np.uint16)
    return pattern


def read_codestream(name: str) -> bytes:
    """Read a codestream of ``tests/io/data``."""
    return (_CODESTREAMS / name).read_bytes()


@cache
def _draw_small_phantom(height_px: int, width_px: int) -> NDArray[np.float32]:
    return draw_phantom(1, height_px=height_px, width_px=width_px)


def draw_stored(bits: int = 12, *, height_px: int = 48, width_px: int = 40) -> NDArray[np.uint16]:
    """Draw a small phantom as stored values of ``bits`` bits, from 0 to their greatest."""
    film = _draw_small_phantom(height_px, width_px)
    film = (film - film.min()) / (film.max() - film.min())
    stored: NDArray[np.uint16] = np.round(film * ((1 << bits) - 1)).astype(np.uint16)
    return stored


def make_dicom(
    stored: NDArray[Any],
    *,
    transfer_syntax: str = EXPLICIT,
    sop_class: str | None = CR,
    photometric: str = "MONOCHROME2",
    bits_stored: int = 12,
    bits_allocated: int | None = None,
    high_bit: int | None = None,
    signed: bool = False,
    codestream: bytes | None = None,
    preamble: bool = True,
    meta: bool = True,
    **elements: Any,
) -> bytes:
    """Write a DICOM film.

    Parameters
    ----------
    stored
        Stored values, shape (H, W) or (H, W, 3); two's complement where ``signed``.
    codestream
        The one compressed frame, instead of compressing ``stored`` here.
    elements
        Further elements by keyword; ``None`` leaves one out that would be there.
    """
    bits_allocated = bits_allocated or (8 if bits_stored <= 8 else 16)
    facts: dict[str, Any] = {
        "SOPClassUID": sop_class,
        "SOPInstanceUID": "1.2.3.4",
        "Modality": "CR",
        "PatientName": "Nobody^Nora",
        "PatientID": "SECRET-17",
        "BodyPartExamined": "CHEST",
        "ViewPosition": "PA",
        "SamplesPerPixel": 3 if stored.ndim == 3 else 1,
        "PhotometricInterpretation": photometric,
        "PlanarConfiguration": 0 if stored.ndim == 3 else None,
        "Rows": stored.shape[0],
        "Columns": stored.shape[1],
        "BitsAllocated": bits_allocated,
        "BitsStored": bits_stored,
        "HighBit": bits_stored - 1 if high_bit is None else high_bit,
        "PixelRepresentation": int(signed),
    } | elements
    pixels = None
    if transfer_syntax in RAW_SYNTAXES and codestream is None:
        order = ">" if transfer_syntax == BIG_ENDIAN else "<"
        container = np.dtype(f"{order}u{bits_allocated // 8}")
        pixels = stored.astype(container.newbyteorder("=")).astype(container).tobytes()
    else:
        codestream = codestream or compress(stored, transfer_syntax, bits_stored)
    data = _write_dicom(facts, transfer_syntax, pixels, codestream)
    if not meta:
        length = struct.unpack("<L", data[140:144])[0]
        return data[144 + length :]
    return data if preamble else data[132:]


def _write_dicom(
    facts: dict[str, Any], transfer_syntax: str, pixels: bytes | None, codestream: bytes | None
) -> bytes:
    """Write elements and pixels, raw or as one compressed frame."""
    from pydicom import dcmwrite
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import UID

    dataset = Dataset()
    buffer = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Some films are wrong on purpose, and pydicom says so.
        for keyword, value in facts.items():
            if value is not None:
                setattr(dataset, keyword, value)
        if pixels is not None:
            dataset.PixelData = pixels + b"\x00" * (len(pixels) % 2)
            dataset["PixelData"].VR = "OB" if facts["BitsAllocated"] == 8 else "OW"
        elif codestream is not None:
            dataset.PixelData = encapsulate([codestream])
            dataset["PixelData"].is_undefined_length = True
            dataset["PixelData"].VR = "OB"
        dataset.file_meta = FileMetaDataset()
        dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
        dataset.file_meta.MediaStorageSOPClassUID = UID(facts["SOPClassUID"] or CR)
        dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3.4")
        # The encoding follows from the transfer syntax, where pydicom knows it.
        known = UID(transfer_syntax).is_transfer_syntax
        encoding = {} if known else {"implicit_vr": False, "little_endian": True}
        dcmwrite(buffer, dataset, enforce_file_format=True, **encoding)
    return buffer.getvalue()


def compress(stored: NDArray[Any], transfer_syntax: str, bits_stored: int) -> bytes:
    """Compress one frame in a transfer syntax that the test dependencies can write."""
    samples = stored.shape[2] if stored.ndim == 3 else 1
    container = np.uint8 if bits_stored <= 8 else np.uint16
    values = np.ascontiguousarray(stored, dtype=container)
    if transfer_syntax in (J2K_LOSSLESS, J2K):
        from openjpeg.utils import encode_array

        lossy: dict[str, Any] = (
            {} if transfer_syntax == J2K_LOSSLESS else {"compression_ratios": [4.0]}
        )
        photometric = 1 if samples == 3 else 2
        return bytes(
            encode_array(
                values, bits_stored=bits_stored, photometric_interpretation=photometric, **lossy
            )
        )
    if transfer_syntax in (JPEG_LS, JPEG_LS_NEAR):
        from jpeg_ls import encode_buffer

        error = 0 if transfer_syntax == JPEG_LS else 2
        mode = 2 if samples == 3 else 0
        shape = (*stored.shape[:2], samples)
        return bytes(encode_buffer(values.tobytes(), *shape, bits_stored, error, mode))
    if transfer_syntax == RLE:
        return _compress_rle(values)
    if transfer_syntax in (JPEG_BASELINE, JPEG_EXTENDED):
        return save_image(Image.fromarray(values), "JPEG", quality=95)
    raise ValueError(f"No encoder for {transfer_syntax}")


def _compress_rle(values: NDArray[Any]) -> bytes:
    """Write PackBits segments, high byte first, with runs and literals (PS3.5 Annex G)."""
    samples = values if values.ndim == 3 else values[..., None]
    planes = [
        (samples[..., i] >> shift).astype(np.uint8)
        for i in range(samples.shape[2])
        for shift in range(8 * values.dtype.itemsize - 8, -1, -8)
    ]
    segments = []
    for plane in planes:
        segment = b"".join(_pack_row(row.tobytes()) for row in plane)
        segments.append(segment + b"\x00" * (len(segment) % 2))
    offsets = [64 + sum(map(len, segments[:i])) for i in range(len(segments))]
    header = [len(segments), *offsets, *[0] * (15 - len(segments))]
    return struct.pack("<16L", *header) + b"".join(segments)


def _pack_row(row: bytes) -> bytes:
    packed, at = bytearray(), 0
    while at < len(row):
        run = 1
        while at + run < len(row) and run < 128 and row[at + run] == row[at]:
            run += 1
        if run > 1:
            packed += bytes((257 - run, row[at]))
        else:
            packed += bytes((0, row[at]))
        at += run
    return bytes(packed)


def save_image(image: Image.Image, image_format: str, **options: Any) -> bytes:
    """Save a Pillow image to bytes."""
    buffer = BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def save_array(array: NDArray[Any], image_format: str = "PNG", **options: Any) -> bytes:
    """Save an array that Pillow knows (uint8, uint16, RGB) to bytes."""
    return save_image(Image.fromarray(array), image_format, **options)


def save_phantom(seed: int, *, height_px: int = 160, width_px: int = 128) -> bytes:
    """Draw a phantom as a grey PNG of 8 bits."""
    pixels = draw_phantom(seed, height_px=height_px, width_px=width_px)
    return save_array((pixels * 255).astype(np.uint8))


def make_png_chunk(kind: bytes, body: bytes) -> bytes:
    """Frame a PNG chunk."""
    checksum = zlib.crc32(kind + body)
    return struct.pack(">L", len(body)) + kind + body + struct.pack(">L", checksum)


def make_png(
    rows: int,
    columns: int,
    depth: int,
    color_type: int,
    scanlines: bytes,
    *,
    before_data: tuple[bytes, ...] = (),
) -> bytes:
    """Write a PNG by hand, for what Pillow does not write (16-bit RGB) and for bombs.

    Parameters
    ----------
    scanlines
        The rows, each with its filter byte.
    before_data
        Whole chunks to put before the image data.
    """
    header = struct.pack(">LLBBBBB", columns, rows, depth, color_type, 0, 0, 0)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            make_png_chunk(b"IHDR", header),
            *before_data,
            make_png_chunk(b"IDAT", zlib.compress(scanlines)),
            make_png_chunk(b"IEND", b""),
        )
    )


def make_sequence_item(**elements: Any) -> Any:
    """Give a pydicom item with these elements."""
    from pydicom.dataset import Dataset

    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def make_lut_item(
    entries: list[int], *, first: int = 0, bits: int = 12, signed: bool = False
) -> Any:
    """Give the item of a Modality or VOI LUT Sequence."""
    from pydicom.dataelem import DataElement

    item = make_sequence_item()
    count = len(entries) if len(entries) < 65_536 else 0
    vr = "SS" if signed else "US"
    first_mapped = first if signed or first >= 0 else first + 65_536
    item.add(DataElement(0x00283002, vr, [count, first_mapped, bits]))
    item.add(DataElement(0x00283006, "OW", struct.pack(f"<{len(entries)}H", *entries)))
    return item


@cache
def make_corpus() -> dict[str, bytes]:
    """Give one small film of every kind that hilum reads, by name."""
    grey = draw_stored(8).astype(np.uint8)
    rgb = np.repeat(grey[..., None], 3, axis=2)
    return _make_grey_dicoms() | _make_other_dicoms(grey, rgb) | _make_rasters(grey, rgb)


def _make_grey_dicoms() -> dict[str, bytes]:
    stored = draw_stored(12)
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    lut = [make_lut_item(list(range(4096)))]
    syntaxes = {
        "implicit": IMPLICIT,
        "explicit": EXPLICIT,
        "deflated": DEFLATED,
        "big-endian": BIG_ENDIAN,
        "rle": RLE,
        "jpeg-ls": JPEG_LS,
        "jpeg-ls-near": JPEG_LS_NEAR,
        "j2k-lossless": J2K_LOSSLESS,
        "j2k": J2K,
    }
    return {
        f"dicom-{name}.dcm": make_dicom(stored, transfer_syntax=uid, **window)
        for name, uid in syntaxes.items()
    } | {
        "dicom-voi-lut.dcm": make_dicom(stored, VOILUTSequence=lut, ModalityLUTSequence=lut),
        "dicom-no-preamble.dcm": make_dicom(stored, preamble=False, **window),
    }


def _make_other_dicoms(grey: NDArray[np.uint8], rgb: NDArray[np.uint8]) -> dict[str, bytes]:
    pattern = draw_pattern()
    htj2k = read_codestream("htj2k_lossless.j2c")
    lossless = read_codestream("jpeg_lossless.jpg")
    capture: dict[str, Any] = {"bits_stored": 8, "sop_class": SECONDARY_CAPTURE}
    return {
        "dicom-jpeg.dcm": make_dicom(grey, transfer_syntax=JPEG_BASELINE, bits_stored=8),
        "dicom-jpeg-extended.dcm": make_dicom(grey, transfer_syntax=JPEG_EXTENDED, bits_stored=8),
        "dicom-htj2k.dcm": make_dicom(
            pattern, transfer_syntax=HTJ2K_LOSSLESS, codestream=htj2k, bits_stored=16
        ),
        "dicom-jpeg-lossless.dcm": make_dicom(
            pattern, transfer_syntax=JPEG_LOSSLESS, codestream=lossless
        ),
        "dicom-rgb.dcm": make_dicom(rgb, photometric="RGB", **capture),
        "dicom-rgb-j2k.dcm": make_dicom(
            rgb, photometric="YBR_RCT", transfer_syntax=J2K_LOSSLESS, **capture
        ),
    }


def _make_rasters(grey: NDArray[np.uint8], rgb: NDArray[np.uint8]) -> dict[str, bytes]:
    return {
        "grey.png": save_array(grey),
        "grey16.png": save_array(draw_stored(16)),
        "palette.png": save_image(Image.fromarray(grey).convert("P"), "PNG"),
        "alpha.png": save_image(Image.fromarray(rgb).convert("RGBA"), "PNG"),
        "grey.jpg": save_array(grey, "JPEG"),
        "progressive.jpg": save_array(rgb, "JPEG", progressive=True),
        "cmyk.jpg": save_image(Image.fromarray(rgb).convert("CMYK"), "JPEG"),
        "grey.tif": save_array(grey, "TIFF"),
        "grey16.tif": save_array(draw_stored(16), "TIFF", compression="tiff_lzw"),
        "deflate.tif": save_array(rgb, "TIFF", compression="tiff_deflate"),
        "jpeg.tif": save_array(rgb, "TIFF", compression="jpeg"),
    }
