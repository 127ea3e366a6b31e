"""Measure on validation films what averaging over views does: the table of docs/views.md.

    python tests/measure_views.py DATA_FOLDER [--model MODEL]

Validation films are those of the model's own training; no test film is read. Six passes a film.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from hilum.cli.fitting import choose_split
from hilum.data import read_dataset
from hilum.decision import compute_probability, get_operating_point
from hilum.inference import VIEWS, OnnxBackend
from hilum.inference.views import get_views, run_views
from hilum.metrics import compute_auc, compute_ece
from hilum.models.zoo import resolve_model
from hilum.preprocess import normalize_film
from hilum.spec import read_weights
from hilum.training.calibrate import check_fingerprint, read_validation

# All views of all choices; the others are parts of it.
WIDEST = "flip_shift"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model")
    arguments = parser.parse_args()
    spec, folder = resolve_model(arguments.model)
    root, listed = read_dataset(arguments.data)
    split = choose_split(folder, listed, None, None)
    check_fingerprint(spec, split)
    films, labels = read_validation(root, split, spec.input)
    every = get_views(WIDEST, spec)
    with OnnxBackend(spec, read_weights(spec, folder)) as backend:
        logits = np.array(
            [
                run_views(backend, normalize_film(film, spec.input)[0], every).logits[:, 0]
                for film in films
            ]
        )
    name, point = get_operating_point(spec)
    print(f"{spec.name} {spec.version}, {len(films)} films, {name} from {point.threshold:.4f} on")
    for choice, views in VIEWS.items():
        own = logits[:, [every.index(view) for view in views]]
        mean = own.mean(axis=1)
        probability = compute_probability(mean, spec.calibration)
        found = probability >= point.threshold
        wrong = found != labels
        each = compute_probability(own, spec.calibration)
        above = (each >= point.threshold).mean(axis=1)
        apart = (above > 0) & (above < 1)
        width = np.ptp(each, axis=1)
        print(
            f"{choice:11} passes {len(views)}  AUC {compute_auc(labels, mean):.4f}  "
            f"ECE {compute_ece(labels, probability):.4f}  "
            f"sensitivity {found[labels == 1].mean():.4f}  "
            f"specificity {1 - found[labels == 0].mean():.4f}  wrong {wrong.sum()}"
        )
        if len(views) > 1:
            # How well a film's spread, or its distance from the threshold, tells wrong answers.
            edge = np.log(point.threshold / (1 - point.threshold)) * spec.calibration.temperature
            distance = np.abs(mean - (edge - spec.calibration.offset))
            print(
                f"{'':11} width of the probability: median {np.median(width):.4f}, "
                f"95 % {np.quantile(width, 0.95):.3f}, largest {width.max():.2f}; both sides of "
                f"the threshold: {apart.sum()}, of them wrong {wrong[apart].sum()}; wrong answers "
                f"told by width: AUC {compute_auc(wrong, width):.3f}, by distance: "
                f"{compute_auc(wrong, -distance):.3f}"
            )


if __name__ == "__main__":
    main()
