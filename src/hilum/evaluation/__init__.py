"""From models and films, or from anyone's predictions, to figures with their intervals."""

from __future__ import annotations

from hilum.evaluation.candidate import (
    Candidate,
    FixedPoint,
    add_points,
    choose_points,
    make_candidate,
    make_model_candidate,
)
from hilum.evaluation.document import Evaluation, evaluate_candidates, write_evaluation
from hilum.evaluation.judge import judge
from hilum.evaluation.pairs import PairComparison, compare_candidates
from hilum.evaluation.predictions import (
    Predictions,
    align_predictions,
    read_predictions,
    write_predictions,
)
from hilum.evaluation.score import ScoredFilm, make_predictions, score_films

__all__ = [
    "Candidate",
    "Evaluation",
    "FixedPoint",
    "PairComparison",
    "Predictions",
    "ScoredFilm",
    "add_points",
    "align_predictions",
    "choose_points",
    "compare_candidates",
    "evaluate_candidates",
    "judge",
    "make_candidate",
    "make_model_candidate",
    "make_predictions",
    "read_predictions",
    "score_films",
    "write_evaluation",
    "write_predictions",
]
