"""A film as it is stored, with every way to show it: what a viewer windows is what was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.collection import list_files
from factories.films import (
    ENHANCED_XA,
    SECONDARY_CAPTURE,
    draw_stored,
    make_corpus,
    make_dicom,
    make_lut_item,
    make_sequence_item,
    save_array,
    save_image,
)
from factories.radiographs import make_radiograph
from hilum.errors import InputError, MissingExtraError, UnsafeImageError, UnsupportedImageError
from hilum.io import (
    ReadLimits,
    display_from_radiograph,
    read_display,
    read_radiograph,
    suggest_windows,
)
from hilum.spec import WindowRecipe
from hilum.types import DisplayFilm, SuggestedWindow

STORED = draw_stored(12)
HU = WindowRecipe(name="hu_window", center=40, width=800)
VIEW: dict[str, Any] = {"WindowCenter": 1500, "WindowWidth": 2000}


def read(stored: NDArray[Any] = STORED, **options: Any) -> DisplayFilm:
    return read_display(make_dicom(stored, **options))


def show(film: DisplayFilm, number: int = 0) -> NDArray[np.float32]:
    return film.tables[number].grey[film.values]


def check_as_read(data: bytes, **options: Any) -> DisplayFilm:
    film, radiograph = read_display(data, **options), read_radiograph(data, **options)
    assert film.values.dtype == np.uint16
    assert film.values.shape == radiograph.pixels.shape
    assert not film.values.flags.writeable
    assert {len(table.grey) for table in film.tables} == {len(film.modality)}
    assert show(film).dtype == np.float32
    assert np.array_equal(show(film), radiograph.pixels)
    return film


def find_refusal(read_film: Callable[[bytes], object], data: bytes) -> tuple[type, str] | None:
    try:
        read_film(data)
    except (InputError, MissingExtraError) as error:
        return type(error), str(error)
    return None


@pytest.mark.parametrize("name", sorted(make_corpus()))
def test_the_first_table_is_the_recipe_to_the_last_bit(name: str) -> None:
    if name == "dicom-jpeg-lossless.dcm":
        pytest.importorskip("gdcm", reason='needs the extra "jpeg-lossless"')
    film = check_as_read(make_corpus()[name])
    check_as_read(make_corpus()[name], recipe=HU, force_recipe=True)
    assert film.tables[0].kind == "recipe"
    assert film.tables[0].width > 0


@pytest.mark.parametrize("name", sorted(list_files()))
def test_it_is_on_every_file_of_the_collection(name: str) -> None:
    data = list_files()[name].read_bytes()
    refusal = find_refusal(read_radiograph, data)
    assert find_refusal(read_display, data) == refusal
    if refusal is None:
        check_as_read(data)


@pytest.mark.parametrize(
    "options",
    [
        VIEW,
        VIEW | {"VOILUTFunction": "SIGMOID"},
        VIEW | {"VOILUTFunction": "LINEAR_EXACT"},
        VIEW | {"RescaleSlope": -0.5, "RescaleIntercept": 3000},
        VIEW | {"PixelPaddingValue": 4095, "PixelPaddingRangeLimit": 4000},
        VIEW | {"high_bit": 13, "bits_allocated": 16},
        {},
        {"ModalityLUTSequence": [make_lut_item([i * i // 4096 for i in range(4096)])]},
        {"VOILUTSequence": [make_lut_item([4095 - i for i in range(4096)])]},
        {"PixelPaddingValue": 0},
    ],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_it_is_whatever_the_header_says(photometric: str, options: dict[str, Any]) -> None:
    film = check_as_read(make_dicom(STORED, photometric=photometric, **options))
    assert film.invert == (photometric == "MONOCHROME1")


@pytest.mark.parametrize("bits", [8, 10, 12, 15, 16])
def test_signed_values_keep_their_order_without_a_sign(bits: int) -> None:
    half = 1 << (bits - 1)
    signed = draw_stored(bits).astype(np.int32) - half
    patterns = (signed & ((1 << bits) - 1)).astype(np.uint16)
    data = make_dicom(
        patterns, bits_stored=bits, bits_allocated=16, signed=True, PixelPaddingValue=-half
    )
    film = check_as_read(data)
    assert np.array_equal(film.values, draw_stored(bits))
    assert np.array_equal(film.modality[film.values], signed)
    assert film.padding == (0, 0)


def test_bits_around_a_value_do_not_count() -> None:
    packed = (STORED << np.uint16(4)) | np.uint16(0b1011)
    film = check_as_read(make_dicom(packed, high_bit=15, bits_allocated=16, **VIEW))
    assert np.array_equal(film.values, STORED)
    assert len(film.modality) == 4096


def test_8_bit_dicom() -> None:
    grey = draw_stored(8).astype(np.uint8)
    film = check_as_read(make_dicom(grey, bits_stored=8, sop_class=SECONDARY_CAPTURE))
    assert len(film.modality) == 256
    assert np.array_equal(film.values, grey)


def test_modality_values_have_the_unit_of_the_file() -> None:
    film = read(RescaleSlope=2, RescaleIntercept=-1000, RescaleType="HU", **VIEW)
    assert film.unit == "HU"
    assert np.array_equal(film.modality[film.values], STORED * 2.0 - 1000)
    assert read(RescaleType="Nobody Nora", **VIEW).unit is None
    assert read(**VIEW).unit is None


def test_further_views_of_the_file_can_be_chosen() -> None:
    film = read(
        VOILUTSequence=[
            make_lut_item(list(range(4096))),
            make_lut_item([int(4095 * (i / 4095) ** 0.5) for i in range(4096)]),
        ],
        WindowCenter=[1000, 3000, 5],
        WindowWidth=[500, 100, 0],
        WindowCenterWidthExplanation=["NORMAL", "HARDER", "BROKEN"],
    )
    assert [table.kind for table in film.tables] == ["recipe", "lut", "window", "window"]
    assert [table.name for table in film.tables] == [None, None, "NORMAL", "HARDER"]
    assert [(table.center, table.width) for table in film.tables[2:]] == [(1000, 500), (3000, 100)]
    assert np.allclose(show(film, 1), (STORED / 4095) ** 0.5, atol=1e-3)
    alone = read_radiograph(make_dicom(STORED, WindowCenter=3000, WindowWidth=100))
    assert np.array_equal(show(film, 3), alone.pixels)


def test_the_first_window_is_the_recipe_and_gives_it_its_figures() -> None:
    film = read(**VIEW, WindowCenterWidthExplanation="CHEST")
    assert len(film.tables) == 1
    first = film.tables[0]
    assert (first.kind, first.name, first.center, first.width) == ("recipe", "CHEST", 1500, 2000)


def test_a_lut_is_given_the_range_in_which_it_is_grey() -> None:
    entries = [0] * 1000 + list(range(1, 4095, 2)) + [4095] * 1000
    film = read(VOILUTSequence=[make_lut_item(entries)])
    first = film.tables[0]
    assert first.center - first.width / 2 == 1000
    assert first.center + first.width / 2 == 1000 + len(range(1, 4095, 2)) - 1


def test_padding_is_told_and_black_in_every_view() -> None:
    stored = STORED.copy()
    stored[:5] = 4090
    film = read(
        stored,
        photometric="MONOCHROME1",
        PixelPaddingValue=4095,
        PixelPaddingRangeLimit=4090,
        WindowCenter=[1000, 3000],
        WindowWidth=[500, 100],
    )
    assert film.padding == (4090, 4095)
    assert not show(film, 0)[:5].any()
    assert not show(film, 1)[:5].any()
    windows = {window.name: window for window in suggest_windows(film)}
    full = windows["full_range"]
    assert full.center + full.width / 2 <= 4089


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_raster_is_turned_as_the_film_is(orientation: int) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = orientation
    grey = draw_stored(8).astype(np.uint8)
    check_as_read(save_image(Image.fromarray(grey), "JPEG", exif=exif, quality=95))
    film = check_as_read(save_array(grey, "TIFF", tiffinfo={274: orientation}))
    assert sorted(film.values.ravel().tolist()) == sorted(grey.ravel().tolist())


def test_a_tiff_whose_white_is_zero_is_inverted() -> None:
    film = check_as_read(save_array(draw_stored(16), "TIFF", tiffinfo={262: 0}))
    assert film.invert
    assert np.array_equal(film.values, draw_stored(16))


def test_windows_are_quantiles_of_the_density() -> None:
    stored = np.tile(np.arange(1000, 2001, dtype=np.uint16), (40, 1))
    windows = suggest_windows(read(stored, **VIEW))
    ends = {one.name: (one.center - one.width / 2, one.center + one.width / 2) for one in windows}
    assert ends["full_range"] == (1000, 2000)
    assert ends["percentiles"] == pytest.approx((1005, 1995), abs=1)
    assert ends["dark_areas"] == pytest.approx((1020, 1750), abs=1)
    inverted = suggest_windows(read(stored, photometric="MONOCHROME1", **VIEW))
    dark = next(one for one in inverted if one.name == "dark_areas")
    assert (dark.center - dark.width / 2, dark.center + dark.width / 2) == pytest.approx(
        (1250, 1980), abs=1
    )


def test_a_film_of_one_value_has_no_window() -> None:
    assert suggest_windows(read(np.full((9, 9), 7, dtype=np.uint16), **VIEW)) == ()
    padding = read(np.zeros((9, 9), dtype=np.uint16), PixelPaddingValue=0, **VIEW)
    assert suggest_windows(padding) == ()


def test_a_film_without_its_file_is_shown_as_read() -> None:
    radiograph = make_radiograph(np.linspace(0, 1, 2000).reshape(40, 50))
    film = display_from_radiograph(radiograph)
    assert np.abs(show(film) - radiograph.pixels).max() <= 0.5001 / 65_535
    (first,) = film.tables
    window = SuggestedWindow("full_range", 65_535 / 2, 65_535.0)
    assert suggest_windows(film)[0] == window
    assert first.kind == "recipe"


def test_bounds_and_refusals_are_those_of_reading() -> None:
    data = make_dicom(STORED, **VIEW)
    with pytest.raises(UnsafeImageError, match="ReadLimits"):
        read_display(data, limits=ReadLimits(pixels=100))
    with pytest.raises(UnsupportedImageError, match="Hounsfield"):
        read_display(data, recipe=HU)


def test_thousands_of_windows_are_not_all_kept() -> None:
    from pydicom.dataelem import DataElement

    item = make_sequence_item()
    item.add(DataElement(0x00281050, "FD", [float(i) for i in range(8_000)]))
    item.add(DataElement(0x00281051, "FD", [100.0] * 8_000))
    group = make_sequence_item(FrameVOILUTSequence=[item])
    film = read(sop_class=ENHANCED_XA, PerFrameFunctionalGroupsSequence=[group])
    assert 2 <= len(film.tables) <= 17
