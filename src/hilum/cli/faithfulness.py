"""``hilum faithfulness``: which maps of a model deserve belief, measured on films."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli import options
from hilum.cli.bars import Bar
from hilum.cli.judging import OutOption, PartOption, read_films
from hilum.cli.writing import check_target, rewrite_spec, write_output
from hilum.errors import MissingExtraError

if TYPE_CHECKING:
    from hilum.cli.judging import Films
    from hilum.faithfulness import LabelledFilm
    from hilum.predictor import Predictor


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("faithfulness")(faithfulness)


def faithfulness(
    data: Annotated[
        Path,
        typer.Option(
            metavar="PATH",
            help="The dataset: a folder, one folder a class, or a CSV manifest.",
            show_default=False,
        ),
    ],
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help="Name of a shipped model, or path of a spec.",
            show_default=False,
        ),
    ] = None,
    methods: Annotated[
        str, typer.Option(metavar="NAME[,NAME...]", help="Methods whose maps are measured.")
    ] = "evidence,evidence_fine",
    part: PartOption = "test",
    films: Annotated[
        int, typer.Option(min=2, help="Films of each class, evenly spread over the part.")
    ] = 40,
    seed: Annotated[int, typer.Option(help="Of the places of planted opacities.")] = 0,
    random_weights: Annotated[
        bool,
        typer.Option(
            "--random-weights/--no-random-weights",
            help="Hold maps against those of shuffled weights; needs the extra train.",
        ),
    ] = True,
    out: OutOption = None,
    report: Annotated[
        Path | None, typer.Option(metavar="HTML", help="Write a page with tables and curves.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures into the model's spec.")
    ] = False,
    threads: options.Threads = None,
) -> None:
    """Measure whether a model's maps show what is there, and whether it looks at the lungs.

    Opacities of known place are planted, films are taken apart in the order of a map, weights
    are shuffled, films hardly changed, lungs and markers taken away. A method that does no
    better than a control is told to be useless.
    """
    from hilum.cli.faithfulness_words import format_findings
    from hilum.explain import get_method
    from hilum.faithfulness import measure_faithfulness
    from hilum.models.zoo import DEFAULT_MODEL
    from hilum.predictor import load_model
    from hilum.report.faithfulness_page import render_faithfulness

    chosen = [get_method(name.strip()).name for name in methods.split(",")]
    for path in (out, report):
        if path is not None:
            check_target(path)
    dataset = read_films(data, part)
    with load_model(model, threads=threads) as predictor, _Bars() as bars:
        findings = measure_faithfulness(
            predictor.backend,
            _take_films(predictor, dataset, films),
            list(dict.fromkeys(chosen)),
            set_name=f"{dataset.name}, {part}",
            random_weights=random_weights and _can_shuffle(),
            seed=seed,
            report=bars.show,
        )
    print(format_findings(findings))
    if out is not None:
        text = json.dumps(findings.to_dict(), indent=2, allow_nan=False) + "\n"
        write_output(out, lambda partial: partial.write_text(text, encoding="utf-8"))
    if report is not None:
        page = render_faithfulness(findings)
        write_output(report, lambda partial: partial.write_text(page, encoding="utf-8"))
    if record:
        rewrite_spec(model or DEFAULT_MODEL, {"faithfulness": findings.summarise()})


class _Bars:
    """A bar for each thing that is measured, one after the other."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._stage = ""

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def show(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage:
            self._close()
            self._stage, self._bar = stage, Bar(stage, "film")
            self._bar.__enter__()
        if self._bar is not None:
            self._bar(done, total)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.__exit__(None, None, None)
            self._bar = None


def _can_shuffle() -> bool:
    """Whether weights can be shuffled here; says why where they cannot."""
    try:
        import hilum.models.randomise  # noqa: F401  (needs the extra)
    except MissingExtraError as error:
        print(f"hilum: maps of shuffled weights are not measured. {error}", file=sys.stderr)
        return False
    return True


def _take_films(predictor: Predictor, dataset: Films, count: int) -> list[LabelledFilm]:
    """Read films of both classes, evenly spread over the part."""
    from hilum.errors import DatasetError
    from hilum.faithfulness import LabelledFilm
    from hilum.io import read_radiograph

    taken = []
    for label in (0, 1):
        films = [film for film in dataset.take(dataset.part) if film.label == label]
        if not films:
            raise DatasetError(f"The part {dataset.part} has no film of one of the classes.")
        wanted = min(count, len(films))
        for index in range(wanted):
            film = films[index * len(films) // wanted]
            radiograph = read_radiograph(
                dataset.root / film.path, recipe=predictor.spec.input.recipe
            )
            taken.append(LabelledFilm(radiograph, film.patient, label))
    return taken
