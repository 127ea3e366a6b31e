from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hilum.app.session import Engine, Film, analyze_once, explain_once
from hilum.errors import ConfigError, UnreadableImageError
from hilum.predictor import load_model
from hilum.types import Radiograph


@pytest.fixture
def engine(tiny_model: Path) -> Iterator[Engine]:
    engine = Engine(load_model(tiny_model, threads=1))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def film(small_film: bytes) -> Film:
    return Film(name="phantom.png", data=small_film)


def test_operating_point_costs_no_second_pass(engine: Engine, film: Film, runs: list[int]) -> None:
    state: dict[Any, Any] = {}
    first = analyze_once(state, engine, "tiny", film, "youden")
    second = analyze_once(state, engine, "tiny", film, "sensitivity_99")
    assert len(runs) == 1
    assert (first.threshold, second.threshold) == (0.5, 0.1)
    assert first.probability == second.probability
    assert second.probability is not None
    assert second.decision == ("pneumonia" if second.probability >= 0.1 else "normal")


def test_each_choice_of_views_is_asked_for_once(
    engine: Engine, film: Film, runs: list[int]
) -> None:
    state: dict[Any, Any] = {}
    plain = analyze_once(state, engine, "tiny", film, None)
    assert plain.spread is None
    mean = analyze_once(state, engine, "tiny", film, None, views="flip")
    assert mean.spread is not None
    assert len(runs) == 3
    again = analyze_once(state, engine, "tiny", film, None, views="flip")
    assert (again.logit, len(runs)) == (mean.logit, 3)
    assert analyze_once(state, engine, "tiny", film, None).logit == plain.logit
    assert len(runs) == 3


def test_sessions_share_no_analysis(engine: Engine, film: Film, runs: list[int]) -> None:
    analyze_once({}, engine, "tiny", film, "youden")
    analyze_once({}, engine, "tiny", film, "youden")
    assert len(runs) == 2


def test_a_film_keeps_its_own_name(engine: Engine, film: Film) -> None:
    state: dict[Any, Any] = {}
    analyze_once(state, engine, "tiny", film, "youden")
    again = analyze_once(state, engine, "tiny", Film("other.png", film.data), "youden")
    assert again.source == "other.png"


def test_a_session_keeps_few_films(engine: Engine, film: Film) -> None:
    state: dict[Any, Any] = {}
    for number in range(9):
        analyze_once(state, engine, "tiny", Film(f"{number}.png", film.data), "youden")
    assert [name for _, name in state["analyses"]] == [f"{number}.png" for number in range(3, 9)]


def test_a_damaged_film_leaves_the_session_as_it_was(engine: Engine, film: Film) -> None:
    state: dict[Any, Any] = {}
    with pytest.raises(UnreadableImageError):
        analyze_once(state, engine, "tiny", Film("x.png", film.data[:100]), "youden")
    assert not state.get("analyses")
    assert analyze_once(state, engine, "tiny", film, "youden").source == "phantom.png"


def test_an_unknown_operating_point_is_an_error(engine: Engine, film: Film) -> None:
    with pytest.raises(ConfigError, match="youden"):
        analyze_once({}, engine, "tiny", film, "nowhere")


def test_many_sessions_at_once_get_the_same_answer(engine: Engine, film: Film) -> None:
    alone = engine.analyze(engine.read(film))
    with ThreadPoolExecutor(max_workers=8) as pool:
        together = list(pool.map(lambda one: engine.analyze(engine.read(one)), [film] * 16))
    for prediction in together:
        assert prediction.logit == alone.logit
        np.testing.assert_array_equal(prediction.evidence.values, alone.evidence.values)


def test_models_share_the_film_and_not_the_answer(
    engine: Engine, film: Film, runs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []
    read = Engine.read

    def count(engine: Engine, film: Film) -> Radiograph:
        reads.append(film.name)
        return read(engine, film)

    monkeypatch.setattr(Engine, "read", count)
    state: dict[Any, Any] = {}
    first = analyze_once(state, engine, "one", film, None)
    second = analyze_once(state, engine, "two", film, None)
    assert (len(runs), reads) == (2, ["phantom.png"])
    assert first.radiograph is second.radiograph
    assert first.operating_point == engine.spec.default_operating_point


def test_a_map_of_another_method_is_made_once(engine: Engine, film: Film, runs: list[int]) -> None:
    state: dict[Any, Any] = {}
    prediction = analyze_once(state, engine, "tiny", film, None)
    passes: list[tuple[int, int]] = []
    first = explain_once(
        state, engine, "tiny", film, prediction, "occlusion", lambda *done: passes.append(done)
    )
    asked = len(runs)
    second = explain_once(state, engine, "tiny", film, prediction, "occlusion")
    assert first.evidence.method == "occlusion"
    assert second.evidence is first.evidence
    assert len(runs) == asked > 1
    assert passes[-1][0] == passes[-1][1]
    assert first.probability == prediction.probability
    assert explain_once(state, engine, "tiny", film, prediction, "evidence") is prediction
