"""Whether films that a model scores are like those that it was validated on.

Two questions are asked of the logits, each by a Kolmogorov-Smirnov distance and a bootstrap null:

* **Same share.** Could they be films of the validation's kind, with the validation's share of
  positive films? That share is what a dataset's makers chose, so at most sites the answer is no,
  and nothing is wrong.
* **Any share.** Could they be films of the validation's kind with *any* share of positive films?
  The share is fitted. Where the answer is no, positive or negative films score otherwise than
  they did on validation: other patients, other equipment, another way of making the film.

The validation films are a sample themselves. The null is drawn so: new validation films of each
class and new films are drawn, the share is fitted anew, the distance measured again. What a small
validation set cannot tell is therefore not called a shift, however many films there are.

Source: Saerens, Latinne, Decaestecker 2002, Neural Computation 14:21 (scores as a mixture with an
unknown share); Efron and Tibshirani 1993, "An Introduction to the Bootstrap", section 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from hilum.decision.calibrate import check_scored_films
from hilum.errors import ConfigError, DatasetError
from hilum.spec import Interval, LogitQuantiles, ValidationLogits

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

# One a percent: what lies between two of them is far less than a few hundred films can tell.
QUANTILES = 101
# Of four figures after the point, whatever the scale of a network's logits.
_DECIMALS = 4

DEFAULT_ALPHA = 0.01
# With fewer, not even a shift by the whole distance between the classes is told reliably.
LEAST_FILMS = 30

_RESAMPLES = 999
# Quantiles of each class at which the test looks; more would only take longer.
_GRID = 41

Verdict = Literal["too few films", "as on validation", "other share", "other scores"]


@dataclass(frozen=True, slots=True)
class DistanceTest:
    """A distance of two distributions, and how often chance alone makes a larger one.

    distance
        The largest difference of the cumulative shares, in [0, 1].
    p_value
        In (0, 1]: the share of resamples under the null whose distance is as large.
    """

    distance: float
    p_value: float


@dataclass(frozen=True, slots=True, eq=False)
class Drift:
    """How films that were scored compare with the validation films.

    films
        How many logits were compared.
    alpha
        Chance of a false alarm of either test.
    verdict
        ``"other scores"``: no share of positive films explains the logits.
        ``"other share"``: another share than the validation's does.
        ``"as on validation"``: neither is seen. ``"too few films"``: nothing was tested.
    same_share, any_share
        The two tests, see :mod:`hilum.decision.drift`; ``None`` with too few films.
    share
        Share of positive films that explains the logits best, with its 95 % interval. It means
        something only where the verdict is not ``"other scores"``.
    validation_share
        That of the validation films.
    logits
        Shape (G,), rising: where the cumulative shares below are given.
    observed, positive, negative, fitted
        Shape (G,): cumulative shares of the films, of either class of the validation films, and
        of the mixture that explains the films best (with too few films, of all validation films).
    """

    films: int
    alpha: float
    verdict: Verdict
    same_share: DistanceTest | None
    any_share: DistanceTest | None
    share: Interval | None
    validation_share: float
    logits: Floats
    observed: Floats
    positive: Floats
    negative: Floats
    fitted: Floats


def describe_logits(logits: ArrayLike, labels: ArrayLike) -> ValidationLogits:
    """Give the quantiles of each class's logits, for the spec.

    Parameters
    ----------
    logits
        Shape (N,), of the validation films.
    labels
        Shape (N,): 1 where the film is positive, else 0.

    Raises
    ------
    DatasetError
        There are not both classes, shapes differ, or a number is not finite.
    """
    values, positive = check_scored_films(logits, labels)
    return ValidationLogits(
        positive=_describe_class(values[positive]), negative=_describe_class(values[~positive])
    )


def _describe_class(logits: Floats) -> LogitQuantiles:
    quantiles = np.quantile(logits, np.linspace(0.0, 1.0, QUANTILES)).round(_DECIMALS)
    return LogitQuantiles(films=logits.size, quantiles=tuple(quantiles.tolist()))


def measure_drift(
    logits: ArrayLike, reference: ValidationLogits, *, alpha: float = DEFAULT_ALPHA, seed: int = 0
) -> Drift:
    """Compare the logits of films with those of the validation films.

    Parameters
    ----------
    logits
        Shape (N,), one a film. The films are taken for independent: many of one patient, or one
        film many times, make chance look like a shift.
    reference
        ``spec.validation_logits``.
    alpha
        Chance of a false alarm that each test may have, each time that it is asked.
    seed
        Of the resamples: the same logits have the same answer.

    Raises
    ------
    ConfigError
        ``alpha`` is not between 0 and 0.5.
    DatasetError
        A logit is not finite, or they are no list of numbers.
    """
    if not 0.0 < alpha < 0.5:
        raise ConfigError(f"alpha must be between 0 and 0.5, not {alpha:g}.")
    values = np.asarray(logits, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise DatasetError("Logits are a list of finite numbers.")
    grid = _choose_grid(reference)
    classes = np.stack(
        [_accumulate(reference.positive, grid), _accumulate(reference.negative, grid)]
    )
    counts = np.array([reference.positive.films, reference.negative.films])
    usual = float(counts[0] / counts.sum())
    observed = np.searchsorted(np.sort(values), grid, side="right") / max(values.size, 1)
    share: Interval | None = None
    same: DistanceTest | None = None
    free: DistanceTest | None = None
    fitted_share = usual
    if values.size >= LEAST_FILMS:
        rng = np.random.default_rng(seed)
        resampled = np.stack(
            [_draw(own, int(films), rng) for own, films in zip(classes, counts, strict=True)],
            axis=-2,
        )
        worlds = _Worlds(observed, classes, resampled, values.size, usual, rng)
        same, _ = worlds.test(fit=False)
        free, share = worlds.test(fit=True)
        fitted_share = share.value
    return Drift(
        films=values.size,
        alpha=alpha,
        verdict=_judge(same, free, alpha),
        same_share=same,
        any_share=free,
        share=share,
        validation_share=usual,
        logits=grid,
        observed=observed,
        positive=classes[0],
        negative=classes[1],
        fitted=_mix(classes, np.array(fitted_share)),
    )


def _judge(same: DistanceTest | None, free: DistanceTest | None, alpha: float) -> Verdict:
    if same is None or free is None:
        return "too few films"
    if free.p_value < alpha:
        return "other scores"
    return "other share" if same.p_value < alpha else "as on validation"


def _choose_grid(reference: ValidationLogits) -> Floats:
    """Give the logits at which cumulative shares are compared: quantiles of both classes."""
    chosen = []
    for own in (reference.positive, reference.negative):
        places = np.linspace(0, len(own.quantiles) - 1, _GRID).round().astype(int)
        chosen.append(np.asarray(own.quantiles)[places])
    return np.unique(np.concatenate(chosen))


def _accumulate(quantiles: LogitQuantiles, grid: Floats) -> Floats:
    """Give the share of a class's films at or below each logit of the grid."""
    values = np.asarray(quantiles.quantiles)
    levels = np.linspace(0.0, 1.0, values.size)
    # Of equal quantiles the last one holds.
    distinct, place = np.unique(values[::-1], return_index=True)
    return np.interp(grid, distinct, levels[::-1][place], left=0.0, right=1.0)


