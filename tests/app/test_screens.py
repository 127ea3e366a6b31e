"""The pages beside Analyze, by Streamlit's own test runner."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factories.pages import read_page, read_plots
from hilum.app.batch_run import BatchRun
from hilum.app.launcher import PAGE

testing = pytest.importorskip("streamlit.testing.v1", reason='needs the extra "app"')

pytestmark = pytest.mark.usefixtures("no_shared_model")

OpenScreen = Callable[..., Any]
PATIENCE_S = 120.0


@pytest.fixture
def open_screen(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> OpenScreen:
    """Open one of the pages with the tiny model."""

    def open_it(name: str) -> Any:
        monkeypatch.setattr(sys, "argv", [str(PAGE), f"--model={tiny_model}"])
        page = testing.AppTest.from_file(str(PAGE), default_timeout=180).run()
        return go_to(page, name)

    return open_it


def go_to(page: Any, name: str) -> Any:
    page.switch_page(f"screens/{name}.py").run()
    assert not page.exception
    return page


def drop(page: Any, *files: tuple[str, bytes]) -> None:
    page.file_uploader[0].set_value(
        [(name, data, "application/octet-stream") for name, data in files]
    ).run()
    assert not page.exception


def test_every_page_says_once_what_it_is_not(open_screen: OpenScreen) -> None:
    for name in ("analyze", "compare", "batch", "models"):
        assert read_page(open_screen(name)).count("not a medical device") == 1, name


def test_choices_go_along_from_page_to_page(open_screen: OpenScreen, small_film: bytes) -> None:
    page = open_screen("analyze")
    drop(page, ("mine.png", small_film))
    page.session_state["opacity"] = 20  # as the viewer's knob does
    page.checkbox(key="no_gate").set_value(True).run()
    go_to(page, "compare")
    assert page.radio(key="film").value == "drop:1"
    assert page.slider(key="opacity").value == 20
    go_to(page, "about")
    go_to(page, "analyze")
    assert page.session_state["opacity"] == 20
    assert page.checkbox(key="no_gate").value is True
    assert "probability of pneumonia" in read_page(page)


def test_networks_answer_side_by_side(
    open_screen: OpenScreen, small_film: bytes, tiny_model: Path
) -> None:
    page = open_screen("compare")
    assert "Choose a film" in read_page(page)
    drop(page, ("film.png", small_film))
    text = read_page(page)
    models = page.multiselect(key="compared_models").value
    assert str(tiny_model) in models
    assert len(models) >= 2
    assert text.count('<section class="card">') == len(models) + 2  # and two methods
    assert "threshold 50.0 %" in text
    assert len(page.get("image")) == len(models) + 2
    page.multiselect(key="compared_models").set_value([str(tiny_model)]).run()
    page.multiselect(key="compared_methods").set_value(["evidence", "occlusion"]).run()
    assert not page.exception
    text = read_page(page)
    assert len(page.get("image")) == 3
    assert "where a square covers the film" in text
    page.multiselect(key="compared_models").set_value([]).run()
    assert "at least one model" in read_page(page)


def test_a_film_that_cannot_be_read_is_said_on_the_page(open_screen: OpenScreen) -> None:
    page = open_screen("compare")
    drop(page, ("film.dcm", b"nothing"))
    assert "This file cannot be read" in read_page(page)


def finish(page: Any) -> None:
    run: BatchRun = page.session_state["batch_run"]
    assert run.wait(PATIENCE_S).state != "running"
    page.run()
    assert not page.exception


def test_a_batch_from_files_and_archives(open_screen: OpenScreen, small_film: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(7):
            archive.writestr(f"study/{number}.png", small_film)
        archive.writestr("study/README", "text")
    page = open_screen("batch")
    assert page.button(key="start").disabled
    drop(page, ("a.png", small_film), ("study.zip", buffer.getvalue()), ("bad.png", b"\x89PNG"))
    assert "9 films wait" in read_page(page)
    page.button(key="start").click().run()
    finish(page)
    text = read_page(page)
    assert "9 of 9 films" in text
    assert "<dt>failed</dt><dd>1</dd>" in text
    assert len(page.dataframe[0].value) == 9
    assert "No film waits" in text
    page.text_input(key="wanted_name").set_value("study/").run()
    assert len(page.dataframe[0].value) == 7
    page.slider(key="wanted_probability").set_value((99, 100)).run()
    assert not page.exception
    assert len(page.get("download_button")) == 2


def test_a_batch_can_be_cancelled(open_screen: OpenScreen, small_film: bytes) -> None:
    page = open_screen("batch")
    drop(page, *((f"{number}.png", small_film) for number in range(300)))
    page.button(key="start").click().run()
    run: BatchRun = page.session_state["batch_run"]
    if run.get_progress().state == "running":
        page.button(key="cancel").click().run()
    finish(page)
    progress = run.get_progress()
    assert progress.state == "cancelled"
    assert progress.done < 300
    assert "Cancelled" in read_page(page)


def test_what_does_not_fit_is_said(
    open_screen: OpenScreen, small_film: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hilum.app.batch_parts._MOST_BYTES", len(small_film) + 10)
    page = open_screen("batch")
    drop(page, ("a.png", small_film), ("b.png", small_film))
    text = read_page(page)
    assert "1 film waits." in text
    assert "a.png did not fit" in text


def test_models_are_listed_with_their_cards(open_screen: OpenScreen) -> None:
    page = open_screen("models")
    text = read_page(page)
    assert "tiny 1.0" in text
    assert "hilum-efficientnet-lite1" in text
    assert "not measured" in text  # the tiny one
    page.selectbox(key="card").set_value(1).run()
    assert not page.exception
    assert "# hilum-efficientnet-lite1" in page.markdown[0].value


def test_models_show_their_curves_figures_and_maps(
    curved_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(PAGE), f"--model={curved_model}"])
    page = testing.AppTest.from_file(str(PAGE), default_timeout=180).run()
    go_to(page, "models")
    everyone, *own = read_plots(page)
    for name in ("curved", "hilum-efficientnet-lite1", "hilum-resnet18"):
        assert f"{name}, AUC" in everyone
    for words, plot in zip(("ROC curve of", "Reliability of", "How the"), own, strict=True):
        assert f'aria-label="{words}' in plot
    text = read_page(page)
    assert "Calibration and operating points were fitted on them" in text
    assert '<th scope="row">occlusion</th><td>0.50 (0.25 to 0.75)</td>' in text
    assert "occlusion finds planted opacities no better than a map of noise" in text
    assert "Figures on test films" not in text  # it has none
    page.selectbox(key="card").set_value(1).run()
    assert not page.exception
    text = read_page(page)
    assert "Figures on test films" in text
    assert "96.4 % (94.4 % to 98.1 %)" in text
    assert "14 / 390" in text


def test_a_model_without_scores_has_no_curve_of_its_own(open_screen: OpenScreen) -> None:
    page = open_screen("models")
    assert len(read_plots(page)) == 1  # the shipped ones together
    text = read_page(page)
    assert "does not hold how its validation films scored" in text
    assert "Not measured. hilum faithfulness" in text


def test_networks_are_joined_where_they_mean_the_same(
    open_screen: OpenScreen, small_film: bytes, tiny_model: Path
) -> None:
    page = open_screen("compare")
    drop(page, ("film.png", small_film))
    page.checkbox(key="no_gate").set_value(True).run()
    assert not page.exception
    text = read_page(page)
    networks = len(page.multiselect(key="compared_models").value)
    assert f"Ensemble of the {networks} networks that answer" in text
    assert "has no decision" in text
    [scale] = read_plots(page)
    assert "Ensemble" in scale
    page.multiselect(key="compared_models").set_value([str(tiny_model)]).run()
    assert not page.exception
    assert "Ensemble" not in read_page(page)
    assert read_plots(page) == []


def test_about_says_whom_the_models_know(open_screen: OpenScreen) -> None:
    text = read_page(open_screen("about"))
    assert "Guangzhou" in text
    assert "no decision on a patient" in text


def test_history_tells_what_was_analyzed_and_what_was_said_of_it(
    tiny_model: Path, small_film: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sqlalchemy", reason='needs the extra "store"')
    from hilum.store import open_journal

    place = tmp_path / "journal.sqlite"
    arguments = [str(PAGE), f"--model={tiny_model}", f"--journal={place}"]
    monkeypatch.setattr(sys, "argv", arguments)
    page = testing.AppTest.from_file(str(PAGE), default_timeout=180).run()
    go_to(page, "history")
    assert "None yet." in read_page(page)
    go_to(page, "analyze")
    drop(page, ("Kim-Minsu.png", small_film))
    page.select_slider(key="scale").set_value(2.0).run()  # another run, no other analysis
    [said] = [pills for pills in page.pills if str(pills.key).startswith("feedback:")]
    said.set_value("disagree").run()
    assert not page.exception
    drop(page, ("broken.png", small_film[:100]))
    page.select_slider(key="scale").set_value(5.0).run()  # tried again, and failed once
    go_to(page, "batch")
    drop(page, ("a.png", small_film + b"a"), ("b.png", small_film + b"b"))
    page.button(key="start").click().run()
    finish(page)
    with open_journal(place) as journal:
        kept = journal.list_analyses()
        assert len(kept) == 4
        assert [one.outcome for one in kept].count("failed") == 1
        assert [one.feedback for one in kept if one.feedback] == ["disagree"]
        assert {one.source for one in kept} == {"app"}
    assert b"Minsu" not in place.read_bytes()
    go_to(page, "history")
    text = read_page(page)
    assert "<dt>analyses</dt><dd>4</dd>" in text
    assert len(page.dataframe[0].value) == 4
    page.checkbox(key="sure_to_purge").set_value(True).run()
    page.number_input(key="kept_days").set_value(0).run()
    page.button(key="purge").click().run()
    assert "4 analyses were removed." in read_page(page)


def test_without_a_journal_history_says_so_and_nothing_is_kept(open_screen: OpenScreen) -> None:
    assert "No journal is kept" in read_page(open_screen("history"))


def test_an_answer_does_not_wait_for_a_journal_that_cannot_be_written(
    tiny_model: Path, small_film: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sqlalchemy", reason='needs the extra "store"')
    place = tmp_path / "journal.sqlite"
    place.write_bytes(b"This is no database at all. " * 50)
    monkeypatch.setattr(sys, "argv", [str(PAGE), f"--model={tiny_model}", f"--journal={place}"])
    page = testing.AppTest.from_file(str(PAGE), default_timeout=180).run()
    drop(page, ("film.png", small_film))
    text = read_page(page)
    assert "probability of pneumonia" in text
    assert "not in the journal" in text
    go_to(page, "batch")
    drop(page, ("film.png", small_film))
    page.button(key="start").click().run()
    finish(page)
    text = read_page(page)
    assert "1 of 1 films" in text
    assert "Not every analysis is in the journal" in text
    go_to(page, "history")
    assert "journal" in read_page(page)
    assert place.read_bytes().startswith(b"This is no database")
