"""From a set of films to synthetic ones: learned, drawn, checked, and only then given out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.anatomy import find_lungs, plant_opacity
from hilum.anatomy.opacities import Shape
from hilum.data import Film
from hilum.data.layout import CLASS_NAMES
from hilum.errors import DatasetError
from hilum.io import read_radiograph
from hilum.synthesis.chest import SIDE, check_patients, fit_chest_model
from hilum.synthesis.dicom import encode_film, letter_film
from hilum.synthesis.draw import DrawnFilm, draw_film
from hilum.synthesis.fields import Planes, resize
from hilum.synthesis.neighbours import NeighbourCheck, compare_details, measure_neighbours

# Both as in the faithfulness measure of large opacities.
OPACITY_DIAMETER = 0.3
OPACITY_DEPTH = 0.8

# The network is asked of so many films at least, evenly taken; the other looks take them all.
_EMBEDDED = 300

Embed = Callable[[Sequence[Planes]], NDArray[np.floating[Any]]]


@dataclass(frozen=True, slots=True)
class PlantedPlace:
    """Where an opacity was planted.

    box
        Left, top, right and bottom of where it has half of its depth, as fractions of the
        film's width and height.
    """

    shape: str
    diameter: float
    depth: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SyntheticFile:
    """A synthetic film as a DICOM file."""

    name: str
    seed: int
    data: bytes
    opacity: PlantedPlace | None


@dataclass(frozen=True, slots=True)
class Production:
    """Synthetic films and what is known of them.

    learned_from
        Films that the model was learned from, and ``given`` before those were left out that did
        not fit the common frame.
    """

    group: str
    learned_from: int
    given: int
    files: tuple[SyntheticFile, ...]
    checks: tuple[NeighbourCheck, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give all but the films themselves, for JSON."""
        return {
            "group": self.group,
            "learned_from": self.learned_from,
            "given": self.given,
            "films": [
                {
                    "name": file.name,
                    "seed": file.seed,
                    "opacity": None if file.opacity is None else asdict(file.opacity),
                }
                for file in self.files
            ],
            "neighbours": [{**asdict(check), "passed": check.passed} for check in self.checks],
        }


def choose_films(
    films: Sequence[Film], *, part: str, label: int, pathogen: str | None = None
) -> list[Film]:
    """Give one film of each patient, the first.

    Raises
    ------
    DatasetError
        It is not known who is on a film: that no patient is shown could not be checked.
    """
    chosen: dict[str, Film] = {}
    for film in films:
        if film.part != part or film.label != label:
            continue
        if pathogen is not None and film.pathogen != pathogen:
            continue
        if not film.is_patient_known:
            raise DatasetError(
                f"The patient of {film.path} is not known. Synthetic films are drawn from films "
                "of known patients alone: give a manifest with the column patient."
            )
        chosen.setdefault(film.patient, film)
    return list(chosen.values())


def produce_films(
    root: Path,
    films: Sequence[Film],
    *,
    seeds: Sequence[int],
    opacity: Shape | None = None,
    height_px: int = 410,
    width_px: int = 512,
    embed: Embed | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Production:
    """Learn a model, draw a film by each seed, and check that none shows a patient.

    Parameters
    ----------
    films
        From :func:`choose_films`, all of one class.
    opacity
        Shape of an opacity to plant into the lungs of each film, or ``None``.
    embed
        Gives a network's embeddings of films, shape (N, D); without it that look is left out.

    Raises
    ------
    DatasetError
        There are too few patients, or a drawn film comes nearer to one of them than different
        patients' films come to each other; nothing is given out then.
    InputError
        A film cannot be read.
    """
    check_patients(len(films))  # before they are read
    shown = np.stack(
        [resize(read_radiograph(root / film.path).pixels, SIDE, SIDE) for film in films]
    )
    model = fit_chest_model(shown, on_step=on_step)
    drawn = [
        draw_film(model, np.random.default_rng(seed), height_px=height_px, width_px=width_px)
        for seed in seeds
    ]
    embeddings = None
    if embed is not None:
        some = shown[:: max(1, len(shown) // _EMBEDDED)]
        embeddings = embed([one.pixels for one in drawn]), embed(list(some))
    checks = (
        *measure_neighbours([one.pixels for one in drawn], shown, embeddings=embeddings),
        compare_details([one.frame for one in drawn], model),
    )
    _refuse_neighbours(checks, seeds)
    group = CLASS_NAMES[films[0].label].lower()
    files = tuple(
        _make_file(group, seed, one, opacity) for seed, one in zip(seeds, drawn, strict=True)
    )
    return Production(group, model.films, len(films), files, checks)


def _refuse_neighbours(checks: Sequence[NeighbourCheck], seeds: Sequence[int]) -> None:
    for check in checks:
        for seed, likeness in zip(seeds, check.drawn, strict=True):
            if likeness > check.limit:
                raise DatasetError(
                    f"The film of seed {seed} is as near to a film of the set as films of "
                    f"different patients are not ({check.look}: {likeness:.3f}, limit "
                    f"{check.limit:.3f}). Nothing was written; leave this seed out."
                )


def _make_file(group: str, seed: int, drawn: DrawnFilm, opacity: Shape | None) -> SyntheticFile:
    pixels, place = drawn.pixels, None
    if opacity is not None:
        planted = plant_opacity(
            pixels,
            find_lungs(pixels),
            shape=opacity,
            diameter=OPACITY_DIAMETER,
            depth=OPACITY_DEPTH,
            rng=np.random.default_rng((seed, 7)),
        )
        pixels = planted.pixels
        place = PlantedPlace(opacity, OPACITY_DIAMETER, OPACITY_DEPTH, _find_box(planted.region))
    name = f"synthetic-{group}-{seed}"
    described = f"Drawn by hilum from the statistics of films labelled {group}, seed {seed}"
    if opacity is not None:
        described += f", with an opacity ({opacity}) planted into a lung"
    data = encode_film(letter_film(pixels), name=name, description=f"{described}.")
    return SyntheticFile(name, seed, data, place)


def _find_box(region: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    height_px, width_px = region.shape
    rows, columns = np.nonzero(region)
    return (
        round(float(columns.min()) / width_px, 4),
        round(float(rows.min()) / height_px, 4),
        round(float(columns.max() + 1) / width_px, 4),
        round(float(rows.max() + 1) / height_px, 4),
    )
