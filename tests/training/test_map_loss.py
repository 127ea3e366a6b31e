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
from hilum.io import read_radiograph
from hilum.models.build import build_network
from hilum.models.head import EvidenceNetwork, merge_logits
from hilum.predictor import load_model
from hilum.preprocess import normalize_film, preprocess
from hilum.spec import InputSpec
from hilum.training.distillation import load_teachers
from hilum.training.features import FeatureBasis, draw_reading
from hilum.training.films import TrainingFilms
from hilum.training.losses import build_loss
from hilum.training.lung_edits import REGION_GRID
from hilum.training.map_loss import (
    UNIT,
    MapStudent,
    StudentOutput,
    TargetLayout,
    add_map_terms,
    compare_with_regions,
    prepare_student,
)
from hilum.training.recipe import AugmentationSection, DistillationSection, Recipe
from hilum.training.run import run_recipe

PLAIN = build_loss(Recipe.model_validate(make_settings()), np.array([0, 1]))
BIAS = torch.tensor(0.25)


def make_recipe(
    *, evidence_weight: float = 0.0, features_weight: float = 0.0, planted: float = 0.0
) -> Recipe:
    distillation = {
        "teachers": ["nobody"],
        "evidence_weight": evidence_weight,
        "features_weight": features_weight,
    }
    augmentation = {"planted": planted}
    return Recipe.model_validate(
        make_settings() | {"distillation": distillation, "augmentation": augmentation}
    )


