"""``hilum benchmark``: what one film costs, beside torch and grad-cam on the same weights."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hilum.cli import options

if TYPE_CHECKING:
    from hilum.benchmark import Comparison, Spread

_MIB = 1024 * 1024


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("benchmark")(benchmark)


def benchmark(
    films: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="PATH",
            help="A film or a folder of films (PNG, JPEG, TIFF); may be repeated.",
            show_default="drawn phantoms at native sizes",
        ),
    ] = None,
    model: options.Model = None,
    rounds: Annotated[int, typer.Option(min=1, help="Answers a film and side.")] = 10,
    cold_starts: Annotated[int, typer.Option(min=1, help="Fresh starts a side.")] = 5,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, help="Threads of the network, on both sides.", show_default="CPUs, at most 4"
        ),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write all figures into FILE too."),
    ] = None,
) -> None:
    """Measure time, memory and cold start, beside torch with grad-cam where installed.

    Both sides answer the same films with the same weights, in turns. The other side needs
    the extra "train".
    """
    from dataclasses import asdict

    from hilum.benchmark import compare
    from hilum.benchmark.films import collect_films
    from hilum.inference.onnx_backend import count_default_threads

    comparison = compare(
        model,
        None if films is None else collect_films(films),
        rounds=rounds,
        cold_starts=cold_starts,
        threads=threads or count_default_threads(),
        report=_report if sys.stderr.isatty() else lambda _: None,
    )
    if sys.stderr.isatty():
        _report("")
    if json_file is not None:
        json_file.write_text(json.dumps(asdict(comparison), indent=2) + "\n", encoding="utf-8")
    print(format_comparison(comparison))


def format_comparison(comparison: Comparison) -> str:
    """Put a comparison into words and columns."""
    hilum, gradcam = comparison.hilum, comparison.gradcam
    lines = [
        f"{comparison.model}, {comparison.threads} threads, {comparison.films} films of "
        f"{comparison.film_sizes_px}, {comparison.rounds} rounds",
        "",
        f"{'':36}{'hilum':>24}" + (f"{'torch + grad-cam':>24}" if gradcam else ""),
    ]
    rows = [
        ("film to probability and heatmap", "film"),
        ("picture of it at the film's size", "overlay"),
        ("cold start, one film", "cold_start"),
    ]
    for title, name in rows:
        cells = [_format_spread(getattr(side, name)) for side in (hilum, gradcam) if side]
        lines.append(f"{title:36}" + "".join(f"{cell:>24}" for cell in cells))
    memory = [
        f"{side.peak_resident_bytes / _MIB:.0f} MiB" if side.peak_resident_bytes else "unknown"
        for side in (hilum, gradcam)
        if side
    ]
    lines.append(f"{'peak resident memory':36}" + "".join(f"{cell:>24}" for cell in memory))
    stages = ", ".join(f"{name} {1000 * value:.1f} ms" for name, value in hilum.stages.items())
    dicom = _format_spread(comparison.read_dicom)
    lines += [
        "",
        f"Parts of hilum's answer: {stages}.",
        f"Reading an uncompressed DICOM of 2,500 x 2,000 px: {dicom}.",
    ]
    if comparison.gradcam is None:
        lines.append(
            f"Not compared: {', '.join(comparison.missing)} not installed. "
            'pip install "hilum[train]" brings them.'
        )
    else:
        lines.append(
            f"Same weights: logits differ by {comparison.logit_difference:.1g} on the same "
            f"input, probabilities by {comparison.probability_difference:.1g} from the file."
        )
    lines += ["", "Target" + " " * 48 + "measured"]
    for target in comparison.targets:
        verdict = "reached" if target.reached else "missed"
        lines.append(f"    {target.name + ' ' + target.wanted:50}{target.measured:14}{verdict}")
    return "\n".join(lines)


def _format_spread(spread: Spread) -> str:
    scale, unit, digits = (1.0, "s", 2) if spread.median_s >= 1 else (1000.0, "ms", 0)
    if scale * spread.median_s < 100:
        digits = max(digits, 1)
    low, median, high = (
        f"{scale * value:.{digits}f}" for value in (spread.low_s, spread.median_s, spread.high_s)
    )
    return f"{median} {unit} ({low} to {high})"


def _report(stage: str) -> None:
    print(f"\r\033[K{stage}", end="", file=sys.stderr, flush=True)
