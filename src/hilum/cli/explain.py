"""``hilum explain``: films in, maps of the evidence by one or more methods out."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hilum.cli import options
from hilum.cli.bars import Bar
from hilum.cli.failures import SOME_FILMS_FAILED
from hilum.cli.films import STDIN, FilmSearch
from hilum.errors import ConfigError, HilumError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilum.cli.overlays import OverlayFolder
    from hilum.explain import Method
    from hilum.predictor import Predictor
    from hilum.types import Explanation, Prediction


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
    model: options.Model = None,
    threads: options.Threads = None,
    no_gate: Annotated[
        bool,
        typer.Option("--no-gate", help="Explain also films that the input gate refuses."),
    ] = False,
) -> None:
    """Explain films: a picture for each method, and the maps as JSON.

    A film that is not assessed has no map, since a map would look like an answer.

    Exit code: 0 all films were explained, 3 some were not, 2 wrong usage, 4 broken model.
    """
    from hilum.cli.overlays import OverlayFolder
    from hilum.explain import get_method
    from hilum.predictor import load_model

    methods = [get_method(name.strip()) for name in method.split(",")]
    chosen = {one.name: _choose_options(one, methods, option or ()) for one in methods}
    failed = films = 0
    with load_model(model, threads=threads) as predictor:
        folder = OverlayFolder(out, paths)
        for source in FilmSearch(paths, exclude=folder.folder):
            films += 1
            try:
                explained = _explain(predictor, source, chosen, target, folder, gate=not no_gate)
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


def _explain(
    predictor: Predictor,
    source: str,
    chosen: dict[str, dict[str, Any]],
    target: str | None,
    folder: OverlayFolder,
    *,
    gate: bool,
) -> bool:
    """Explain one film by every method; tell whether it could be."""
    from hilum.files import write_whole

    film = sys.stdin.buffer if source == STDIN else source
    prediction = predictor.analyze(film, gate=gate)
    print(f"{source}\n    {_describe(prediction)}")
    if not prediction.assessed:
        for reason in prediction.reasons:
            print(f"    x {reason.code}: {reason.message}")
        return False
    maps = []
    for name, options_ in chosen.items():
        began = time.perf_counter()
        with Bar(name, "pass") as bar:
            explanation = predictor.explain(
                prediction.radiograph, name, target=target, report=bar, **options_
            )
        took_s = time.perf_counter() - began
        picture = folder.write_explanation(source, prediction, explanation)
        print(f"    {name:10} {_describe_map(explanation)}  {took_s:.2f} s  {picture}")
        maps.append(explanation.to_dict())
    path = folder.choose_path(source, ".maps.json")
    facts = {
        "source": prediction.source,
        "sha256": prediction.radiograph.sha256,
        "model": prediction.model,
        "model_version": prediction.model_version,
        "probability": prediction.probability,
        "decision": prediction.decision,
        "maps": maps,
    }
    try:
        write_whole(path, json.dumps(facts, allow_nan=False) + "\n")
    except OSError as error:
        raise HilumError(f"The maps {path} cannot be written: {error.strerror}.") from error
    print(f"    {path}")
    return True


def _describe(prediction: Prediction) -> str:
    if prediction.probability is None:
        return prediction.decision
    return f"{prediction.decision}, probability {prediction.probability:.4f}"


def _describe_map(explanation: Explanation) -> str:
    rows, columns = explanation.values.shape
    unit = "logit" if explanation.unit == "logit" else "of its largest cell"
    low, high = float(explanation.values.min()), float(explanation.values.max())
    return f"{rows}x{columns} cells from {low:+.2f} to {high:+.2f} {unit}"
