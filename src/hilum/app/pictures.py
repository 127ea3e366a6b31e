"""Pictures as the browser gets them: quick PNG, with words for who cannot see."""

from __future__ import annotations

import io

import streamlit as st
from PIL import Image

from hilum.app.parts import say
from hilum.app.rail import View
from hilum.explain import get_method
from hilum.report import DEFAULT_SCALE, choose_colormap
from hilum.types import Prediction


def show_picture(picture: Image.Image, words: str) -> None:
    """Show a picture; Streamlit's own choice of format is JPEG, which is not for films."""
    st.image(encode_png(picture), width="stretch", output_format="PNG", alt=say(words))


def encode_png(image: Image.Image) -> bytes:
    """Encode for the screen: lossless, and quick rather than small."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def get_scale(prediction: Prediction, view: View) -> float:
    """Give the value at which the colour of a map is full.

    The visitor's choice is for evidence in logit units; a method of another unit keeps its own.
    """
    own = get_method(prediction.evidence.method).scale
    return view.scale if own == DEFAULT_SCALE else own


def get_colormap(prediction: Prediction, view: View) -> str:
    """Give the visitor's colours for a signed map, and the fitting ones for any other."""
    signed = get_method(prediction.evidence.method).signed
    return choose_colormap(prediction.evidence, view.colormap if signed else None)


def draw_evidence(
    prediction: Prediction, view: View, *, max_side_px: int | None = None
) -> Image.Image:
    """Draw the film with its evidence as the visitor wants to see it."""
    return prediction.overlay(
        opacity=view.opacity,
        colormap=get_colormap(prediction, view),
        scale=get_scale(prediction, view),
        max_side_px=max_side_px,
    )
