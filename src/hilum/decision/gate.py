"""The input gate: is this a film of the kind that the model can judge?

Four scores tell, each against a threshold of its own. They are computed from what a film's
analysis has at hand anyway and cost a fraction of a millisecond.

======================= ================================================================
score                   what it measures
======================= ================================================================
``embedding_residual``  length of the embedding outside of the training films' principal
                        subspace (as in ViM, Wang 2022)
``embedding_novelty``   the same as a share of the embedding's length
``appearance``          how much of a 32x32 copy of the film the principal pictures of
                        the training films leave unexplained
``posture``             how sure a linear classifier of a 16x16 copy is that the film is
                        inverted, turned, tilted or a part of a film
======================= ================================================================
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hilum.errors import SpecMismatchError
from hilum.files import write_whole
from hilum.language import Text
from hilum.products import weigh_both_ways
from hilum.spec import read_checked
from hilum.types import FilmWarning

if TYPE_CHECKING:
    import os

    from hilum.spec import ModelSpec

Floats = NDArray[np.float32]

SCORES = ("embedding_residual", "embedding_novelty", "appearance", "posture")
APPEARANCE_SIDE = 32
POSTURE_SIDE = 16
# What the linear classifier tells apart, in the order of its outputs. Angles are counter-
# clockwise.
POSTURES = ("upright", "inverted", "turned_90", "turned_180", "turned_270", "part", "tilted")

REASONS: dict[str, Text] = {
    "looks_inverted": Text("The film looks inverted: dense parts should be bright."),
    "looks_turned": Text("The film does not look upright."),
    "looks_partial": Text("The film seems to show a part of a chest only."),
    "looks_foreign": Text("The picture does not look like a frontal chest film."),
    "looks_unfamiliar": Text(
        "The film is unlike those that the model has learned from: it may be outside the "
        "training population."
    ),
}
"""Every reason that the gate finds in the picture, and what it says."""

HEADER_REASONS = frozenset(
    {
        "blank",
        "lateral_view",
        "not_chest",
        "orientation_unusual",
        "outside_population",
        "untrained_view",
    }
)
"""Warnings, mostly of the header, for which a film is not assessed."""

# Beyond this many thresholds, the embedding is not one of a chest film in another posture.
_FAR = 1.25
# Quarter turns, counter-clockwise, that set a turned film upright.
_UNDONE_BY = {"turned_90": 3, "turned_180": 2, "turned_270": 1}
# A blank film has a deviation below one 8-bit step.
_BLANK_STD = 1.0 / 255.0


@dataclass(frozen=True, slots=True, eq=False)
class Gate:
    """What the scores need, as it lies in the file beside the spec.

    embedding_mean, embedding_basis
        Shapes (D,) and (D, K).
    picture_mean, picture_basis
        Shapes (1024,) and (1024, M), of standardised 32x32 copies.
    posture_weight, posture_bias
        Shapes (256, 7) and (7,), on standardised 16x16 copies.
    thresholds
        A film is refused where a score is above its threshold.
    """

    embedding_mean: Floats
    embedding_basis: Floats
    picture_mean: Floats
    picture_basis: Floats
    posture_weight: Floats
    posture_bias: Floats
    thresholds: dict[str, float]

    def compute_scores(self, film: Floats, embedding: Floats) -> dict[str, float]:
        """Score one film.

        Parameters
        ----------
        film
            float32, shape (H, W), in [0, 1], from :func:`hilum.preprocess.resize_film`.
        embedding
            float32, shape (D,): what the network gave for that film.
        """
        return self._score(shrink_film(film), embedding)

    def find_reasons(self, film: Floats, embedding: Floats) -> tuple[FilmWarning, ...]:
        """Say why the film is not to be assessed; nothing where it may be."""
        small = shrink_film(film)
        scores = self._score(small, embedding)
        times = {name: scores[name] / self.thresholds[name] for name in SCORES}
        if max(times.values()) <= 1.0:
            return ()
        code = self._name_reason(small, times)
        return (FilmWarning(code, REASONS[code]),)

    def _score(self, small: Floats, embedding: Floats) -> dict[str, float]:
        residual = _measure_outside(embedding - self.embedding_mean, self.embedding_basis)
        odds = self._compute_postures(small)
        return {
            "embedding_residual": residual,
            "embedding_novelty": residual / max(float(np.linalg.norm(embedding)), 1e-6),
            "appearance": self._measure_appearance(small),
            # Minus the log of the probability of "upright".
            "posture": float(np.logaddexp.reduce(odds) - odds[0]),
        }

    def _name_reason(self, small: Floats, times: dict[str, float]) -> str:
        """Name what is wrong; ``times`` are the scores in units of their thresholds."""
        limit = self.thresholds["appearance"]
        posture = POSTURES[int(self._compute_postures(small).argmax())]
        # Undone, an inverted or turned film looks like any other; a photograph does not.
        if any(self._measure_appearance(-np.rot90(small, turn)) <= limit for turn in range(4)):
            return "looks_inverted"
        if posture in _UNDONE_BY and (
            self._measure_appearance(np.rot90(small, _UNDONE_BY[posture])) <= limit
        ):
            return "looks_turned"
        if min(times["embedding_residual"], times["embedding_novelty"]) > _FAR:
            return "looks_foreign"
        if max(times["posture"], times["appearance"]) > 1.0 and posture != "upright":
            return {"part": "looks_partial", "tilted": "looks_turned"}.get(
                posture, "looks_unfamiliar"
            )
        return "looks_unfamiliar"

    def _compute_postures(self, small: Floats) -> Floats:
        """Give the classifier's outputs in the order of :data:`POSTURES`."""
        odds: Floats = halve_film(small).ravel() @ self.posture_weight + self.posture_bias
        return odds

    def _measure_appearance(self, small: Floats) -> float:
        return _measure_outside(small.ravel() - self.picture_mean, self.picture_basis)


