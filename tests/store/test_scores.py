from __future__ import annotations

import numpy as np
import pytest

from factories.journals import make_prediction, make_spec
from hilum.decision import describe_logits
from hilum.errors import ConfigError
from hilum.spec import ModelSpec
from hilum.store import Journal, Selection, open_journal


@pytest.fixture(scope="module")
def spec() -> ModelSpec:
    rng = np.random.default_rng(0)
    labels = np.arange(600) < 400
    logits = np.where(labels, rng.normal(3, 1, 600), rng.normal(-3, 1, 600))
    return make_spec().model_copy(update={"validation_logits": describe_logits(logits, labels)})


def record(journal: Journal, logits: object, *, first: int = 0, **facts: object) -> None:
    for number, logit in enumerate(np.asarray(logits, dtype=float)):
        journal.record(
            make_prediction(float(logit), film=first + number, **facts),  # type: ignore[arg-type]
            spec=make_spec(),
            source="app",
            latency_ms=1,
        )


def draw(positive: int, negative: int, shift: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(7)
    return np.concatenate([rng.normal(3, 1, positive), rng.normal(-3 + shift, 1, negative)])


def test_the_share_of_a_site_is_told_from_a_shift(journal: Journal, spec: ModelSpec) -> None:
    record(journal, draw(20, 130))
    drift = journal.compare_scores(spec).drift
    assert drift is not None
    assert drift.verdict == "other share"
    assert drift.share is not None
    assert drift.share.low <= 20 / 150 <= drift.share.high
    assert drift.validation_share == pytest.approx(2 / 3)
    # From here on the negative films are made in another way.
    record(journal, draw(0, 150, shift=2.0), first=1000)
    shifted = journal.compare_scores(spec, Selection(since=None)).drift
    assert shifted is not None
    assert shifted.verdict == "other scores"


def test_a_film_counts_once_by_its_last_analysis(journal: Journal, spec: ModelSpec) -> None:
    record(journal, [1.0, 2.0])
    record(journal, [5.0])
    record(journal, [7.0], first=9, decision="not assessed", reasons=["looks_foreign"])
    record(journal, [8.0], first=10, reasons=["looks_foreign"], warnings=["gate_off"])
    record(journal, [9.0], first=11, warnings=["views_averaged"])
    journal.record_failure(ValueError(), source="app", latency_ms=1, spec=make_spec())
    for _ in range(2):
        journal.record(
            make_prediction(4.0, film=None), spec=make_spec(), source="app", latency_ms=1
        )
    comparison = journal.compare_scores(spec)
    assert sorted(comparison.logits) == [2.0, 4.0, 4.0, 5.0]
    assert (comparison.repeated, comparison.averaged, comparison.refused) == (1, 1, 2)
    assert comparison.refused_share == pytest.approx(2 / 6)
    assert comparison.drift is not None
    assert comparison.drift.verdict == "too few films"


def test_a_spec_without_validation_logits_says_so(journal: Journal) -> None:
    record(journal, draw(20, 20))
    comparison = journal.compare_scores(make_spec())
    assert comparison.logits.size == 40
    assert comparison.drift is None
    assert comparison.compute_histogram() is None


def test_analyses_of_other_weights_are_left_out(journal: Journal, spec: ModelSpec) -> None:
    record(journal, draw(20, 20))
    weights = spec.weights.model_copy(update={"sha256": "f" * 64})
    other = spec.model_copy(update={"weights": weights})
    assert journal.compare_scores(other).logits.size == 0
    assert journal.compare_scores(other).refused_share is None
    with pytest.raises(ConfigError, match="selection is of another"):
        journal.compare_scores(spec, Selection(model="another"))


def test_a_histogram_counts_every_film(tmp_path: object, spec: ModelSpec) -> None:
    with open_journal(f"{tmp_path}/journal.sqlite") as journal:
        empty = journal.compare_scores(spec).compute_histogram(bins=10)
        record(journal, [*draw(30, 30), -40.0, 40.0])
        histogram = journal.compare_scores(spec).compute_histogram(bins=10)
    assert empty is not None
    assert histogram is not None
    assert histogram.edges.shape == (11,)
    assert (histogram.edges[0] <= -40.0, histogram.edges[-1] >= 40.0) == (True, True)
    for shares in (histogram.observed, histogram.positive, histogram.negative, histogram.fitted):
        assert shares.shape == (10,)
        assert shares.sum() == pytest.approx(1.0)
    assert empty.observed.sum() == 0.0
    assert empty.positive.sum() == pytest.approx(1.0)
    assert histogram.positive @ np.arange(10) > histogram.negative @ np.arange(10)
