"""What is claimed of the shipped model, measured again on the real films."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from factories.shipped import list_shipped
from hilum.data import read_dataset
from hilum.metrics import compute_auc, count_at_threshold
from hilum.models.zoo import list_models
from hilum.predictor import load_model
from hilum.spec import ModelSpec
from hilum.training.recipe import read_recipe

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("spec", list_models(), ids=lambda spec: spec.name)
def test_the_recipe_in_the_repository_made_the_weights(spec: ModelSpec) -> None:
    recipe = read_recipe(ROOT / "recipes" / f"{spec.name}.yaml")
    assert recipe.sha256 == spec.provenance.recipe_sha256


@pytest.mark.data
@pytest.mark.slow
def test_the_official_test_films_through_the_command_give_the_recorded_figures(
    dataset: Path,
) -> None:
    spec = list_models()[0]
    folder = dataset / "chest_xray" / "test"
    code = "from hilum.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "analyze", str(folder), "--format", "jsonl", "--no-gate"],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(results) == 624
    sources = [Path(result["source"]) for result in results]
    labels = np.array([source.parent.name == "PNEUMONIA" for source in sources])
    assert {result["operating_point"] for result in results} == {spec.default_operating_point}
    recorded = spec.metrics["test"]
    auc = compute_auc(labels, [result["logit"] for result in results])
    assert auc == pytest.approx(recorded.roc_auc.value, abs=2e-4)
    assert auc >= 0.970
    for name, point in recorded.operating_points.items():
        probabilities = [result["probability"] for result in results]
        counts = count_at_threshold(labels, probabilities, spec.operating_points[name].threshold)
        # Another CPU may round a film that lies on the threshold to its other side.
        assert abs(counts.true_positive - point.true_positive) <= 1
        assert abs(counts.true_negative - point.true_negative) <= 1
    for result in results:
        assert (result["side"] == "pneumonia") == (result["probability"] >= result["threshold"])
        assert result["decision"] in (result["side"], "uncertain")
        assert result["evidence"]["shape"] == [7, 7]
    # At most three in a hundred films of the set are refused.
    assert sum(bool(result["reasons"]) for result in results) <= 0.03 * len(results)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    list_shipped(
        {
            "hilum-efficientnet-lite1": "the shift: 95.3 % of normal test films are covered, see "
            "docs/trust.md"
        }
    ),
)
def test_the_zone_keeps_its_promise_on_films_that_set_nothing(name: str, dataset: Path) -> None:
    root, films = read_dataset(dataset / "chest_xray")
    test = [film for film in films if film.part == "test"]
    with load_model(name) as model:
        predictions = [model.analyze(root / film.path, gate=False) for film in test]
        zone = model.spec.conformal
    assert zone is not None
    labels = np.array([film.label == 1 for film in test])
    values = np.array([prediction.probability for prediction in predictions])
    # Chance allows for two in a hundred.
    assert (values[labels] >= zone.positive_from).mean() >= 1 - zone.alpha - 0.02
    assert (values[~labels] <= zone.negative_to).mean() >= 1 - zone.alpha - 0.02
