"""What a teacher sees in each place of a film, in few numbers: hints for a student.

What a network's pool averages are hundreds of planes, most of which go together. Their principal
components over some training films, each of unit deviation, say nearly as much in 64. A student
that has to give them in every cell learns what its teacher looks for, not only what it concludes.

Source: Romero 2015 (hints), Li 2022 (planes of a convolutional teacher for a small transformer).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COMPONENTS = 64
# Films from which the components are taken: more cells than the planes of any network of the zoo.
FILMS = 128
# Below this share of the greatest variance a component is what rounding left.
_NO_VARIANCE = 1e-7

Planes = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FeatureBasis:
    """The principal components of a network's features, each of unit deviation.

    mean
        Of each feature over the cells of all films, float32, shape (D,).
    directions
        Shape (K, D): ``directions @ (feature - mean)`` are the components of a cell.
    """

    mean: Planes
    directions: Planes

    @classmethod
    def fit(cls, activations: Planes, components: int = COMPONENTS) -> FeatureBasis:
        """Find the components of features, shape (N, D, h, w); there are D of them at most."""
        cells = np.moveaxis(activations, 1, -1).reshape(-1, activations.shape[1])
        mean = cells.mean(axis=0, dtype=np.float64)
        centred = cells - mean
        values, vectors = np.linalg.eigh(centred.T @ centred / len(centred))
        values, vectors = values[::-1][:components], vectors[:, ::-1][:, :components]
        # An eigenvector's sign is the library's whim.
        vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(axis=0), range(len(values))])
        kept = values > _NO_VARIANCE * max(float(values[0]), 0.0)
        directions = (vectors[:, kept] / np.sqrt(values[kept])).T
        return cls(mean.astype(np.float32), np.ascontiguousarray(directions, dtype=np.float32))

    def project(self, activations: Planes) -> Planes:
        """Give the components, shape (K, h, w), of one film's features, shape (D, h, w)."""
        centred = activations - self.mean[:, None, None]
        components: Planes = np.tensordot(self.directions, centred, axes=1)
        return components


def draw_reading(components: int, features: int, seed: int) -> Planes:
    """Draw how a student's features are read as a teacher's components: rows of one length.

    It is drawn once and not learned: the student's last layer can turn what it gives as it
    likes, so nothing is lost, and nothing beside the network has to be saved.

    Returns
    -------
    float32, shape (components, features); its rows are orthogonal where there are enough features.
    """
    longer, shorter = max(components, features), min(components, features)
    rng = np.random.default_rng((seed, components, features))
    matrix, _ = np.linalg.qr(rng.standard_normal((longer, shorter)))
    rows = matrix if len(matrix) == components else matrix.T
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / lengths, dtype=np.float32)
