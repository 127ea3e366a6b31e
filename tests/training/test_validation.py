from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, log_loss, roc_auc_score
from torch import nn

from hilum.errors import TrainingError
from hilum.training.recipe import Recipe
from hilum.training.validation import EpochRecord, validate


class Brightness(nn.Module):
    """The logit is the film's mean, minus a half, times ``scale``."""

    def __init__(self, scale: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(scale))

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        return (films.mean(dim=(1, 2, 3)) * self.scale)[:, None]


@pytest.fixture
def plain_recipe(recipe: Recipe) -> Recipe:
    fixed = recipe.input.model_copy(
        update={"normalization": "fixed", "mean": (0.5,), "std": (1.0,)}
    )
    return recipe.model_copy(update={"input": fixed})


def test_figures_are_those_of_scikit_learn(plain_recipe: Recipe) -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0] * 30 + [1] * 10)
    grey = np.clip(rng.normal(0.45 + 0.1 * labels, 0.1)[:, None, None], 0, 1)
    films = np.broadcast_to(grey, (40, 8, 8)).astype(np.float32)
    judged = validate(
        Brightness(20.0), plain_recipe, {"clean": films, "inverted": 1 - films}, labels
    )
    logits = 20.0 * (films.mean(axis=(1, 2)) - 0.5)
    probabilities = 1 / (1 + np.exp(-logits))
    assert judged.auc["clean"] == pytest.approx(roc_auc_score(labels, logits))
    assert judged.auc["inverted"] == pytest.approx(1 - judged.auc["clean"])
    assert judged.loss == pytest.approx(log_loss(labels, probabilities), rel=1e-5)
    assert judged.accuracy == pytest.approx(accuracy_score(labels, logits >= 0))
    assert judged.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, logits >= 0))


def test_a_logit_that_is_not_finite_is_told(plain_recipe: Recipe) -> None:
    films = np.full((4, 8, 8), 0.7, dtype=np.float32)
    with pytest.raises(TrainingError, match="diverged"):
        validate(Brightness(math.inf), plain_recipe, {"clean": films}, np.array([0, 1, 0, 1]))


def test_metrics_of_an_epoch() -> None:
    record = EpochRecord(
        3, 0.1, 0.2, {"clean": 0.9, "blur": 0.7}, loss=0.4, accuracy=0.8, balanced_accuracy=0.75
    )
    assert record.score("auc") == 0.9
    assert record.score("worst_stressed_auc") == 0.7
    assert record.score("mean_stressed_auc") == pytest.approx(0.8)
    assert record.score("loss") == -0.4
    assert record.score("accuracy") == 0.8
    assert record.score("balanced_accuracy") == 0.75
    assert record.score("last") == 3
