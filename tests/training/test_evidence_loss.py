"""A student that is held against its teachers' maps."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from factories.networks import TINY_INPUT, write_tiny_network
from factories.timm_networks import (
    SMALL_EFFICIENTNET,
    SMALL_RESNET,
    SMALL_VIT,
    choose_size_px,
)
from factories.training import make_settings
from hilum.errors import ConfigError
from hilum.models.build import build_network
from hilum.models.head import EvidenceNetwork, merge_logits
from hilum.predictor import load_model
from hilum.preprocess import normalize_film
from hilum.spec import InputSpec
from hilum.training.distillation import load_teachers
from hilum.training.evidence_loss import UNIT, EvidenceStudent, add_evidence, prepare_student
from hilum.training.losses import build_loss
from hilum.training.recipe import DistillationSection, Recipe
from hilum.training.run import run_recipe


def make_section(**changes: Any) -> DistillationSection:
    return DistillationSection(teachers=("nobody",), **changes)


@pytest.mark.parametrize("outputs", [1, 2])
@pytest.mark.parametrize("timm_name", [SMALL_RESNET, SMALL_EFFICIENTNET, SMALL_VIT])
def test_a_student_shows_the_map_that_it_will_be_exported_with(
    timm_name: str, outputs: Literal[1, 2]
) -> None:
    torch.manual_seed(0)
    network = build_network(timm_name, init="none", outputs=outputs).eval()
    side = choose_size_px(timm_name)
    films = torch.randn(3, 1, side, side)
    with torch.no_grad():
        logits, evidence = EvidenceStudent(network)(films)
        torch.testing.assert_close(logits, network(films))
        merge_logits(network)
        _, expected, *_ = EvidenceNetwork(network, size_px=(side, side))(films)
    assert evidence.dtype == torch.float32
    torch.testing.assert_close(evidence, expected, atol=1e-5, rtol=1e-4)


def test_what_a_difference_costs() -> None:
    section = make_section(evidence_weight=0.5)
    plain = build_loss(Recipe.model_validate(make_settings()), np.array([0, 1]))
    compute_loss = add_evidence(plain, section, (2, 3))
    logits = torch.tensor([[0.3], [-1.2]])
    evidence = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(0))
    probabilities = torch.tensor([[0.9], [0.2]])
    same = torch.cat([probabilities, evidence.flatten(1)], dim=1)
    base = plain(logits, probabilities[:, 0])
    torch.testing.assert_close(compute_loss((logits, evidence), same), base)
    off = compute_loss((logits, evidence + UNIT), same)
    torch.testing.assert_close(off, base + 0.5)
    turned = compute_loss((logits, evidence.flip(2)), same)
    assert turned > base + 1e-3  # a map in a mirror is another map


def test_maps_of_another_size_are_held_against_the_interpolated_one() -> None:
    plain = build_loss(Recipe.model_validate(make_settings()), np.array([0, 1]))
    compute_loss = add_evidence(plain, make_section(evidence_weight=1.0), (4, 4))
    ramp = torch.arange(4.0).repeat(4, 1)
    targets = torch.cat([torch.tensor([0.5]), ramp.flatten()])[None]
    logits = torch.zeros(1, 1)
    base = plain(logits, targets[:, 0])
    smaller = torch.tensor([[[0.5, 2.5], [0.5, 2.5]]])
    assert compute_loss((logits, smaller), targets) - base < 1e-2
    assert compute_loss((logits, smaller.flip(2)), targets) - base > 0.03
    larger = torch.nn.functional.interpolate(ramp[None, None], size=(8, 8), mode="bilinear")[0]
    torch.testing.assert_close(compute_loss((logits, larger), targets), base)


def test_without_a_weight_nothing_changes() -> None:
    plain = build_loss(Recipe.model_validate(make_settings()), np.array([0, 1]))
    network = build_network(SMALL_RESNET, init="none")
    assert add_evidence(plain, DistillationSection(), None) is plain
    assert prepare_student(network, make_section()) is network


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"distillation": {"evidence_weight": 1.0}}, "needs teachers"),
        (
            {"distillation": {"teachers": ["a"], "evidence_weight": 1.0, "films": "clean"}},
            "augmented",
        ),
        (
            {
                "distillation": {"teachers": ["a"], "evidence_weight": 1.0},
                "mixing": {"mixup_alpha": 0.2},
            },
            "not mixed",
        ),
        ({"distillation": {"teachers": ["a"], "evidence_weight": -1.0}}, "greater than or equal"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Recipe.model_validate(make_settings() | changes)


def test_the_target_holds_the_mean_map_of_the_teachers(tmp_path: Path) -> None:
    film = np.random.default_rng(0).random((64, 48), dtype=np.float32)
    write_tiny_network(tmp_path / "a", name="tiny-a")
    write_tiny_network(tmp_path / "b", name="tiny-b")
    large = TINY_INPUT.model_copy(update={"height_px": 128, "width_px": 96})
    write_tiny_network(tmp_path / "c", large, name="tiny-c")
    names = tuple(str(tmp_path / name) for name in "abc")
    section = DistillationSection(teachers=names[:2], evidence_weight=1.0, weight=1.0)
    teachers = load_teachers(section, TINY_INPUT)
    assert teachers is not None
    assert teachers.grid == (8, 6)
    target = teachers.make_target(0.0, film)
    assert target.dtype == np.float32
    with load_model(tmp_path / "a") as one, load_model(tmp_path / "b") as other:
        planes = normalize_film(film, TINY_INPUT)
        maps = [model.backend.run(planes).evidence[0] for model in (one, other)]
    np.testing.assert_allclose(target[0], teachers.score(film), rtol=1e-6)
    np.testing.assert_allclose(target[1:], np.mean(maps, axis=0).ravel(), rtol=1e-6)
    with pytest.raises(ConfigError, match="differ in size"):
        load_teachers(DistillationSection(teachers=names, evidence_weight=1.0), TINY_INPUT)


@pytest.mark.slow
def test_a_student_learns_where(drawn_dataset: Path, tmp_path: Path) -> None:
    """Its map comes nearer to the teacher's than that of a student who learns only how sure."""
    square = InputSpec(height_px=64, width_px=64, normalization="per_film")
    write_tiny_network(tmp_path / "teacher", square, name="tiny")
    films = sorted((drawn_dataset / "test").rglob("*.*"))[:8]
    with load_model(tmp_path / "teacher") as teacher:
        theirs = [teacher.analyze(film, gate=False).evidence.values for film in films]
    differences = {}
    for weight in (0.0, 2.0):
        settings = make_settings()
        settings["distillation"] = {
            "teachers": [str(tmp_path / "teacher")],
            "weight": 1.0,
            "evidence_weight": weight,
        }
        settings["optimization"]["epochs"] = 4
        folder = tmp_path / f"run-{weight}"
        run_recipe(Recipe.model_validate(settings), drawn_dataset, folder, workers=1)
        with load_model(folder) as student:
            cells = [student.analyze(film, gate=False).evidence.values for film in films]
        rows, columns = cells[0].shape
        pooled = [
            one.reshape(rows, 8 // rows, columns, 8 // columns).mean((1, 3)) for one in theirs
        ]
        differences[weight] = float(np.mean(np.abs(np.subtract(cells, pooled))))
    assert differences[2.0] < 0.9 * differences[0.0], differences
