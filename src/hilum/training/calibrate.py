"""Everything that validation films decide about a trained network, and the input gate.

Without torch: the network is run as users run it, from its exported graph.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.data import Film, Split
from hilum.decision import (
    Gate,
    choose_operating_points,
    compute_probability,
    describe_logits,
    fit_calibration,
    fit_zone,
)
from hilum.decision.conformal import DEFAULT_ALPHA, count_needed_films
from hilum.decision.gate import encode_gate
from hilum.decision.operating_points import describe_argmax
from hilum.errors import DatasetError
from hilum.inference import OnnxBackend
from hilum.metrics import compute_auc
from hilum.preprocess import normalize_film
from hilum.spec import (
    Calibration,
    ConformalZone,
    EmbeddingStatistics,
    InputGate,
    InputSpec,
    ModelSpec,
    hash_bytes,
)
from hilum.training.film_cache import read_film
from hilum.training.fit_gate import LEAST_VALIDATION_FILMS, fit_gate
from hilum.training.stress import stress_films

Films = NDArray[np.float32]
Report = Callable[[str], None]

# The share of pneumonia among a dataset's films is its makers' choice. An even one favours
# neither class, and whoever knows the share among their own patients can convert from it.
PREVALENCE = 0.5

# The gate learns what a film looks like; more of them tell it nothing new.
_GATE_FILMS = 2500


def calibrate_model(
    spec: ModelSpec,
    weights: bytes,
    root: Path,
    split: Split,
    *,
    films: Films,
    labels: NDArray[np.intp],
    alpha: float = DEFAULT_ALPHA,
    threads: int | None = None,
    report_stage: Report = lambda _: None,
) -> tuple[ModelSpec, Gate | None]:
    """Fit calibration, operating points, conformal zone and input gate of a network.

    Parameters
    ----------
    spec
        The network's facts; those that are fitted here are replaced. Its
        ``calibration.fitted_on`` says in words which films these are, and stays.
    weights
        The bytes of its graph.
    root, split
        Where the films lie, and which are for training and which for validation.
    films, labels
        The validation films, float32, shape (N, H, W), and 0 or 1 for each.
    alpha
        See :func:`hilum.decision.fit_zone`.
    threads
        Threads of the network.

    Returns
    -------
    The spec without metrics, and the gate for the file that it names. With fewer validation
    films than a promise or a threshold takes, the spec has no zone, or no gate.
    """
    chosen_on = spec.calibration.fitted_on
    with OnnxBackend(spec, weights, threads=threads) as backend:
        report_stage("scoring validation films")
        logits, embeddings = score_films(backend, films)
        temperature, offset = fit_calibration(logits, labels, prevalence=PREVALENCE)
        calibration = Calibration(
            temperature=temperature,
            offset=offset,
            prevalence=PREVALENCE,
            fitted_on=chosen_on,
        )
        probabilities = compute_probability(logits, calibration)
        points = choose_operating_points(probabilities, labels, chosen_on)
        if spec.default_operating_point == "argmax":
            points["argmax"] = describe_argmax(probabilities, labels, chosen_on)
        norms = np.linalg.norm(embeddings, axis=1)
        facts: dict[str, object] = {
            "calibration": calibration,
            "operating_points": points,
            "embedding_statistics": EmbeddingStatistics(
                norm_mean=float(norms.mean(dtype=np.float64)),
                norm_std=float(norms.std(dtype=np.float64)),
            ),
            "conformal": None,
            "gate": None,
            "validation_logits": describe_logits(logits, labels),
            "validation_auc": {},
            "metrics": {},
        }
        gate = None
        if int(np.bincount(labels, minlength=2).min()) >= count_needed_films(alpha):
            report_stage("disturbing validation films")
            scores = {"clean": logits, **_score_stressed(backend, films, labels)}
            facts["conformal"] = _fit_zone(calibration, scores, labels, split, alpha, chosen_on)
            facts["validation_auc"] = {
                name: compute_auc(labels, stressed) for name, stressed in scores.items()
            }
        if len(films) >= LEAST_VALIDATION_FILMS:
            report_stage("fitting the input gate")
            gate, facts["gate"] = _fit_gate(backend, root, split, films, embeddings, chosen_on)
    return spec.model_copy(update=facts), gate


def read_validation(root: Path, split: Split, spec: InputSpec) -> tuple[Films, NDArray[np.intp]]:
    """Read the validation films, float32, shape (N, H, W), in [0, 1], and their labels.

    Raises
    ------
    DatasetError
        A film cannot be read; the message names it.
    """
    films = np.stack([read_film(root, film, spec) for film in split.validation])
    return films, np.array([film.label for film in split.validation])


def score_films(backend: OnnxBackend, films: Films) -> tuple[NDArray[np.float64], Films]:
    """Run the network on films one by one; give logits (N,) and embeddings (N, D)."""
    logits, embeddings = [], []
    for film in films:
        output = backend.run(normalize_film(film, backend.spec.input))
        logits.append(float(output.logit[0]))
        embeddings.append(output.embedding[0])
    return np.array(logits), np.stack(embeddings)


def _score_stressed(
    backend: OnnxBackend, films: Films, labels: NDArray[np.intp]
) -> dict[str, NDArray[np.float64]]:
    """Give the logits of the films under each stress, without the films as they are."""
    stressed = stress_films(films, labels.tolist())
    return {
        name: score_films(backend, disturbed)[0]
        for name, disturbed in stressed.items()
        if name != "clean"
    }


def _fit_zone(
    calibration: Calibration,
    scores: dict[str, NDArray[np.float64]],
    labels: NDArray[np.intp],
    split: Split,
    alpha: float,
    chosen_on: str,
) -> ConformalZone:
    probabilities = {
        name: compute_probability(logits, calibration) for name, logits in scores.items()
    }
    return fit_zone(
        probabilities,
        labels,
        [film.patient for film in split.validation],
        alpha=alpha,
        fitted_on=f"{chosen_on}, as they are and under {len(probabilities) - 1} disturbances",
    )


def _fit_gate(
    backend: OnnxBackend,
    root: Path,
    split: Split,
    films: Films,
    embeddings: Films,
    chosen_on: str,
) -> tuple[Gate, InputGate]:
    spec = backend.spec
    chosen = _draw(split.train, _GATE_FILMS)
    train_films = np.stack([read_film(root, film, spec.input) for film in chosen])
    _, train_embeddings = score_films(backend, train_films)
    gate, refused = fit_gate(train_films, train_embeddings, films, embeddings)
    facts = InputGate(
        file=f"{spec.name}.gate.npz",
        sha256=hash_bytes(encode_gate(gate)),
        thresholds=gate.thresholds,
        validation_refused=refused,
        fitted_on=f"{len(chosen)} training films; thresholds on {chosen_on}",
    )
    return gate, facts


def _draw(films: tuple[Film, ...], count: int) -> list[Film]:
    """Draw films at random, always the same ones, in their order."""
    order = np.random.default_rng(0).permutation(len(films))[:count]
    return [films[index] for index in np.sort(order)]


def check_fingerprint(spec: ModelSpec, split: Split) -> None:
    """Make sure that the films are split as they were when the network was trained.

    Raises
    ------
    DatasetError
        They are not: films that the network has learned from would calibrate it.
    """
    if split.fingerprint != spec.training_data.fingerprint:
        raise DatasetError(
            f"These films, split so, are not those that {spec.name} was trained on (fingerprint "
            f"{split.fingerprint[:12]}…, expected {spec.training_data.fingerprint[:12]}…). Name "
            "the same dataset, and the recipe or the split of the training run."
        )