def _mix(classes: Floats, share: Floats) -> Floats:
    """Mix the cumulative shares (..., 2, G) of the classes; ``share`` (...) of the first."""
    part = share[..., None]
    mixed: Floats = part * classes[..., 0, :] + (1.0 - part) * classes[..., 1, :]
    return mixed


def _fit_share(observed: Floats, classes: Floats, usual: float) -> Floats:
    """Fit the share of the first class by least squares between the cumulative shares."""
    apart = classes[..., 0, :] - classes[..., 1, :]
    room = (apart**2).sum(axis=-1)
    fitted = ((observed - classes[..., 1, :]) * apart).sum(axis=-1) / np.where(room > 0, room, 1.0)
    # Classes that score alike tell nothing of their shares.
    clipped: Floats = np.where(room > 0, np.clip(fitted, 0.0, 1.0), usual)
    return clipped


@dataclass(frozen=True, slots=True, eq=False)
class _Worlds:
    """The films and the validation films, and draws of validation films under the null.

    observed (G,), classes (2, G) and resampled (R, 2, G) are cumulative shares.
    """

    observed: Floats
    classes: Floats
    resampled: Floats
    films: int
    usual: float
    rng: np.random.Generator

    def test(self, *, fit: bool) -> tuple[DistanceTest, Interval]:
        """Measure the distance to the mixture, and again in each resample under the null.

        ``fit``: the share is fitted, here and in each resample; else it is ``usual``.
        """
        usual = self.usual
        share = float(_fit_share(self.observed, self.classes, usual)) if fit else usual
        mixture = _mix(self.classes, np.array(share))
        distance = float(np.abs(self.observed - mixture).max())
        drawn = _draw(mixture, self.films, self.rng)
        shares = _fit_share(drawn, self.resampled, usual) if fit else np.full(_RESAMPLES, usual)
        distances = np.abs(drawn - _mix(self.resampled, shares)).max(axis=-1)
        # Distances are multiples of 1/films up to rounding.
        as_large = int((distances >= distance - 1e-12).sum())
        low, high = np.quantile(shares, [0.025, 0.975])
        return (
            DistanceTest(distance, (1 + as_large) / (1 + _RESAMPLES)),
            Interval(value=share, low=min(float(low), share), high=max(float(high), share)),
        )


def _draw(cumulative: Floats, films: int, rng: np.random.Generator) -> Floats:
    """Draw films again and again; give their cumulative shares, shape (resamples, G)."""
    shares = np.diff(cumulative, prepend=0.0)
    # The largest of both classes is the last of the grid, so that nothing lies beyond it.
    drawn = rng.multinomial(films, shares / shares.sum(), size=_RESAMPLES)
    accumulated: Floats = drawn.cumsum(axis=1) / films
    return accumulated
