"""What an evaluation found, as plain data: the JSON beside the report."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Annotated, Literal

from pydantic import Field

from hilum.evaluation.candidate import Candidate
from hilum.evaluation.judge import PREVALENCES, Library, judge
from hilum.evaluation.pairs import PairComparison, compare_candidates
from hilum.evaluation.restraint import measure_restraint
from hilum.files import write_whole
from hilum.metrics.sklearn_figures import has_sklearn
from hilum.spec import Facts, SetMetrics

RESAMPLES = 2000


class PointFacts(Facts):
    """An operating point that was judged; see :class:`hilum.evaluation.FixedPoint`."""

    threshold: Annotated[float, Field(ge=0.0, le=1.0)]
    rule: str
    chosen_on: str


class JudgedModel(Facts):
    """One model and its figures.

    ``version`` and ``calibration_prevalence`` are ``None`` where only predictions are known.
    """

    name: str
    version: str | None = None
    calibration_prevalence: float | None = None
    operating_points: dict[str, PointFacts]
    default_operating_point: str
    metrics: SetMetrics


class Evaluation(Facts):
    """All that was found.

    ``data`` and ``part`` say in words which films were judged. ``comparisons`` holds the tests
    between each two models, where they were asked for.
    """

    evaluation_format: Literal[1] = 1
    hilum_version: str
    computed_with: Library
    data: str
    part: str
    command: str
    models: tuple[JudgedModel, ...]
    comparisons: tuple[PairComparison, ...] = ()


def evaluate_candidates(
    candidates: Sequence[Candidate],
    *,
    data: str,
    part: str,
    command: str,
    commands: Mapping[str, str] | None = None,
    compare: bool = False,
    prevalences: Sequence[float] = PREVALENCES,
    library: Library | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Evaluation:
    """Judge every candidate, and test each against each where ``compare`` is set.

    Parameters
    ----------
    candidates
        At least one; with ``compare`` all of the same films in the same order
        (:func:`hilum.evaluation.align_predictions`).
    data, part, command
        Kept with the figures: which films, and how to get the figures again.
    commands
        For a model by its name, the command that is kept with its own figures.
    prevalences, library, resamples, seed
        As for :func:`hilum.evaluation.judge`.

    Raises
    ------
    DatasetError
        The candidates' films differ, though they are to be compared.
    ConfigError
        A threshold or a prevalence is not between 0 and 1.
    """
    if library is None:
        library = "scikit-learn" if has_sklearn() else "numpy"
    models = []
    for candidate in candidates:
        spec = candidate.spec
        prevalence = None if spec is None else spec.calibration.prevalence
        metrics = judge(
            candidate.predictions,
            candidate.thresholds,
            command=(commands or {}).get(candidate.name, command),
            prevalences=prevalences,
            calibration_prevalence=prevalence,
            library=library,
            resamples=resamples,
            seed=seed,
        )
        models.append(
            JudgedModel(
                name=candidate.name,
                version=None if spec is None else spec.version,
                calibration_prevalence=prevalence,
                operating_points={
                    name: PointFacts(
                        threshold=point.threshold, rule=point.rule, chosen_on=point.chosen_on
                    )
                    for name, point in candidate.points.items()
                },
                default_operating_point=candidate.default_point,
                metrics=metrics.model_copy(
                    update={
                        "restraint": measure_restraint(candidate, resamples=resamples, seed=seed)
                    }
                ),
            )
        )
    pairs = compare_candidates(candidates, resamples=resamples, seed=seed) if compare else ()
    return Evaluation(
        hilum_version=version("hilum"),
        computed_with=library,
        data=data,
        part=part,
        command=command,
        models=tuple(models),
        comparisons=tuple(pairs),
    )


def write_evaluation(evaluation: Evaluation, path: str | os.PathLike[str]) -> None:
    """Write the evaluation as JSON, whole or not at all."""
    write_whole(path, evaluation.model_dump_json(indent=2) + "\n")
