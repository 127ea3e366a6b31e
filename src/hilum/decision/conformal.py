"""The zone between the answers: class-conditional split conformal prediction.

A film's set of possible answers holds pneumonia where its probability is at least
``positive_from`` and normal where it is at most ``negative_to``. Each bound is a quantile of
one class alone, so that for films of either class the set holds the truth with a chance of at
least ``1 - alpha``, as long as they are like the films that set the bound. A film with both
answers in its set, or none, is uncertain.

Source: Vovk, Gammerman, Shafer 2005, "Algorithmic Learning in a Random World", section 4.5
(Mondrian prediction); Sadinle, Lei, Wasserman 2019, JASA 114:223.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from hilum.decision.calibrate import check_scored_films
from hilum.errors import ConfigError, DatasetError
from hilum.spec import ConformalZone, Coverage

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

# With five in a hundred the classes of the shipped model's validation films do not even
# overlap; at two in a hundred they do, and that is where a reader is wanted.
DEFAULT_ALPHA = 0.02
FOLDS = 5


def count_needed_films(alpha: float) -> int:
    """Give how many films of a class it takes to promise ``1 - alpha`` at all."""
    return math.ceil(1.0 / alpha - 1.0 - 1e-9)


def fit_zone(
    probabilities: Mapping[str, ArrayLike],
    labels: ArrayLike,
    patients: Sequence[str],
    *,
    alpha: float = DEFAULT_ALPHA,
    fitted_on: str,
) -> ConformalZone:
    """Find the zone from films that the network has not learned from.

    Parameters
    ----------
    probabilities
        Under ``"clean"`` the calibrated probabilities of the films, shape (N,), and under
        other names those of the same films with their acquisition disturbed. Each bound is
        the most cautious that any of them gives, so the promise holds for each.
    labels
        Shape (N,): 1 where the film is positive, else 0.
    patients
        Whose film each is: the promise is checked on patients that did not set the bounds.
    alpha
        Share of either class that may lack the true answer in its set.
    fitted_on
        In words, the films that these are, for the spec.

    Raises
    ------
    ConfigError
        ``alpha`` is not between 0 and 0.5.
    DatasetError
        A class has fewer films than :func:`count_needed_films`, or shapes differ.
    """
    if not 0.0 < alpha < 0.5:
        raise ConfigError(f"alpha must be between 0 and 0.5, not {alpha:g}.")
    checked = {name: check_scored_films(own, labels) for name, own in probabilities.items()}
    scores = {name: values for name, (values, _) in checked.items()}
    positive = next(iter(checked.values()))[1]
    fewest = min(int(positive.sum()), int((~positive).sum()))
    if fewest < count_needed_films(alpha):
        raise DatasetError(
            f"A promise of {1 - alpha:.0%} takes {count_needed_films(alpha)} films of each class "
            f"apart from training, and there are {fewest} of one."
        )
    positive_from, negative_to = find_bounds(scores, positive, alpha)
    return ConformalZone(
        alpha=alpha,
        positive_from=positive_from,
        negative_to=negative_to,
        fitted_on=fitted_on,
        coverage=check_on_folds(scores, positive, patients, alpha),
    )


def find_bounds(
    scores: Mapping[str, NDArray[np.float64]], positive: NDArray[np.bool_], alpha: float
) -> tuple[float, float]:
    """Give (``positive_from``, ``negative_to``), the most cautious of all disturbances."""
    lowest = min(-_quantile(-own[positive], alpha) for own in scores.values())
    highest = max(_quantile(own[~positive], alpha) for own in scores.values())
    return max(lowest, 0.0), min(highest, 1.0)


def _quantile(scores: NDArray[np.float64], alpha: float) -> float:
    """Give the bound that a new score of the kind exceeds with a chance of at most alpha."""
    rank = math.ceil((scores.size + 1) * (1.0 - alpha) - 1e-9)
    return math.inf if rank > scores.size else float(np.sort(scores)[rank - 1])


def find_covered(
    probabilities: NDArray[np.float64],
    positive: NDArray[np.bool_],
    bounds: tuple[float, float],
) -> NDArray[np.bool_]:
    """Find the films whose set of possible answers holds the truth, shape (N,)."""
    return np.where(positive, probabilities >= bounds[0], probabilities <= bounds[1])


def check_on_folds(
    scores: Mapping[str, NDArray[np.float64]],
    positive: NDArray[np.bool_],
    patients: Sequence[str],
    alpha: float,
) -> Coverage:
    """Measure the coverage on films of patients that had no part in setting the bounds.

    Patients are dealt into :data:`FOLDS` folds; each fold is judged by bounds from the others.
    ``lowest`` is that of the disturbance and class which are covered least.
    """
    names, owner = np.unique(np.asarray(patients), return_inverse=True)
    fold = np.random.default_rng(0).permutation(names.size)[owner] % FOLDS
    held = {name: np.zeros(positive.size, dtype=bool) for name in scores}
    for index in range(FOLDS):
        own, rest = fold == index, fold != index
        bounds = find_bounds({n: s[rest] for n, s in scores.items()}, positive[rest], alpha)
        for name, values in scores.items():
            inside = find_covered(values, positive, bounds)
            held[name][own] = inside[own]
    by_class = {
        name: (float(inside[positive].mean()), float(inside[~positive].mean()))
        for name, inside in held.items()
    }
    clean = by_class.get("clean", next(iter(by_class.values())))
    return Coverage(
        positive=clean[0],
        negative=clean[1],
        lowest=min(min(pair) for pair in by_class.values()),
        folds=FOLDS,
    )
