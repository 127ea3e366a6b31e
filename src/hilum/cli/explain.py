"""``hilum explain``: films in, maps of the evidence by one or more methods out."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hilum.cli import options
from hilum.cli.bars import Bar
from hilum.cli.failures import SOME_FILMS_FAILED
from hilum.cli.films import STDIN, FilmSearch
from hilum.cli.output import describe_spread
from hilum.errors import ConfigError, HilumError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hilum.cli.overlays import OverlayFolder
    from hilum.cli.pictures import Look
    from hilum.explain import Method
    from hilum.predictor import Predictor
    from hilum.types import Explanation, Prediction, Region


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)


def explain(
    paths: options.Films,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", help="Where pictures and maps are written.", show_default=False
        ),
    ],
    method: Annotated[
        str, typer.Option(metavar="NAME[,NAME...]", help="How the maps are made.")
    ] = "evidence",
    target: Annotated[
        str | None,
        typer.Option(help="The label that is explained.", show_default="the positive one"),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(metavar="[METHOD.]KEY=VALUE", help="An option of a method; may be repeated."),
    ] = None,
    formats: Annotated[
        str, typer.Option("--format", metavar="png,svg", help="Forms of the pictures.")
    ] = "png",
    contours: Annotated[
        str | None,
        typer.Option(
            metavar="LEVEL[,LEVEL...]",
            help="Draw lines at these levels, in the map's unit.",
            show_default=False,
        ),
    ] = None,
    panel: Annotated[
        bool,
        typer.Option("--panel", help="Show the film beside it, with legend and words below."),
    ] = False,
    scale: Annotated[
        str | None,
        typer.Option(
            metavar="VALUE|auto",
            help="Value of the full colour; auto: this film's strongest cell.",
            show_default="the method's, the same for all films",
        ),
    ] = None,
    level: Annotated[
        float | None,
        typer.Option(
            help="Regions are told above it, in the map's unit.",
            show_default="a quarter of the method's scale",
        ),
    ] = None,
    model: options.Model = None,
    threads: options.Threads = None,
    no_gate: Annotated[
        bool,
        typer.Option("--no-gate", help="Explain also films that the input gate refuses."),
    ] = False,
    views: options.Views = "none",
) -> None:
    """Explain films: a picture for each method, its regions in words, and the maps as JSON.

    A film that is not assessed has no map, since a map would look like an answer.

    Exit code: 0 all films were explained, 3 some were not, 2 wrong usage, 4 broken model.
    """
    from hilum.cli.overlays import OverlayFolder
    from hilum.cli.pictures import read_look
    from hilum.explain import get_method
    from hilum.predictor import load_model

    look = read_look(formats, contours, scale, level, panel=panel)
    methods = [get_method(name.strip()) for name in method.split(",")]
    for one in methods:
        one.check_views(views)
    chosen = {one.name: _choose_options(one, methods, option or ()) for one in methods}
    failed = films = 0
    with load_model(model, threads=threads) as predictor:
        folder = OverlayFolder(out, paths)
        for source in FilmSearch(paths, exclude=folder.folder):
            films += 1
            try:
                prediction = _analyze(predictor, source, gate=not no_gate, views=views)
                explained = prediction.assessed
                if explained:
                    ask = partial(
                        predictor.explain, prediction.radiograph, target=target, views=views
                    )
                    _explain(source, prediction, ask, chosen, folder, look)
            except ConfigError:
                raise
            except HilumError as error:
                print(f"{source}\n    no map: {error}")
                explained = False
            failed += not explained
    if not films:
        raise ConfigError("There are no films in what was given.")
    print("\nResearch software, not a medical device.")
    if failed:
        print(f"hilum: {failed} of {films} films have no map", file=sys.stderr)
        raise typer.Exit(SOME_FILMS_FAILED)


def _choose_options(
    method: Method, methods: Sequence[Method], given: Sequence[str]
) -> dict[str, Any]:
    """Find what was given for a method, and hold it against what the method takes.

    Raises
    ------
    ConfigError
        An option is of none of the methods, or its value is of another type.
    """
    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        owner, dot, name = key.rpartition(".")
        owners = [one.name for one in methods if name in one.options]
        if not equals or not owners or (dot and owner not in owners):
            known = [f"{one.name}.{name}" for one in methods for name in one.options]
            raise ConfigError(
                f"--option {text}: there is no such option. There are: "
                f"{', '.join(known) or 'none'}; give KEY=VALUE."
            )
        if name in method.options and (not dot or owner == method.name):
            found[name] = _read_value(text, value, method.options[name])
    return found


def _read_value(text: str, value: str, default: object) -> object:
    if isinstance(default, str):
        return value
    kind = float if isinstance(default, float) else int
    try:
        return kind(value)
    except ValueError:
        raise ConfigError(f"--option {text}: a number is needed.") from None


def _analyze(predictor: Predictor, source: str, *, gate: bool, views: str) -> Prediction:
    """Analyze one film and print the answer."""
    film = sys.stdin.buffer if source == STDIN else source
    prediction = predictor.analyze(film, gate=gate, views=views)
    print(f"{source}\n    {_describe(prediction)}")
    if not prediction.assessed:
        for reason in prediction.reasons:
            print(f"    x {reason.code}: {reason.message}")
    return prediction


def _explain(
    source: str,
    prediction: Prediction,
    ask: Callable[..., Explanation],
    chosen: dict[str, dict[str, Any]],
    folder: OverlayFolder,
    look: Look,
) -> None:
    """Explain one film by every method, draw it and write the maps."""
    from hilum.explain import choose_level

    maps = []
    for name, options_ in chosen.items():
        began = time.perf_counter()
        with Bar(name, "pass") as bar:
            explanation = ask(name, report=bar, **options_)
        took_s = time.perf_counter() - began
        regions = explanation.regions(prediction.radiograph, level=look.level)
        against = explanation.regions(prediction.radiograph, level=look.level, against=True)
        pictures = folder.write_explanation(
            source, prediction, explanation, (*regions, *against), look
        )
        told = f"{_describe_map(explanation)}  {took_s:.2f} s  {'  '.join(pictures)}"
        print(f"    {name:10} {told}")
        for warning in explanation.warnings:
            print(f"        WARNING  {warning}")
        for region in regions:
            print(f"        {region.sentence}")
        if not regions:
            level = choose_level(explanation) if look.level is None else look.level
            print(f"        No region of note above {level:g}.")
        if (spread := explanation.map_spread()) is not None:
            # Its lines and its scale are not those of the map.
            plain = replace(look, contours=(), scale=None)
            drawn = folder.write_explanation(source, prediction, spread, (), plain)
            print(f"    {'spread':10} {'  '.join(drawn)}")
        maps.append(explanation.to_dict() | {"regions": _list(regions), "against": _list(against)})
    _write_maps(folder.choose_path(source, ".maps.json"), prediction, maps)


def _write_maps(path: Path, prediction: Prediction, maps: list[dict[str, Any]]) -> None:
    from hilum.files import write_whole

    facts = {
        "source": prediction.source,
        "sha256": prediction.radiograph.sha256,
        "model": prediction.model,
        "model_version": prediction.model_version,
        "probability": prediction.probability,
        "decision": prediction.decision,
        "spread": None if prediction.spread is None else prediction.spread.to_dict(),
        "maps": maps,
    }
    try:
        write_whole(path, json.dumps(facts, allow_nan=False) + "\n")
    except OSError as error:
        raise HilumError(f"The maps {path} cannot be written: {error.strerror}.") from error
    print(f"    {path}")


def _list(regions: Sequence[Region]) -> list[dict[str, Any]]:
    return [region.to_dict() for region in regions]


def _describe(prediction: Prediction) -> str:
    if prediction.probability is None:
        return prediction.decision
    told = f"{prediction.decision}, probability {prediction.probability:.4f}"
    spread = describe_spread(prediction)
    return told if spread is None else f"{told}, {spread}"


def _describe_map(explanation: Explanation) -> str:
    rows, columns = explanation.values.shape
    unit = "logit" if explanation.unit == "logit" else "of its largest cell"
    low, high = float(explanation.values.min()), float(explanation.values.max())
    told = f"{rows}x{columns} cells from {low:+.2f} to {high:+.2f} {unit}"
    if explanation.spread is None:
        return told
    return f"{told}, spread up to {float(explanation.spread.max()):.2f}"
