"""Whether a drawn film comes too near to a film that went in.

Four looks, each a likeness that grows with nearness: the picture, its brightness and contrast
made even, at the best shift; the perceptual hash with which the audit finds copies; what a
network makes of it; and the fine detail in the common frame, where a copied child would show
however its film was bent. Drawn films are alike to real ones, as real ones are to each other: the
question is whether any is nearer to its nearest than the films of different children are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.data.duplicates import HASH_BITS, hash_thumbnail, make_thumbnail
from hilum.synthesis.chest import ChestModel, take_detail
from hilum.synthesis.fields import Planes, iterate_batches, resize
from hilum.synthesis.registration import even_out

# Nearer than this share of the films come to another patient's, no drawn film may come.
NEAREST_SHARE = 0.01
_SIDE = 64
_MOST_SHIFT = 6
_COMPARED = 200

Likeness = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class NeighbourCheck:
    """One look at drawn films.

    look
        ``"picture"``, ``"hash"``, ``"embedding"`` or ``"detail"``.
    drawn
        For each drawn film its likeness to the nearest film that went in.
    median, limit
        The same likeness of the films that went in, to the nearest of another patient: its
        median, and what only :data:`NEAREST_SHARE` of them exceed.
    compared
        How many of these films ``median`` and ``limit`` were measured on.
    """

    look: str
    drawn: tuple[float, ...]
    median: float
    limit: float
    compared: int

    @property
    def passed(self) -> bool:
        """Whether no drawn film is nearer than the limit."""
        return max(self.drawn) <= self.limit


def measure_neighbours(
    drawn: Sequence[Planes],
    films: Planes,
    *,
    embeddings: tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]] | None = None,
) -> tuple[NeighbourCheck, ...]:
    """Compare drawn films with those that went into the model, as pictures.

    Parameters
    ----------
    drawn
        Films of any size, each float32 in [0, 1].
    films
        float32, shape (N, SIDE, SIDE): what was given to
        :func:`hilum.synthesis.fit_chest_model`, one film of each patient.
    embeddings
        A network's, of the drawn films and of ``films`` or some of them: shapes (len(drawn), D)
        and (M, D).
    """
    some = _choose_some(len(films))
    shown = np.stack([resize(one, _SIDE, _SIDE) for one in drawn])
    small = np.stack([resize(film, _SIDE, _SIDE) for film in films])
    checks = [
        _check("picture", *_compare(_PictureLook(small), shown, some)),
        _check("hash", *_compare(_HashLook(films), drawn, some)),
    ]
    if embeddings is not None:
        known = _choose_some(len(embeddings[1]))
        checks.append(_check("embedding", *_compare(_DotLook(embeddings[1]), embeddings[0], known)))
    return tuple(checks)


def compare_details(frames: Sequence[Planes], model: ChestModel) -> NeighbourCheck:
    """Compare the fine detail of drawn films with that of each film, in the common frame.

    Parameters
    ----------
    frames
        :attr:`hilum.synthesis.DrawnFilm.frame` of each.
    """
    details = np.stack([take_detail(one) for one in frames])
    some = _choose_some(len(model.details))
    return _check("detail", *_compare(_DotLook(model.details), details, some))


def _choose_some(count: int) -> NDArray[np.intp]:
    return np.arange(0, count, max(1, count // _COMPARED))


def _check(look: str, drawn: Likeness, known: Likeness) -> NeighbourCheck:
    return NeighbourCheck(
        look=look,
        drawn=tuple(round(float(one), 4) for one in drawn),
        median=round(float(np.median(known)), 4),
        limit=round(float(np.quantile(known, 1.0 - NEAREST_SHARE)), 4),
        compared=len(known),
    )


def _compare(look: Any, drawn: Any, some: NDArray[np.intp]) -> tuple[Likeness, Likeness]:
    """Give each drawn film's likeness to its nearest, and that of some of the films' own."""
    nearest = [look.liken(look.prepare(one)).max() for one in drawn]
    known = []
    for index in some:
        likeness = look.liken(look.get(index))
        likeness[index] = -np.inf
        known.append(likeness.max())
    return np.asarray(nearest, dtype=np.float32), np.asarray(known, dtype=np.float32)


class _PictureLook:
    """Correlation at the best shift of up to a tenth of the film."""

    def __init__(self, films: Planes) -> None:
        self._spectra = np.concatenate(
            [self.prepare(films[one]) for one in iterate_batches(len(films))]
        )

    def prepare(self, film: Planes) -> NDArray[np.complex64]:
        planes = even_out(film, 6.0, 10.0)
        planes = planes - planes.mean(axis=(-2, -1), keepdims=True)
        length = np.sqrt((planes * planes).sum(axis=(-2, -1), keepdims=True)) + 1e-6
        spectra: NDArray[np.complex64] = np.fft.rfft2(planes / length).astype(np.complex64)
        return spectra

    def get(self, index: int) -> NDArray[np.complex64]:
        one: NDArray[np.complex64] = self._spectra[index]
        return one

    def liken(self, spectrum: NDArray[np.complex64]) -> Likeness:
        best = []
        for one in iterate_batches(len(self._spectra)):
            at_shift = np.fft.irfft2(self._spectra[one] * spectrum.conj(), s=(_SIDE, _SIDE))
            near = np.roll(at_shift, (_MOST_SHIFT, _MOST_SHIFT), axis=(1, 2))
            size = 2 * _MOST_SHIFT + 1
            best.append(near[:, :size, :size].max(axis=(1, 2)))
        return np.concatenate(best).astype(np.float32)


class _HashLook:
    """Share of the bits of the perceptual hash that agree."""

    def __init__(self, films: Planes) -> None:
        self._hashes = np.stack([self.prepare(film) for film in films])

    def prepare(self, film: Planes) -> Likeness:
        return hash_thumbnail(make_thumbnail(film)).astype(np.float32)

    def get(self, index: int) -> Likeness:
        one: Likeness = self._hashes[index]
        return one

    def liken(self, bits: Likeness) -> Likeness:
        share: Likeness = 0.5 + self._hashes @ bits / np.float32(2 * HASH_BITS)
        return share


class _DotLook:
    """Correlation of rows of numbers."""

    def __init__(self, rows: NDArray[np.floating[Any]]) -> None:
        self._rows = np.stack([self.prepare(row) for row in rows])

    def prepare(self, row: NDArray[np.floating[Any]]) -> Likeness:
        flat = np.asarray(row, dtype=np.float32).ravel()
        flat = flat - flat.mean()
        unit: Likeness = flat / (np.linalg.norm(flat) + np.float32(1e-6))
        return unit

    def get(self, index: int) -> Likeness:
        one: Likeness = self._rows[index]
        return one

    def liken(self, unit: Likeness) -> Likeness:
        likeness: Likeness = self._rows @ unit
        return likeness
