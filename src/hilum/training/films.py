"""Films in memory, at the network's size, and the torch dataset over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.utils.data import Dataset, Sampler

from hilum.data.layout import Film
from hilum.errors import ConfigError
from hilum.preprocess import normalize_film
from hilum.spec import InputSpec
from hilum.training.augment import augment_film
from hilum.training.distillation import Teachers
from hilum.training.film_cache import read_film, unpack_film
from hilum.training.lung_edits import LungEdits, find_planted
from hilum.training.map_loss import TargetLayout
from hilum.training.optimization import ProgressiveResizing
from hilum.training.recipe import AugmentationSection
from hilum.training.style import Style, measure_style


def load_films(root: Path, films: Sequence[Film], spec: InputSpec) -> NDArray[np.float32]:
    """Read and resize every film, to the last bit as use does: validation films.

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
        loaded[index] = read_film(root, film, spec)
    return loaded


_REPEAT = 1_000_000


class TrainingFilms(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Augmented films and their targets, asked for by (epoch, index of the film).

    A target is the label, or what teachers make of it, as :attr:`layout` writes it. A film's
    augmentation depends on the seed, the epoch and its index alone.

    Parameters
    ----------
    films
        Shape (N, height_px, width_px): uint8 of :mod:`hilum.training.film_cache`, or float32
        in [0, 1].
    resizing
        Makes the films of the first epochs smaller. Teachers see them as they were before.
    """

    def __init__(
        self,
        films: NDArray[np.uint8] | NDArray[np.float32],
        labels: NDArray[np.intp],
        spec: InputSpec,
        augmentation: AugmentationSection,
        seed: int,
        teachers: Teachers | None = None,
        resizing: ProgressiveResizing | None = None,
    ) -> None:
        self.films = films
        self.labels = labels
        self.spec = spec
        self.augmentation = augmentation
        self.seed = seed
        self.resizing = resizing
        self._by_label = [np.flatnonzero(labels == label) for label in (0, 1)]
        needs_style = augmentation.style_spectrum > 0 or augmentation.style_histogram > 0
        self._styles = (
            [measure_style(self._read(index)) for index in range(len(films))] if needs_style else []
        )
        self._targets = labels.astype(np.float32)
        self._teachers = teachers
        if teachers is not None and teachers.section.films == "clean":
            softened = [
                teachers.teach(float(label), self._read(index)).probability
                for index, label in enumerate(labels)
            ]
            self._targets, self._teachers = np.array(softened, dtype=np.float32), None
        self.layout = TargetLayout(regions=augmentation.planted > 0)
        if teachers is not None:
            teachers.fit_features(len(films), self._read)
            self.layout = TargetLayout(
                evidence=teachers.grid if teachers.section.evidence_weight > 0 else None,
                features=(teachers.components, *teachers.grid) if teachers.components else None,
                regions=augmentation.planted > 0,
            )
        self._edits = LungEdits(augmentation)
        if self._edits.wanted:
            for index in range(len(films)):
                self._edits.add(self._read(index))

    def __len__(self) -> int:
        return len(self.films)

    def _read(self, index: int) -> NDArray[np.float32]:
        film = self.films[index]
        return unpack_film(film) if film.dtype == np.uint8 else film

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

    def _shrink(self, film: NDArray[np.float32], epoch: int) -> NDArray[np.float32]:
        if self.resizing is None:
            return film
        full_px = self.spec.height_px
        height_px = self.resizing.compute_height(epoch, full_px)
        if height_px == full_px:
            return film
        width_px = round(self.spec.width_px * height_px / full_px)
        image = Image.fromarray(film).resize((width_px, height_px), Image.Resampling.BILINEAR)
        shrunk: NDArray[np.float32] = np.clip(np.asarray(image), 0.0, 1.0)
        return shrunk

    def __getitem__(self, key: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        epoch, index = key
        film, target = self._make(index, epoch)
        planes = normalize_film(self._shrink(film, epoch % _REPEAT), self.spec)[0]
        return torch.from_numpy(planes), torch.from_numpy(target)

    def _make(self, index: int, epoch: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give a film, edited and augmented, and its target."""
        film = self._read(index)
        if self._edits.wanted:
            rng = np.random.default_rng((self.seed, epoch, index, 2))
            edit = self._edits.edit(film, index, int(self.labels[index]), rng)
            if edit.kind == "lungs_levelled":
                return self._augment(edit.film, index, epoch), self.layout.pack(0.5)
            if edit.kind == "planted":
                augmented = self._augment(edit.film, index, epoch)
                region = find_planted(augmented, self._augment(film, index, epoch))
                if region is not None:
                    return augmented, self.layout.pack(0.5, region=region)
            else:
                film = edit.film
        film = self._augment(film, index, epoch)
        label = float(self._targets[index])
        if self._teachers is None:
            return film, self.layout.pack(label)
        lesson = self._teachers.teach(label, film)
        return film, self.layout.pack(lesson.probability, lesson.evidence, lesson.features)

    def _augment(self, film: NDArray[np.float32], index: int, epoch: int) -> NDArray[np.float32]:
        if self.augmentation == AugmentationSection():
            return film
        rng = np.random.default_rng((self.seed, epoch, index))
        own, other = self._style_pair(index, rng)
        return augment_film(
            film,
            self.augmentation,
            rng,
            own_style=own,
            other_style=other,
            squash=self._squash(index, rng),
        )


class EpochSampler(Sampler[tuple[int, int]]):
    """Order of the films in one epoch; set :attr:`epoch` before iterating.

    Parameters
    ----------
    mode
        ``all``: every film once. ``balanced``: every film of the rarer class once and as many
        of the other. ``oversampled``: every film of the commoner class once and as many of the
        rarer, each again and again; a film that comes again is augmented anew.
    """

    def __init__(
        self,
        labels: NDArray[np.intp],
        seed: int,
        mode: Literal["all", "balanced", "oversampled"] = "all",
    ) -> None:
        self.epoch = 0
        self._seed = seed
        self._by_label = [np.flatnonzero(labels == label) for label in (0, 1)]
        sizes = [len(films) for films in self._by_label]
        if mode != "all":
            if not min(sizes):
                raise ConfigError(
                    f"optimization.epoch: {mode} needs both classes, and one has no training film."
                )
            sizes = [min(sizes) if mode == "balanced" else max(sizes)] * 2
        self._sizes = sizes

    def __len__(self) -> int:
        return sum(self._sizes)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        rng = np.random.default_rng((self._seed, self.epoch))
        chosen = np.concatenate(
            [
                self._draw(films, size, rng)
                for films, size in zip(self._by_label, self._sizes, strict=True)
            ]
        )
        seen: Counter[int] = Counter()
        for index in rng.permutation(chosen).tolist():
            # The key seeds the augmentation: no epoch reaches this number, so no two meet.
            yield self.epoch + _REPEAT * seen[index], index
            seen[index] += 1

    @staticmethod
    def _draw(films: NDArray[np.intp], size: int, rng: np.random.Generator) -> NDArray[np.intp]:
        if not size:
            return films[:0]
        rounds = -(-size // len(films))
        return np.concatenate([rng.permutation(films) for _ in range(rounds)])[:size]
