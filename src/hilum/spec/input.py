"""What a network takes: how a film is read, resized and normalised."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, FiniteFloat, model_validator

from hilum.spec.facts import Facts


class WindowRecipe(Facts):
    """How stored values become pixels in [0, 1]; see :mod:`hilum.io`.

    ``center`` and ``width`` belong to ``hu_window`` alone.
    """

    name: Literal["radiograph_v1", "hu_window"] = "radiograph_v1"
    center: FiniteFloat | None = None
    width: Annotated[float, Field(gt=1.0)] | None = None

    @model_validator(mode="after")
    def _parameters_belong_to_the_recipe(self) -> Self:
        given = (self.center is not None, self.width is not None)
        if self.name == "hu_window" and not all(given):
            raise ValueError("hu_window needs center and width")
        if self.name == "radiograph_v1" and any(given):
            raise ValueError("radiograph_v1 has no center and no width")
        return self

    def __str__(self) -> str:
        if self.name == "hu_window":
            return f"hu_window(center={self.center:g}, width={self.width:g})"
        return self.name


RADIOGRAPH_V1 = WindowRecipe()


class InputSpec(Facts):
    """What the network takes; :func:`hilum.preprocess.preprocess` does exactly this.

    resize
        ``squash`` scales to (height, width) without keeping the aspect.
        ``shortest_side_crop`` scales the shorter side to ``shortest_side_px`` and crops the
        centre. ``squash_crop`` scales both sides to ``shortest_side_px`` without keeping the
        aspect and crops the centre. ``letterbox`` scales the longer side to fit and pads with
        black.
    normalization
        ``fixed`` subtracts ``mean`` and divides by ``std`` (units of [0, 1] pixels);
        ``per_film`` uses the film's own mean and standard deviation after the resize.
    """

    recipe: WindowRecipe = RADIOGRAPH_V1
    channels: Literal[1, 3] = 1
    height_px: Annotated[int, Field(ge=16, le=4096)]
    width_px: Annotated[int, Field(ge=16, le=4096)]
    resize: Literal["squash", "shortest_side_crop", "squash_crop", "letterbox"] = "squash"
    shortest_side_px: Annotated[int, Field(ge=16, le=8192)] | None = None
    normalization: Literal["fixed", "per_film"] = "fixed"
    mean: tuple[FiniteFloat, ...] | None = None
    std: tuple[Annotated[float, Field(gt=0.0)], ...] | None = None

    @model_validator(mode="after")
    def _parameters_belong_to_their_policy(self) -> Self:
        crops = self.resize in ("shortest_side_crop", "squash_crop")
        if crops != (self.shortest_side_px is not None):
            raise ValueError(
                "shortest_side_px goes with resize=shortest_side_crop or squash_crop, "
                "and only there"
            )
        if self.shortest_side_px is not None and self.shortest_side_px < max(
            self.height_px, self.width_px
        ):
            raise ValueError("shortest_side_px must not be less than height_px or width_px")
        if self.normalization == "fixed":
            if self.mean is None or self.std is None:
                raise ValueError("normalization=fixed needs mean and std")
            if len(self.mean) != self.channels or len(self.std) != self.channels:
                raise ValueError("mean and std need one value a channel")
        elif self.mean is not None or self.std is not None:
            raise ValueError("normalization=per_film has no mean and no std")
        return self
