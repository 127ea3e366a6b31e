"""Judging a network on the validation films, as they are and under stress."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from hilum.errors import TrainingError
from hilum.metrics import compute_auc
from hilum.preprocess import normalize_film
from hilum.spec import InputSpec
from hilum.training.arithmetic import autocast
from hilum.training.distributed import ALONE, Group
from hilum.training.failures import describe_divergence
from hilum.training.losses import to_one_logit
from hilum.training.recipe import Recipe

Films = NDArray[np.float32]
Labels = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Validation:
    """What validation films say of a network.

    auc
        By stress; ``"clean"`` are the films as they are.
    loss, accuracy, balanced_accuracy
        Of the clean films: plain cross entropy; the others at a probability of 0.5.
    """

    auc: dict[str, float]
    loss: float = math.nan
    accuracy: float = math.nan
    balanced_accuracy: float = math.nan


@dataclass(frozen=True, slots=True)
class EpochRecord:
    """One line of the history."""

    epoch: int
    learning_rate: float
    train_loss: float
    auc: dict[str, float]
    loss: float = math.nan
    accuracy: float = math.nan
    balanced_accuracy: float = math.nan
    films_per_s: float = math.nan

    def as_dict(self) -> dict[str, Any]:
        """Give the fields as plain values."""
        return asdict(self)

    @property
    def is_stressed(self) -> bool:
        """Whether the films were judged under stress after this epoch."""
        return len(self.auc) > 1

    @property
    def worst_stressed_auc(self) -> float:
        """Lowest AUC over the clean films and every stress."""
        return min(self.auc.values())

    @property
    def mean_stressed_auc(self) -> float:
        """Mean AUC over the clean films and every stress."""
        return sum(self.auc.values()) / len(self.auc)

    def has(self, metric: str) -> bool:
        """Whether this epoch was judged by what the recipe selects by."""
        return self.is_stressed or "stressed" not in metric

    def score(self, metric: str) -> float:
        """Give what the recipe selects by; higher is better."""
        if metric == "last":
            return float(self.epoch)
        if metric == "auc":
            return self.auc["clean"]
        if metric == "loss":
            return -self.loss
        return float(getattr(self, metric))


@torch.no_grad()
def predict_logits(
    network: nn.Module, films: Films, spec: InputSpec, *, precision: str, batch_size: int = 64
) -> NDArray[np.float64]:
    """Logit of each film of shape (H, W) in [0, 1]; the network is left in eval mode."""
    network.eval()
    device = next(network.parameters()).device
    logits = [np.empty(0, np.float32)]
    for start in range(0, len(films), batch_size):
        planes = [normalize_film(film, spec) for film in films[start : start + batch_size]]
        batch = torch.from_numpy(np.concatenate(planes))
        batch = batch.to(device, memory_format=torch.channels_last)
        with autocast(device, precision):
            logits.append(to_one_logit(network(batch).float()).cpu().numpy())
    return np.concatenate(logits).astype(np.float64)


def validate(
    network: nn.Module,
    recipe: Recipe,
    validation: dict[str, Films],
    labels: Labels,
    group: Group = ALONE,
) -> Validation:
    """Judge ``network`` on the films under each stress; the processes of ``group`` share them.

    Raises
    ------
    TrainingError
        A logit is not finite: training has diverged.
    """
    precision = recipe.optimization.precision
    auc, clean = {}, np.zeros(len(labels))
    for name, films in validation.items():
        own = predict_logits(
            network, films[group.rank :: group.size], recipe.input, precision=precision
        )
        logits = np.empty(len(labels))
        for rank, share in enumerate(group.gather(own)):
            logits[rank :: group.size] = share
        if not np.isfinite(logits).all():
            raise TrainingError(describe_divergence("A logit of a validation film"))
        auc[name] = compute_auc(labels, logits)
        if name == "clean":
            clean = logits
    called = clean >= 0
    by_class = [float((called[labels == label] == label).mean()) for label in (0, 1)]
    cost = np.logaddexp(0.0, np.where(labels == 1, -clean, clean))
    return Validation(
        auc=auc,
        loss=float(cost.mean()),
        accuracy=float((called == labels).mean()),
        balanced_accuracy=sum(by_class) / 2,
    )
