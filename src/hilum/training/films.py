"""Films in memory, at the network's size, and the torch dataset over them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from hilum.data.layout import Film
from hilum.errors import DatasetError, InputError
from hilum.io import read_radiograph
from hilum.preprocess import normalize_film, resize_film
from hilum.spec import InputSpec
from hilum.training.augment import augment_film
from hilum.training.recipe import AugmentationSection
from hilum.training.style import Style, measure_style


def load_films(root: Path, films: Sequence[Film], spec: InputSpec) -> NDArray[np.float32]:
    """Read and resize every film, on the road that use takes.

    Returns
    -------
    float32, shape (N, height_px, width_px), in [0, 1]: 200 kB a film at 224x224.

    Raises
    ------
    DatasetError
        A film cannot be read; the message names it.
    """
    loaded = np.empty((len(films), spec.height_px, spec.width_px), dtype=np.float32)
    for index, film in enumerate(films):
        try:
            radiograph = read_radiograph(root / film.path, recipe=spec.recipe)
            loaded[index] = resize_film(radiograph, spec)
        except InputError as error:
            raise DatasetError(f"{film.path} cannot be used for training: {error}") from error
    return loaded


class TrainingFilms(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Augmented films and their labels, asked for by (epoch, index of the film).

    A film's augmentation depends on the seed, the epoch and its index alone.
    """

    def __init__(
        self,
        films: NDArray[np.float32],
        labels: NDArray[np.intp],
        spec: InputSpec,
        augmentation: AugmentationSection,
        seed: int,
    ) -> None:
        self.films = films
        self.labels = labels
        self.spec = spec
        self.augmentation = augmentation
        self.seed = seed
        self._by_label = [np.flatnonzero(labels == label) for label in (0, 1)]
        needs_style = augmentation.style_spectrum > 0 or augmentation.style_histogram > 0
        self._styles = [measure_style(film) for film in films] if needs_style else []

    def __len__(self) -> int:
        return len(self.films)

    def _style_pair(
        self, index: int, rng: np.random.Generator
    ) -> tuple[Style | None, Style | None]:
        if not self._styles:
            return None, None
        # Either class lends its style as often: style then says nothing of the label.
        lenders = self._by_label[int(rng.integers(0, 2))]
        return self._styles[index], self._styles[int(rng.choice(lenders))]

    def _squash(self, index: int, rng: np.random.Generator) -> float:
        aspects = self.augmentation.style_aspect
        if aspects is None:
            return 1.0
        return aspects[int(rng.integers(0, 2))] / aspects[self.labels[index]]

    def __getitem__(self, key: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        epoch, index = key
        film = self.films[index]
        if self.augmentation != AugmentationSection():
            rng = np.random.default_rng((self.seed, epoch, index))
            own, other = self._style_pair(index, rng)
            film = augment_film(
                film,
                self.augmentation,
                rng,
                own_style=own,
                other_style=other,
                squash=self._squash(index, rng),
            )
        planes = normalize_film(film, self.spec)[0]
        return torch.from_numpy(planes), torch.tensor(float(self.labels[index]))


class EpochSampler(Sampler[tuple[int, int]]):
    """Order of the films in one epoch; set :attr:`epoch` before iterating.

    With ``balanced``, every film of the rarer class once and as many of the other.
    """

    def __init__(self, labels: NDArray[np.intp], seed: int, *, balanced: bool) -> None:
        self.epoch = 0
        self._seed = seed
        self._balanced = balanced
        self._by_label = [np.flatnonzero(labels == label) for label in (0, 1)]

    def __len__(self) -> int:
        sizes = [len(films) for films in self._by_label]
        return 2 * min(sizes) if self._balanced else sum(sizes)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng((self._seed, self.epoch))
        size = min(len(films) for films in self._by_label)
        chosen = np.concatenate(
            [rng.permutation(films)[: size if self._balanced else None] for films in self._by_label]
        )
        for index in rng.permutation(chosen):
            yield self.epoch, int(index)
