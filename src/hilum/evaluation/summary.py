"""The figures of a model of hilum, as its spec records them."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.evaluation.judge import judge
from hilum.evaluation.score import ScoredFilm, make_predictions
from hilum.spec import ModelSpec, SetMetrics


def compute_set_metrics(
    spec: ModelSpec,
    scores: Sequence[ScoredFilm],
    *,
    command: str,
    resamples: int = 2000,
    seed: int = 0,
) -> SetMetrics:
    """Judge a model at each of its operating points; see :func:`hilum.evaluation.judge`.

    Parameters
    ----------
    scores
        The scored films; both classes must occur.
    command
        The command that anyone can rerun to get these figures; it is kept with them.

    Raises
    ------
    DatasetError
        A class is missing.
    """
    return judge(
        make_predictions(spec.name, scores),
        {name: point.threshold for name, point in spec.operating_points.items()},
        command=command,
        calibration_prevalence=spec.calibration.prevalence,
        resamples=resamples,
        seed=seed,
    )
