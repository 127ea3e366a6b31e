"""The shortcut score: how well the classes can be told apart without a look at the disease.

A plain logistic regression is given nothing but how a film was made (see
:mod:`hilum.data.acquisition`) and judged on patients whom it has not seen. An AUC near 0.5 says
that the classes were made alike. One far above says that a network can reach that AUC from the
making alone, and nothing in its validation figures will tell that it did.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hilum.data.acquisition import Acquisition
from hilum.data.layout import Film
from hilum.data.split import fold_by_patient
from hilum.errors import DatasetError
from hilum.metrics import bootstrap_by_patient, compute_auc

Floats = NDArray[np.float64]

HEADER = "header"
ALL_GROUPS = "all"
FOLDS = 5
_RIDGE = 1.0
_MAX_STEPS = 30
_CLIP = 4.0
_RESAMPLES = 300
# Words in fewer films than this tell these films apart, not the classes.
_MIN_SHARE = 0.02


@dataclass(frozen=True, slots=True)
class ShortcutScore:
    """What one group of features says of the label.

    group
        Name of the group; ``"all"`` for all of them together.
    features
        The features that vary in this set; a set of one size has no resolution to tell by.
    auc, low, high
        Cross-validated by patient, with a 95 % interval by bootstrap over patients.
    transferred
        AUC on the part ``test`` of the classifier that was fitted on ``train``, where the set
        has both.
    """

    group: str
    features: tuple[str, ...]
    auc: float
    low: float
    high: float
    transferred: float | None = None


class LogisticRegression:
    """Logistic regression with a ridge, by Newton steps; both classes weigh the same.

    Features are centred on their median, scaled by their standard deviation and clipped at
    four of those, so that no single film decides.
    """

    def __init__(self, features: Floats, labels: NDArray[np.intp]) -> None:
        self._centre = np.median(features, axis=0)
        self._scale = features.std(axis=0) + 1e-12
        design = self._prepare(features)
        positive = labels.mean()
        weight = np.where(labels == 1, 0.5 / positive, 0.5 / (1.0 - positive))
        ridge = np.full(design.shape[1], _RIDGE)
        ridge[0] = 1e-6  # the constant is not held back
        self.coefficients = np.zeros(design.shape[1])
        for _ in range(_MAX_STEPS):
            probability = 1.0 / (1.0 + np.exp(-np.clip(design @ self.coefficients, -30, 30)))
            gradient = design.T @ (weight * (probability - labels)) + ridge * self.coefficients
            curvature = (design.T * (weight * probability * (1.0 - probability))) @ design
            step = np.linalg.solve(curvature + np.diag(ridge), gradient)
            self.coefficients -= step
            if np.abs(step).max() < 1e-6:
                break

    def _prepare(self, features: Floats) -> Floats:
        scaled = np.clip((features - self._centre) / self._scale, -_CLIP, _CLIP)
        return np.hstack([np.ones((len(scaled), 1)), scaled])

    def score(self, features: Floats) -> Floats:
        """Give the logit of each row."""
        return np.asarray(self._prepare(features) @ self.coefficients, dtype=np.float64)


def compute_shortcut_scores(
    films: Sequence[Film], acquisitions: Sequence[Acquisition], *, seed: int = 0
) -> list[ShortcutScore]:
    """Score each group of features, and all together.

    Films of the part ``test`` are held out of the cross-validation where there are others, and
    judged apart by the classifier that the others give.

    Parameters
    ----------
    films, acquisitions
        The films and how each was made, in the same order.
    seed
        Of the folds.

    Raises
    ------
    DatasetError
        There are too few patients of a class to cross-validate.
    """
    pool = [index for index, film in enumerate(films) if film.part != "test"]
    held_out = [index for index, film in enumerate(films) if film.part == "test"]
    if not pool:
        pool, held_out = held_out, []
    known = [films[index] for index in pool]
    for label, name in enumerate(("normal", "pneumonia")):
        patients = {film.patient for film in known if film.label == label}
        if len(patients) < 2 * FOLDS:
            raise DatasetError(
                f"The shortcut score needs {2 * FOLDS} patients of each class; there are "
                f"{len(patients)} of the class {name}."
            )
    names, matrices = _collect(acquisitions)
    fold_of = _assign_folds(known, seed)
    scores = []
    for group, matrix in matrices.items():
        own = matrix[pool]
        varied = own.std(axis=0) > 1e-9
        if not varied.any():
            continue
        score = _score_group(group, own[:, varied], known, fold_of)
        kept = tuple(name for name, keep in zip(names[group], varied, strict=True) if keep)
        transferred = _transfer(
            own[:, varied], known, matrix[held_out][:, varied], [films[i] for i in held_out]
        )
        scores.append(ShortcutScore(group, kept, *score, transferred))
    return scores


def _collect(
    acquisitions: Sequence[Acquisition],
) -> tuple[dict[str, list[str]], dict[str, Floats]]:
    """Give group -> names of its features, and group -> matrix, shape (films, features)."""
    groups: Mapping[str, Mapping[str, float]] = acquisitions[0].features
    names = {group: list(features) for group, features in groups.items()}
    matrices = {
        group: np.array([list(one.features[group].values()) for one in acquisitions])
        for group in groups
    }
    names[HEADER], matrices[HEADER] = _encode_headers([one.header for one in acquisitions])
    names[ALL_GROUPS] = [f"{group}.{name}" for group in names for name in names[group]]
    matrices[ALL_GROUPS] = np.hstack(list(matrices.values()))
    return names, matrices


def _encode_headers(headers: Sequence[Mapping[str, str]]) -> tuple[list[str], Floats]:
    """Turn words into 0 and 1, one feature for each word that is neither rare nor on all films."""
    names, columns = [], []
    for key in headers[0]:
        values = [header.get(key, "") for header in headers]
        for word in sorted(set(values)):
            column = np.array([value == word for value in values], dtype=np.float64)
            if _MIN_SHARE <= column.mean() < 1.0:
                names.append(f"{key}={word}")
                columns.append(column)
    if not columns:
        return [], np.zeros((len(headers), 0))
    return names, np.stack(columns, axis=1)


def _assign_folds(films: Sequence[Film], seed: int) -> NDArray[np.intp]:
    fold_of_film = {
        film: number
        for number, split in enumerate(fold_by_patient(films, folds=FOLDS, seed=seed))
        for film in split.validation
    }
    return np.array([fold_of_film[film] for film in films])


def _score_group(
    group: str, features: Floats, films: Sequence[Film], fold_of: NDArray[np.intp]
) -> tuple[float, float, float]:
    labels = np.array([film.label for film in films])
    scores = np.zeros(len(films))
    for fold in range(FOLDS):
        unseen = fold_of == fold
        fitted = LogisticRegression(features[~unseen], labels[~unseen])
        scores[unseen] = fitted.score(features[unseen])
    low, high = bootstrap_by_patient(
        [film.patient for film in films],
        [film.label for film in films],
        lambda weights: np.array([compute_auc(labels, scores, weights)]),
        resamples=_RESAMPLES,
    )
    return compute_auc(labels, scores), float(low[0]), float(high[0])


def _transfer(
    features: Floats, films: Sequence[Film], other_features: Floats, others: Sequence[Film]
) -> float | None:
    """Fit on ``films`` and give the AUC on ``others``; ``None`` where those lack a class."""
    labels = [film.label for film in others]
    if set(labels) != {0, 1}:
        return None
    fitted = LogisticRegression(features, np.array([film.label for film in films]))
    return compute_auc(labels, fitted.score(other_features))
