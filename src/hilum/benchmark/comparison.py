"""The comparison itself: interleaved rounds, so that whatever slows the machine slows both."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hilum.benchmark.baseline import find_missing_packages, prepare_baseline
from hilum.benchmark.films import describe_sizes, draw_dicom, draw_films
from hilum.benchmark.processes import Worker, time_command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hilum.spec import ModelSpec

MIN_SPEEDUP = 5.0
MAX_MEMORY_SHARE = 1 / 3
MAX_COLD_START_S = 1.0
MIN_COLD_START_SPEEDUP = 3.0
MAX_EVIDENCE_RATIO = 1.1
MAX_FINE_RATIO = 5.0
MAX_VIEWS_RATIO = 7.0

_HILUM = "from hilum.cli import main; main()"
_SCRIPT = Path(__file__).with_name("gradcam_script.py")


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and quartiles of repeated measurements, in seconds."""

    median_s: float
    low_s: float
    high_s: float
    measurements: int


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that has to be reached, and what was measured."""

    name: str
    wanted: str
    measured: str
    reached: bool


@dataclass(frozen=True, slots=True)
class SideFigures:
    """What one side took.

    film, overlay
        Seconds from bytes to probability and heatmap; and for the picture of it, on top.
    stages
        Median seconds of each part; hilum's own alone.
    """

    film: Spread
    overlay: Spread
    cold_start: Spread
    peak_resident_bytes: int | None
    stages: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Comparison:
    """A whole benchmark.

    gradcam
        The other side, or ``None`` where its packages are not installed (``missing``).
    logit_difference
        Between torch and ONNX Runtime on the same inputs, before anything was timed.
    read_dicom
        Reading an uncompressed DICOM of 2,500 x 2,000 px, which hilum alone does.
    probability_difference
        Largest between the two sides over the films: each reads and resizes on its own.
    """

    model: str
    films: int
    film_sizes_px: str
    rounds: int
    threads: int
    hilum: SideFigures
    gradcam: SideFigures | None
    read_dicom: Spread
    missing: tuple[str, ...]
    logit_difference: float | None
    probability_difference: float | None
    targets: tuple[Target, ...]


def compare(
    model: str | None,
    films: Sequence[Path] | None,
    *,
    rounds: int,
    cold_starts: int,
    threads: int,
    report: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Measure hilum, and beside it torch with ``grad-cam`` where that is installed.

    Parameters
    ----------
    model
        As for :func:`hilum.models.zoo.resolve_model`.
    films
        Raster films that both sides can read; ``None`` draws phantoms.
    rounds
        How often each film is answered by each side, one side after the other.
    cold_starts
        How often each side is started anew, one after the other.
    report
        Called with what is being done.

    Raises
    ------
    HilumError
        A model, a film or a process failed.
    """
    from hilum.models.zoo import resolve_model

    spec, weights_folder = resolve_model(model)
    missing = tuple(find_missing_packages())
    with tempfile.TemporaryDirectory(prefix="hilum-benchmark-") as temporary:
        folder = Path(temporary)
        if films is None:
            report("drawing phantoms")
            films = draw_films(folder)
        sizes = describe_sizes(films)
        sides = {"hilum": _prepare_hilum(spec, weights_folder, films[0], folder, threads)}
        difference = None
        if not missing:
            report("rebuilding the network on torch")
            sides["gradcam"], difference = _prepare_gradcam(
                spec, weights_folder, films[0], folder, threads
            )
        dicom = draw_dicom(folder / "phantom.dcm")
        replies, peaks, read_dicom = _answer_films(sides, films, dicom, rounds, threads, report)
        starts = _start_anew(sides, cold_starts, threads, report)
    figures = {name: _sum_up(replies[name], starts[name], peaks[name]) for name in sides}
    return Comparison(
        model=f"{spec.name} {spec.version}",
        films=len(films),
        film_sizes_px=sizes,
        rounds=rounds,
        threads=threads,
        hilum=figures["hilum"],
        gradcam=figures.get("gradcam"),
        read_dicom=read_dicom,
        missing=missing,
        logit_difference=difference,
        probability_difference=_compare_probabilities(replies),
        targets=hold_against_targets(figures["hilum"], figures.get("gradcam")),
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """How one side is run: settings for its worker, and its command for a single film."""

    settings: Path
    command: list[str]


def _prepare_hilum(
    spec: ModelSpec, weights_folder: Path, film: Path, folder: Path, threads: int
) -> _Side:
    model = str(weights_folder / f"{spec.name}.json")
    settings = folder / "hilum.json"
    settings.write_text(json.dumps({"model": model, "threads": threads}), encoding="utf-8")
    arguments = ["analyze", "--model", model, "--threads", str(threads), str(film)]
    return _Side(settings, [sys.executable, "-c", _HILUM, *arguments])


def _prepare_gradcam(
    spec: ModelSpec, weights_folder: Path, film: Path, folder: Path, threads: int
) -> tuple[_Side, float]:
    baseline = prepare_baseline(spec, weights_folder, film, folder, threads=threads)
    options = {"--weights": baseline.weights, "--settings": baseline.settings}
    arguments = [str(part) for pair in options.items() for part in pair]
    command = [sys.executable, str(_SCRIPT), *arguments, "--threads", str(threads), str(film)]
    return _Side(baseline.settings, command), baseline.logit_difference


def _answer_films(
    sides: dict[str, _Side],
    films: Sequence[Path],
    dicom: Path,
    rounds: int,
    threads: int,
    report: Callable[[str], None],
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, int | None], Spread]:
    """Let each side answer each film ``rounds`` times.

    Gives the answers, peak memory, and how long hilum takes to read ``dicom``, which the other
    side does not read.
    """
    replies: dict[str, list[dict[str, Any]]] = {name: [] for name in sides}
    with ExitStack() as stack:
        report("loading")
        workers = {
            name: stack.enter_context(Worker(name, side.settings, threads=threads))
            for name, side in sides.items()
        }
        for worker in workers.values():
            worker.wait_until_ready()
        for number in range(rounds + 1):
            report(f"round {number} of {rounds}" if number else "warming up")
            for film in films:
                # Who goes first changes from round to round.
                for name in list(workers) if number % 2 else list(reversed(workers)):
                    reply = workers[name].answer(film, overlay=False)
                    if number:
                        replies[name].append(reply)
        # Pictures come last: they belong to neither the time nor the memory of the answers.
        peaks = {name: worker.read_peak_resident_bytes() for name, worker in workers.items()}
        report("drawing overlays")
        for film in films:
            for name, worker in workers.items():
                replies[name].append(worker.answer(film, overlay=True))
        dicoms = [workers["hilum"].answer(dicom, overlay=True) for _ in range(rounds + 1)][1:]
    return replies, peaks, _spread([reply["stages"]["read"] for reply in dicoms])


