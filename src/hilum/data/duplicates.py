"""Films that are there twice: the same bytes, or the same picture in another form.

The perceptual hash of a film is the sign of its 255 lowest cosine coefficients (16 x 16 without
the mean), from a thumbnail of 32 x 32 px. Size, compression, brightness and contrast leave it
nearly as it is. A mirrored film has the signs of the odd horizontal frequencies turned, an
inverted film all of them, so both are found in the same search.

Chest films resemble each other, so a pair that the hash proposes is kept only where the
thumbnails themselves agree too.

Source: the idea of hashing low cosine coefficients is Zauner 2010, Implementation and
Benchmarking of Perceptual Image Hash Functions, ch. 3; the sign instead of the median, the
turned signs and the second look are this module's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

THUMBNAIL_PX = 32
HASH_SIDE = 16
HASH_BITS = HASH_SIDE * HASH_SIDE - 1
# On 5,856 films and native copies of 48 of them, every pair within these bounds is a copy or an
# identical file, and none more appears up to 56 bits at 0.975.
MAX_DISTANCE_BITS = 40
MIN_CORRELATION = 0.98
_BLOCK = 1024

Hashes = NDArray[np.int8]
Thumbnails = NDArray[np.float32]
Relation = Literal["same", "mirrored", "inverted", "mirrored and inverted"]


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two films that show the same picture.

    first, second
        Indices of the films, ``first < second``.
    relation
        How the second is to be turned to look like the first.
    distance_bits
        Bits of the hash that differ then, of 255.
    correlation
        Of the two thumbnails then, -1 to 1.
    """

    first: int
    second: int
    relation: Relation
    distance_bits: int
    correlation: float


@cache
def _cosine_basis() -> NDArray[np.float32]:
    """DCT-II, the lowest 16 frequencies of 32 samples, shape (16, 32)."""
    frequency = np.arange(HASH_SIDE)[:, None]
    sample = np.arange(THUMBNAIL_PX)[None, :] + 0.5
    return np.cos(np.pi * frequency * sample / THUMBNAIL_PX).astype(np.float32)


def make_thumbnail(pixels: NDArray[np.float32]) -> Thumbnails:
    """Average a film over a 32 x 32 grid, without keeping the aspect: squashed copies agree.

    Parameters
    ----------
    pixels
        float32, shape (H, W). A side of fewer than 32 px is first repeated 32 times.

    Returns
    -------
    float32, shape (32, 32).
    """
    for axis in (0, 1):
        if pixels.shape[axis] < THUMBNAIL_PX:
            pixels = np.repeat(pixels, THUMBNAIL_PX, axis=axis)
        size = pixels.shape[axis]
        edges = np.arange(THUMBNAIL_PX) * size // THUMBNAIL_PX
        width = np.diff(np.append(edges, size)).astype(np.float32)
        total: NDArray[np.float32] = np.add.reduceat(pixels, edges, axis=axis, dtype=np.float32)
        total /= width[:, None] if axis == 0 else width[None, :]
        pixels = total
    return pixels


def hash_thumbnail(thumbnail: Thumbnails) -> Hashes:
    """Give the perceptual hash of a thumbnail: 255 signs, int8, each -1 or 1."""
    basis = _cosine_basis()
    coefficients = basis @ (thumbnail - thumbnail.mean()) @ basis.T
    return np.where(coefficients.ravel()[1:] > 0, 1, -1).astype(np.int8)


def _mirror_signs() -> NDArray[np.float32]:
    """-1 for the coefficients that change their sign when a film is mirrored, shape (255,)."""
    signs = np.ones((HASH_SIDE, HASH_SIDE), dtype=np.float32)
    signs[:, 1::2] = -1.0
    return signs.reshape(-1)[1:]


def _standardize(thumbnails: Thumbnails) -> NDArray[np.float32]:
    flat = thumbnails.reshape(len(thumbnails), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    standard = np.zeros(flat.shape, dtype=np.float32)
    np.divide(flat, norm, out=standard, where=norm > 1e-6)
    return standard


def find_near_duplicates(
    thumbnails: Thumbnails,
    *,
    max_distance_bits: int = MAX_DISTANCE_BITS,
    min_correlation: float = MIN_CORRELATION,
) -> list[Pair]:
    """Find all pairs of films that show the same picture.

    Every film is compared with every other: the time grows with the square of their number
    (6,000 films take about two seconds, 60,000 some minutes), the memory does not.

    Parameters
    ----------
    thumbnails
        float32, shape (N, 32, 32), of :func:`make_thumbnail`.
    max_distance_bits, min_correlation
        What both looks ask for.
    """
    if len(thumbnails) < 2:
        return []
    hashes = np.stack([hash_thumbnail(one) for one in thumbnails]).astype(np.float32)
    looks = _standardize(thumbnails)
    # A blank film is like every other blank film and like nothing: it is not compared.
    hashes[~looks.any(axis=1)] = 0.0
    mirrored_looks = _standardize(thumbnails[:, :, ::-1])
    wanted = HASH_BITS - 2 * max_distance_bits
    found: dict[tuple[int, int], Pair] = {}
    ways: tuple[tuple[NDArray[np.float32], Thumbnails, tuple[Relation, Relation]], ...] = (
        (hashes, looks, ("same", "inverted")),
        (hashes * _mirror_signs(), mirrored_looks, ("mirrored", "mirrored and inverted")),
    )
    for turned, views, names in ways:
        for first, second, agreement in _propose(hashes, turned, wanted):
            correlation = float(looks[first] @ views[second])
            sign = 1 if agreement > 0 else -1
            if sign * correlation < min_correlation:
                continue
            relation = names[0] if sign > 0 else names[1]
            bits = (HASH_BITS - abs(int(agreement))) // 2
            pair = Pair(first, second, relation, bits, round(sign * correlation, 4))
            known = found.get((first, second))
            if known is None or known.correlation < pair.correlation:
                found[first, second] = pair
    return sorted(found.values())


def _propose(
    hashes: NDArray[np.float32], turned: NDArray[np.float32], wanted: int
) -> Iterator[tuple[int, int, float]]:
    """Yield (first, second, agreement) of all pairs whose hashes agree or oppose enough."""
    for row in range(0, len(hashes), _BLOCK):
        for column in range(row, len(hashes), _BLOCK):
            agreement = hashes[row : row + _BLOCK] @ turned[column : column + _BLOCK].T
            for first, second in np.argwhere(np.abs(agreement) >= wanted):
                if row + first < column + second:
                    yield int(row + first), int(column + second), float(agreement[first, second])


def group_equal(keys: Sequence[str]) -> list[list[int]]:
    """Give the groups of two and more indices that hold the same key, in order."""
    groups: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def join_groups(count: int, groups: Iterable[Sequence[int]]) -> list[int]:
    """Join overlapping groups: give each index the smallest index that it is joined with."""
    parent = list(range(count))

    def find(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    for group in groups:
        for other in group[1:]:
            low, high = sorted((find(group[0]), find(other)))
            parent[high] = low
    return [find(index) for index in range(count)]
