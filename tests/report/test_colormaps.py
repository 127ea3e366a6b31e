"""The ramp for maps without a sign: computed, even, and kept by colour-blind eyes."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from hilum.errors import ConfigError
from hilum.report import COLORMAPS
from hilum.report.colormaps import (
    ZERO_CODE,
    choose_colormap,
    choose_scale,
    encode_evidence,
    get_colormap,
    make_color_table,
)
from hilum.report.oklab import lab_to_linear, linear_to_lab, make_ramp
from hilum.types import Explanation

# Machado 2009, severity 1 (linear RGB).
BLINDNESS = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


def decode(colors: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Linear light of sRGB codes (IEC 61966-2-1)."""
    codes = colors / 255.0
    return np.asarray(np.where(codes <= 0.04045, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4))


@pytest.fixture
def ramp() -> NDArray[np.float64]:
    return decode(make_color_table(get_colormap("strength"))[ZERO_CODE:])


def test_lightness_rises_with_every_step(ramp: NDArray[np.float64]) -> None:
    lab = linear_to_lab(ramp)
    assert (np.diff(lab[:, 0]) > 0).all()
    assert lab[-1, 0] - lab[0, 0] > 0.45
    luminance = ramp @ np.asarray([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > 0).all()


def test_steps_look_equal(ramp: NDArray[np.float64]) -> None:
    """Within what rounding to 8 bits leaves, over eight steps at once."""
    steps = np.linalg.norm(np.diff(linear_to_lab(ramp)[::8], axis=0), axis=1)
    assert steps.max() < 1.12 * steps.min()


@pytest.mark.parametrize("blindness", list(BLINDNESS))
def test_the_order_survives_colour_blindness(ramp: NDArray[np.float64], blindness: str) -> None:
    seen = linear_to_lab(np.clip(ramp @ np.asarray(BLINDNESS[blindness]).T, 0.0, 1.0))
    assert (np.diff(seen[:, 0]) > 0).all()
    # No stretch of it looks like one colour.
    assert np.linalg.norm(np.diff(seen[::16], axis=0), axis=1).min() > 0.05


def test_oklab_is_the_published_one() -> None:
    """Pairs of the source: white, and the red of CIE XYZ (1, 0, 0) turned into linear sRGB."""
    np.testing.assert_allclose(linear_to_lab(np.ones((1, 3))), [[1.0, 0.0, 0.0]], atol=1e-4)
    red = np.asarray([[3.2404542, -0.9692660, 0.0556434]])
    np.testing.assert_allclose(linear_to_lab(red), [[0.450, 1.236, -0.019]], atol=2e-3)
    np.testing.assert_allclose(lab_to_linear(linear_to_lab(red)), red, atol=1e-9)


def test_a_ramp_begins_and_ends_as_asked() -> None:
    colors = make_ramp(5, lightness=(0.2, 0.8), hue_deg=(0.0, 0.0), chroma=0.0)
    assert len(colors) == 5
    greys = np.asarray([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in colors])
    assert (np.ptp(greys, axis=1) <= 1).all()
    lightness = linear_to_lab(decode(greys.astype(np.uint8)))[:, 0]
    np.testing.assert_allclose(lightness, [0.2, 0.35, 0.5, 0.65, 0.8], atol=0.005)


def make_map(
    *, signed: bool, strongest: float = -40.0, unit: Literal["logit", "relative"] = "logit"
) -> Explanation:
    values = np.asarray([[1.0, strongest]], dtype=np.float32)
    box = (0.0, 0.0, 2.0, 1.0)
    return Explanation(values, box, "evidence", "pneumonia", 0.0, unit=unit, signed=signed)


def test_the_map_chooses_its_colours() -> None:
    assert choose_colormap(make_map(signed=True), None) == "evidence"
    assert choose_colormap(make_map(signed=False), None) == "strength"
    assert choose_colormap(make_map(signed=False), "for_only") == "for_only"
    assert COLORMAPS["evidence"].against is not None
    assert COLORMAPS["strength"].against is None


def test_the_films_own_scale_has_to_be_asked_for() -> None:
    explanation = make_map(signed=True)
    assert choose_scale(explanation, None) == explanation.scale
    assert choose_scale(explanation, 3.0) == 3.0
    assert choose_scale(explanation, "auto") == 40.0
    empty = Explanation(np.zeros((2, 2), np.float32), (0, 0, 1, 1), "evidence", "pneumonia", 0.0)
    assert choose_scale(empty, "auto") == empty.scale


def test_a_scale_that_is_none_is_refused_in_any_unit() -> None:
    with pytest.raises(ConfigError, match="above zero"):
        encode_evidence(np.ones((1, 1), dtype=np.float32), 0.0)
