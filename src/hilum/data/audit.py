"""``audit_datasets``: the faults of a set of films, as numbers, before anyone trains on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from hilum.data.duplicates import find_near_duplicates, group_equal
from hilum.data.findings import Finding, collect_findings
from hilum.data.layout import CLASS_NAMES, PARTS, WHOLE, Film
from hilum.data.measure import MeasuredFilm, UnreadFilm, measure_films
from hilum.data.shortcut import ShortcutScore, compute_shortcut_scores
from hilum.data.split import count_leaking_films, count_shared_patients, split_at_random
from hilum.errors import DatasetError

RESPLITS = 10
SCHEMA = "hilum-data-audit/1"


@dataclass(frozen=True, slots=True)
class Spread:
    """Smallest, lower quartile, median, upper quartile and largest of a measure."""

    minimum: float
    lower: float
    median: float
    upper: float
    maximum: float


@dataclass(frozen=True, slots=True)
class CellFacts:
    """The films of one class in one part.

    patients
        Distinct patients; ``None`` where nothing tells them.
    most_films_of_a_patient
        Films of the patient with most of them.
    formats
        Format -> films.
    width_px, height_px, aspect, sharpness, bytes_per_pixel, jpeg_quality
        ``None`` where no film has the measure. Aspect is width over height; sharpness near 1
        is noise and near 0.25 a smooth film.
    """

    part: str
    label: str
    films: int
    unread: int
    patients: int | None
    most_films_of_a_patient: int
    formats: Mapping[str, int]
    width_px: Spread | None
    height_px: Spread | None
    aspect: Spread | None
    sharpness: Spread | None
    bytes_per_pixel: Spread | None
    jpeg_quality: Spread | None


@dataclass(frozen=True, slots=True)
class SharedPatients:
    """Patients with films in two parts, and how many films of the second part are theirs."""

    parts: tuple[str, str]
    patients: int
    films: int


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Films that show the same picture.

    paths
        In a comparison of several sets each begins with the name of its set.
    relation
        ``"identical"`` files, or how the picture is to be turned: ``"same"``, ``"mirrored"``,
        ``"inverted"``, ``"mirrored and inverted"``.
    correlation
        Of the thumbnails, 1 for identical files.
    parts, labels
        Of the films, in their order.
    patients
        How many different patients they are of.
    """

    paths: tuple[str, ...]
    relation: str
    correlation: float
    parts: tuple[str, ...]
    labels: tuple[str, ...]
    patients: int


@dataclass(frozen=True, slots=True)
class ResplitLeak:
    """What a random 8:2 split of the training films would leak; means over ten seeds.

    validation_films
        Films on the validation side.
    leaking_films, leaking_share
        Of those, films of patients whom training knows; the share with its smallest and
        largest value over the seeds.
    shared_patients
        Patients on both sides.
    shared_files
        Groups of identical files with members on both sides.
    """

    part: str
    seeds: int
    validation_films: int
    leaking_films: float
    leaking_share: float
    leaking_share_range: tuple[float, float]
    shared_patients: float
    shared_files: float


