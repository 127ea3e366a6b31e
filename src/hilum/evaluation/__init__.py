"""From a model and a dataset to figures with their intervals."""

from __future__ import annotations

from hilum.evaluation.score import ScoredFilm, score_films, write_scores
from hilum.evaluation.summary import compute_set_metrics

__all__ = ["ScoredFilm", "compute_set_metrics", "score_films", "write_scores"]
