from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Reference

from factories.datasets import make_shortcut_set, write_files
from hilum.data import Film, read_dataset
from hilum.data.acquisition import Acquisition
from hilum.data.measure import MeasuredFilm, measure_films
from hilum.data.shortcut import LogisticRegression, compute_shortcut_scores
from hilum.errors import DatasetError


def test_regression_agrees_with_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random(300) < 0.3).astype(int)
    features = rng.standard_normal((300, 4)) + labels[:, None] * [1.0, 0.0, -0.5, 0.2]
    own = LogisticRegression(features, labels)
    scaled = np.clip((features - np.median(features, axis=0)) / features.std(axis=0), -4, 4)
    weight = np.where(labels == 1, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    reference = Reference(C=1.0, tol=1e-8).fit(scaled, labels, sample_weight=weight)
    np.testing.assert_allclose(own.coefficients[1:], reference.coef_[0], atol=1e-3)
    np.testing.assert_allclose(own.score(features), reference.decision_function(scaled), atol=1e-3)


def make_acquisition(values: list[float]) -> Acquisition:
    features = {"resolution": dict(zip("ab", values, strict=True)), "tone": {"c": 0.0}}
    return Acquisition(1, 1, 1, None, 0.0, features)


def make_films(count: int, films_of_a_patient: int, part: str = "train") -> list[Film]:
    return [
        Film(
            f"{part}/{label}/{number}",
            label,
            f"{part}-{label}-{number // films_of_a_patient}",
            part,
        )
        for label in (0, 1)
        for number in range(count)
    ]


def test_features_of_patients_alone_tell_nothing_of_others() -> None:
    """Each patient has a look, no class has: split by film the score would be near 1."""
    rng = np.random.default_rng(0)
    films = make_films(200, 10)
    looks = {film.patient: rng.standard_normal(2) for film in films}
    made = [make_acquisition(list(looks[film.patient])) for film in films]
    scores = compute_shortcut_scores(films, made)
    assert [score.group for score in scores] == ["resolution", "all"]  # tone does not vary
    for score in scores:
        assert score.low < 0.5 < score.high
        assert score.transferred is None
        assert score.features == ("a", "b") if score.group == "resolution" else True


def test_what_tells_is_found_and_carried_over() -> None:
    rng = np.random.default_rng(0)
    films = [*make_films(60, 2), *make_films(30, 2, part="test")]
    # On the test part the second feature says the opposite.
    made = [
        make_acquisition(
            [
                rng.standard_normal(),
                2.0 * film.label * (1 if film.part == "train" else -1) + rng.standard_normal(),
            ]
        )
        for film in films
    ]
    score = compute_shortcut_scores(films, made)[0]
    assert score.low > 0.8
    assert score.transferred is not None
    assert score.transferred < 0.2


def test_words_of_the_header_tell_too() -> None:
    """All films with pneumonia were taken in bed, as sicker children are."""
    films = make_films(40, 2)
    made = [
        Acquisition(
            *(1, 1, 1, None, 0.0, {}),
            header={"view": "AP" if film.label else "PA", "bits": "12", "maker": f"{index}"},
        )
        for index, film in enumerate(films)
    ]
    header, everything = compute_shortcut_scores(films, made)
    assert (header.group, header.features) == ("header", ("view=AP", "view=PA"))
    assert header.auc == everything.auc == 1.0


def test_too_few_patients() -> None:
    films = make_films(20, 4)
    with pytest.raises(DatasetError, match=r"needs 10 patients.*there are 5 of the class normal"):
        compute_shortcut_scores(films, [make_acquisition([0.0, float(i)]) for i in range(40)])


@pytest.mark.parametrize("telling", [True, False])
def test_drawn_films_with_and_without_a_shortcut(
    tmp_path_factory: pytest.TempPathFactory, telling: bool
) -> None:
    root = tmp_path_factory.mktemp("films")
    write_files(root, make_shortcut_set(telling=telling))
    root, films = read_dataset(root)
    measured = [one for one in measure_films(root, films) if isinstance(one, MeasuredFilm)]
    assert [one.film for one in measured] == films
    scores = compute_shortcut_scores(films, [one.acquisition for one in measured])
    by_group = {score.group: score for score in scores}
    if telling:
        assert by_group["resolution"].low > 0.9
        assert by_group["all"].auc > 0.99
    else:
        assert all(score.low < 0.6 for score in scores)
