from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from hilum.errors import DatasetError, MissingExtraError
from hilum.metrics import compute_average_precision, compute_ece, count_at_threshold
from hilum.metrics.displays import (
    ConfusionMatrixDisplay,
    FilmGalleryDisplay,
    FilmTitle,
    PrecisionRecallDisplay,
    ReliabilityDisplay,
    RocCurveDisplay,
    ScoreHistogramDisplay,
    ThresholdSweepDisplay,
)

pytest.importorskip("matplotlib")
from matplotlib.figure import Figure

RNG = np.random.default_rng(2)
LABELS = RNG.integers(0, 2, 200)
PROBABILITIES = np.clip(RNG.normal(0.35 + 0.3 * LABELS, 0.2), 0, 1)
DISPLAYS = (
    ConfusionMatrixDisplay,
    PrecisionRecallDisplay,
    ReliabilityDisplay,
    RocCurveDisplay,
    ScoreHistogramDisplay,
    ThresholdSweepDisplay,
)


@pytest.fixture
def axes() -> Any:
    return Figure().subplots()


@pytest.mark.parametrize("display", DISPLAYS, ids=lambda display: display.__name__)
def test_it_is_drawn_where_one_says_and_again_elsewhere(display: Any, axes: Any) -> None:
    shown = display.from_predictions(LABELS, PROBABILITIES, name="mine", ax=axes)
    assert shown.ax_ is axes
    assert shown.figure_ is axes.figure
    other = Figure().subplots()
    assert shown.plot(other) is shown
    assert shown.ax_ is other
    assert other.has_data()


def test_without_axes_pyplot_makes_some() -> None:
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    shown = RocCurveDisplay.from_predictions(LABELS, PROBABILITIES)
    assert shown.figure_ in [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")


def test_values_are_stored(axes: Any) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    roc = RocCurveDisplay.from_predictions(
        LABELS, PROBABILITIES, thresholds={"half": 0.5}, color="red", ax=axes
    )
    assert roc.roc_auc == pytest.approx(metrics.roc_auc_score(LABELS, PROBABILITIES))
    counts = count_at_threshold(LABELS, PROBABILITIES, 0.5)
    assert roc.points["half"] == (1 - counts.specificity, counts.sensitivity)
    assert roc.line_ is not None
    assert roc.line_.get_color() == "red"
    curve = PrecisionRecallDisplay.from_predictions(LABELS, PROBABILITIES, ax=axes)
    expected = compute_average_precision(LABELS, PROBABILITIES)
    assert curve.average_precision == pytest.approx(expected)
    assert curve.prevalence == pytest.approx(LABELS.mean())
    reliability = ReliabilityDisplay.from_predictions(LABELS, PROBABILITIES, ax=axes)
    assert reliability.ece == pytest.approx(compute_ece(LABELS, PROBABILITIES))
    histogram = ScoreHistogramDisplay.from_predictions(LABELS, PROBABILITIES, ax=axes)
    assert histogram.pneumonia.sum() == LABELS.sum()
    assert histogram.normal.sum() == (1 - LABELS).sum()


def test_sweep_is_the_figures_at_each_threshold(axes: Any) -> None:
    shown = ThresholdSweepDisplay.from_predictions(LABELS, PROBABILITIES, ax=axes)
    counts = count_at_threshold(LABELS, PROBABILITIES, float(shown.thresholds[60]))
    for name, values in shown.figures.items():
        assert values[60] == pytest.approx(getattr(counts, name))
    assert np.all(np.diff(shown.figures["sensitivity"]) <= 0)


def test_band_holds_the_curve(axes: Any) -> None:
    patients = [str(index // 2) for index in range(200)]
    shown = RocCurveDisplay.from_predictions(LABELS, PROBABILITIES, patients=patients, ax=axes)
    assert shown.band is not None
    grid = np.linspace(0, 1, 101)
    curve = np.interp(grid, shown.false_positive_rate, shown.true_positive_rate)
    inside = (shown.band[0] - 1e-9 <= curve) & (curve <= shown.band[1] + 1e-9)
    assert inside.mean() > 0.95


def test_matrix_shows_its_four_numbers(axes: Any) -> None:
    shown = ConfusionMatrixDisplay.from_predictions(
        [0, 0, 0, 1, 1], [0.1, 0.2, 0.9, 0.8, 0.4], threshold=0.5, ax=axes
    )
    texts = [text.get_text() for text in axes.texts]
    assert texts[::2] == ["2", "1", "1", "1"]
    assert texts[1] == "66.7%"
    assert shown.counts.false_positive == 1


def test_titles_are_green_and_red() -> None:
    films = [np.zeros((8, 6)), np.ones((8, 6, 3))]
    shown = FilmGalleryDisplay.from_predictions(films, [1, 0], [0.9, 0.7], figure=Figure())
    assert shown.titles == [
        FilmTitle("pneumonia", "pneumonia", 0.9),
        FilmTitle("pneumonia", "normal", 0.7),
    ]
    assert shown.axes_ is not None
    places: list[Any] = list(shown.axes_.flat)
    titles = [axes.title for axes in places]
    assert [title.get_text() for title in titles] == [
        "pneumonia · 0.90",
        "pneumonia, is normal · 0.70",
    ]
    assert titles[0].get_color() != titles[1].get_color()
    with pytest.raises(DatasetError, match="one label and probability for each"):
        FilmGalleryDisplay.from_predictions(films, [1], [0.9])


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MissingExtraError, match=r"hilum\[lab\]"):
        RocCurveDisplay.from_predictions(LABELS, PROBABILITIES)


def test_matplotlib_is_imported_late() -> None:
    code = (
        "import sys, hilum.metrics.displays, hilum.report.evaluation;"
        "print(sorted({'matplotlib', 'sklearn', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
