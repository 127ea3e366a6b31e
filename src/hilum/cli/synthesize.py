"""``hilum data synthesize`` and ``hilum data samples``: films that show nobody."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli.writing import write_output
from hilum.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilum.predictor import Predictor
    from hilum.synthesis.fields import Planes
    from hilum.synthesis.produce import Embed, Production


class Label(StrEnum):
    """Films to learn from."""

    NORMAL = "normal"
    PNEUMONIA = "pneumonia"


class Opacity(StrEnum):
    """Shapes of an opacity."""

    ROUND = "round"
    PATCHY = "patchy"
    WEDGE = "wedge"
    CLOUD = "cloud"


def register(group: typer.Typer) -> None:
    """Add the commands to ``hilum data``."""
    group.command("samples")(samples_command)
    group.command("synthesize")(synthesize_command)


def samples_command(
    out: Annotated[Path, typer.Argument(help="Folder for the films.", show_default=False)],
) -> None:
    """Write the synthetic films that come with hilum into a folder, to try it on.

    They show no patient.
    """
    from hilum.samples import list_films

    _make_folder(out)
    for film in list_films():
        data, path = film.read(), out / film.file_name
        if path.exists() and path.read_bytes() != data:
            raise ConfigError(f"{path} is there already, and is another film. Name another folder.")
        _write_bytes(path, data)
        print(path)


def synthesize_command(
    data: Annotated[
        Path,
        typer.Argument(
            help="Folder with one folder a class, or a CSV manifest.", show_default=False
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the films.", show_default=False)],
    label: Annotated[Label, typer.Option(help="Films to learn from.")] = Label.NORMAL,
    pathogen: Annotated[
        str | None, typer.Option(help="Only films of this pathogen.", show_default="any")
    ] = None,
    seeds: Annotated[str, typer.Option(help="One film is drawn by each.")] = "1,2",
    opacity: Annotated[
        Opacity | None,
        typer.Option(help="Plant an opacity into the lungs of each.", show_default="none"),
    ] = None,
    size: Annotated[str, typer.Option(metavar="WxH", help="In pixels.")] = "512x410",
    part: Annotated[str, typer.Option(help="Films of this part are learned from.")] = "train",
    model: Annotated[
        str | None,
        typer.Option(help="The network whose embedding is compared.", show_default="the default"),
    ] = None,
) -> None:
    """Draw films that show no patient, from what the films of a set have in common.

    A drawn film that comes nearer to a film of the set than films of different patients come to
    each other is refused, and nothing is written. (Extra: samples.)
    """
    from tqdm import tqdm

    from hilum.data import read_dataset
    from hilum.data.layout import CLASS_NAMES
    from hilum.predictor import load_model
    from hilum.synthesis.produce import choose_films, produce_films
    from hilum.synthesis.registration import TOTAL_STEPS

    numbers, (width_px, height_px) = _parse_seeds(seeds), _parse_size(size)
    root, listed = read_dataset(data)
    wanted = [name.lower() for name in CLASS_NAMES].index(label.value)
    films = choose_films(listed, part=part, label=wanted, pathogen=pathogen)
    _make_folder(out)
    with (
        load_model(model) as network,
        tqdm(total=TOTAL_STEPS, desc="learning", file=sys.stderr, disable=None) as progress,
    ):

        def count() -> None:
            progress.update()

        made = produce_films(
            root,
            films,
            seeds=numbers,
            opacity=None if opacity is None else opacity.value,
            height_px=height_px,
            width_px=width_px,
            embed=_make_embed(network),
            on_step=count,
        )
    _write(made, out)


def _make_embed(network: Predictor) -> Embed:
    import numpy as np

    from hilum.io import radiograph_from_array

    def embed(films: Sequence[Planes]) -> Planes:
        return np.stack(
            [network.analyze(radiograph_from_array(film), gate=False).embedding for film in films]
        )

    return embed


def _write(made: Production, out: Path) -> None:
    for file in made.files:
        path = out / f"{file.name}.dcm"
        _write_bytes(path, file.data)
        print(f"{path}: {len(file.data):,} bytes")
    text = json.dumps(made.to_dict(), indent=2, allow_nan=False) + "\n"
    facts = out / f"{made.group}.json"
    write_output(facts, lambda partial: partial.write_text(text, encoding="utf-8"))
    print(f"Learned from {made.learned_from:,} films, one of each patient.")
    print("Likeness to the nearest film that went in; in brackets what 1 % of the films exceed:")
    for check in made.checks:
        nearest = " ".join(f"{one:.3f}" for one in check.drawn)
        print(f"    {check.look:10} {nearest} ({check.limit:.3f})")


def _write_bytes(path: Path, data: bytes) -> None:
    write_output(path, lambda partial: partial.write_bytes(data))


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The folder {out} cannot be made: {error.strerror}.") from error


def _parse_seeds(text: str) -> list[int]:
    try:
        seeds = [int(one) for one in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise ConfigError(f"Seeds are different whole numbers from 0 on, as 1,2,5; not {text!r}.")
    return seeds


def _parse_size(text: str) -> tuple[int, int]:
    width, cross, height = text.partition("x")
    if cross and width.isdecimal() and height.isdecimal():
        numbers = int(width), int(height)
        if min(numbers) >= 128 and max(numbers) <= 2048:
            return numbers
    raise ConfigError(f"A size is WIDTHxHEIGHT in pixels, each 128 to 2048, not {text!r}.")
