"""Teachers: shipped or trained models whose probabilities a network learns beside the labels.

Teachers run as users run them, on ONNX Runtime, one film at a time and on one thread, in the
processes that augment the films: the soft target of a film does not depend on the films beside
it, and the network in training has torch to itself.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.errors import ConfigError
from hilum.inference import ModelOutput, OnnxBackend
from hilum.models.zoo import resolve_model
from hilum.preprocess import normalize_film
from hilum.spec import InputSpec, ModelReference, ModelSpec, read_weights
from hilum.training.features import FILMS, FeatureBasis
from hilum.training.recipe import DistillationSection

Film = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a student is told of one film.

    probability
        Of the positive class: label and teachers, weighed as the recipe says.
    evidence
        The teachers' mean map, float32, shape :attr:`Teachers.grid`, in logit units; ``None``
        where the recipe does not learn from it.
    features
        The components of the teacher's features, float32, shape (K, h, w), likewise.
    """

    probability: float
    evidence: Film | None = None
    features: Film | None = None


class Teachers:
    """The teachers of a recipe, ready to score films at the student's size.

    Sessions are opened by the process that first asks, and never travel to another one.

    Parameters
    ----------
    models
        Spec and weights of each teacher.
    spec
        The student's input.

    Raises
    ------
    ConfigError
        A teacher takes other films than the student, or their maps cannot be averaged.
    """

    def __init__(
        self,
        models: Sequence[tuple[ModelSpec, bytes]],
        section: DistillationSection,
        spec: InputSpec,
    ) -> None:
        for teacher, _ in models:
            check_teacher(teacher, spec)
        grids = {teacher.architecture.evidence_shape for teacher, _ in models}
        if section.evidence_weight > 0 and len(grids) > 1:
            raise ConfigError(
                f"distillation.evidence_weight: the teachers' maps differ in size ({grids}), so "
                "they have no mean. Choose teachers of one size."
            )
        self.section = section
        self._models = tuple(models)
        self._backends: list[OnnxBackend] = []
        self._process = -1
        self._basis: FeatureBasis | None = None

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__ | {"_backends": [], "_process": -1}

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the teachers' evidence map, in cells."""
        return self._models[0][0].architecture.evidence_shape

    def score(self, film: Film) -> float:
        """Give the mean probability of the positive class, each sigmoid(logit / temperature).

        Parameters
        ----------
        film
            float32, shape (height_px, width_px) of the student, in [0, 1].
        """
        return self._average(self._ask(film))

    @property
    def components(self) -> int:
        """How many components of its features the teacher gives; 0: the recipe wants none."""
        return 0 if self._basis is None else len(self._basis.directions)

    def fit_features(self, count: int, read: Callable[[int], Film]) -> None:
        """Find the components of the teacher's features, where the recipe learns from them.

        Parameters
        ----------
        count, read
            How many training films there are, and what gives one, as it is, at the student's
            size.
        """
        if self.section.features_weight == 0:
            return
        (backend,) = self._open()
        chosen = np.unique(np.linspace(0, count - 1, FILMS).astype(int)).tolist()
        planes = [_prepare(read(index), backend.spec.input) for index in chosen]
        self._basis = FeatureBasis.fit(
            np.concatenate([backend.compute_activations(one) for one in planes])
        )

    def teach(self, label: float, film: Film) -> Lesson:
        """Give what a student is told of a film."""
        features: Film | None = None
        evidence: Film | None = None
        if self._basis is None:
            outputs = self._ask(film)
        else:
            outputs, activations = self._ask_for_features(film)
            features = self._basis.project(activations)
        if self.section.evidence_weight > 0:
            maps = np.stack([one.evidence[0] for one in outputs])
            evidence = maps.mean(axis=0, dtype=np.float32)
        weight = self.section.weight
        probability = (1.0 - weight) * label + weight * self._average(outputs)
        return Lesson(probability, evidence, features)

    def _ask(self, film: Film) -> list[ModelOutput]:
        return [backend.run(_prepare(film, backend.spec.input)) for backend in self._open()]

    def _ask_for_features(self, film: Film) -> tuple[list[ModelOutput], Film]:
        (backend,) = self._open()
        output, activations = backend.run_with_activations(_prepare(film, backend.spec.input))
        return [output], activations[0]

    def _open(self) -> list[OnnxBackend]:
        if self._process != os.getpid():
            # A forked session would wait for threads that exist in the parent alone.
            self._backends = [OnnxBackend(*model, threads=1) for model in self._models]
            self._process = os.getpid()
        return self._backends

    def _average(self, outputs: Sequence[ModelOutput]) -> float:
        temperature = self.section.temperature
        return float(np.mean([_sigmoid(float(one.logit[0]) / temperature) for one in outputs]))


def load_teachers(section: DistillationSection, spec: InputSpec) -> Teachers | None:
    """Find and check the teachers of a recipe; ``None`` where it names none.

    Raises
    ------
    UnknownModelError, SpecMismatchError
        A teacher does not exist or is damaged.
    ConfigError
        A teacher takes other films than the student.
    """
    if not section.teachers:
        return None
    models: list[tuple[ModelSpec, bytes]] = []
    for name in section.teachers:
        teacher, folder = resolve_model(name)
        models.append((teacher, read_weights(teacher, Path(folder))))
    return Teachers(models, section, spec)


def refer_to_teachers(section: DistillationSection) -> tuple[ModelReference, ...]:
    """Say which networks the teachers of a recipe are, by the digest of their weights."""
    return tuple(resolve_model(name)[0].refer() for name in section.teachers)


def check_teacher(teacher: ModelSpec, spec: InputSpec) -> None:
    """Refuse a teacher that cannot look at the student's films.

    The size may differ, the film is then resized; the way in which a film is read and brought
    to its shape may not, since the student's film holds nothing of what was cropped.

    Raises
    ------
    ConfigError
        It differs.
    """
    theirs = teacher.input
    same_crop = theirs.resize == spec.resize and theirs.recipe == spec.recipe
    if same_crop and spec.shortest_side_px is not None:
        ours, other = (
            (
                one.height_px / (one.shortest_side_px or 1),
                one.width_px / (one.shortest_side_px or 1),
            )
            for one in (spec, theirs)
        )
        same_crop = np.allclose(ours, other, atol=0.01)
    if same_crop and spec.resize == "letterbox":
        same_crop = theirs.height_px * spec.width_px == theirs.width_px * spec.height_px
    if not same_crop:
        raise ConfigError(
            f"The teacher {teacher.name} takes films with resize={theirs.resize} and the recipe "
            f"{theirs.recipe}; the student's films are made with resize={spec.resize} and "
            f"{spec.recipe}. Give the recipe the teacher's input.resize, or another teacher."
        )


def _sigmoid(logit: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * logit))  # exp would overflow where a teacher is sure


def _prepare(film: Film, spec: InputSpec) -> Film:
    return normalize_film(_resize(film, spec), spec)


def _resize(film: Film, spec: InputSpec) -> Film:
    if film.shape == (spec.height_px, spec.width_px):
        return film
    image = Image.fromarray(film).resize((spec.width_px, spec.height_px), Image.Resampling.BILINEAR)
    resized: Film = np.clip(np.asarray(image), 0.0, 1.0)
    return resized
