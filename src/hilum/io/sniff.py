"""What kind of file the bytes are: their content decides, never their name."""

from __future__ import annotations

from typing import Literal

from hilum.errors import UnreadableImageError, UnsupportedImageError
from hilum.language import Text

FilmFormat = Literal["DICOM", "PNG", "JPEG", "TIFF"]

_SIGNATURES: tuple[tuple[bytes, FilmFormat], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),  # BigTIFF
    (b"MM\x00+", "TIFF"),
)

# Kinds of file that people do hand over, so that the refusal can say what it was given.
_OTHERS: tuple[tuple[int, bytes, Text], ...] = (
    (0, b"%PDF", Text("a PDF document")),
    (0, b"PK\x03\x04", Text("a ZIP archive")),
    (0, b"\x1f\x8b", Text("a gzip archive")),
    (0, b"7z\xbc\xaf\x27\x1c", Text("a 7z archive")),
    (0, b"Rar!", Text("a RAR archive")),
    (257, b"ustar", Text("a tar archive")),
    (0, b"GIF8", Text("a GIF picture")),
    (0, b"BM", Text("a BMP picture")),
    (8, b"WEBP", Text("a WebP picture")),
    (4, b"ftypavif", Text("an AVIF picture")),
    (4, b"ftyphei", Text("a HEIF picture")),
    (4, b"ftypmif1", Text("a HEIF picture")),
    (4, b"ftyp", Text("a video")),
    (0, b"\x00\x00\x00\x0cjP  ", Text("a JPEG 2000 picture outside DICOM")),
    (0, b"\xff\x4f\xff\x51", Text("a JPEG 2000 picture outside DICOM")),
    (0, b"\x0d\x0a\x87\x0a", Text("a JPEG 2000 picture outside DICOM")),
    (344, b"n+1\x00", Text("a NIfTI volume")),
    (0, b"NRRD", Text("an NRRD volume")),
    (0, b"\x93NUMPY", Text("a NumPy file")),
    (0, b"<svg", Text("an SVG drawing")),
    (0, b"<!DOCTYPE", Text("a web page")),
    (0, b"<html", Text("a web page")),
)

# Groups that the first element of a dataset without preamble can have.
_FIRST_GROUPS = (b"\x02\x00", b"\x08\x00", b"\x00\x08")


def sniff_format(data: bytes | memoryview) -> FilmFormat:
    """Tell the format of a film from its first bytes.

    Raises
    ------
    UnreadableImageError
        The bytes are empty or of no known kind.
    UnsupportedImageError
        They are of a kind that hilum knows and does not read.
    """
    head = bytes(data[:512])
    if not head:
        raise UnreadableImageError(Text("The file is empty."))
    if head[128:132] == b"DICM":
        return "DICOM"
    for signature, film_format in _SIGNATURES:
        if head.startswith(signature):
            return film_format
    for offset, signature, kind in _OTHERS:
        if head[offset : offset + len(signature)] == signature:
            raise UnsupportedImageError(
                Text(
                    "The file is {kind}. hilum reads DICOM, PNG, JPEG and TIFF.",
                    kind=kind,
                )
            )
    if head[:2] in _FIRST_GROUPS and len(head) >= 16:
        return "DICOM"
    raise UnreadableImageError(Text("The file is not a DICOM, PNG, JPEG or TIFF image."))
