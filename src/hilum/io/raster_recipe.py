"""The recipes for pictures that are grey already: raster files and colour DICOM."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.errors import UnsupportedImageError
from hilum.io.grey import scale_to_unit
from hilum.io.rendering import SATURATED_SHARE, Rendering
from hilum.language import Text
from hilum.spec import WindowRecipe


def render_raster(
    values: NDArray[Any], white: int, recipe: WindowRecipe, *, force: bool
) -> Rendering:
    """Apply a recipe to grey values of 0 (black) to ``white``.

    ``radiograph_v1`` takes them as they are. ``hu_window`` has no meaning here: a raster file
    knows no Hounsfield units. Forced, it windows the stored numbers as if they were.

    Parameters
    ----------
    values
        uint8 or uint16, shape (H, W).

    Raises
    ------
    UnsupportedImageError
        The recipe is ``hu_window`` and nobody forces it.
    """
    if recipe.name == "radiograph_v1":
        return Rendering(scale_to_unit(values, white), (f"scale 1/{white}",), ())
    assert recipe.center is not None  # the recipe's own validation
    assert recipe.width is not None
    if not force:
        raise UnsupportedImageError(
            Text(
                "The recipe {recipe} is for Hounsfield units, which a raster picture "
                "does not have. Use a model trained with radiograph_v1, or force the "
                "recipe.",
                recipe=str(recipe),
            )
        )
    pixels = values.astype(np.float32)
    pixels -= np.float32(recipe.center - recipe.width / 2)
    pixels /= np.float32(recipe.width)
    np.clip(pixels, 0.0, 1.0, out=pixels)
    ends = np.count_nonzero((pixels <= 0.0) | (pixels >= 1.0))
    saturated = ends > SATURATED_SHARE * pixels.size
    step = f"window LINEAR_EXACT {recipe.center:g}/{recipe.width:g} on stored values"
    codes = ("recipe_forced", "window_saturates") if saturated else ("recipe_forced",)
    return Rendering(pixels, (step,), codes)
