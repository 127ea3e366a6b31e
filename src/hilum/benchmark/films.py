"""Films for the benchmark: the user's own, or phantoms at native sizes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hilum.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# (height, width) in px: films at an eighth, three, five and seven eighths of the 48 films of the
# training data that were kept as published, in the order of their number of pixels.
PHANTOM_SIZES_PX = ((736, 952), (984, 1232), (1214, 1650), (1905, 1948))
# What a detector of 2,500 x 2,000 px sends.
DICOM_SIZE_PX = (2500, 2000)
_JPEG_QUALITY = 90
_MAX_FILMS = 50


def collect_films(paths: Iterable[Path]) -> list[Path]:
    """List the films in files and folders, the first 50 of them.

    Raises
    ------
    ConfigError
        There are none.
    """
    films: list[Path] = []
    for path in paths:
        if path.is_dir():
            films += sorted(
                one for one in path.rglob("*") if one.is_file() and not one.name.startswith(".")
            )
        elif path.is_file():
            films.append(path)
        else:
            raise ConfigError(f"There is no film {path}.")
    if not films:
        raise ConfigError("There are no films in what --films names.")
    # Spread over what was given: the first fifty of a sorted list are of one kind.
    step = max(1, -(-len(films) // _MAX_FILMS))
    return films[::step]


def describe_sizes(films: Iterable[Path]) -> str:
    """Say how large the films are, from their headers.

    Raises
    ------
    ConfigError
        One is not a picture that Pillow reads, so the other side could not read it either.
    """
    from PIL import Image

    sizes = []
    for film in films:
        try:
            with Image.open(film) as image:
                sizes.append(image.size)
        except OSError as error:
            raise ConfigError(
                f"{film.name} is not a PNG, JPEG or TIFF file. Both sides of the benchmark must "
                "be able to read the films."
            ) from error
    widths, heights = zip(*sizes, strict=True)
    return f"{min(widths)} to {max(widths)} x {min(heights)} to {max(heights)} px"


def draw_films(folder: Path) -> list[Path]:
    """Draw phantoms at the sizes that films come in and write them as JPEG into ``folder``."""
    import numpy as np
    from PIL import Image

    from hilum.data.phantom import draw_phantom

    films = []
    for seed, (height_px, width_px) in enumerate(PHANTOM_SIZES_PX):
        pixels = draw_phantom(seed, height_px=height_px, width_px=width_px)
        film = folder / f"phantom-{width_px}x{height_px}.jpeg"
        Image.fromarray(np.uint8(np.round(pixels * 255))).save(film, quality=_JPEG_QUALITY)
        films.append(film)
    return films


def draw_dicom(path: Path) -> Path:
    """Draw a phantom of ``DICOM_SIZE_PX`` and write it as an uncompressed DICOM of 12 bits."""
    import numpy as np

    from hilum.data.phantom import draw_phantom

    rows, columns = DICOM_SIZE_PX
    pixels = draw_phantom(0, height_px=rows, width_px=columns)
    syntax = _encode_element(0x0002, 0x0010, b"UI", b"1.2.840.10008.1.2.1\0")
    dataset = (
        _encode_element(0x0008, 0x0016, b"UI", b"1.2.840.10008.5.1.4.1.1.1.1\0"),
        _encode_element(0x0018, 0x5101, b"CS", b"PA"),
        _encode_element(0x0028, 0x0002, b"US", struct.pack("<H", 1)),  # samples a pixel
        _encode_element(0x0028, 0x0004, b"CS", b"MONOCHROME2 "),
        _encode_element(0x0028, 0x0010, b"US", struct.pack("<H", rows)),
        _encode_element(0x0028, 0x0011, b"US", struct.pack("<H", columns)),
        _encode_element(0x0028, 0x0100, b"US", struct.pack("<H", 16)),  # bits allocated
        _encode_element(0x0028, 0x0101, b"US", struct.pack("<H", 12)),  # bits stored
        _encode_element(0x0028, 0x0102, b"US", struct.pack("<H", 11)),  # high bit
        _encode_element(0x0028, 0x0103, b"US", struct.pack("<H", 0)),  # unsigned
        _encode_element(0x0028, 0x1050, b"DS", b"2048"),  # window
        _encode_element(0x0028, 0x1051, b"DS", b"4096"),
        _encode_element(0x7FE0, 0x0010, b"OW", np.round(pixels * 4095).astype("<u2").tobytes()),
    )
    size = _encode_element(0x0002, 0x0000, b"UL", struct.pack("<L", len(syntax)))
    path.write_bytes(b"\0" * 128 + b"DICM" + size + syntax + b"".join(dataset))
    return path


def _encode_element(group: int, element: int, vr: bytes, value: bytes) -> bytes:
    """Encode one data element, explicit VR little endian (PS3.5, 7.1.2)."""
    long = vr == b"OW"
    length = struct.pack("<HL", 0, len(value)) if long else struct.pack("<H", len(value))
    return struct.pack("<HH", group, element) + vr + length + value
