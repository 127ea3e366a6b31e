"""PNG, JPEG and TIFF in every mode that occurs."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from factories.films import draw_stored, make_png, make_png_chunk, save_array, save_image
from hilum.errors import UnreadableImageError, UnsupportedImageError
from hilum.io import read_radiograph

GREY = draw_stored(8).astype(np.uint8)
GREY16 = draw_stored(16)
RGB = np.repeat(GREY[..., None], 3, axis=2)
UNIT = GREY.astype(np.float32) / np.float32(255)


def codes(film: Any) -> list[str]:
    return [warning.code for warning in film.warnings]


@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_8_bit_grey_is_divided_by_255(image_format: str) -> None:
    film = read_radiograph(save_array(GREY, image_format))
    assert film.format == image_format
    assert np.array_equal(film.pixels, UNIT)
    assert codes(film) == []
    assert (film.header.rows, film.header.columns, film.header.bits_stored) == (48, 40, 8)


def test_jpeg_of_grey_is_what_pillow_decodes() -> None:
    data = save_array(GREY, "JPEG", quality=90)
    with Image.open(BytesIO(data)) as image:
        expected = np.asarray(image).astype(np.float32) / np.float32(255)
    film = read_radiograph(data)
    assert film.format == "JPEG"
    assert np.array_equal(film.pixels, expected)


@pytest.mark.parametrize("options", [{"progressive": True}, {"optimize": True}, {"quality": 100}])
def test_jpeg_of_every_kind_is_close(options: dict[str, Any]) -> None:
    film = read_radiograph(save_array(GREY, "JPEG", **({"quality": 95} | options)))
    assert np.abs(film.pixels - UNIT).max() < 0.06


@pytest.mark.parametrize(
    ("image_format", "options"),
    [
        ("PNG", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_deflate"}),
        ("TIFF", {"big_tiff": True}),
    ],
)
def test_16_bit_grey_is_divided_by_65535(image_format: str, options: dict[str, Any]) -> None:
    film = read_radiograph(save_array(GREY16, image_format, **options))
    assert np.array_equal(film.pixels, GREY16.astype(np.float32) / np.float32(65535))
    assert codes(film) == []
    assert film.header.bits_stored == 16


@pytest.mark.parametrize(("bits", "white"), [(8, 255), (10, 1023), (12, 4095), (14, 16383)])
@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_fewer_bits_in_a_16_bit_container_are_scaled_and_said(
    bits: int, white: int, image_format: str
) -> None:
    stored = draw_stored(bits)
    film = read_radiograph(save_array(stored, image_format))
    assert np.array_equal(film.pixels, stored.astype(np.float32) / np.float32(white))
    assert codes(film) == ["depth_assumed"]


def test_png_that_says_its_significant_bits_is_taken_at_its_word() -> None:
    stretched = (draw_stored(12) // 8).astype(np.uint16)  # dark on purpose: 9 bits used
    scanlines = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in stretched)
    data = make_png(48, 40, 16, 0, scanlines, before_data=(make_png_chunk(b"sBIT", b"\x0c"),))
    film = read_radiograph(data)
    assert np.array_equal(film.pixels, stretched.astype(np.float32) / np.float32(65535))
    assert codes(film) == []
    assert film.header.bits_stored == 12


@pytest.mark.parametrize(
    ("mode", "image_format"),
    [
        ("P", "PNG"),
        ("LA", "PNG"),
        ("RGB", "PNG"),
        ("RGBA", "PNG"),
        ("RGB", "TIFF"),
        ("RGBA", "TIFF"),
        ("P", "TIFF"),
    ],
)
def test_colour_modes_of_a_grey_film_give_the_grey_film(mode: str, image_format: str) -> None:
    image = Image.fromarray(GREY).convert(mode)
    film = read_radiograph(save_image(image, image_format))
    assert np.array_equal(film.pixels, UNIT)
    assert codes(film) == []


def test_cmyk_and_rgb_jpeg_of_a_grey_film_are_close() -> None:
    cmyk = read_radiograph(save_image(Image.fromarray(RGB).convert("CMYK"), "JPEG", quality=98))
    rgb = read_radiograph(save_array(RGB, "JPEG", quality=98))
    assert np.abs(cmyk.pixels - UNIT).max() < 0.05
    assert np.abs(rgb.pixels - UNIT).max() < 0.05
    assert codes(rgb) == []


@pytest.mark.parametrize("compression", [None, "group4"])
def test_one_bit_is_read_and_said(compression: str | None) -> None:
    bits = GREY > 128
    image_format = "PNG" if compression is None else "TIFF"
    options = {} if compression is None else {"compression": compression}
    film = read_radiograph(save_image(Image.fromarray(bits), image_format, **options))
    assert np.array_equal(film.pixels, bits.astype(np.float32))
    assert codes(film) == ["low_depth"]


def test_four_bit_png_is_scaled_and_said() -> None:
    nibbles = (GREY >> 4).astype(np.uint8)
    scanlines = b"".join(b"\x00" + bytes((row[0::2] << 4 | row[1::2]).tolist()) for row in nibbles)
    film = read_radiograph(make_png(48, 40, 4, 0, scanlines))
    assert np.allclose(film.pixels, nibbles / 15.0, atol=1e-6)
    assert codes(film) == ["low_depth"]


def test_16_bit_rgb_is_read_to_8_bits_and_said() -> None:
    values = np.repeat(GREY16[..., None], 3, axis=2)
    scanlines = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in values)
    film = read_radiograph(make_png(48, 40, 16, 2, scanlines))
    assert np.abs(film.pixels - GREY16 / 65535.0).max() <= 1 / 255
    assert codes(film) == ["depth_reduced"]


def test_a_coloured_annotation_is_read_and_said() -> None:
    annotated = RGB.copy()
    annotated[2:8, 2:12] = (255, 0, 0)
    film = read_radiograph(save_array(annotated))
    assert codes(film) == ["color_converted"]
    assert np.array_equal(film.pixels[10:], UNIT[10:])


def test_a_colour_picture_is_refused() -> None:
    photo = RGB.copy()
    photo[..., 0] = np.minimum(photo[..., 0].astype(int) + 90, 255)
    photo[..., 2] //= 2
    with pytest.raises(UnsupportedImageError, match="in colour"):
        read_radiograph(save_array(photo))


def test_transparency_is_laid_on_black_and_said() -> None:
    image = Image.fromarray(RGB).convert("RGBA")
    alpha = np.full(GREY.shape, 255, dtype=np.uint8)
    alpha[:10] = 0
    image.putalpha(Image.fromarray(alpha))
    film = read_radiograph(save_image(image, "PNG"))
    assert codes(film) == ["transparency_flattened"]
    assert not film.pixels[:10].any()
    assert np.array_equal(film.pixels[10:], UNIT[10:])


def _turn_with_pillow(pixels: NDArray[np.float32], orientation: int) -> NDArray[np.float32]:
    methods = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    image = Image.fromarray(pixels)
    turned = image.transpose(methods[orientation]) if orientation in methods else image
    return np.asarray(turned)


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(image_format: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    upright = read_radiograph(save_array(GREY, image_format)).pixels
    film = read_radiograph(save_array(GREY, image_format, exif=exif))
    assert np.array_equal(film.pixels, _turn_with_pillow(upright, orientation))
    assert (film.header.rows, film.header.columns) == (48, 40)
    assert film.pixels.flags.c_contiguous


@pytest.mark.parametrize(
    "exif", [b"", b"II*\x00", b"MM\x00*\x00\x00\x00\x08\xff\xff", b"\x00" * 40]
)
def test_damaged_exif_leaves_the_film_as_stored(exif: bytes) -> None:
    data = save_array(GREY, "JPEG")
    segment = b"Exif\x00\x00" + exif
    marked = data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:]
    assert np.array_equal(read_radiograph(marked).pixels, read_radiograph(data).pixels)


def test_profiles_texts_and_thumbnails_do_not_reach_the_film() -> None:
    comment = b"\xff\xfe\x00\x0bSECRET-17"
    data = save_array(GREY, "JPEG", icc_profile=b"no profile at all")
    film = read_radiograph(data[:2] + comment + data[2:])
    assert np.array_equal(film.pixels, read_radiograph(save_array(GREY, "JPEG")).pixels)


@pytest.mark.parametrize("kind", ["I;16", "L"])
def test_tiff_white_is_zero_is_inverted(kind: str) -> None:
    stored = GREY if kind == "L" else GREY16
    data = bytearray(save_array(stored, "TIFF"))
    at = data.index(struct.pack("<HHL", 262, 3, 1)) + 8
    data[at : at + 2] = struct.pack("<H", 0)
    film = read_radiograph(bytes(data))
    white = 255 if kind == "L" else 65535
    assert np.allclose(film.pixels, 1 - stored / white, atol=1e-6)


def test_tiff_of_floats_in_unit_range_is_read() -> None:
    film = read_radiograph(save_array(UNIT, "TIFF"))
    assert np.abs(film.pixels - UNIT).max() <= 0.5 / 65535


@pytest.mark.parametrize(
    "array",
    [UNIT * 2, UNIT - 0.5, np.where(UNIT > 0.5, np.nan, UNIT), GREY.astype(np.int32) * 1000],
    ids=["above 1", "below 0", "NaN", "32-bit integers"],
)
def test_tiff_whose_numbers_say_nothing_of_grey_is_refused(array: NDArray[Any]) -> None:
    with pytest.raises(UnsupportedImageError, match="radiograph_from_array"):
        read_radiograph(save_image(Image.fromarray(array), "TIFF"))


def test_tiff_of_several_pages_is_refused() -> None:
    image = Image.fromarray(GREY)
    with pytest.raises(UnsupportedImageError, match="2 pages"):
        read_radiograph(save_image(image, "TIFF", save_all=True, append_images=[image]))


def test_tiff_with_a_thumbnail_page_is_read() -> None:
    image = Image.fromarray(GREY)
    thumbnail = Image.fromarray(GREY[::4, ::4].copy())
    thumbnail.encoderinfo = {"tiffinfo": {254: 1}}
    data = save_image(image, "TIFF", save_all=True, append_images=[thumbnail])
    assert np.array_equal(read_radiograph(data).pixels, UNIT)


def test_animated_png_is_refused() -> None:
    image = Image.fromarray(GREY)
    other = Image.fromarray(255 - GREY)
    with pytest.raises(UnsupportedImageError, match="animated"):
        read_radiograph(save_image(image, "PNG", save_all=True, append_images=[other]))


@pytest.mark.parametrize("image_format", ["PNG", "JPEG", "TIFF"])
def test_a_truncated_file_is_unreadable(image_format: str) -> None:
    data = save_array(GREY, image_format)
    for end in (12, 20, 30, len(data) // 2, len(data) - 40):
        with pytest.raises(UnreadableImageError):
            read_radiograph(data[:end])


def test_a_12_bit_jpeg_outside_dicom_is_refused() -> None:
    data = bytearray(save_array(GREY, "JPEG"))
    data[data.index(b"\xff\xc0") + 4] = 12
    with pytest.raises(UnsupportedImageError, match="12 bits"):
        read_radiograph(bytes(data))


def test_a_blank_film_is_said_to_be_blank() -> None:
    film = read_radiograph(save_array(np.full((30, 30), 77, dtype=np.uint8)))
    assert codes(film) == ["blank"]
