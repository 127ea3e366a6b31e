"""What several networks say together of one film: an ensemble of equal parts, and their spread."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hilum.app.parts import show_quiet, show_sentence
from hilum.app.plot import (
    DIAMOND,
    DISC,
    Plane,
    draw_mark,
    draw_text,
    show_plot,
)
from hilum.app.wording import format_percent
from hilum.decision import Joined, get_uncertain_range, join_answers
from hilum.language import Text, recall
from hilum.spec import ModelSpec
from hilum.types import Prediction

_WIDTH = 620
_ROW = 46.0
_LEFT, _RIGHT = 14.0, 560.0
_TOP = 8.0


def show_together(answers: Sequence[tuple[ModelSpec, Prediction]]) -> None:
    """Show probabilities on one scale, each with its threshold, and the ensemble of them.

    Nothing is shown where fewer than two networks answer.
    """
    given = [(spec, answer) for spec, answer in answers if answer.probability is not None]
    if len(given) < 2:
        return
    joined = join_answers(given)
    with st.container(key="together", gap="xsmall"):
        _show_scale(given, joined)
    show_quiet(
        Text(
            "A disc is a network's answer, the upright line its threshold, the grey part where it "
            "is uncertain. The diamond is the ensemble, on a bar from the least answer to the most."
        )
    )
    if joined is None:
        show_quiet(
            Text(
                "These networks are not joined: their labels differ, or the share of positive "
                "films that their probabilities hold for."
            )
        )
        return
    low, high = joined.spread.probability_min, joined.spread.probability_max
    show_sentence(
        Text(
            "Ensemble of the {members} networks that answer: {probability} (theirs: {low} to "
            "{high}). Their calibrated logits lie {spread:.2f} apart (standard deviation).",
            members=joined.spread.members,
            probability=format_percent(joined.probability),
            low=format_percent(low if low is not None else joined.probability),
            high=format_percent(high if high is not None else joined.probability),
            spread=joined.spread.logit_std,
        )
    )
    show_quiet(
        Text(
            "The ensemble is the mean of the calibrated logits, and is not recorded. It has no "
            "decision, since no threshold was chosen for it; hilum ensemble makes one that has."
        )
    )


def _show_scale(given: Sequence[tuple[ModelSpec, Prediction]], joined: Joined | None) -> None:
    rows = len(given) + (joined is not None)
    bottom = _TOP + rows * _ROW
    plane = Plane((_LEFT, _TOP, _RIGHT, bottom))
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, _ = plane.place(share, 0.0)
        parts.append(f'<path class="grid" d="M{x:.1f} {_TOP:g}V{bottom:g}"/>')
        percent = Text("{percent:.0f} %", percent=100 * share)
        parts.append(draw_text(x, bottom + 18, percent, anchor="middle"))
    for number, (spec, answer) in enumerate(given):
        middle = _TOP + (number + 0.68) * _ROW
        parts.append(_draw_answer(plane, middle, spec, answer))
    if joined is not None:
        middle = _TOP + (len(given) + 0.68) * _ROW
        parts.append(_draw_joined(plane, middle, joined))
    title = Text("Probability of {label}", label=recall(given[0][0].labels.positive))
    parts.append(draw_text((_LEFT + _RIGHT) / 2, bottom + 38, title, anchor="middle"))
    words = Text(
        "Probabilities of {networks} networks on one scale, each with its threshold",
        networks=len(given),
    )
    show_plot(parts, (_WIDTH, int(bottom + 46)), words, key="together_scale")


def _draw_answer(plane: Plane, middle: float, spec: ModelSpec, answer: Prediction) -> str:
    """Draw one network: the scale, where it is uncertain, its threshold, and its answer."""
    probability = answer.probability if answer.probability is not None else 0.0
    low, high = (
        plane.place(end, 0.0)[0] for end in get_uncertain_range(spec, answer.operating_point)
    )
    at, _ = plane.place(answer.threshold, 0.0)
    own, _ = plane.place(probability, 0.0)
    left, right = plane.box[0], plane.box[2]
    return (
        draw_text(left + 4, middle - 12, spec.name, style="strong halo")
        + draw_text(right, middle - 12, format_percent(probability), anchor="end", style="halo")
        + f'<path class="leader" d="M{left:g} {middle:g}H{right:g}"/>'
        + f'<rect class="zone" x="{low:.1f}" y="{middle - 5:g}" width="{high - low:.1f}" '
        'height="10"/>'
        + f'<path class="range" d="M{at:.1f} {middle - 9:g}V{middle + 9:g}"/>'
        + draw_mark(own, middle, DISC, "dot")
    )


def _draw_joined(plane: Plane, middle: float, joined: Joined) -> str:
    ends = (joined.spread.probability_min or 0.0, joined.spread.probability_max or 0.0)
    low, high = (plane.place(end, 0.0)[0] for end in ends)
    own, _ = plane.place(joined.probability, 0.0)
    left, right = plane.box[0], plane.box[2]
    figure = format_percent(joined.probability)
    return (
        draw_text(left + 4, middle - 12, Text("Ensemble"), style="strong halo")
        + draw_text(right, middle - 12, figure, anchor="end", style="strong halo")
        + f'<path class="leader" d="M{left:g} {middle:g}H{right:g}"/>'
        + f'<path class="span" d="M{low:.1f} {middle:g}H{high:.1f}"/>'
        + draw_mark(own, middle, DIAMOND, "own")
    )
