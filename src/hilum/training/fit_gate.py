"""Learning the input gate from training films, and setting its thresholds on validation films.

Only films of the training part teach it what a film looks like, as they are and turned,
inverted, cut or tilted; only validation films set the thresholds. It never sees a picture
that is no film, nor a test film.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.decision.gate import (
    POSTURES,
    SCORES,
    Gate,
    decode_gate,
    encode_gate,
    halve_film,
    shrink_film,
)

Films = NDArray[np.float32]

# Share of validation films that the gate may refuse, all its scores together.
REFUSED_SHARE = 0.02
# Fewer validation films than this set no threshold at such a share.
LEAST_VALIDATION_FILMS = 100

# Over the largest score, where not one film may be refused.
_MARGIN = 0.01
_EMBEDDING_DIRECTIONS = 64
_PICTURE_DIRECTIONS = 16
_CLASSIFIER_STEPS = 200
_CLASSIFIER_RATE = 0.03
_WEIGHT_DECAY = 1e-3
# A part of a film shows at most this share of one of its sides, and at least the smaller one.
_LARGEST_PART, _SMALLEST_PART = 0.62, 0.35
_TILT_DEG = (30.0, 60.0)


def fit_gate(
    train_films: Films,
    train_embeddings: Films,
    validation_films: Films,
    validation_embeddings: Films,
    *,
    refused_share: float = REFUSED_SHARE,
) -> tuple[Gate, float]:
    """Fit the gate of one model.

    Parameters
    ----------
    train_films, validation_films
        float32, shape (N, H, W), in [0, 1], from :func:`hilum.preprocess.resize_film`.
    train_embeddings, validation_embeddings
        float32, shape (N, D): what the network gives for them.
    refused_share
        Share of the validation films to refuse, about.

    Returns
    -------
    The gate as it comes back from its file, and the share of validation films it refuses.
    """
    small = np.stack([shrink_film(film).ravel() for film in train_films])
    picture_mean, picture_basis = _find_directions(small, _PICTURE_DIRECTIONS)
    embedding_mean, embedding_basis = _find_directions(train_embeddings, _EMBEDDING_DIRECTIONS)
    weight, bias = _fit_postures(train_films)
    gate = Gate(
        embedding_mean=embedding_mean,
        embedding_basis=embedding_basis,
        picture_mean=picture_mean,
        picture_basis=picture_basis,
        posture_weight=weight,
        posture_bias=bias,
        thresholds=dict.fromkeys(SCORES, 0.0),
    )
    gate = decode_gate(encode_gate(gate), gate.thresholds, train_embeddings.shape[1])
    scores = [
        gate.compute_scores(film, embedding)
        for film, embedding in zip(validation_films, validation_embeddings, strict=True)
    ]
    table = np.array([[own[name] for name in SCORES] for own in scores])
    thresholds, refused = choose_thresholds(table, refused_share)
    named = dict(zip(SCORES, thresholds.tolist(), strict=True))
    return replace(gate, thresholds=named), refused


def choose_thresholds(
    scores: NDArray[np.float64], refused_share: float
) -> tuple[NDArray[np.float64], float]:
    """Put every score's threshold at one quantile, the least that refuses no more than asked.

    Parameters
    ----------
    scores
        Shape (N, S).

    Returns
    -------
    Thresholds, shape (S,), and the share of films with a score above its threshold.
    """
    ranks = np.sort(scores, axis=0)
    thresholds, share = ranks[-1] + _MARGIN * np.abs(ranks[-1]), 0.0
    for spared in range(1, len(scores)):
        # Half-way to the next film: rounding on another machine moves no film across.
        following = (ranks[-spared - 1] + ranks[-spared]) / 2
        refused = float((scores > following).any(axis=1).mean())
        if refused > refused_share:
            break
        thresholds, share = following, refused
    return thresholds, share


def _find_directions(vectors: Films, count: int) -> tuple[Films, Films]:
    """Give the mean and the ``count`` directions of the largest variance, shape (D, count)."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    centred = vectors - mean
    _, directions = np.linalg.eigh(centred.T @ centred / len(vectors))
    kept = directions[:, ::-1][:, : min(count, len(vectors) // 4, vectors.shape[1] // 2)]
    return mean.astype(np.float32), np.ascontiguousarray(kept, dtype=np.float32)


def _fit_postures(films: Films) -> tuple[Films, Films]:
    """Fit the linear classifier of :data:`POSTURES`; give weight and bias for plain copies."""
    rng = np.random.default_rng(0)
    pictures: list[Films] = []
    labels: list[int] = []
    for film in films:
        for label, picture in enumerate(_pose(film, rng)):
            copy = halve_film(shrink_film(picture))
            # A mirrored film is as upright as it was; one turned left is now turned right.
            mirrored = {2: 4, 4: 2}.get(label, label)
            pictures += [copy.ravel(), copy[:, ::-1].ravel()]
            labels += [label, mirrored]
    samples, classes = np.stack(pictures), np.array(labels)
    mean, deviation = samples.mean(axis=0), samples.std(axis=0) + 1e-3
    weight, bias = _fit_softmax((samples - mean) / deviation, classes, len(POSTURES))
    scaled = weight / deviation[:, None]
    return scaled.astype(np.float32), (bias - mean @ scaled).astype(np.float32)


def _pose(film: Films, rng: np.random.Generator) -> list[Films]:
    """Give the film in each of :data:`POSTURES`."""
    return [
        film,
        1.0 - film,
        np.rot90(film, 1),
        np.rot90(film, 2),
        np.rot90(film, 3),
        _cut_part(film, rng),
        _tilt(film, rng),
    ]


def _cut_part(film: Films, rng: np.random.Generator) -> Films:
    height, width = film.shape
    shares = rng.uniform(_SMALLEST_PART, 1.0, 2)
    shares[rng.integers(0, 2)] = rng.uniform(_SMALLEST_PART, _LARGEST_PART)
    part_h, part_w = shares * (height, width)
    top, left = rng.uniform(0, height - part_h), rng.uniform(0, width - part_w)
    box = (left, top, left + part_w, top + part_h)
    image = Image.fromarray(film).resize((width, height), Image.Resampling.BILINEAR, box=box)
    return np.asarray(image)


def _tilt(film: Films, rng: np.random.Generator) -> Films:
    angle = rng.uniform(*_TILT_DEG) * rng.choice([-1.0, 1.0])
    filling = float(rng.choice([0.0, film.mean()]))
    turned = Image.fromarray(film).rotate(angle, Image.Resampling.BILINEAR, fillcolor=filling)
    return np.asarray(turned)


def _fit_softmax(samples: Films, classes: NDArray[np.intp], count: int) -> tuple[Films, Films]:
    """Multinomial logistic regression by full-batch Adam: the same films, the same weights."""
    wanted = np.eye(count, dtype=np.float32)[classes]
    weight = np.zeros((samples.shape[1] + 1, count), dtype=np.float32)
    first, second = np.zeros_like(weight), np.zeros_like(weight)
    rows = np.concatenate([samples, np.ones((len(samples), 1))], axis=1).astype(np.float32)
    for step in range(1, _CLASSIFIER_STEPS + 1):
        odds = rows @ weight
        shares = np.exp(odds - odds.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        slope = rows.T @ (shares - wanted) / len(rows) + _WEIGHT_DECAY * weight
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * slope**2
        rate = _CLASSIFIER_RATE * (1.0 - (step - 1) / _CLASSIFIER_STEPS)
        stride = np.sqrt(second / (1.0 - 0.99**step)) + 1e-8
        weight -= rate * (first / (1.0 - 0.9**step)) / stride
    return weight[:-1], weight[-1]
