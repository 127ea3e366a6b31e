"""Measure on all normal test films which map finds planted opacities better: docs/faithfulness.md.

    python tests/measure_planted.py DATA_FOLDER [--model MODEL] [--methods grad_cam,evidence_fine]

As ``hilum faithfulness`` does it for films evenly spread over the part, and nothing else of it.
It takes some 25 minutes on two cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from hilum.anatomy import find_lungs
from hilum.data import read_dataset
from hilum.explain import get_method
from hilum.faithfulness import LabelledFilm, locate_planted, summarise_located
from hilum.faithfulness.localisation import compare_found
from hilum.io import read_radiograph
from hilum.predictor import Predictor, load_model
from hilum.preprocess import resize_film


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model")
    parser.add_argument("--methods", default="grad_cam,evidence_fine")
    arguments = parser.parse_args()
    methods = [get_method(name).name for name in arguments.methods.split(",")]
    with load_model(arguments.model) as predictor, tqdm(unit="film", dynamic_ncols=True) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        films = list(take_films(predictor, arguments.data))
        rows = locate_planted(predictor.backend, films, methods, report=report)
        name = f"{predictor.spec.name} {predictor.spec.version}"
    print(f"{name}, {len(films)} films, {len(rows) // (2 + len(methods))} opacities")
    for found in summarise_located(rows):
        if found.is_whole:
            print(f"  {found.method:16} hits {write(found.hit)}  IoU {write(found.iou)}")
    for earlier, later, hit, iou in compare_found(rows, methods):
        print(f"  {later} above {earlier}: hits {write(hit)}, IoU {write(iou)}")


def take_films(predictor: Predictor, data: Path) -> Iterator[LabelledFilm]:
    """Read the normal test films in which lungs are found."""
    root, listed = read_dataset(data)
    for one in listed:
        if one.part == "test" and one.label == 0:
            film = read_radiograph(root / one.path, recipe=predictor.spec.input.recipe)
            if find_lungs(resize_film(film, predictor.spec.input)).any():
                yield LabelledFilm(film, one.patient, 0)


def write(interval: tuple[float, float, float]) -> str:
    mean, low, high = interval
    return f"{mean:+.4f} ({low:+.4f} to {high:+.4f})"


if __name__ == "__main__":
    main()
