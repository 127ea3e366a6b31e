"""``hilum faithfulness``: which maps of a model deserve belief, measured on films."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hilum.cli import options
from hilum.cli.bars import Bar
from hilum.cli.judging import OutOption, PartOption, read_films
from hilum.cli.writing import check_target, write_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hilum.cli.judging import Films
    from hilum.faithfulness import Found, LabelledFilm, Shortcuts
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
    model: options.Model = None,
    methods: Annotated[
        str, typer.Option(metavar="NAME[,NAME...]", help="Methods whose maps are measured.")
    ] = "evidence,evidence_fine",
    part: PartOption = "test",
    films: Annotated[
        int, typer.Option(min=2, help="Films of each class, evenly spread over the part.")
    ] = 40,
    seed: Annotated[int, typer.Option(help="Of the places of planted opacities.")] = 0,
    out: OutOption = None,
    threads: options.Threads = None,
) -> None:
    """Measure whether a model's maps show what is there, and whether it looks at the lungs.

    Opacities of known place, size and density are planted into films of healthy lungs. A map
    that finds them no better than noise or the film's own edges is told to be useless.
    """
    from hilum.explain import get_method
    from hilum.faithfulness import locate_planted, measure_shortcuts, summarise
    from hilum.predictor import load_model

    chosen = [get_method(name.strip()).name for name in methods.split(",")]
    if out is not None:
        check_target(out)
    dataset = read_films(data, part)
    with load_model(model, threads=threads) as predictor:
        taken = _take_films(predictor, dataset, films)
        healthy = [film for film in taken if film.label == 0]
        with Bar("planted opacities", "film") as bar:
            rows = locate_planted(predictor.backend, healthy, chosen, seed=seed, report=bar)
        with Bar("shortcuts", "film") as bar:
            shortcuts = measure_shortcuts(predictor.backend, taken, report=bar)
        found = summarise(rows)
        spec = predictor.spec
    print(f"{spec.name} {spec.version}, {len(healthy)} films of healthy lungs, part {part}\n")
    print(format_found(found))
    print()
    print(format_shortcuts(shortcuts))
    if out is not None:
        facts: dict[str, Any] = {
            "model": spec.name,
            "model_version": spec.version,
            "weights_sha256": spec.weights.sha256,
            "dataset": dataset.name,
            "part": part,
            "seed": seed,
            "planted": [one.to_dict() for one in found],
            "shortcuts": shortcuts.to_dict(),
        }
        text = json.dumps(facts, indent=2, allow_nan=False) + "\n"
        write_output(out, lambda partial: partial.write_text(text, encoding="utf-8"))


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


def format_found(found: Sequence[Found]) -> str:
    """Put what was found of planted opacities into columns."""
    lines = [
        "Planted opacities" + " " * 21 + "hit" + " " * 19 + "IoU" + " " * 19 + "inside",
    ]
    for one in found:
        if one.shape is not None:
            continue
        if one.diameter is None:
            lines.append(f"{one.method} ({one.opacities} opacities)")
            name = "  all"
        else:
            name = f"  diameter {one.diameter:.0%} of width, depth {one.depth:g}"
        cells = [
            f"{value:.2f} ({low:.2f} to {high:.2f})"
            for value, low, high in (one.hit, one.iou, one.inside)
        ]
        lines.append(f"{name:37}" + "".join(f"{cell:22}" for cell in cells).rstrip())
    whole = [one for one in found if one.diameter is None and one.shape is None]
    controls = [one for one in whole if one.method in ("random", "edges")]
    best = max(controls, key=lambda one: one.hit[0])
    nothing = "noise" if best.method == "random" else "edges"
    lines += [
        f"WARNING  {one.method} finds planted opacities no better than a map of {nothing}: do not "
        "read places from it."
        for one in whole
        if one not in controls and one.hit[1] <= best.hit[2]
    ]
    mean = whole[0]
    lines.append(
        f"The opacities cover {mean.share_of_film:.1%} of the film and change the logit by "
        f"{mean.logit_change:+.2f}, the probability by {mean.probability_change:+.2f}, on average."
    )
    return "\n".join(lines)


def format_shortcuts(shortcuts: Shortcuts) -> str:
    """Put where a network looks into words."""

    def tell(value: tuple[float, float, float]) -> str:
        return f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"

    return "\n".join(
        [
            f"Where the network looks ({shortcuts.films} films)",
            f"  evidence outside of the lungs         {tell(shortcuts.outside_lungs)}; "
            f"{shortcuts.outside_lungs_flat:.3f} if it were everywhere the same",
            f"  evidence at the film's border         {tell(shortcuts.at_border)}; "
            f"{shortcuts.at_border_flat:.3f} if it were everywhere the same",
            f"  AUC of these films                    {tell(shortcuts.auc)}",
            f"  AUC where all but the lungs is level  {tell(shortcuts.auc_lungs_only)}",
            f"  AUC where the lungs are level         {tell(shortcuts.auc_lungs_levelled)}",
        ]
    )