@dataclass(frozen=True, slots=True)
class SetAudit:
    """What was found in one set.

    patients
        Distinct patients; ``None`` where nothing tells them for some film.
    shortcut_unscored
        Why there is no shortcut score; empty where there is one.
    """

    name: str
    films: int
    patients: int | None
    cells: tuple[CellFacts, ...]
    shared_patients: tuple[SharedPatients, ...]
    identical: tuple[DuplicateGroup, ...]
    near_duplicates: tuple[DuplicateGroup, ...]
    resplit: ResplitLeak | None
    shortcuts: tuple[ShortcutScore, ...]
    shortcut_unscored: str
    unread: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Audit:
    """The audit of one or more sets.

    across
        Pictures that are in more than one of the sets.
    findings
        What to know before training, most serious first.
    """

    sets: tuple[SetAudit, ...]
    across: tuple[DuplicateGroup, ...]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Give plain data for JSON."""
        return {"schema": SCHEMA, **asdict(self)}


def audit_datasets(
    datasets: Mapping[str, tuple[Path, Sequence[Film]]],
    *,
    threads: int | None = None,
    seed: int = 0,
    on_film: Callable[[], None] = lambda: None,
) -> Audit:
    """Audit sets of films, and what they have in common.

    Parameters
    ----------
    datasets
        Name -> (root, films), as :func:`hilum.data.find_datasets` gives.
    threads
        Films that are read at a time.
    seed
        Of the folds of the shortcut score.
    on_film
        Called after each film, to show progress.

    Raises
    ------
    DatasetError
        No film could be read.
    """
    measured: dict[str, list[MeasuredFilm]] = {}
    unread: dict[str, list[UnreadFilm]] = {}
    for name, (root, films) in datasets.items():
        results = list(measure_films(root, films, threads=threads, on_film=on_film))
        measured[name] = [one for one in results if isinstance(one, MeasuredFilm)]
        unread[name] = [one for one in results if isinstance(one, UnreadFilm)]
        if not measured[name]:
            reason = f" The first: {unread[name][0].reason}" if unread[name] else ""
            raise DatasetError(f"None of the {len(films)} films of {name} can be read.{reason}")
    near, across = _find_near(measured)
    sets = tuple(
        _audit_set(name, measured[name], unread[name], near[name], seed) for name in measured
    )
    return Audit(sets, across, collect_findings(sets, across))


def _audit_set(
    name: str,
    films: list[MeasuredFilm],
    unread: list[UnreadFilm],
    near: tuple[DuplicateGroup, ...],
    seed: int,
) -> SetAudit:
    plain = [one.film for one in films]
    everyone = sorted([*plain, *(one.film for one in unread)])
    try:
        shortcuts = compute_shortcut_scores(plain, [one.acquisition for one in films], seed=seed)
        unscored = ""
    except DatasetError as error:
        shortcuts, unscored = [], str(error)
    return SetAudit(
        name=name,
        films=len(everyone),
        patients=_count_patients(everyone),
        cells=_describe_cells(films, unread),
        shared_patients=_find_shared_patients(everyone),
        identical=tuple(
            _describe_group([films[index] for index in group], "identical", 1.0)
            for group in group_equal([one.sha256 for one in films])
        ),
        near_duplicates=near,
        resplit=_measure_resplit(films),
        shortcuts=tuple(shortcuts),
        shortcut_unscored=unscored,
        unread=tuple((one.film.path, one.reason) for one in unread),
    )


def _describe_cells(
    films: Sequence[MeasuredFilm], unread: Sequence[UnreadFilm]
) -> tuple[CellFacts, ...]:
    cells = []
    for part in (*PARTS, WHOLE):
        for label, name in enumerate(CLASS_NAMES):
            own = [one for one in films if (one.film.part, one.film.label) == (part, label)]
            lost = sum((one.film.part, one.film.label) == (part, label) for one in unread)
            if own or lost:
                cells.append(_describe_cell(part, name, own, lost))
    return tuple(cells)


def _describe_cell(part: str, label: str, own: list[MeasuredFilm], lost: int) -> CellFacts:
    made = [one.acquisition for one in own]
    films_of: dict[str, int] = {}
    formats: dict[str, int] = {}
    for one in own:
        films_of[one.film.patient] = films_of.get(one.film.patient, 0) + 1
        formats[one.format] = formats.get(one.format, 0) + 1
    return CellFacts(
        part=part,
        label=label,
        films=len(own) + lost,
        unread=lost,
        patients=_count_patients([one.film for one in own]),
        most_films_of_a_patient=max(films_of.values(), default=0),
        formats=formats,
        width_px=_spread([one.columns for one in made]),
        height_px=_spread([one.rows for one in made]),
        aspect=_spread([one.aspect for one in made]),
        sharpness=_spread([one.sharpness for one in made]),
        bytes_per_pixel=_spread([one.bytes / (one.rows * one.columns) for one in made]),
        jpeg_quality=_spread([one.jpeg_quality for one in made if one.jpeg_quality is not None]),
    )


def _count_patients(films: Sequence[Film]) -> int | None:
    if not all(film.is_patient_known for film in films):
        return None
    return len({film.patient for film in films})


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    return Spread(
        *(round(float(value), 4) for value in np.percentile(values, [0, 25, 50, 75, 100]))
    )


def _find_shared_patients(films: Sequence[Film]) -> tuple[SharedPatients, ...]:
    shared = []
    for first, second in combinations(PARTS, 2):
        one = [film for film in films if film.part == first]
        other = [film for film in films if film.part == second]
        if patients := count_shared_patients(one, other):
            shared.append(
                SharedPatients((first, second), patients, count_leaking_films(one, other))
            )
    return tuple(shared)


def _describe_group(
    group: Sequence[MeasuredFilm],
    relation: str,
    correlation: float,
    sets: Sequence[str] | None = None,
) -> DuplicateGroup:
    prefixes = [""] * len(group) if sets is None else [f"{name}/" for name in sets]
    return DuplicateGroup(
        paths=tuple(p + one.film.path for p, one in zip(prefixes, group, strict=True)),
        relation=relation,
        correlation=correlation,
        parts=tuple(one.film.part for one in group),
        labels=tuple(CLASS_NAMES[one.film.label] for one in group),
        patients=len({one.film.patient for one in group}),
    )


def _find_near(
    measured: Mapping[str, Sequence[MeasuredFilm]],
) -> tuple[dict[str, tuple[DuplicateGroup, ...]], tuple[DuplicateGroup, ...]]:
    """Give the near duplicates in each set, less its identical files, and those across sets."""
    names: list[str] = []
    films: list[MeasuredFilm] = []
    for name, own in measured.items():
        # One of each group of identical files stands for all of them.
        single = list({one.sha256: one for one in reversed(own)}.values())[::-1]
        names += [name] * len(single)
        films += single
    inside: dict[str, list[DuplicateGroup]] = {name: [] for name in measured}
    across: list[DuplicateGroup] = []
    for pair in find_near_duplicates(np.stack([one.thumbnail for one in films])):
        both = (films[pair.first], films[pair.second])
        first, second = names[pair.first], names[pair.second]
        if first == second:
            inside[first].append(_describe_group(both, pair.relation, pair.correlation))
        else:
            relation = "identical" if both[0].sha256 == both[1].sha256 else pair.relation
            across.append(_describe_group(both, relation, pair.correlation, (first, second)))
    return {name: tuple(groups) for name, groups in inside.items()}, tuple(across)


def _measure_resplit(films: Sequence[MeasuredFilm]) -> ResplitLeak | None:
    """Split the training films 8 : 2 at random, ten times, and count what leaks."""
    part = "train" if any(one.film.part == "train" for one in films) else WHOLE
    pool = {one.film: one.sha256 for one in films if one.film.part == part}
    if len(pool) < 5 or {film.label for film in pool} != {0, 1}:
        return None
    shares, counts, patients, files, size = [], [], [], [], 0
    for seed in range(RESPLITS):
        try:
            split = split_at_random(list(pool), seed=seed)
        except DatasetError:
            return None  # so few films that a side lost a class
        size = len(split.validation)
        counts.append(count_leaking_films(split.train, split.validation))
        shares.append(counts[-1] / size)
        patients.append(count_shared_patients(split.train, split.validation))
        known = {pool[film] for film in split.train}
        files.append(len({pool[film] for film in split.validation} & known))
    return ResplitLeak(
        part=part,
        seeds=RESPLITS,
        validation_films=size,
        leaking_films=float(np.mean(counts)),
        leaking_share=round(float(np.mean(shares)), 4),
        leaking_share_range=(round(min(shares), 4), round(max(shares), 4)),
        shared_patients=float(np.mean(patients)),
        shared_files=float(np.mean(files)),
    )
