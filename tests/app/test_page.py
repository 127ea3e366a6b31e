"""The page's logic by Streamlit's own test runner, without a browser."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factories.pages import read_page, read_told
from hilum.app.launcher import PAGE
from hilum.app.session import Engine, Film
from hilum.data.fetch_film import PUBLIC_FILMS, PublicFilm
from hilum.errors import DatasetError
from hilum.types import DisplayFilm, FilmWarning

testing = pytest.importorskip("streamlit.testing.v1", reason='needs the extra "app"')

pytestmark = pytest.mark.usefixtures("no_shared_model")

RG1 = "sample:RG1 (pydicom-data)"
SYNTHETIC = "sample:synthetic-normal-1"

OpenPage = Callable[..., Any]


@pytest.fixture
def open_page(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Open the page with the tiny model, or with the given arguments."""

    def open_with(*arguments: str) -> Any:
        monkeypatch.setattr(sys, "argv", [str(PAGE), *(arguments or (f"--model={tiny_model}",))])
        page = testing.AppTest.from_file(str(PAGE), default_timeout=180).run()
        assert not page.exception
        return page

    return open_with


def list_viewer(page: Any) -> list[Any]:
    """The film and the viewer, where they are shown."""
    return [part for part in page.get("bidi_component") if not part.key.startswith("browser_")]


def read_viewer(page: Any) -> dict[str, Any]:
    """What the viewer was sent beside the film."""
    _, viewer = list_viewer(page)
    return read_told(viewer)


def read_film(page: Any) -> bytes:
    """The film as the viewer was sent it."""
    film, _ = list_viewer(page)
    packed: bytes = film.proto.bytes
    assert packed
    return packed


def upload(page: Any, name: str, data: bytes) -> None:
    """Drop a file in the place of those that were there."""
    page.file_uploader[0].set_value((name, data, "application/octet-stream")).run()
    assert not page.exception


def test_page_opens_calm_and_says_what_it_is(open_page: OpenPage) -> None:
    page = open_page()
    text = read_page(page)
    assert "Drop a chest film" in text
    assert text.count("not a medical device") == 1
    assert "tiny 1.0" in text
    assert not page.get("image")
    assert not list_viewer(page)


def test_a_sample_gives_probability_decision_and_pictures(open_page: OpenPage) -> None:
    page = open_page()
    page.radio(key="film").set_value(SYNTHETIC).run()
    assert not page.exception
    text = read_page(page)
    assert "probability of pneumonia" in text
    assert "Decision: " in text
    assert "This is a synthetic film" in text
    assert "Evidence for pneumonia" in text
    assert "What the file said" in text
    viewer = read_viewer(page)
    assert viewer["evidence"] is not None
    assert viewer["words"]["film"] == "The film"
    assert viewer["words"]["evidence"].startswith("The film with the evidence over it. Evidence")
    assert len(page.get("image")) == 1  # the legend
    assert len(page.get("download_button")) == 4


def test_the_mean_over_views_says_how_firmly_it_stands(
    open_page: OpenPage, runs: list[int], small_film: bytes
) -> None:
    page = open_page()
    upload(page, "film.png", small_film)
    assert "The answers lie between" not in read_page(page)
    page.selectbox(key="views").set_value("flip").run()
    assert not page.exception
    assert len(runs) == 1 + 2
    text = read_page(page)
    assert "The answers lie between" in text
    assert "over 2 views" in text
    assert "Over 2 views, a cell of the map differs by" in text
    assert "mean over 2 views of the film" in text