def answer(
    logits: torch.Tensor, evidence: torch.Tensor, planes: torch.Tensor | None = None
) -> StudentOutput:
    return StudentOutput(logits, evidence, BIAS, torch.zeros(1) if planes is None else planes)


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
        logits, evidence, bias, planes = MapStudent(network)(films)
        torch.testing.assert_close(logits, network(films))
        merge_logits(network)
        merged = EvidenceNetwork(network, size_px=(side, side))
        _, expected, _, activations = merged(films)
    assert float(bias.detach()) == pytest.approx(merged.bias, abs=1e-6)
    assert evidence.dtype == torch.float32
    torch.testing.assert_close(evidence, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(planes, activations)


def test_what_a_difference_costs() -> None:
    compute_loss = add_map_terms(PLAIN, make_recipe(evidence_weight=0.5), TargetLayout((2, 3)))
    logits = torch.tensor([[0.3], [-1.2]])
    evidence = torch.randn(2, 2, 3, generator=torch.Generator().manual_seed(0))
    probabilities = torch.tensor([[0.9], [0.2]])
    same = torch.cat([probabilities, evidence.flatten(1)], dim=1)
    base = PLAIN(logits, probabilities[:, 0])
    torch.testing.assert_close(compute_loss(answer(logits, evidence), same), base)
    off = compute_loss(answer(logits, evidence + UNIT), same)
    torch.testing.assert_close(off, base + 0.5)
    turned = compute_loss(answer(logits, evidence.flip(2)), same)
    assert turned > base + 1e-3  # a map in a mirror is another map
    unknown = same.clone()
    unknown[1, 1:] = torch.nan  # of this film no teacher was asked
    half = compute_loss(answer(logits, evidence + UNIT), unknown)
    torch.testing.assert_close(half, base + 0.25)


def test_maps_of_another_size_are_held_against_the_interpolated_one() -> None:
    compute_loss = add_map_terms(PLAIN, make_recipe(evidence_weight=1.0), TargetLayout((4, 4)))
    ramp = torch.arange(4.0).repeat(4, 1)
    targets = torch.cat([torch.tensor([0.5]), ramp.flatten()])[None]
    logits = torch.zeros(1, 1)
    base = PLAIN(logits, targets[:, 0])
    smaller = torch.tensor([[[0.5, 2.5], [0.5, 2.5]]])
    assert compute_loss(answer(logits, smaller), targets) - base < 1e-2
    assert compute_loss(answer(logits, smaller.flip(2)), targets) - base > 0.03
    larger = torch.nn.functional.interpolate(ramp[None, None], size=(8, 8), mode="bilinear")[0]
    torch.testing.assert_close(compute_loss(answer(logits, larger), targets), base)


def test_what_other_features_cost() -> None:
    layout = TargetLayout(features=(3, 2, 2))
    compute_loss = add_map_terms(PLAIN, make_recipe(features_weight=0.5), layout)
    generator = torch.Generator().manual_seed(0)
    planes = torch.randn(2, 5, 4, 4, generator=generator, requires_grad=True)
    reading = torch.from_numpy(draw_reading(3, 5, make_recipe().seed))
    read = torch.einsum("kd,ndhw->nkhw", reading, planes.detach())
    pooled = torch.nn.functional.interpolate(read, size=(2, 2), mode="bilinear", antialias=True)
    # A grid that is twice as coarse says of a constant film what it is.
    flat = torch.ones(2, 5, 4, 4) * torch.arange(5.0)[:, None, None]
    theirs = torch.einsum("kd,ndhw->nkhw", reading, flat)[:, :, :2, :2]
    targets = torch.cat([torch.tensor([[0.9], [0.2]]), theirs.flatten(1)], dim=1)
    logits, evidence = torch.tensor([[0.3], [-1.2]]), torch.zeros(2, 4, 4)
    base = PLAIN(logits, targets[:, 0])
    torch.testing.assert_close(compute_loss(answer(logits, evidence, flat), targets), base)
    other = torch.cat([targets[:, :1], pooled.flatten(1)], dim=1)
    assert compute_loss(answer(logits, evidence, flat), other) > base + 0.1
    shifted = flat + 2.0 * reading[0][:, None, None]
    expected = base + 0.5 * 4.0 / 3.0  # the rows are orthogonal: one of three components is off
    torch.testing.assert_close(compute_loss(answer(logits, evidence, shifted), targets), expected)
    unknown = targets.clone()
    unknown[1, 1:] = torch.nan
    half = compute_loss(answer(logits, evidence, shifted), unknown)
    torch.testing.assert_close(half, base + 0.5 * 2.0 / 3.0)
    torch.autograd.backward(compute_loss(answer(logits, evidence, planes), unknown))
    assert planes.grad is not None
    assert planes.grad[0].abs().sum() > 0
    assert not planes.grad[1].any()
    nobody = torch.full_like(unknown, torch.nan)
    nobody[:, 0] = targets[:, 0]
    torch.testing.assert_close(compute_loss(answer(logits, evidence, planes), nobody), base)


def test_without_a_wish_nothing_changes() -> None:
    network = build_network(SMALL_RESNET, init="none")
    assert add_map_terms(PLAIN, make_recipe(), TargetLayout()) is PLAIN
    assert prepare_student(network, make_recipe()) is network
    assert isinstance(prepare_student(network, make_recipe(planted=0.1)), MapStudent)
    assert isinstance(prepare_student(network, make_recipe(features_weight=0.1)), MapStudent)


def test_a_map_is_to_speak_for_disease_in_one_place_and_nowhere_else() -> None:
    place = torch.zeros(1, 7, 7)
    place[0, 2, 2], place[0, 2, 3] = 1.0, 0.5
    at_even_odds = compare_with_regions(torch.zeros(1, 7, 7), torch.tensor(0.0), place)
    assert float(at_even_odds) == pytest.approx(np.log(2), rel=1e-6)
    near = torch.nn.functional.max_pool2d(place[:, None], 3, 1, 1)[:, 0] > 0
    right = torch.where(place > 0, 10.0, -10.0)
    assert float(compare_with_regions(right, torch.tensor(0.0), place)) < 1e-3
    # What lies between is nobody's business.
    between = right + torch.where(near & (place == 0), 20.0, 0.0)
    torch.testing.assert_close(
        compare_with_regions(between, torch.tensor(0.0), place),
        compare_with_regions(right, torch.tensor(0.0), place),
    )
    for wrong in (torch.full((1, 7, 7), 10.0), torch.full((1, 7, 7), -10.0), -right):
        assert float(compare_with_regions(wrong, torch.tensor(0.0), place)) > 4.9
    everywhere = torch.ones(1, 7, 7)
    cost = compare_with_regions(torch.full((1, 7, 7), 10.0), torch.tensor(0.0), everywhere)
    assert float(cost) < 1e-3


def test_a_film_with_an_opacity_is_not_asked_for_its_label() -> None:
    layout = TargetLayout(regions=True)
    compute_loss = add_map_terms(PLAIN, make_recipe(planted=0.5), layout)
    region = np.zeros((REGION_GRID, REGION_GRID), dtype=np.float32)
    region[4:6, 4:6] = 1.0
    plain, planted = layout.pack(1.0), layout.pack(0.5, region=region)
    targets = torch.from_numpy(np.stack([plain, planted]))
    evidence = torch.randn(2, 7, 7, generator=torch.Generator().manual_seed(1))
    logits = torch.tensor([[0.7], [3.0]], requires_grad=True)
    loss = compute_loss(answer(logits, evidence), targets)
    place = torch.nn.functional.adaptive_avg_pool2d(torch.from_numpy(region)[None], 7)
    expected = (
        PLAIN(logits[:1], torch.tensor([1.0])) + compare_with_regions(evidence[1:], BIAS, place)[0]
    ) / 2
    torch.testing.assert_close(loss, expected, atol=0.05, rtol=0.05)
    torch.autograd.backward(loss)
    assert logits.grad is not None
    assert logits.grad[0] != 0
    assert logits.grad[1] == 0


@pytest.mark.parametrize(
    "layout",
    [
        TargetLayout(),
        TargetLayout((2, 3)),
        TargetLayout(features=(4, 2, 3)),
        TargetLayout(regions=True),
        TargetLayout((2, 3), regions=True),
        TargetLayout((2, 3), (4, 2, 3), regions=True),
    ],
)
def test_targets_are_read_as_they_were_written(layout: TargetLayout) -> None:
    rng = np.random.default_rng(0)
    evidence = rng.random((2, 3), dtype=np.float32) if layout.evidence else None
    hints = rng.random((4, 2, 3), dtype=np.float32) if layout.features else None
    region = rng.random((REGION_GRID, REGION_GRID), dtype=np.float32) if layout.regions else None
    written = np.stack([layout.pack(0.25, evidence, hints, region), layout.pack(0.75)])
    probabilities, maps, features, regions = layout.unpack(torch.from_numpy(written))
    assert probabilities.tolist() == [0.25, 0.75]
    assert [part is None for part in (maps, features, regions)] == [
        part is None for part in (evidence, hints, region)
    ]
    if features is not None and hints is not None:
        np.testing.assert_array_equal(features[0].numpy(), hints)
        assert features[1].isnan().all()
    if maps is not None and evidence is not None:
        np.testing.assert_array_equal(maps[0, 0].numpy(), evidence)
        assert maps[1].isnan().all()
    if regions is not None and region is not None:
        np.testing.assert_array_equal(regions[0, 0].numpy(), region)
        assert not regions[1].any()


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
        ({"distillation": {"features_weight": 1.0}}, "needs teachers"),
        ({"distillation": {"teachers": ["a", "b"], "features_weight": 1.0}}, "one teacher"),
        (
            {
                "distillation": {"teachers": ["a"], "features_weight": 1.0},
                "mixing": {"mixup_alpha": 0.2},
            },
            "not mixed",
        ),
        ({"augmentation": {"planted": 0.2}, "mixing": {"cutmix_alpha": 1.0}}, "not mixed"),
        ({"augmentation": {"lungs_only": 0.6, "lungs_levelled": 0.6}}, "shares of the same"),
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
    lesson = teachers.teach(0.0, film)
    assert lesson.evidence is not None
    with load_model(tmp_path / "a") as one, load_model(tmp_path / "b") as other:
        planes = normalize_film(film, TINY_INPUT)
        maps = [model.backend.run(planes).evidence[0] for model in (one, other)]
    assert lesson.probability == pytest.approx(teachers.score(film))
    np.testing.assert_allclose(lesson.evidence, np.mean(maps, axis=0), rtol=1e-6)
    with pytest.raises(ConfigError, match="differ in size"):
        load_teachers(DistillationSection(teachers=names, evidence_weight=1.0), TINY_INPUT)


def test_the_target_holds_the_components_of_the_teacher(tmp_path: Path) -> None:
    films = np.random.default_rng(0).random((5, 64, 48), dtype=np.float32)
    write_tiny_network(tmp_path / "a", name="tiny-a")
    section = DistillationSection(teachers=(str(tmp_path / "a"),), features_weight=1.0)
    teachers = load_teachers(section, TINY_INPUT)
    assert teachers is not None
    dataset = TrainingFilms(
        films, np.array([0, 1, 0, 1, 0]), TINY_INPUT, AugmentationSection(), 0, teachers
    )
    planes = np.concatenate([normalize_film(film, TINY_INPUT) for film in films])
    with load_model(tmp_path / "a") as teacher:
        activations = teacher.backend.compute_activations(planes)
    basis = FeatureBasis.fit(activations)
    assert dataset.layout == TargetLayout(features=(len(basis.directions), 8, 6))
    _, target = dataset[1, 3]
    found = dataset.layout.unpack(target[None])
    assert found.evidence is None
    assert found.features is not None
    np.testing.assert_allclose(found.features[0], basis.project(activations[3]), atol=1e-4)


SQUARE = InputSpec(height_px=64, width_px=64, normalization="per_film")


def train_student(dataset: Path, folder: Path, key: str, weight: float) -> Path:
    """Train a small network by the tiny one beside it, from which it learns ``key`` so much."""
    settings = make_settings()
    teachers = [str(folder / "teacher")]
    settings["distillation"] = {"teachers": teachers, "weight": 1.0, key: weight}
    settings["optimization"]["epochs"] = 4
    student = folder / f"run-{weight}"
    run_recipe(Recipe.model_validate(settings), dataset, student, workers=1)
    return student


@pytest.mark.slow
def test_a_student_learns_where(drawn_dataset: Path, tmp_path: Path) -> None:
    """Its map comes nearer to the teacher's than that of a student who learns only how sure."""
    write_tiny_network(tmp_path / "teacher", SQUARE, name="tiny")
    films = sorted((drawn_dataset / "test").rglob("*.*"))[:8]
    with load_model(tmp_path / "teacher") as teacher:
        theirs = [teacher.analyze(film, gate=False).evidence.values for film in films]
    differences = {}
    for weight in (0.0, 2.0):
        with load_model(train_student(drawn_dataset, tmp_path, "evidence_weight", weight)) as one:
            cells = [one.analyze(film, gate=False).evidence.values for film in films]
        rows, columns = cells[0].shape
        pooled = [
            their.reshape(rows, 8 // rows, columns, 8 // columns).mean((1, 3)) for their in theirs
        ]
        differences[weight] = float(np.mean(np.abs(np.subtract(cells, pooled))))
    assert differences[2.0] < 0.9 * differences[0.0], differences


@pytest.mark.slow
def test_a_student_learns_what_to_look_for(drawn_dataset: Path, tmp_path: Path) -> None:
    """It sees in each cell more of what its teacher sees than one that learns its answers alone."""
    write_tiny_network(tmp_path / "teacher", SQUARE, name="tiny")
    films = sorted((drawn_dataset / "test").rglob("*.*"))[:8]
    planes = np.concatenate([preprocess(read_radiograph(film), SQUARE) for film in films])
    with load_model(tmp_path / "teacher") as teacher:
        activations = teacher.backend.compute_activations(planes)
    basis = FeatureBasis.fit(activations)
    theirs = torch.from_numpy(np.stack([basis.project(one) for one in activations]))
    differences = {}
    for weight in (0.0, 4.0):
        with load_model(train_student(drawn_dataset, tmp_path, "features_weight", weight)) as one:
            seen = torch.from_numpy(one.backend.compute_activations(planes))
        reading = torch.from_numpy(draw_reading(theirs.shape[1], seen.shape[1], 0))
        read = torch.einsum("kd,ndhw->nkhw", reading, seen)
        pooled = torch.nn.functional.adaptive_avg_pool2d(theirs, (read.shape[2], read.shape[3]))
        differences[weight] = float((read - pooled).square().mean())
    assert differences[4.0] < 0.9 * differences[0.0], differences
