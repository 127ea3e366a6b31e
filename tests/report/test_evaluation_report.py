"""The report as files, and as a browser shows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hilum
from factories.labelled import write_labelled_films
from factories.networks import write_tiny_network
from factories.predictions import make_predictions
from hilum.data import read_dataset
from hilum.errors import DatasetError
from hilum.evaluation import (
    Candidate,
    Evaluation,
    evaluate_candidates,
    make_candidate,
    make_model_candidate,
    score_films,
)
from hilum.evaluation import make_predictions as gather

pytest.importorskip("matplotlib")
from hilum.report.evaluation import write_report
from hilum.report.evaluation_films import choose_gallery, choose_worst

FACTS: dict[str, Any] = {"data": "drawn", "part": "test", "command": "test", "resamples": 100}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Candidate, Path]:
    """The tiny model with its scores of drawn films, and the folder of the films."""
    folder = tmp_path_factory.mktemp("judged")
    spec = write_tiny_network(folder / "model")
    root, films = read_dataset(write_labelled_films(folder / "films"))
    with hilum.load_model(folder / "model") as model:
        scored = gather("tiny", score_films(model, root, films))
    return make_model_candidate(scored, spec, model=str(folder / "model")), root


@pytest.fixture(scope="module")
def report(
    judged: tuple[Candidate, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Evaluation]:
    candidate, root = judged
    folder = tmp_path_factory.mktemp("report") / "new" / "folder"
    evaluation = evaluate_candidates([candidate], **FACTS)
    page = write_report(evaluation, [candidate], folder, films=root)
    assert page == folder / "report.html"
    return folder, evaluation


def test_figures_lie_beside_the_page_as_png_and_svg(report: tuple[Path, Evaluation]) -> None:
    folder, evaluation = report
    names = {path.name for path in (folder / "figures").iterdir()}
    kinds = ("roc", "precision-recall", "reliability", "confusion-1", "sweep-1", "scores-1")
    films = ("films-1", "errors-1")
    assert names == {f"{name}.{end}" for name in (*kinds, *films) for end in ("png", "svg")}
    again = Evaluation.model_validate_json((folder / "evaluation.json").read_text())
    assert again == evaluation
    assert not list(folder.rglob("*.partial"))


def test_page_stands_alone_and_tells_the_figures(report: tuple[Path, Evaluation]) -> None:
    folder, evaluation = report
    page = (folder / "report.html").read_text()
    assert "<script" not in page
    assert 'src="data:image/jpeg' in page
    assert page.count("<svg") == 6
    (model,) = evaluation.models
    assert f"{model.metrics.roc_auc.value:.3f}" in page
    assert f"misses {model.metrics.operating_points['youden'].false_negative}" in page
    for words in ("bacteria", "virus", "The worst errors", "Not a medical device"):
        assert words in page


def test_without_films_no_picture_is_written(
    judged: tuple[Candidate, Path], tmp_path: Path
) -> None:
    candidate, _ = judged
    write_report(evaluate_candidates([candidate], **FACTS), [candidate], tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "<img" not in page
    assert not list((tmp_path / "figures").glob("films-*"))


def test_films_that_are_not_there_leave_nothing_behind(
    judged: tuple[Candidate, Path], tmp_path: Path
) -> None:
    candidate, _ = judged
    evaluation = evaluate_candidates([candidate], **FACTS)
    with pytest.raises(DatasetError, match="--no-films"):
        write_report(evaluation, [candidate], tmp_path / "report", films=tmp_path)
    assert not (tmp_path / "report").exists()


def test_a_place_that_cannot_be_written_is_told(
    judged: tuple[Candidate, Path], tmp_path: Path
) -> None:
    candidate, _ = judged
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot be written"):
        write_report(
            evaluate_candidates([candidate], **FACTS), [candidate], tmp_path / "file" / "x"
        )


def test_several_models_share_the_curves(tmp_path: Path) -> None:
    hostile = '<b>"x"&'
    candidates = [
        make_candidate(make_predictions("one", worth=3.0)),
        make_candidate(make_predictions(hostile, seed=1), {"a": 0.2, "b": 0.4, "c": 0.6, "d": 0.8}),
    ]
    evaluation = evaluate_candidates(candidates, compare=True, **FACTS)
    write_report(evaluation, candidates, tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert hostile not in page
    assert "Between the models" in page
    assert page.count("<svg") == 9
    assert json.loads((tmp_path / "evaluation.json").read_text())["comparisons"]


# --- which films ---------------------------------------------------------------------------


def test_worst_errors_are_the_most_confident_ones() -> None:
    candidate = make_candidate(make_predictions(worth=0.5))
    own = candidate.predictions
    missed = choose_worst(candidate, 1, count=3)
    wrong = own.probabilities[(own.labels == 1) & (own.probabilities < 0.5)]
    assert own.probabilities[missed].tolist() == sorted(wrong.tolist())[:3]
    alarms = choose_worst(candidate, 0, count=500)
    assert all(own.labels[at] == 0 and own.probabilities[at] >= 0.5 for at in alarms)
    assert own.probabilities[alarms[0]] == own.probabilities[own.labels == 0].max()


def test_gallery_has_as_many_of_each_class() -> None:
    candidate = make_candidate(make_predictions())
    chosen = choose_gallery(candidate, count=16)
    assert candidate.predictions.labels[chosen].tolist() == [0] * 8 + [1] * 8
    assert len(set(chosen)) == 16
    few = candidate.predictions.select([film.path for film in candidate.predictions.films[:4]])
    assert len(choose_gallery(replace(candidate, predictions=few))) == 4


# --- in a browser --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(chromium: Path) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        shown = started.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        yield shown
        shown.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", [1400, 380])
def test_page_fits_its_screen_by_day_and_by_night(
    report: tuple[Path, Evaluation], browser: Any, scheme: str, width_px: int
) -> None:
    page = browser.new_page(viewport={"width": width_px, "height": 800}, color_scheme=scheme)
    requests, messages = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: messages.append(message.text))
    page.goto((report[0] / "report.html").as_uri())
    root = "document.documentElement"
    assert page.evaluate(f"{root}.scrollWidth <= {root}.clientWidth")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = [int(part) for part in ground[4:-1].split(",")]
    assert (max(brightness) < 60) == (scheme == "dark")
    # The figures turn with the page: the letters on them are as bright as those beside them.
    fills = page.evaluate(
        "[...document.querySelectorAll('svg text')].map(t => getComputedStyle(t).fill)"
    )
    letters = {max(int(part) for part in fill[4:-1].split(",")) > 120 for fill in fills}
    assert letters == {scheme == "dark"}
    assert not messages
    assert all(url.startswith(("file:", "data:")) for url in requests)
    page.close()
