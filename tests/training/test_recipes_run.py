"""Each recipe of the write-ups runs by its one command, on a few films and small ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
from PIL import Image
from typer.testing import CliRunner

import hilum
from factories.training import draw_film
from hilum.cli import build_app
from hilum.spec import read_spec

RECIPES = Path(__file__).parents[2] / "recipes"
SMALL = ("input.height_px=64", "input.width_px=64")
CROPPED = (*SMALL, "input.shortest_side_px=72")
FEW = ("optimization.epochs=1", "optimization.batch_size=4")
WRITE_UPS = {
    "dl-chest-resnet34": SMALL,
    "blog-resnet18": CROPPED,
    # The smallest of its kind: it has one size, and the whole one weighs 340 MB.
    "blog-vit": ("network.architecture=vit_tiny_patch16_224",),
    "explorer-resnet18": SMALL,
    "explorer-efficientnet-b0": SMALL,
    "explorer-densenet121": SMALL,
}


@pytest.fixture(scope="module")
def few_films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("few")
    rng = np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 2), ("test", 1)):
        for label, folder in enumerate(("NORMAL", "PNEUMONIA")):
            (root / part / folder).mkdir(parents=True)
            for number in range(count):
                patient = f"{part}{number}"
                film = Image.fromarray(draw_film(label, rng))
                film.save(root / part / folder / f"{patient}.png")
    return root


def train(name: str, *words: str | Path) -> str:
    result = CliRunner().invoke(
        build_app(),
        ["train", str(RECIPES / f"{name}.yaml"), *map(str, words), "--no-cache", "--workers", "0"],
    )
    assert result.exit_code == 0, result.stderr
    return result.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITE_UPS)
def test_a_recipe_of_a_write_up_runs(name: str, few_films: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    words: list[str | Path] = [*FEW, *WRITE_UPS[name], "--init", "none"]
    words += ["--data", few_films, "--out", folder]
    assert f"{name}.onnx" in train(name, *words)
    spec = read_spec(folder / f"{name}.json")
    point = "sensitivity_99" if name.startswith("explorer") else "argmax"
    assert spec.default_operating_point == point
    assert spec.provenance.initialisation == "random"
    with hilum.load_model(folder) as model:
        film = next((few_films / "test" / "NORMAL").iterdir())
        assert model.analyze(film).operating_point == point


@pytest.mark.slow
def test_the_comparison_of_a_write_up_runs(few_films: Path, tmp_path: Path) -> None:
    shown = train(
        "dl-chest-compare",
        *FEW,
        *SMALL,
        "compare={resnet18: {network.architecture: resnet18}, "
        "tiny: {network.architecture: test_resnet}}",
        *("--init", "none", "--data", few_films, "--out", tmp_path / "all"),
    )
    assert "ranked by accuracy on validation films; first weights: random" in shown
    assert (tmp_path / "all" / "ranking.csv").read_text().count("\n") == 3
    assert (tmp_path / "all" / "resnet18" / "dl-chest-compare-resnet18.onnx").is_file()


@pytest.mark.parametrize("name", [*WRITE_UPS, "dl-chest-compare"])
def test_weights_that_cannot_be_fetched_name_the_way_out(
    name: str, few_films: Path, tmp_path: Path
) -> None:
    """The tests keep timm from its hub; what a user without one sees is this."""
    result = CliRunner().invoke(
        build_app(),
        [
            *("train", str(RECIPES / f"{name}.yaml"), "--no-cache", "--workers", "0"),
            *("--data", str(few_films), "--out", str(tmp_path / "run")),
        ],
    )
    if result.exit_code == 0:
        pytest.skip("timm has the weights already")
    assert result.exit_code == 2
    assert "could not be downloaded" in result.stderr
    assert "--init none" in result.stderr
    assert not (tmp_path / "run").exists()


def test_the_networks_of_the_write_ups_are_the_ones_that_they_name() -> None:
    from hilum.training.recipe import read_recipe

    recipe = read_recipe(RECIPES / "dl-chest-compare.yaml")
    networks = [recipe.vary(variant).network.architecture for variant in recipe.compare]
    assert [name.partition(".")[0] for name in networks] == [
        *("resnet18", "resnet34", "resnet50", "efficientnet_b0", "densenet121")
    ]
    known = set(timm.list_pretrained())
    for path in RECIPES.glob("*.yaml"):
        one = read_recipe(path)
        if one.network.init == "hub":
            assert one.network.architecture in known, path.stem
    assert set(networks) <= known
