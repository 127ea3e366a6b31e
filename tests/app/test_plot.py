"""Charts as SVG: places, labels that keep apart, and texts that stay texts."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

pytest.importorskip("streamlit", reason='needs the extra "app"')

from hilum.app import curves, plot
from hilum.app.plot import Plane, draw_labels, draw_text, spread_labels
from hilum.app.thresholds import read_roc
from hilum.models.zoo import list_models

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[ET.Element]:
    """What the page was given to show, parsed."""
    shown: list[ET.Element] = []

    def take(*, key: str, data: list[dict[str, Any]]) -> None:
        [told] = data
        shown.append(ET.fromstring(told["svg"]))

    monkeypatch.setattr(plot, "_mount_plot", take)
    return shown


def test_a_plane_places_values() -> None:
    plane = Plane((10.0, 20.0, 110.0, 220.0), x=(0.0, 0.5), y=(0.5, 1.0))
    assert plane.place(0.0, 0.5) == (10.0, 220.0)
    assert plane.place(0.5, 1.0) == (110.0, 20.0)
    assert plane.place(0.25, 0.75) == (60.0, 120.0)
    assert plane.holds(0.5, 0.5)
    assert not plane.holds(0.6, 0.6)
    assert plane.clamp(0.6, 0.1) == (0.5, 0.5)


@pytest.mark.parametrize("heights", [[10, 10, 10], [10, 12, 60], [95, 96, 97, 98], [30, 10, 20]])
def test_labels_keep_apart_and_in_order(heights: list[float]) -> None:
    marks = [((float(number), height), str(number)) for number, height in enumerate(heights)]
    placed = spread_labels(marks, step=17.0, bottom=100.0)
    rows = [row for (_, row), _ in placed]
    assert np.diff(sorted(rows)).min() >= 17.0
    assert max(rows) <= 100.0
    assert np.argsort(rows, kind="stable").tolist() == np.argsort(heights, kind="stable").tolist()


def test_a_label_at_the_edge_stands_on_the_other_side() -> None:
    text = draw_labels([((95.0, 10.0), "a long label")], bottom=100.0, right=100.0)
    assert 'text-anchor="end"' in text


def test_texts_are_escaped() -> None:
    hostile = '<script>alert("1")</script>&'
    parsed = ET.fromstring(draw_text(0, 0, hostile))
    assert parsed.text == hostile
    assert len(parsed) == 0


def test_a_curve_shows_points_film_and_threshold(drawn: list[ET.Element]) -> None:
    spec = list_models()[0]
    roc = read_roc(spec)
    assert roc is not None
    curves.show_roc(spec, roc, own=0.7, chosen=roc.measure_at(0.3), key="roc")
    [figure] = drawn
    assert figure.get("role") == "img"
    texts = [text.text for text in figure.iter(f"{SVG}text")]
    assert {"Youden", "Sensitivity ≥\u00a095\u00a0%", "This film, 70.0\u00a0%"} <= set(texts)
    assert "At a threshold of 30.0\u00a0%" in str(figure.get("aria-label"))
    ring = next(one for one in figure.iter(f"{SVG}circle") if one.get("r") == "5.5")
    figures = roc.measure_at(0.3)
    left, top, right, bottom = curves._BOX
    share = (float(ring.get("cx", "nan")) - left) / (right - left) * 0.3
    assert share == pytest.approx(1.0 - figures.specificity.value, abs=0.002)
    height = 1.0 - (float(ring.get("cy", "nan")) - top) / (bottom - top) * 0.3
    assert height == pytest.approx(figures.sensitivity.value, abs=0.002)


def test_a_film_beyond_the_corner_is_told_at_its_edge(drawn: list[ET.Element]) -> None:
    spec = list_models()[0]
    roc = read_roc(spec)
    assert roc is not None
    curves.show_roc(spec, roc, own=0.99999, key="roc")
    texts = [text.text for text in drawn[0].iter(f"{SVG}text")]
    assert "This film, >\u00a099.9\u00a0%" in [str(one).replace("> ", ">\u00a0") for one in texts]
    turned = [
        one for one in drawn[0].iter(f"{SVG}path") if "rotate(180)" in str(one.get("transform"))
    ]
    assert len(turned) == 1


def test_models_are_told_apart_by_more_than_colour(drawn: list[ET.Element]) -> None:
    traced = [(spec, roc) for spec in list_models() if (roc := read_roc(spec)) is not None]
    curves.show_rocs(traced, key="all")
    lines = [one.get("class") for one in drawn[0].iter(f"{SVG}path")]
    assert {"line0 d0", "line1 d1", "line2 d2"} <= set(lines)
    assert {f".d{number}" for number in (1, 2)} <= set(plot._STYLE.split())
    marks = {
        one.get("d")
        for one in drawn[0].iter(f"{SVG}path")
        if str(one.get("class")).startswith("mark")
    }
    assert len(marks) == len(traced)
    texts = " ".join(str(text.text) for text in drawn[0].iter(f"{SVG}text"))
    for spec, _ in traced:
        assert f"{spec.name}, AUC {spec.validation_auc['clean']:.3f}" in texts


def test_every_film_is_in_the_histogram(drawn: list[ET.Element]) -> None:
    spec = list_models()[0]
    roc = read_roc(spec)
    assert roc is not None
    curves.show_scores(spec, roc, own=0.5, key="scores")
    curves.show_reliability(spec, roc, key="reliability")
    heights = {"positive": 0.0, "negative": 0.0}
    for bar in drawn[0].iter(f"{SVG}rect"):
        if bar.get("class") in heights:
            heights[str(bar.get("class"))] += float(str(bar.get("height"))) ** 2
    # Heights are roots of counts, on one scale for both classes.
    ratio = heights["positive"] / heights["negative"]
    assert ratio == pytest.approx(roc.labels.sum() / (~roc.labels).sum(), rel=0.02)
    assert len(list(drawn[1].iter(f"{SVG}circle"))) <= 10
