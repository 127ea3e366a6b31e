"""Drawn predictions: patients with several films, of two pathogens, by a model of any worth."""

from __future__ import annotations

import numpy as np

from hilum.data import Film
from hilum.evaluation import Predictions


def make_predictions(
    name: str = "drawn",
    *,
    patients: int = 60,
    films_a_patient: int = 2,
    worth: float = 2.0,
    seed: int = 0,
    logits: bool = True,
) -> Predictions:
    """Draw predictions; films and patients are the same for every name and seed.

    Parameters
    ----------
    worth
        How far apart the classes lie, in standard deviations: 0 is chance.
    """
    films = []
    for patient in range(patients):
        label = patient % 2
        pathogen = ("bacteria", "virus")[patient // 2 % 2] if label else None
        films += [
            Film(f"{label}/{patient}-{number}.png", label, f"p-{patient}", "test", pathogen)
            for number in range(films_a_patient)
        ]
    rng = np.random.default_rng(seed)
    labels = np.array([film.label for film in films])
    own = np.repeat(rng.normal(0.0, 0.7, patients), films_a_patient)
    scores = worth * (labels - 0.5) + own + rng.normal(0.0, 0.7, len(films))
    probabilities = 1.0 / (1.0 + np.exp(-scores))
    return Predictions(name, tuple(films), probabilities, scores if logits else None)
