"""From stored values to grey: modality, padding, VOI, inversion, in this order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.films import (
    EXPLICIT,
    IMPLICIT,
    SECONDARY_CAPTURE,
    draw_stored,
    make_dicom,
    make_lut_item,
    make_sequence_item,
)
from hilum.errors import UnreadableImageError, UnsupportedImageError
from hilum.io import radiograph_from_array, read_radiograph
from hilum.spec import WindowRecipe
from hilum.types import Radiograph

STORED = draw_stored(12)
HU = WindowRecipe(name="hu_window", center=40, width=800)


def read(stored: NDArray[Any] = STORED, **options: Any) -> Radiograph:
    return read_radiograph(make_dicom(stored, **options))


def codes(film: Radiograph) -> list[str]:
    return [warning.code for warning in film.warnings]


def clip(values: NDArray[Any]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = np.clip(values, 0, 1).astype(np.float32)
    return unit


@pytest.mark.parametrize(("center", "width"), [(2048, 4096), (1000, 500), (0.5, 1.5), (2000, 2)])
def test_linear_window(center: float, width: float) -> None:
    film = read(WindowCenter=center, WindowWidth=width)
    expected = clip((STORED - (center - 0.5)) / (width - 1) + 0.5)
    assert np.allclose(film.pixels, expected, atol=1e-7)
    assert codes(film) == []
    assert film.recipe_steps == (f"window LINEAR {center:g}/{width:g}",)


def test_linear_window_of_width_1_is_a_threshold() -> None:
    film = read(WindowCenter=2000, WindowWidth=1)
    assert np.array_equal(film.pixels, (STORED > 1999.5).astype(np.float32))
    negative = read(WindowCenter=2000, WindowWidth=1, photometric="MONOCHROME1")
    assert np.array_equal(negative.pixels, 1 - film.pixels)


def test_linear_exact_window() -> None:
    film = read(WindowCenter=1000, WindowWidth=500, VOILUTFunction="LINEAR_EXACT")
    assert np.allclose(film.pixels, clip((STORED - 1000.0) / 500 + 0.5), atol=1e-7)


def test_sigmoid_window() -> None:
    film = read(WindowCenter=1000, WindowWidth=500, VOILUTFunction="SIGMOID")
    assert np.allclose(film.pixels, 1 / (1 + np.exp(-4 * (STORED - 1000.0) / 500)), atol=1e-6)


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_agree_with_pydicom(function: str) -> None:
    from pydicom import dcmread
    from pydicom.filebase import DicomBytesIO
    from pydicom.pixels.processing import apply_modality_lut, apply_voi_lut

    data = make_dicom(
        STORED,
        WindowCenter=900,
        WindowWidth=1400,
        VOILUTFunction=function,
        RescaleSlope=0.5,
        RescaleIntercept=-20,
    )
    dataset = dcmread(DicomBytesIO(data))
    values = apply_voi_lut(apply_modality_lut(STORED, dataset), dataset)
    low, high = -20.0, 0.5 * 4095 - 20  # pydicom scales to the range of the modality values
    expected = (values - low) / (high - low)
    assert np.allclose(read_radiograph(data).pixels, expected, atol=1e-6)


def test_the_first_of_several_windows_is_used_and_said() -> None:
    film = read(WindowCenter=[1000, 30], WindowWidth=[500, 3])
    assert np.array_equal(film.pixels, read(WindowCenter=1000, WindowWidth=500).pixels)
    assert film.recipe_steps == ("window LINEAR 1000/500, first of 2",)


@pytest.mark.parametrize(
    "window",
    [
        {"WindowCenter": 100, "WindowWidth": 0},
        {"WindowCenter": 100, "WindowWidth": -5},
        {"WindowCenter": 100, "WindowWidth": 0.5},
        {"WindowCenter": 100},
        {"WindowCenter": 100, "WindowWidth": 50, "VOILUTFunction": "LOG"},
    ],
)
def test_a_window_that_cannot_be_used_is_ignored_and_said(window: dict[str, Any]) -> None:
    film = read(**window)
    assert codes(film) == ["window_ignored", "no_window"]
    assert np.array_equal(film.pixels, read().pixels)


def test_without_a_window_the_film_sets_its_own_range() -> None:
    stored = np.full((100, 100), 1000, dtype=np.uint16)
    stored[:50] = np.linspace(500, 2500, 5000).reshape(50, 100)
    stored[0, :10] = 4095  # a lead marker does not set the range
    film = read(stored)
    assert codes(film) == ["no_window"]
    low, high = np.percentile(stored, [0.5, 99.5])
    assert np.allclose(film.pixels, clip((stored - low) / (high - low)), atol=0.01)


def test_without_a_window_padding_does_not_set_the_range() -> None:
    padded = np.concatenate([STORED // 4 + 2000, np.zeros_like(STORED)]).astype(np.uint16)
    film = read(padded, PixelPaddingValue=0)
    alone = read(STORED // 4 + 2000)
    assert np.allclose(film.pixels[:48], alone.pixels, atol=1e-6)
    assert not film.pixels[48:].any()


def test_8_bits_without_a_window_are_the_grey_themselves() -> None:
    grey = (draw_stored(8) // 2 + 20).astype(np.uint8)
    film = read(grey, bits_stored=8, sop_class=SECONDARY_CAPTURE)
    assert np.array_equal(film.pixels, radiograph_from_array(grey).pixels)
    assert codes(film) == []


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_padding_is_black_on_either_photometric_interpretation(photometric: str) -> None:
    stored = STORED.copy()
    stored[:5] = 4095
    film = read(
        stored,
        photometric=photometric,
        PixelPaddingValue=4095,
        WindowCenter=2048,
        WindowWidth=4096,
    )
    assert not film.pixels[:5].any()
    assert film.recipe_steps[0] == "mask padding 4095"


@pytest.mark.parametrize(("value", "limit"), [(4000, 4095), (4095, 4000)])
def test_a_padding_range_is_masked_with_both_ends(value: int, limit: int) -> None:
    stored = STORED.copy()
    stored[0, :3] = (4000, 4050, 4095)
    stored[0, 3] = 3999
    film = read(
        stored,
        PixelPaddingValue=value,
        PixelPaddingRangeLimit=limit,
        WindowCenter=2048,
        WindowWidth=4096,
    )
    assert not film.pixels[0, :3].any()
    assert film.pixels[0, 3] > 0.9


def test_padding_of_signed_films_is_signed() -> None:
    stored = STORED.astype(np.int16) - 2048
    stored[0] = -2000
    film = read(
        stored.view(np.uint16) & 0x0FFF,
        signed=True,
        PixelPaddingValue=-2000,
        WindowCenter=0,
        WindowWidth=100,
        VOILUTFunction="LINEAR_EXACT",
        photometric="MONOCHROME1",
    )
    assert not film.pixels[0].any()
    assert film.pixels[1:].any()


def test_rescale_comes_before_the_window() -> None:
    film = read(RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=1000, WindowWidth=4000)
    expected = clip((STORED * 2.0 - 1000 - 999.5) / 3999 + 0.5)
    assert np.allclose(film.pixels, expected, atol=1e-7)
    assert film.recipe_steps[0] == "rescale 2x-1000"


def test_a_negative_slope_turns_the_film_before_the_window() -> None:
    film = read(RescaleSlope=-1, RescaleIntercept=4095, WindowCenter=2048, WindowWidth=4096)
    plain = read(4095 - STORED, WindowCenter=2048, WindowWidth=4096)
    assert np.array_equal(film.pixels, plain.pixels)


@pytest.mark.parametrize(
    "rescale",
    [
        {"RescaleSlope": 0, "RescaleIntercept": 5},
        {"RescaleSlope": 2},
        {"RescaleIntercept": 100},
    ],
)
def test_a_rescale_that_cannot_be_used_is_ignored_and_said(rescale: dict[str, Any]) -> None:
    film = read(WindowCenter=2048, WindowWidth=4096, **rescale)
    assert codes(film) == ["rescale_ignored"]
    assert np.array_equal(film.pixels, read(WindowCenter=2048, WindowWidth=4096).pixels)


def test_modality_lut_comes_before_the_window() -> None:
    table = [(i * i) // 4096 for i in range(4096)]
    film = read(ModalityLUTSequence=[make_lut_item(table)], WindowCenter=2048, WindowWidth=4096)
    mapped = np.asarray(table)[STORED]
    assert np.allclose(film.pixels, clip((mapped - 2047.5) / 4095 + 0.5), atol=1e-7)


def test_a_modality_lut_goes_before_a_rescale() -> None:
    film = read(
        ModalityLUTSequence=[make_lut_item(list(range(4096)))],
        RescaleSlope=7,
        RescaleIntercept=1,
        WindowCenter=2048,
        WindowWidth=4096,
    )
    assert np.array_equal(film.pixels, read(WindowCenter=2048, WindowWidth=4096).pixels)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT])
def test_voi_lut_with_an_offset_continues_at_its_ends(syntax: str) -> None:
    table = [int(1023 * (i / 999) ** 2) for i in range(1000)]
    film = read(
        VOILUTSequence=[make_lut_item(table, first=1500, bits=10)],
        transfer_syntax=syntax,
    )
    index = np.clip(STORED.astype(int) - 1500, 0, 999)
    assert np.allclose(film.pixels, np.asarray(table)[index] / 1023, atol=1e-7)
    assert film.recipe_steps == ("VOI LUT of 1000 entries",)
    assert codes(film) == []


def test_voi_lut_goes_before_a_window_and_the_first_is_used() -> None:
    first = make_lut_item([4095 - i for i in range(4096)])
    second = make_lut_item(list(range(4096)))
    film = read(VOILUTSequence=[first, second], WindowCenter=1, WindowWidth=2)
    assert np.allclose(film.pixels, (4095 - STORED) / 4095, atol=1e-7)
    assert film.recipe_steps == ("VOI LUT of 4096 entries, first of 2",)


def test_voi_lut_with_a_negative_first_value_meets_negative_values() -> None:
    film = read(
        RescaleSlope=1,
        RescaleIntercept=-2048,
        VOILUTSequence=[make_lut_item(list(range(4096)), first=-2048, signed=True)],
    )
    assert np.allclose(film.pixels, STORED / 4095, atol=1e-7)


def test_voi_lut_of_65536_entries_is_written_as_zero() -> None:
    stored = draw_stored(16)
    table = [65_535 - i for i in range(65_536)]
    film = read(stored, bits_stored=16, VOILUTSequence=[make_lut_item(table, bits=16)])
    assert np.allclose(film.pixels, 1 - stored / 65535, atol=1e-6)


def test_a_lut_that_claims_more_bits_than_it_uses_is_not_dark() -> None:
    item = make_lut_item(list(range(4096)), bits=16)
    film = read(VOILUTSequence=[item])
    assert np.allclose(film.pixels, STORED / 4095, atol=1e-7)


@pytest.mark.parametrize("entries", [[1, 2, 3]])
def test_a_lut_that_breaks_off_is_ignored_and_said(entries: list[int]) -> None:
    item = make_lut_item(entries)
    item.LUTDescriptor = [400, 0, 12]
    film = read(VOILUTSequence=[item])
    assert codes(film) == ["window_ignored", "no_window"]


@pytest.mark.parametrize(
    "view",
    [
        {"WindowCenter": 1500, "WindowWidth": 2000},
        {"WindowCenter": 1500, "WindowWidth": 2000, "VOILUTFunction": "SIGMOID"},
        {"VOILUTSequence": [make_lut_item([int(4095 * (i / 4095) ** 0.5) for i in range(4096)])]},
        {},
    ],
    ids=["window", "sigmoid", "LUT", "percentiles"],
)
def test_monochrome1_is_inverted_once_after_the_voi(view: dict[str, Any]) -> None:
    positive = read(**view)
    extras: tuple[dict[str, Any], ...] = ({}, {"PresentationLUTShape": "INVERSE"})
    for extra in extras:
        negative = read(photometric="MONOCHROME1", **view, **extra)
        assert np.allclose(negative.pixels, 1 - positive.pixels, atol=1e-6)
        assert codes(negative) == codes(positive)
        assert negative.recipe_steps[-1] == "invert MONOCHROME1"


def test_a_film_and_its_negative_are_equal_to_the_last_bit() -> None:
    windows: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
        (
            {"WindowCenter": 1500, "WindowWidth": 2001},
            {"WindowCenter": 4095 - 1500 + 1, "WindowWidth": 2001},
        ),
        ({}, {}),
    )
    for window, mirrored in windows:
        film = read(**window)
        negative = read(4095 - STORED, photometric="MONOCHROME1", **mirrored)
        assert np.array_equal(film.pixels, negative.pixels)


@pytest.mark.parametrize(
    ("photometric", "shape", "expected"),
    [
        ("MONOCHROME2", "IDENTITY", []),
        ("MONOCHROME1", "INVERSE", []),
        ("MONOCHROME2", "INVERSE", ["presentation_conflict"]),
        ("MONOCHROME1", "IDENTITY", ["presentation_conflict"]),
    ],
)
def test_presentation_lut_shape_does_not_invert_a_second_time(
    photometric: str, shape: str, expected: list[str]
) -> None:
    window: dict[str, Any] = {"WindowCenter": 2048, "WindowWidth": 4096}
    window["photometric"] = photometric
    film = read(PresentationLUTShape=shape, **window)
    assert np.array_equal(film.pixels, read(**window).pixels)
    assert codes(film) == expected


@pytest.mark.parametrize("bits", range(8, 17))
def test_every_number_of_bits(bits: int) -> None:
    stored = draw_stored(bits)
    film = read(
        stored,
        bits_stored=bits,
        bits_allocated=16,
        WindowCenter=(1 << bits) / 2,
        WindowWidth=1 << bits,
    )
    assert np.allclose(film.pixels, stored / ((1 << bits) - 1), atol=1e-6)
    assert film.header.bits_stored == bits


@pytest.mark.parametrize(("bits", "high_bit"), [(12, 15), (10, 13), (15, 15), (8, 11)])
def test_values_stand_where_high_bit_says_and_overlays_around_them_do_not_count(
    bits: int, high_bit: int
) -> None:
    stored = draw_stored(bits)
    shift = high_bit + 1 - bits
    noise = np.random.default_rng(0).integers(0, 65536, stored.shape).astype(np.uint16)
    mask = np.uint16(((1 << bits) - 1) << shift)
    packed = (stored << np.uint16(shift)) | (noise & ~mask)
    window = {"WindowCenter": (1 << bits) / 2, "WindowWidth": 1 << bits}
    film = read(packed, bits_stored=bits, bits_allocated=16, high_bit=high_bit, **window)
    assert np.allclose(film.pixels, stored / ((1 << bits) - 1), atol=1e-6)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_signed_films(bits: int) -> None:
    half = 1 << (bits - 1)
    signed = draw_stored(bits).astype(np.int32) - half
    patterns = (signed & ((1 << bits) - 1)).astype(np.uint16)
    film = read(
        patterns,
        bits_stored=bits,
        bits_allocated=16,
        signed=True,
        WindowCenter=0,
        WindowWidth=2 * half,
    )
    expected = clip((signed + 0.5) / (2 * half - 1) + 0.5)
    assert np.allclose(film.pixels, expected, atol=1e-6)


@pytest.mark.parametrize(("bits", "high_bit"), [(12, 10), (12, 16), (17, 16)])
def test_bits_that_contradict_each_other_are_refused(bits: int, high_bit: int) -> None:
    with pytest.raises(UnreadableImageError, match="BitsStored"):
        read(bits_stored=bits, bits_allocated=16, high_bit=high_bit)


def test_functional_groups_of_an_enhanced_object_are_used() -> None:
    frame = make_sequence_item(WindowCenter=1000, WindowWidth=500)
    value = make_sequence_item(RescaleSlope=2, RescaleIntercept=0, RescaleType="US")
    group = make_sequence_item(
        FrameVOILUTSequence=[frame], PixelValueTransformationSequence=[value]
    )
    film = read(
        sop_class="1.2.840.10008.5.1.4.1.1.12.1.1", PerFrameFunctionalGroupsSequence=[group]
    )
    plain = read(WindowCenter=1000, WindowWidth=500, RescaleSlope=2, RescaleIntercept=0)
    assert np.array_equal(film.pixels, plain.pixels)
    assert codes(film) == ["unusual_sop_class"]


def test_hu_window_on_a_film_in_hounsfield_units() -> None:
    data = make_dicom(
        STORED,
        RescaleSlope=1,
        RescaleIntercept=-1024,
        RescaleType="HU",
        WindowCenter=1,
        WindowWidth=2,
    )
    film = read_radiograph(data, recipe=HU)
    assert np.allclose(film.pixels, clip((STORED - 1024.0 + 360) / 800), atol=1e-6)
    assert film.recipe == "hu_window(center=40, width=800)"
    assert "recipe_forced" not in codes(film)


@pytest.mark.parametrize("rescale", [{}, {"RescaleType": "US"}, {"RescaleType": "OD"}])
def test_hu_window_is_refused_elsewhere_unless_forced(rescale: dict[str, Any]) -> None:
    data = make_dicom(STORED, WindowCenter=2048, WindowWidth=4096, **rescale)
    with pytest.raises(UnsupportedImageError, match="Hounsfield"):
        read_radiograph(data, recipe=HU)
    film = read_radiograph(data, recipe=HU, force_recipe=True)
    assert np.allclose(film.pixels, clip((STORED + 360.0) / 800), atol=1e-6)
    assert codes(film) == ["recipe_forced", "window_saturates"]


def test_hu_window_on_a_raster_is_refused_unless_forced() -> None:
    from factories.films import save_array

    grey = draw_stored(8).astype(np.uint8)
    with pytest.raises(UnsupportedImageError, match="raster"):
        read_radiograph(save_array(grey), recipe=HU)
    film = read_radiograph(save_array(grey), recipe=HU, force_recipe=True)
    assert np.allclose(film.pixels, (grey + 360.0) / 800, atol=1e-6)
    assert codes(film) == ["recipe_forced"]


def test_force_recipe_changes_nothing_on_radiograph_v1() -> None:
    data = make_dicom(STORED, WindowCenter=2048, WindowWidth=4096)
    forced = read_radiograph(data, force_recipe=True)
    assert np.array_equal(forced.pixels, read_radiograph(data).pixels)
    assert codes(forced) == []
