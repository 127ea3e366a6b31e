"""Splits as files: CSV manifests that carry their own digest and that of every film.

::

    # hilum split manifest 1
    # kind: patient-kfold
    # fold: 1 of 5
    # seed: 0
    # films: train 4186, val 1046, test 624
    # leak: none
    # digest: sha256 0f3c...
    path,label,patient,part,pathogen,sha256
    test/NORMAL/IM-0001-0001.jpeg,NORMAL,IM-0001,test,,5b02...

The digest covers every line but its own. A patient, or a file, in two parts is an error when
such a manifest is written and again when it is read; the one exception is the random resplit of
the write-ups, which says ``kind: random`` and declares its leak, and whose :class:`Split` says
``leaks=True``. Between the test part and the others nothing is ever forgiven.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Literal

from hilum.data.duplicates import join_groups
from hilum.data.layout import CLASS_NAMES, PARTS, WHOLE, Film
from hilum.data.manifest import COLUMNS, DIGEST_COLUMN, parse_rows, read_manifest_text
from hilum.data.split import (
    Split,
    count_leaking_films,
    count_shared_patients,
    fold_by_patient,
    split_at_random,
)
from hilum.errors import DatasetError
from hilum.files import write_whole

Kind = Literal["official", "random", "patient-kfold"]
_TITLE = "# hilum split manifest 1"
_KIND = "# kind: "
_DIGEST = "# digest: sha256 "
_TEST = "test"


@dataclass(frozen=True, slots=True)
class SplitManifest:
    """One split, ready to be written.

    kind
        How it was made.
    films
        Every film, with the part that it has in this split.
    digests
        SHA-256 of each film's file, in the order of ``films``.
    notes
        Further facts for the head of the file.
    """

    kind: Kind
    films: tuple[Film, ...]
    digests: tuple[str, ...]
    notes: Mapping[str, str]

    def __post_init__(self) -> None:
        check_leaks(self.films, self.digests, declared=self.kind == "random")

    @property
    def leaking_films(self) -> int:
        """How many validation films are of patients whom training knows."""
        return count_leaking_films(_of(self.films, "train"), _of(self.films, "val"))


def _of(films: Sequence[Film], part: str) -> list[Film]:
    return [film for film in films if film.part == part]


def check_leaks(films: Sequence[Film], digests: Sequence[str], *, declared: bool = False) -> None:
    """Refuse parts that share a patient or a file.

    Parameters
    ----------
    films
        With the parts that are to be kept apart.
    digests
        Of their files; empty strings where unknown.
    declared
        Training and validation are known to share patients and files; test may not.

    Raises
    ------
    DatasetError
        Two parts share a patient or a file.
    """
    for first, second in combinations(PARTS, 2):
        if declared and _TEST not in (first, second):
            continue
        if shared := count_shared_patients(_of(films, first), _of(films, second)):
            raise DatasetError(
                f"{shared} patients have films in both {first!r} and {second!r}: figures on "
                f"{second!r} would be too good. Put each patient into one part, or let "
                "`hilum data split --kind patient-kfold` do it."
            )
    parts_of_file: dict[str, set[str]] = {}
    for film, digest in zip(films, digests, strict=True):
        if digest:
            parts_of_file.setdefault(digest, set()).add(film.part)
    allowed = [{part} for part in (*PARTS, WHOLE)] + ([{"train", "val"}] if declared else [])
    copies = sum(parts not in allowed for parts in parts_of_file.values())
    if copies:
        raise DatasetError(
            f"{copies} files are there twice, in different parts. `hilum data audit` names them; "
            "take one of each pair out."
        )


def digest_films(root: Path, films: Sequence[Film]) -> list[str]:
    """Give the SHA-256 of every film's file.

    Raises
    ------
    DatasetError
        A film cannot be read.
    """
    digests = []
    for film in films:
        try:
            with (root / film.path).open("rb") as file:
                digests.append(hashlib.file_digest(file, "sha256").hexdigest())
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise DatasetError(f"{film.path} cannot be read: {reason}.") from error
    return digests


def make_manifests(
    root: Path, films: Sequence[Film], kind: Kind, *, folds: int = 5, seed: int = 0
) -> list[SplitManifest]:
    """Split a dataset and give the manifests: one, or one a fold.

    ``official`` takes the parts as they lie. ``random`` resplits ``train`` film by film, 8 : 2,
    as the write-ups do, and leaves the official ``val`` out as they do. ``patient-kfold`` pools
    ``train`` and ``val`` and folds them by patient, joined where they share identical files.
    In all of them ``test`` stays what it is.

    Raises
    ------
    DatasetError
        A patient or a file would be in two parts, a part lacks a class, the set has no parts
        for ``official``, or a film cannot be read.
    """
    digests = dict(zip(films, digest_films(root, films), strict=True))
    test = _of(films, _TEST)
    if kind == "official":
        if not _of(films, "train"):
            raise DatasetError("The dataset has no part 'train', so it has no split of its own.")
        return [_make_manifest(kind, films, digests, {})]
    if kind == "random":
        pool = _of(films, "train") or _of(films, WHOLE)
        split = split_at_random(pool, seed=seed)
        notes = {"seed": str(seed)}
        if left_out := len(_of(films, "val")):
            notes["left out"] = f"{left_out} films of the official val, as in the write-ups"
        return [_make_manifest(kind, [*_assign(split), *test], digests, notes)]
    pool = [film for film in films if film.part != _TEST]
    groups = _join_patients(pool, [digests[film] for film in pool])
    splits = fold_by_patient(pool, folds=folds, seed=seed, groups=groups)
    return [
        _make_manifest(
            kind,
            [*_assign(split), *test],
            digests,
            {"fold": f"{number} of {folds}", "seed": str(seed)},
        )
        for number, split in enumerate(splits, start=1)
    ]


def _join_patients(films: Sequence[Film], digests: Sequence[str]) -> list[str]:
    """Give what must stay together: films of one patient, and of patients who share a file."""
    members: dict[str, list[int]] = {}
    for index, (film, digest) in enumerate(zip(films, digests, strict=True)):
        members.setdefault(f"patient {film.patient}", []).append(index)
        members.setdefault(f"file {digest}", []).append(index)
    return [f"group-{index}" for index in join_groups(len(films), members.values())]


def _assign(split: Split) -> list[Film]:
    return [
        Film(film.path, film.label, film.patient, part, film.pathogen)
        for part, films in (("train", split.train), ("val", split.validation))
        for film in films
    ]


def _make_manifest(
    kind: Kind, films: Sequence[Film], digests: Mapping[Film, str], notes: Mapping[str, str]
) -> SplitManifest:
    by_path = {film.path: digest for film, digest in digests.items()}
    ordered = sorted(films)
    return SplitManifest(
        kind, tuple(ordered), tuple(by_path[film.path] for film in ordered), dict(notes)
    )


def describe_parts(films: Sequence[Film]) -> str:
    """Count the films of each part: ``"train 5216, val 16, test 624"``."""
    return ", ".join(f"{part} {len(own)}" for part in PARTS if (own := _of(films, part)))


def format_manifest(manifest: SplitManifest) -> str:
    """Give the text of a manifest, stamped with its digest."""
    leaking = manifest.leaking_films
    leak = (
        f"{leaking} of {len(_of(manifest.films, 'val'))} val films are of patients in train"
        if leaking
        else "none"
    )
    facts = {
        "kind": manifest.kind,
        **manifest.notes,
        "films": describe_parts(manifest.films),
        "leak": leak,
    }
    head = "".join(f"{line}\n" for line in (_TITLE, *(f"# {a}: {b}" for a, b in facts.items())))
    body = io.StringIO()
    writer = csv.writer(body, lineterminator="\n")
    writer.writerow([*COLUMNS, DIGEST_COLUMN])
    for film, digest in zip(manifest.films, manifest.digests, strict=True):
        writer.writerow(
            [
                film.path,
                CLASS_NAMES[film.label],
                film.patient,
                film.part,
                film.pathogen or "",
                digest,
            ]
        )
    digest = hashlib.sha256((head + body.getvalue()).encode()).hexdigest()
    return f"{head}{_DIGEST}{digest}\n{body.getvalue()}"


def write_split(manifest: SplitManifest, path: str | os.PathLike[str]) -> None:
    """Write a manifest, whole or not at all.

    Raises
    ------
    DatasetError
        The file cannot be written; what was there before is still there.
    """
    try:
        write_whole(path, format_manifest(manifest))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DatasetError(f"The manifest {path} cannot be written: {reason}.") from error


def read_split(path: str | os.PathLike[str]) -> Split:
    """Read the split that a manifest describes.

    Parameters
    ----------
    path
        A manifest of ``hilum data split``, or a CSV manifest of one's own with the parts
        ``train`` and ``val``. The films' paths are relative to the dataset that it was made
        from; the films themselves are not looked for. Films of the part ``test`` take part in
        the check and are left out of the split.

    Raises
    ------
    DatasetError
        The manifest is malformed or was changed after it was stamped, a patient or a file is
        in two parts (unless it is the declared random resplit), or a side lacks a class.
    """
    path = Path(path)
    text = read_manifest_text(path)
    kind = _check_stamp(text, path.name)
    rows = list(parse_rows(text, path.name))
    films = [film for film, _ in rows]
    declared = kind == "random"
    try:
        check_leaks(films, [digest or "" for _, digest in rows], declared=declared)
        train, validation = _of(films, "train"), _of(films, "val")
        for part, own in (("train", train), ("val", validation)):
            if {film.label for film in own} != {0, 1}:
                raise DatasetError(f"The part {part!r} does not hold films of both classes.")
    except DatasetError as error:
        raise DatasetError(f"{path.name}: {error}") from None
    leaks = declared and count_shared_patients(train, validation) > 0
    return Split(tuple(sorted(train)), tuple(sorted(validation)), leaks=leaks)


def _check_stamp(text: str, name: str) -> str | None:
    """Check a manifest's digest; give its kind, or ``None`` where it is nobody's but one's own."""
    # A checkout may have turned the line ends.
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0] != _TITLE:
        return None
    stamps = [index for index, line in enumerate(lines) if line.startswith(_DIGEST)]
    head = lines[: stamps[0]] if stamps else []
    kinds = [line.removeprefix(_KIND) for line in head if line.startswith(_KIND)]
    if len(stamps) != 1 or len(kinds) != 1:
        raise DatasetError(f"{name} has lost a line of its head. Make it again.")
    rest = "\n".join(lines[: stamps[0]] + lines[stamps[0] + 1 :])
    if hashlib.sha256(rest.encode()).hexdigest() != lines[stamps[0]].removeprefix(_DIGEST):
        raise DatasetError(
            f"{name} was changed after it was made: its digest does not fit. Make it again with "
            "`hilum data split`, or take out the lines that begin with # to have it as your own."
        )
    return kinds[0]
