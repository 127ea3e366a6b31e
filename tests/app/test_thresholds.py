"""What a threshold buys: the slider, its figures, and what it leaves alone."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factories.pages import read_page, read_plots
from hilum.app.launcher import PAGE
from hilum.app.thresholds import list_thresholds
from hilum.decision import decide_at, trace_roc
from hilum.models.zoo import list_models, resolve_model
from hilum.spec import ModelSpec
from hilum.types import FilmWarning

testing = pytest.importorskip("streamlit.testing.v1", reason='needs the extra "app"')

pytestmark = pytest.mark.usefixtures("no_shared_model")

OpenFilm = Callable[..., Any]


@pytest.fixture
def open_film(small_film: bytes, monkeypatch: pytest.MonkeyPatch) -> OpenFilm:
    """Open the page with a model, and the small film on it."""

    def open_it(model: Path) -> Any:
        monkeypatch.setattr(sys, "argv", [str(PAGE), f"--model={model}"])
        page = testing.AppTest.from_file(str(PAGE), default_timeout=180).run()
        page.file_uploader[0].set_value(("film.png", small_film, "image/png")).run()
        assert not page.exception
        return page

    return open_it


@pytest.fixture(scope="module")
def curved_spec(curved_model: Path) -> ModelSpec:
    return resolve_model(curved_model)[0]


def find_slider(page: Any) -> Any:
    [slider] = [one for one in page.select_slider if str(one.key).startswith("looking:")]
    return slider


def test_the_slider_tells_what_a_threshold_bought(
    open_film: OpenFilm, curved_model: Path, curved_spec: ModelSpec, runs: list[int]
) -> None:
    page = open_film(curved_model)
    own = curved_spec.operating_points[curved_spec.default_operating_point]
    assert find_slider(page).value == own.threshold
    answered = [one for one in read_page(page).splitlines() if "Decision: " in one]
    before = read_plots(page)
    assert len(before) == 2
    assert f"sensitivity {100 * own.sensitivity:.1f} %" in before[0].replace("\u00a0", " ")
    assert curved_spec.validation_logits is not None
    roc = trace_roc(
        curved_spec.validation_logits,
        curved_spec.calibration,
        curved_spec.operating_points.values(),
    )
    for threshold in (0.1, 0.9):
        find_slider(page).set_value(threshold).run()
        assert not page.exception
        figures = roc.measure_at(threshold)
        text = read_page(page)
        told = re.sub("<[^>]*>", "|", text)
        for rate in (figures.sensitivity, figures.specificity):
            assert f"|{100 * rate.value:.1f} %|{100 * rate.low:.1f} % to" in told
        about = "" if figures.exact else "≈ "
        assert f"Missed: {about}{figures.counts.false_negative:.0f} of 120 (pneumonia)" in told
        assert f"False alarms: {about}{figures.counts.false_positive:.0f} of 80 (normal)" in told
        assert f"with a threshold of {100 * threshold:.1f} % the decision would be" in told
        assert read_plots(page)[0] != before[0]
        # Only for looking.
        assert [one for one in text.splitlines() if "Decision: " in one] == answered
        assert "The slider is for looking" in text
    assert len(runs) == 1


def test_the_decision_at_a_threshold_is_that_of_the_room_below(
    open_film: OpenFilm, curved_model: Path, curved_spec: ModelSpec
) -> None:
    page = open_film(curved_model)
    said = set()
    for threshold in (0.001, 0.999):
        find_slider(page).set_value(threshold).run()
        [told] = re.findall(r"the decision would be ([a-z]+)\.", read_page(page))
        [share] = re.findall(r"This film, at ([\d.]+) %", read_page(page))
        assert told == decide_at(float(share) / 100, threshold, curved_spec)[1]
        said.add(told)
    assert said == {"pneumonia", "normal"}


def test_the_slider_follows_the_operating_point(
    open_film: OpenFilm, curved_model: Path, curved_spec: ModelSpec
) -> None:
    page = open_film(curved_model)
    page.radio(key="point:curved:1.0").set_value("sensitivity_99").run()
    point = curved_spec.operating_points["sensitivity_99"]
    assert find_slider(page).value == point.threshold
    assert "≈" not in read_page(page).split("≈: the spec")[0]  # its figures are known


def test_a_model_without_scores_says_so_and_shows_its_points(
    open_film: OpenFilm, tiny_model: Path
) -> None:
    page = open_film(tiny_model)
    text = read_page(page)
    assert "does not hold how its validation films scored" in text
    assert "Sensitivity ≥ 99 %</th><td>10.0 %</td><td>90.0 %</td><td>80.0 %</td>" in text
    assert read_plots(page) == []
    assert not any(str(one.key).startswith("looking:") for one in page.select_slider)


def test_a_film_that_was_not_assessed_has_no_place_on_the_curve(
    open_film: OpenFilm, curved_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = FilmWarning("outside_population", "Older than the training films.")
    monkeypatch.setattr("hilum.predictor.compare_with_population", lambda *_: (reason,))
    page = open_film(curved_model)
    assert "has no place on the curve" in read_page(page)
    assert "This film" not in "".join(read_plots(page))
    assert "probability of pneumonia" not in read_page(page)


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_report_can_be_taken_of_answered_and_of_refused_films(
    open_film: OpenFilm, curved_model: Path, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    """The button's own function makes it, when somebody asks; here the test does."""
    pypdf = pytest.importorskip("pypdf", reason="needs pypdf")
    pytest.importorskip("reportlab", reason='needs the extra "pdf"')
    import streamlit

    offered: dict[str, Any] = {}
    button = streamlit.download_button

    def listen(label: str, data: Any, **rest: Any) -> bool:
        offered[rest["key"]] = (label, data, rest["file_name"])
        pressed: bool = button(label, data, **rest)
        return pressed

    monkeypatch.setattr(streamlit, "download_button", listen)
    page = open_film(curved_model)
    page.session_state["language"] = language
    page.run()
    label, draw, name = offered["save_report"]
    assert label == {"en": "One-page report (PDF)", "ko": "한 쪽 보고서(PDF)"}[language]
    text = pypdf.PdfReader(io.BytesIO(draw())).pages[0].extract_text()
    assert re.fullmatch(r"hilum-[0-9a-f]{12}\.pdf", name)
    assert {"en": "operating point", "ko": "작동점"}[language] in text
    assert draw() == draw()  # of the time of the analysis, not of the press
    reason = FilmWarning("outside_population", "Older than the training films.")
    monkeypatch.setattr("hilum.predictor.compare_with_population", lambda *_: (reason,))
    page = open_film(curved_model)
    page.session_state["language"] = language
    page.run()
    text = pypdf.PdfReader(io.BytesIO(offered["save_report"][1]())).pages[0].extract_text()
    assert {"en": "Not assessed", "ko": "평가하지 않음"}[language] in text


def test_the_slider_stops_at_every_operating_point() -> None:
    for spec in list_models():
        stops = list_thresholds(spec)
        assert stops == sorted(set(stops))
        assert {point.threshold for point in spec.operating_points.values()} <= set(stops)
        told = [f"{100 * stop:.1f}" for stop in stops]
        assert len(set(told)) == len(told)
