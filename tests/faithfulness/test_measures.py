"""Localisation and shortcuts, on a network that is known to look at every place by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from factories.networks import TINY_INPUT, write_tiny_network
from factories.radiographs import make_radiograph
from hilum.anatomy import find_lungs
from hilum.cli import build_app
from hilum.data.phantom import Opacity, draw_phantom
from hilum.errors import DatasetError
from hilum.faithfulness import LabelledFilm, locate_planted, measure_shortcuts, summarise
from hilum.inference import Backend
from hilum.predictor import load_model

SIDE = 128


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    folder = tmp_path_factory.mktemp("model")
    square = TINY_INPUT.model_copy(update={"height_px": SIDE, "width_px": SIDE})
    write_tiny_network(folder, square)
    with load_model(folder, threads=1) as model:
        yield model.backend


def make_films(pixels: list[NDArray[np.float32]], labels: list[int]) -> list[LabelledFilm]:
    return [
        LabelledFilm(make_radiograph(one), f"patient-{number}", label)
        for number, (one, label) in enumerate(zip(pixels, labels, strict=True))
    ]


def test_a_map_that_shows_each_place_finds_what_is_planted(backend: Backend) -> None:
    """On an even film the tiny network's map is greatest where the opacity is."""
    flat = np.full((SIDE, SIDE), 0.3, dtype=np.float32)
    assert find_lungs(flat).any()
    done: list[tuple[int, int]] = []
    rows = locate_planted(
        backend,
        make_films([flat, flat], [0, 0]),
        ["evidence", "evidence_fine"],
        diameters=(0.2, 0.3),
        depths=(1.0,),
        report=lambda *pair: done.append(pair),
    )
    assert done == [(1, 2), (2, 2)]
    assert len(rows) == 2 * 3 * 2 * 1 * 4
    found = {
        one.method: one
        for one in summarise(rows, resamples=200)
        if one.shape is None and one.diameter is None
    }
    assert set(found) == {"evidence", "evidence_fine", "random", "edges"}
    for method in ("evidence", "evidence_fine"):
        one = found[method]
        assert one.hit[0] > 0.9
        assert one.hit[1] <= one.hit[0] <= one.hit[2]
        assert one.iou[0] > 0.5
        assert one.logit_change > 0
        assert one.probability_change > 0
    assert found["random"].hit[0] < 0.4
    assert found["random"].inside[0] < 3 * found["random"].share_of_film
    assert found["evidence_fine"].iou[0] > found["evidence"].iou[0]
    assert found["evidence"].opacities == 12


def test_opacities_are_planted_the_same_again_and_elsewhere_by_another_seed(
    backend: Backend,
) -> None:
    films = make_films([draw_phantom(0, height_px=SIDE, width_px=SIDE)], [0])
    one, same, other = (
        locate_planted(backend, films, ["evidence"], diameters=(0.2,), depths=(1.0,), seed=seed)
        for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_evidence_in_the_lungs_is_told_from_evidence_beside_them(backend: Backend) -> None:
    film = draw_phantom(0, height_px=SIDE, width_px=SIDE)
    lungs = find_lungs(film)
    rows, columns = np.nonzero(lungs)
    inside, beside = np.zeros_like(film), np.zeros_like(film)
    inside[int(rows.mean()) - 8 : int(rows.mean()) + 8, columns.min() + 10 : columns.min() + 20] = 1
    beside[-12:, :] = 1
    labels = [1, 0]
    figures = [
        measure_shortcuts(
            backend, make_films([np.clip(0.8 * film + bright, 0, 1), film], labels), resamples=100
        )
        for bright in (inside, beside)
    ]
    assert figures[0].outside_lungs[0] < figures[1].outside_lungs[0]
    assert figures[0].at_border[0] < figures[1].at_border[0]
    assert figures[0].at_border_flat == pytest.approx(1 - (1 - 16 / SIDE) ** 2, abs=0.01)


def test_what_the_network_knows_without_the_lungs(backend: Backend) -> None:
    """Dense lungs are told with the lungs alone; a dense border without them."""
    plain = [draw_phantom(seed, height_px=SIDE, width_px=SIDE) for seed in range(6)]
    cloudy = [
        draw_phantom(seed, height_px=SIDE, width_px=SIDE, opacity=Opacity(0.3, 0.5, 0.16, 1.0))
        for seed in range(6)
    ]
    labels = [0] * 6 + [1] * 6
    figures = measure_shortcuts(backend, make_films(plain + cloudy, labels), resamples=100)
    assert figures.films == 12
    assert figures.auc_lungs_only[0] > 0.9
    assert figures.auc_lungs_levelled[0] < figures.auc_lungs_only[0]
    low, high = figures.auc_lungs_only[1:]
    assert low <= figures.auc_lungs_only[0] <= high


def test_what_cannot_be_measured_is_told(backend: Backend) -> None:
    film = draw_phantom(0, height_px=SIDE, width_px=SIDE)
    with pytest.raises(DatasetError, match="no films of healthy lungs"):
        locate_planted(backend, [], ["evidence"])
    with pytest.raises(DatasetError, match="both classes"):
        measure_shortcuts(backend, make_films([film], [0]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for label, opacity in (("NORMAL", None), ("PNEUMONIA", Opacity(0.3, 0.5, 0.2, 1.0))):
        place = tmp_path / "films" / "test" / label
        place.mkdir(parents=True)
        for seed in range(3):
            film = draw_phantom(seed, height_px=160, width_px=160, opacity=opacity)
            Image.fromarray((film * 255).astype(np.uint8)).save(place / f"film-{seed}.png")
    return tmp_path


def test_the_command_prints_and_writes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    write_tiny_network(folder / "model", TINY_INPUT.model_copy(update={"width_px": 64}))
    arguments = ["--data", "films", "--model", "model", "--films", "2", "--out", "found.json"]
    done = CliRunner().invoke(build_app(), ["faithfulness", *arguments])
    assert done.exit_code == 0, done.output
    assert "2 films of healthy lungs, part test" in done.stdout
    assert "evidence_fine (54 opacities)" in done.stdout
    assert "diameter 28% of width, depth 0.5" in done.stdout
    assert "AUC where the lungs are level" in done.stdout
    found = json.loads((folder / "found.json").read_text())
    assert {one["method"] for one in found["planted"]} == {
        "evidence", "evidence_fine", "random", "edges",
    }  # fmt: skip
    assert len(found["planted"]) == 4 * (1 + 9 + 3)
    assert found["shortcuts"]["films"] == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--methods", "evidence,magic"], 'no method "magic"'),
        (["--part", "val"], "no part 'val'"),
        (["--out", "absent/found.json"], "no folder absent"),
    ],
)
def test_what_the_command_refuses(
    folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(build_app(), ["faithfulness", "--data", "films", *arguments])
    assert done.exit_code in (2, 6)
    assert said in done.stderr