def shrink_film(film: Floats) -> Floats:
    """Average a film down to 32x32 cells, of mean 0 and deviation 1.

    Parameters
    ----------
    film
        float32, shape (H, W), both at least 16 px, in [0, 1].
    """
    height, width = film.shape
    return _standardize(weigh_both_ways(_make_averager(height), film, _make_averager(width)))


def halve_film(small: Floats) -> Floats:
    """Average the 32x32 copy down to 16x16 cells, of mean 0 and deviation 1."""
    pairs = small.reshape(POSTURE_SIDE, 2, POSTURE_SIDE, 2)
    return _standardize(pairs.mean(axis=(1, 3)))


def _make_averager(size: int) -> Floats:
    """Give weights, shape (32, size), that average ``size`` px into 32 cells by area."""
    edges = np.arange(APPEARANCE_SIDE + 1, dtype=np.float32) * np.float32(size / APPEARANCE_SIDE)
    pixels = np.arange(size, dtype=np.float32)
    # Overlap of pixel [p, p + 1] with cell [edge, next edge].
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    weights = np.maximum(overlap, 0.0)
    return np.asarray(weights * np.float32(APPEARANCE_SIDE / size), dtype=np.float32)


def _standardize(picture: Floats) -> Floats:
    centred = picture - picture.mean()
    return np.asarray(centred / max(float(centred.std()), _BLANK_STD), dtype=np.float32)


def _measure_outside(vector: Floats, basis: Floats) -> float:
    """Length of what of ``vector`` the columns of ``basis`` do not span."""
    return float(np.linalg.norm(vector - basis @ (vector @ basis)))


def write_gate(gate: Gate, path: str | os.PathLike[str]) -> None:
    """Write what ``gate`` needs to ``path``, whole or not at all."""
    write_whole(path, encode_gate(gate))


_ARRAYS = (
    "embedding_mean",
    "embedding_basis",
    "picture_mean",
    "picture_basis",
    "posture_weight",
    "posture_bias",
)
# Stored in half the bytes; the thresholds are set with what comes back from that.
_HALVES = ("embedding_basis", "picture_basis")


def encode_gate(gate: Gate) -> bytes:
    """Give the bytes of the ``.npz`` file: arrays alone, nothing that could run."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in _ARRAYS:
            values = getattr(gate, name)
            stored = values.astype(np.float16 if name in _HALVES else np.float32)
            member = io.BytesIO()
            np.lib.format.write_array(member, stored, allow_pickle=False)
            # A fixed date: the same gate, the same digest.
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, member.getvalue())
    return buffer.getvalue()


def decode_gate(data: bytes, thresholds: dict[str, float], embedding_size: int) -> Gate:
    """Read the bytes of :func:`encode_gate`.

    Raises
    ------
    SpecMismatchError
        They are no gate, or one for embeddings of another size.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name].astype(np.float32) for name in _ARRAYS}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise SpecMismatchError(
            Text("The file of the input gate cannot be read as one.")
        ) from error
    inner, pictures = arrays["embedding_basis"].shape[-1], arrays["picture_basis"].shape[-1]
    cells = APPEARANCE_SIDE**2
    wanted = {
        "embedding_mean": (embedding_size,),
        "embedding_basis": (embedding_size, inner),
        "picture_mean": (cells,),
        "picture_basis": (cells, pictures),
        "posture_weight": (POSTURE_SIDE**2, len(POSTURES)),
        "posture_bias": (len(POSTURES),),
    }
    wrong = [name for name, shape in wanted.items() if arrays[name].shape != shape]
    if wrong or set(thresholds) != set(SCORES):
        raise SpecMismatchError(
            Text(
                "The file of the input gate does not fit the model: {wrong}.",
                wrong=", ".join(wrong) or "scores",
            )
        )
    if not all(np.isfinite(values).all() for values in arrays.values()):
        raise SpecMismatchError(
            Text("The file of the input gate holds a number that is not finite.")
        )
    return Gate(**arrays, thresholds=dict(thresholds))


def load_gate(spec: ModelSpec, folder: str | os.PathLike[str]) -> Gate | None:
    """Load the gate that ``spec`` names from ``folder``; ``None`` where it names none.

    Raises
    ------
    SpecMismatchError
        The file is missing, is not the one that the spec describes, or is no gate.
    """
    if spec.gate is None:
        return None
    data = read_checked(
        Path(folder) / spec.gate.file, spec.gate.sha256, Text("input gate"), spec.name
    )
    return decode_gate(data, spec.gate.thresholds, spec.architecture.embedding_size)