def test_operating_point_and_view_run_no_network(
    open_page: OpenPage, runs: list[int], small_film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    displays: list[Film] = []
    read_display = Engine.read_display

    def count(engine: Engine, film: Film) -> DisplayFilm:
        displays.append(film)
        return read_display(engine, film)

    monkeypatch.setattr(Engine, "read_display", count)
    page = open_page()
    upload(page, "film.png", small_film)
    film = read_film(page)
    before = read_page(page)
    assert len(runs) == 1
    page.radio(key="point:tiny:1.0").set_value("sensitivity_99").run()
    after = read_page(page)
    assert "threshold of 50.0 %" in before
    assert "threshold of 10.0 %" in after
    assert "operating point Sensitivity ≥ 99 %" in after
    page.session_state["opacity"] = 20  # as the viewer's knob does
    page.select_slider(key="scale").set_value(2.0).run()
    page.selectbox(key="colormap").set_value("green_purple").run()
    assert not page.exception
    assert len(runs) == 1
    viewer = read_viewer(page)
    assert viewer["opacity"] == 0.2
    assert viewer["evidence"]["scale"] == 2.0
    # The film is read for the screen once, and sent as it was.
    assert [read_film(page), len(displays)] == [film, 1]


def test_regions_of_the_map_are_told_in_words(
    open_page: OpenPage, small_film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hilum.explain.regions.LEVEL_SHARE", 0.05)
    page = open_page()
    upload(page, "film.png", small_film)
    text = read_page(page)
    told = [
        line for line in text.splitlines() if "of the evidence for pneumonia, strongest" in line
    ]
    assert 1 <= len(told) <= 3
    # The viewer outlines the same ones under the same numbers.
    outlined = [region["sentence"] for region in read_viewer(page)["regions"]]
    assert [f"{number}. {sentence}" for number, sentence in enumerate(outlined, 1)] == [
        re.sub("<[^>]*>", "", line) for line in told
    ]


def test_a_refused_film_has_reasons_and_no_figure(
    open_page: OpenPage,
    runs: list[int],
    small_film: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reason = FilmWarning("outside_population", "Older than the training films.")
    monkeypatch.setattr("hilum.predictor.compare_with_population", lambda *_: (reason,))
    page = open_page()
    upload(page, "film.png", small_film)
    text = read_page(page)
    assert "Not assessed" in text
    assert text.count("Older than the training films.") == 1
    assert "probability of pneumonia" not in text
    assert "Evidence for pneumonia" not in text
    assert read_viewer(page)["evidence"] is None  # the film alone
    assert read_viewer(page)["regions"] == []
    assert not page.get("image")
    assert len(page.get("download_button")) == 3  # no drawing of a map
    page.checkbox(key="no_gate").set_value(True).run()
    assert not page.exception
    text = read_page(page)
    assert "probability of pneumonia" in text
    assert "The input gate was off" in text
    assert read_viewer(page)["evidence"] is not None
    assert len(page.get("image")) == 1
    assert len(runs) == 1


def test_an_upload_opens_at_once(open_page: OpenPage, small_film: bytes) -> None:
    page = open_page()
    upload(page, "a*b_<i>.png", small_film)
    assert page.radio(key="film").value.startswith("drop:")
    assert "probability of pneumonia" in read_page(page)


def test_a_corrupt_file_is_a_calm_message(open_page: OpenPage, small_film: bytes) -> None:
    page = open_page()
    upload(page, "film.dcm", b"\x00" * 128 + b"DICM" + b"\xff" * 999)
    text = read_page(page)
    assert "This file cannot be read" in text
    assert "Traceback" not in text
    upload(page, "film.png", small_film)
    assert "probability of pneumonia" in read_page(page)


def test_taking_the_open_film_away_closes_it(open_page: OpenPage, small_film: bytes) -> None:
    page = open_page()
    upload(page, "film.png", small_film)
    page.button(key="forget").click().run()
    assert not page.exception
    assert page.radio(key="film").value is None
    assert "Drop a chest film" in read_page(page)


def test_a_sample_stays_open_when_uploads_come_and_go(
    open_page: OpenPage, small_film: bytes
) -> None:
    page = open_page()
    upload(page, "film.png", small_film)
    page.radio(key="film").set_value(SYNTHETIC).run()
    page.button(key="forget").click().run()
    assert not page.exception
    assert page.radio(key="film").value == SYNTHETIC
    assert "This is a synthetic film" in read_page(page)


def test_identity_is_never_shown(open_page: OpenPage) -> None:
    pytest.importorskip("data_store", reason="needs pydicom-data")
    import pydicom
    from pydicom.data import get_testdata_file

    page = open_page()
    page.radio(key="film").set_value(RG1).run()
    assert not page.exception
    shown = read_page(page) + "".join(str(image.proto) for image in page.get("image"))
    shown += json.dumps(read_viewer(page)) + read_film(page)[:4096].decode("latin-1")
    assert "MONOCHROME1" in shown
    assert "shows an adult" in shown
    header = pydicom.dcmread(str(get_testdata_file("RG1_UNCR.dcm")), stop_before_pixels=True)
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID"):
        value = str(header.get(keyword, ""))
        assert value
        assert value not in shown


def test_the_sample_that_is_not_installed_says_how_to_get_it(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pydicom.data.get_testdata_file", lambda *_, **__: None)
    page = open_page()
    page.radio(key="film").set_value(RG1).run()
    assert not page.exception
    assert "hilum[samples]" in read_page(page)


def test_a_model_that_is_not_there_is_a_calm_message(open_page: OpenPage) -> None:
    page = open_page("--model=no-such-model")
    assert "The model cannot be used" in read_page(page)
    assert "no-such-model" in read_page(page)


def test_every_colour_scale_has_a_title() -> None:
    from hilum.app.rail import COLORMAP_TITLES
    from hilum.report import COLORMAPS

    assert set(COLORMAP_TITLES) == set(COLORMAPS)


@pytest.mark.parametrize("comes", [True, False])
def test_a_film_is_fetched_when_asked_for_and_a_failure_is_said(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch, small_film: bytes, comes: bool
) -> None:
    asked: list[str] = []

    def fetch(film: PublicFilm) -> bytes:
        asked.append(film.name)
        if comes:
            return small_film
        raise DatasetError("Kaggle cannot be reached or refuses (ConnectionError).")

    monkeypatch.setattr("hilum.app.rail.can_fetch_films", lambda: True)
    monkeypatch.setattr("hilum.app.rail.fetch_film", fetch)
    page = open_page()
    assert asked == []
    page.button(key=f"fetch:{PUBLIC_FILMS[0].name}").click().run()
    assert not page.exception
    assert asked == [PUBLIC_FILMS[0].name]
    text = read_page(page)
    assert ("Decision: " in text or "Not assessed" in text) is comes
    assert ("Kaggle cannot be reached" in text) is not comes
    # The samples are there still.
    page.radio(key="film").set_value(SYNTHETIC).run()
    assert "This is a synthetic film" in read_page(page)


def test_without_kagglehub_no_film_is_offered(
    open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hilum.app.rail.can_fetch_films", lambda: False)
    assert not [one for one in open_page().button if str(one.key).startswith("fetch:")]
