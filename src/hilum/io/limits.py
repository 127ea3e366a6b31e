"""Bounds on what a file may ask for, checked before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass, fields

from hilum.errors import ConfigError, UnsafeImageError
from hilum.language import Text


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one film may cost. A file that asks for more is an ``UnsafeImageError``.

    The defaults let the largest detectors through (a 43 cm square at 0.1 mm has 18.5
    million pixels) and keep one reading, with its copies, under 1 GB of memory.

    Attributes
    ----------
    file_bytes
        Size of the file as given.
    pixels
        Rows times columns.
    side_px
        Rows, and columns.
    frames
        Frames of a DICOM object or pages of a TIFF. hilum reads films of one frame; below
        this bound a file of several is unsupported, above it it is unsafe.
    inflated_bytes
        Size of a deflated DICOM dataset after it is inflated.
    metadata_bytes
        Inflated size of one compressed text or colour profile in a PNG.
    elements
        DICOM elements, PNG chunks or JPEG segments, each counted on its own.
    depth
        Nesting of DICOM sequences.
    scans
        Scans of a progressive JPEG: each one costs a pass over the whole image.
    """

    file_bytes: int = 128 * 2**20
    pixels: int = 40_000_000
    side_px: int = 16_384
    frames: int = 1_000
    inflated_bytes: int = 128 * 2**20
    metadata_bytes: int = 2**20
    elements: int = 50_000
    depth: int = 16
    scans: int = 64

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ConfigError(f"The limit {field.name} is a whole number of 1 or more.")

    def check_file_bytes(self, size: int) -> None:
        """Refuse a file of more than ``file_bytes``."""
        if size > self.file_bytes:
            raise UnsafeImageError(
                Text(
                    "The file has more than {file_bytes} bytes, the bound on a film "
                    "(ReadLimits.file_bytes).",
                    file_bytes=self.file_bytes,
                )
            )

    def check_size(self, rows: int, columns: int) -> None:
        """Refuse a film of more pixels, rows or columns than allowed."""
        if rows > self.side_px or columns > self.side_px or rows * columns > self.pixels:
            raise UnsafeImageError(
                Text(
                    "The file claims {columns}x{rows} px; a film has at most {pixels} px "
                    "and {side_px} px a side (ReadLimits.pixels, ReadLimits.side_px).",
                    columns=columns,
                    rows=rows,
                    pixels=self.pixels,
                    side_px=self.side_px,
                )
            )

    def check_frames(self, frames: int) -> None:
        """Refuse more frames or pages than any film could have."""
        if frames > self.frames:
            raise UnsafeImageError(
                Text(
                    "The file claims {frames} frames; the bound is {most} (ReadLimits.frames).",
                    frames=frames,
                    most=self.frames,
                )
            )

    def check_elements(self, count: int) -> None:
        """Refuse a file of more elements, chunks or segments than any film could have."""
        if count > self.elements:
            raise UnsafeImageError(
                Text(
                    "The file has more than {elements} elements (ReadLimits.elements).",
                    elements=self.elements,
                )
            )

    def check_depth(self, depth: int) -> None:
        """Refuse sequences nested more deeply than any film could have."""
        if depth > self.depth:
            raise UnsafeImageError(
                Text(
                    "The file nests sequences more than {depth} deep (ReadLimits.depth).",
                    depth=self.depth,
                )
            )

    def check_scans(self, scans: int) -> None:
        """Refuse a JPEG of more scans than any encoder writes."""
        if scans > self.scans:
            raise UnsafeImageError(
                Text(
                    "The JPEG has {scans} scans; the bound is {most} (ReadLimits.scans).",
                    scans=scans,
                    most=self.scans,
                )
            )


DEFAULT_LIMITS = ReadLimits()
