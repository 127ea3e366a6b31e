"""Measure what the input gate and the conformal zone do: ``python tests/measure_gate.py DATA``.

DATA is the folder that holds ``chest_xray`` (the films that the shipped model was trained
with). Pictures that are no chest film come from packages of the public index; install them
where this is run, but not with hilum::

    pip install pydicom pydicom-data scikit-image scikit-learn matplotlib nilearn nibabel

More pictures are taken from ``--pictures GROUP=DIR`` (each whole and in random parts), and a
volume from ``--volume GROUP=FILE.npy``. The output is Markdown, as in ``docs/trust.md``.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from factories.foreign import Picture, collect_pictures, cut_crops, cut_slices  # noqa: E402
from hilum.data import read_dataset  # noqa: E402
from hilum.predictor import Predictor, load_model  # noqa: E402
from hilum.types import UNCERTAIN, Prediction  # noqa: E402

Pixels = NDArray[np.uint8]


def cut(film: Pixels, top: float, left: float, bottom: float, right: float) -> Pixels:
    """Cut a part out of a film; edges as shares of its sides."""
    height, width = film.shape
    return film[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]


def tilt(film: Pixels, angle_deg: float) -> Pixels:
    """Turn a film by some degrees; the corners become black."""
    return np.asarray(Image.fromarray(film).rotate(angle_deg, Image.Resampling.BILINEAR))


POSES: dict[str, Callable[[Pixels], Pixels]] = {
    "inverted": lambda film: 255 - film,
    "turned left by 90°": np.rot90,
    "turned right by 90°": lambda film: np.rot90(film, 3),
    "upside down": lambda film: np.rot90(film, 2),
    "tilted by 45°": lambda film: tilt(film, 45.0),
    "tilted by 20°": lambda film: tilt(film, 20.0),
    "left half": lambda film: cut(film, 0.0, 0.0, 1.0, 0.5),
    "upper half": lambda film: cut(film, 0.0, 0.0, 0.5, 1.0),
    "lower right quarter": lambda film: cut(film, 0.5, 0.5, 1.0, 1.0),
    "middle, 60 % of each side": lambda film: cut(film, 0.2, 0.2, 0.8, 0.8),
    "mirrored (no reason to refuse)": lambda film: film[:, ::-1],
}


def measure(predictor: Predictor, pictures: Iterable[tuple[str, bytes]]) -> Iterator[str]:
    """Give one row of the table for each group of pictures, in the order they come."""
    refused: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    reasons: dict[str, Counter[str]] = {}
    for group, data in pictures:
        prediction = predictor.analyze(data)
        seen[group] += 1
        refused[group] += not prediction.assessed
        answered[group] += prediction.assessed and prediction.decision != UNCERTAIN
        own = reasons.setdefault(group, Counter())
        own.update([reason.code for reason in prediction.reasons][:1])
    yield "| pictures | count | not assessed | answered | reason given most |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for group, count in seen.items():
        [(reason, times)] = reasons[group].most_common(1) or [("-", 0)]
        yield (
            f"| {group} | {count} | {refused[group] / count:.1%} | {answered[group] / count:.1%} "
            f"| `{reason}` ({times}) |"
        )


def encode(pixels: Pixels) -> bytes:
    """Give the bytes of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


def pose_films(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Give every film in every pose, pose by pose."""
    for name, change in POSES.items():
        for path in paths:
            yield name, encode(change(np.asarray(Image.open(path).convert("L"))))


def list_more(options: argparse.Namespace) -> Iterator[Picture]:
    """Give the pictures that were named on the command line."""
    rng = np.random.default_rng(4)
    for named in options.pictures:
        group, folder = named.split("=", 1)
        for path in sorted(Path(folder).rglob("*")):
            if path.suffix.lower() in {".png", ".jpg", ".jpeg", ".webp"}:
                yield from cut_crops(path, group, 4, rng)
    for named in options.volume:
        group, file = named.split("=", 1)
        yield from cut_slices(np.load(file), group, Path(file).stem)


def report_test(predictor: Predictor, data: Path) -> Iterator[str]:
    """Say what gate and zone do on the official test films."""
    root, films = read_dataset(data)
    chosen = [film for film in films if film.part == "test"]
    labels = np.array([film.label for film in chosen])
    results: list[Prediction] = [
        predictor.analyze((root / film.path).read_bytes(), gate=False) for film in chosen
    ]
    refused = np.array([bool(result.reasons) for result in results])
    unsure = np.array([result.decision == UNCERTAIN for result in results])
    positive = np.array([result.side == predictor.spec.labels.positive for result in results])
    values = np.array([result.probability for result in results], dtype=np.float64)
    answered = ~refused & ~unsure
    right = positive == (labels == 1)
    yield f"test films: {len(labels)}, refused {refused.mean():.2%}, uncertain {unsure.mean():.2%}"
    yield f"accuracy over all at the operating point: {right.mean():.2%}"
    yield f"accuracy over the {answered.sum()} answered: {right[answered].mean():.2%}"
    for label, name in ((1, "pneumonia"), (0, "normal")):
        own = answered & (labels == label)
        yield f"answered {name}: {own.sum()}, right {right[own].mean():.2%}"
    if (zone := predictor.spec.conformal) is not None:
        yield (
            f"promised coverage {1 - zone.alpha:.0%}; on test pneumonia "
            f"{(values[labels == 1] >= zone.positive_from).mean():.2%}, normal "
            f"{(values[labels == 0] <= zone.negative_to).mean():.2%}"
        )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--pictures", action="append", default=[], metavar="GROUP=DIR")
    parser.add_argument("--volume", action="append", default=[], metavar="GROUP=FILE")
    parser.add_argument("--step", type=int, default=1, help="take every STEP-th test film")
    options = parser.parse_args()
    root, films = read_dataset(options.data / "chest_xray")
    test = [root / film.path for film in films if film.part == "test"][:: options.step]
    with load_model(options.model, threads=1) as predictor:
        for line in report_test(predictor, options.data / "chest_xray"):
            print(line)
        foreign = [*collect_pictures(), *list_more(options)]
        print()
        for line in measure(predictor, ((one.group, one.data) for one in foreign)):
            print(line)
        print()
        for line in measure(predictor, pose_films(test)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