def _start_anew(
    sides: dict[str, _Side], cold_starts: int, threads: int, report: Callable[[str], None]
) -> dict[str, list[float]]:
    """Start each side for one film, again and again, in a fresh process each time."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(cold_starts + 1):
        report(f"start {number} of {cold_starts}" if number else "first start")
        for name, side in sides.items():
            taken = time_command(side.command, threads=threads)
            if number:  # the first one fills the disk cache
                seconds[name].append(taken)
    return seconds


def _sum_up(
    replies: list[dict[str, Any]], starts: list[float], peak_resident_bytes: int | None
) -> SideFigures:
    staged = [reply["stages"] for reply in replies if "stages" in reply]
    return SideFigures(
        film=_spread([reply["seconds"] for reply in replies]),
        overlay=_spread(
            [reply["overlay_seconds"] for reply in replies if "overlay_seconds" in reply]
        ),
        cold_start=_spread(starts),
        peak_resident_bytes=peak_resident_bytes,
        stages={
            stage: statistics.median(one[stage] for one in staged)
            for stage in (staged[0] if staged else ())
        },
    )


def _spread(seconds: list[float]) -> Spread:
    if len(seconds) == 1:
        return Spread(seconds[0], seconds[0], seconds[0], 1)
    low, median, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Spread(median, low, high, len(seconds))


def _compare_probabilities(replies: dict[str, list[dict[str, Any]]]) -> float | None:
    if "gradcam" not in replies:
        return None
    pairs = zip(replies["hilum"], replies["gradcam"], strict=True)
    return max(float(abs(ours["probability"] - theirs["probability"])) for ours, theirs in pairs)


def hold_against_targets(hilum: SideFigures, gradcam: SideFigures | None) -> tuple[Target, ...]:
    """Hold the figures against what hilum has to reach; see the constants of this module."""
    ratios = _hold_ratios(hilum.stages)
    start_s = hilum.cold_start.median_s
    start = Target(
        "cold start",
        f"at most {MAX_COLD_START_S:.1f} s",
        f"{start_s:.2f} s",
        start_s <= MAX_COLD_START_S,
    )
    if gradcam is None:
        return (start, *ratios)
    targets = [_faster("one film", gradcam.film, hilum.film, MIN_SPEEDUP)]
    if hilum.peak_resident_bytes and gradcam.peak_resident_bytes:
        share = hilum.peak_resident_bytes / gradcam.peak_resident_bytes
        measured = f"1/{1 / share:.1f}"
        targets.append(Target("peak memory", "at most 1/3", measured, share <= MAX_MEMORY_SHARE))
    start_faster = _faster(
        "cold start", gradcam.cold_start, hilum.cold_start, MIN_COLD_START_SPEEDUP
    )
    return (*targets, start, start_faster, *ratios)


def _hold_ratios(stages: dict[str, float]) -> tuple[Target, ...]:
    """Hold what several passes cost against what one does, where both were timed."""
    return tuple(
        Target(
            name,
            f"at most {most:g} times {words}",
            f"{stages[name] / stages[once]:.2f} times",
            stages[name] / stages[once] <= most,
        )
        for name, once, words, most in (
            ("network", "bare_network", "the bare pass", MAX_EVIDENCE_RATIO),
            ("evidence_fine", "evidence", "the coarse map", MAX_FINE_RATIO),
            ("flip_shift", "plain_pass", "a plain pass", MAX_VIEWS_RATIO),
        )
        if name in stages
    )


def _faster(name: str, theirs: Spread, ours: Spread, wanted: float) -> Target:
    ratio = theirs.median_s / ours.median_s
    return Target(name, f"at least {wanted:g} times faster", f"{ratio:.1f} times", ratio >= wanted)
