"""``hilum data``: fetch films, see them, split them, find the faults of a set, draw others."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from hilum.cli import synthesize
from hilum.cli.writing import check_target, write_output
from hilum.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilum.data import Film
    from hilum.data.audit import Audit

_DATA_HELP = "Folder with one folder a class, or a CSV manifest."
_SHEET_FORMATS = (".png", ".html")


class SplitKind(StrEnum):
    """Ways to split."""

    OFFICIAL = "official"
    RANDOM = "random"
    PATIENT_KFOLD = "patient-kfold"


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    group = typer.Typer(
        help="Fetch, show, split, audit and synthesize sets of films.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("fetch")(fetch_command)
    group.command("show")(show_command)
    group.command("split")(split_command)
    group.command("audit")(audit_command)
    synthesize.register(group)
    app.add_typer(group, name="data")


def fetch_command(
    out: Annotated[Path, typer.Option(help="Folder for the films; absent or empty.")] = Path(
        "chest_xray"
    ),
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR|ZIP",
            help="Take the films from here, with no network.",
            show_default=False,
        ),
    ] = None,
    unverified: Annotated[
        bool,
        typer.Option("--unverified", help="Take films that are not those of the published set."),
    ] = False,
) -> None:
    """Fetch the 5,856 films of Kermany 2018.

    From Kaggle (extra: lab), or with --from out of a folder or a ZIP, with no network. Counts,
    names and known digests are checked, and the set arrives whole or not at all.
    """
    from tqdm import tqdm

    from hilum.data.fetch import fetch_dataset

    with ExitStack() as stack:
        bars: list[tqdm[NoReturn]] = []

        def start(films: int, size_bytes: int) -> None:
            # Not before: kagglehub draws a bar of its own while it downloads.
            label = f"{films:,} films"
            bar: tqdm[NoReturn] = tqdm(
                total=size_bytes, unit="B", unit_scale=True, desc=label, disable=None
            )
            bars.append(stack.enter_context(bar))

        def count(size_bytes: int) -> None:
            bars[-1].update(size_bytes)

        fetched = fetch_dataset(
            out, source=source, verify=not unverified, on_start=start, on_bytes=count
        )
    if fetched.check is None:
        print(f"{fetched.folder}: {fetched.films:,} films, not checked.")
        return
    state = "was there already" if fetched.was_there else "is there now"
    print(
        f"{fetched.folder}: {fetched.films:,} films, the whole set {state}.\n"
        f"Edition: {fetched.check.edition}. Counts and names agree, and so does the content of "
        f"the {fetched.check.digests:,} films whose digest is known."
    )


def show_command(
    data: Annotated[Path, typer.Argument(help=_DATA_HELP, show_default=False)],
    sheet: Annotated[
        Path | None,
        typer.Option(
            metavar="PNG|HTML",
            help="Write a sheet of films, normal left and pneumonia right.",
            show_default=False,
        ),
    ] = None,
    films: Annotated[int, typer.Option(min=1, max=200, help="Films of each class on it.")] = 6,
    part: Annotated[str | None, typer.Option(help="Only films of this part.")] = None,
    seed: Annotated[int, typer.Option(help="Which films are drawn.")] = 0,
) -> None:
    """Count films and patients, and draw a sheet of films."""
    from hilum.data import read_dataset
    from hilum.data.dataset import select_part

    if sheet is not None:
        if sheet.suffix.lower() not in _SHEET_FORMATS:
            raise ConfigError(f"The sheet is a .png or an .html file, not {sheet.name!r}.")
        check_target(sheet)
    root, listed = read_dataset(data)
    chosen = select_part(listed, part) if part is not None else listed
    name = root.name if data.is_dir() else data.name
    _print_tree(name, chosen)
    if sheet is not None:
        _write_sheet(root, chosen, sheet, films, seed, name)
        print(f"\n{sheet}: {films} films of each class. They stay on this machine.")


def _print_tree(name: str, films: Sequence[Film]) -> None:
    from hilum.data.layout import CLASS_NAMES

    def describe(own: Sequence[Film]) -> str:
        films_word = "film" if len(own) == 1 else "films"
        if not all(film.is_patient_known for film in own):
            return f"{len(own):>6,} {films_word}"
        return f"{len(own):>6,} {films_word:5} of {len({f.patient for f in own}):,} patients"

    print(f"{name:<20}{describe(films)}")
    for part in dict.fromkeys(film.part for film in sorted(films, key=_by_part)):
        in_part = [film for film in films if film.part == part]
        print(f"  {part:<18}{describe(in_part)}")
        for label, name in enumerate(CLASS_NAMES):
            own = [film for film in in_part if film.label == label]
            print(f"    {name:<16}{describe(own)}")
            for pathogen in sorted({film.pathogen for film in own if film.pathogen}):
                caused = [film for film in own if film.pathogen == pathogen]
                print(f"      {pathogen:<14}{describe(caused)}")


def _by_part(film: Film) -> int:
    from hilum.data.layout import PARTS

    return PARTS.index(film.part) if film.part in PARTS else len(PARTS)


def _write_sheet(
    root: Path, films: Sequence[Film], sheet: Path, count: int, seed: int, name: str
) -> None:
    from hilum.report.contact_sheet import (
        choose_samples,
        draw_contact_sheet,
        render_contact_sheet,
    )

    samples = choose_samples(root, films, count=count, seed=seed)
    if sheet.suffix.lower() == ".html":
        page = render_contact_sheet(samples, name=name)
        write_output(sheet, lambda partial: partial.write_text(page, encoding="utf-8"))
    else:
        picture = draw_contact_sheet(samples)
        write_output(sheet, lambda partial: picture.save(partial, "PNG"))


def split_command(
    data: Annotated[Path, typer.Argument(help=_DATA_HELP, show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the manifests.", show_default=False)],
    kind: Annotated[
        SplitKind,
        typer.Option(
            help="official: as it lies. random: 8:2 film by film, as the write-ups; it leaks. "
            "patient-kfold: by patient."
        ),
    ] = SplitKind.PATIENT_KFOLD,
    folds: Annotated[int, typer.Option(min=2, help="Folds of patient-kfold.")] = 5,
    seed: Annotated[int, typer.Option(help="Of random and patient-kfold.")] = 0,
) -> None:
    """Write splits as manifests that carry their digest.

    A patient or a file in two parts is an error. The random split of the write-ups is the one
    exception: its manifest declares how much it leaks.
    """
    from hilum.data import make_manifests, read_dataset, write_split
    from hilum.data.split_manifest import describe_parts

    root, films = read_dataset(data)
    manifests = make_manifests(root, films, kind.value, folds=folds, seed=seed)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The folder {out} cannot be made: {error.strerror}.") from error
    for number, manifest in enumerate(manifests, start=1):
        name = {
            SplitKind.OFFICIAL: "official.csv",
            SplitKind.RANDOM: f"random-seed{seed}.csv",
            SplitKind.PATIENT_KFOLD: f"patient-kfold{folds}-seed{seed}-fold{number}.csv",
        }[kind]
        write_split(manifest, out / name)
        print(f"{out / name}: {describe_parts(manifest.films)}")
        if manifest.leaking_films:
            print(
                f"    LEAKS: {manifest.leaking_films:,} val films are of patients in train. For "
                "comparison with results that were made this way, and for nothing else."
            )


def audit_command(
    data: Annotated[
        Path,
        typer.Argument(
            help=f"{_DATA_HELP} Or a folder of such folders: each is audited.", show_default=False
        ),
    ],
    html: Annotated[
        Path | None, typer.Option(metavar="HTML", help="Write the report as one page.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Write all that was found as JSON.")
    ] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="Films read at a time.")] = None,
) -> None:
    """Find duplicates, leaks and shortcuts in a set.

    A shortcut tells the classes apart without a look at the lungs.

    Ends with exit code 3 where films could not be read.
    """
    from time import monotonic

    from tqdm import tqdm

    from hilum.cli.failures import SOME_FILMS_FAILED
    from hilum.data import find_datasets
    from hilum.data.audit import audit_datasets

    for target in (html, out):
        if target is not None:
            check_target(target)
    datasets = find_datasets(data)
    total = sum(len(films) for _, films in datasets.values())
    began = monotonic()
    with tqdm(total=total, unit="film", file=sys.stderr, disable=None) as progress:

        def count() -> None:
            progress.update()

        audit = audit_datasets(datasets, threads=threads, on_film=count)
    _write_audit(audit, html, out)
    _print_audit(audit)
    print(f"\n{total:,} films, audited in {monotonic() - began:.0f} s.")
    if any(one.unread for one in audit.sets):
        raise typer.Exit(SOME_FILMS_FAILED)


def _write_audit(audit: Audit, html: Path | None, out: Path | None) -> None:
    import json

    from hilum.report.audit import render_audit

    if html is not None:
        page = render_audit(audit)
        write_output(html, lambda partial: partial.write_text(page, encoding="utf-8"))
    if out is not None:
        text = json.dumps(audit.to_dict(), indent=2, allow_nan=False) + "\n"
        write_output(out, lambda partial: partial.write_text(text, encoding="utf-8"))


def _print_audit(audit: Audit) -> None:
    from textwrap import fill

    for one in audit.sets:
        patients = "patients unknown" if one.patients is None else f"{one.patients:,} patients"
        print(f"{one.name}: {one.films:,} films, {patients}")
        for score in one.shortcuts:
            carried = "" if score.transferred is None else f"   on test {score.transferred:.3f}"
            print(
                f"    shortcut, {score.group:12} AUC {score.auc:.3f} "
                f"({score.low:.3f} to {score.high:.3f}){carried}"
            )
        for path, reason in one.unread[:10]:
            print(f"    unreadable: {path}: {reason}")
        if len(one.unread) > 10:
            print(f"    ... and {len(one.unread) - 10:,} more unreadable films")
    print()
    for finding in audit.findings:
        where = f"{finding.dataset}: " if finding.dataset else ""
        words = f"{finding.level.upper():8} {where}{finding.text}"
        print(fill(words, width=100, subsequent_indent=" " * 9, break_on_hyphens=False))
