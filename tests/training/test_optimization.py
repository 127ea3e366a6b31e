from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from hilum.training.optimization import (
    OptimizationSection,
    ProgressiveResizing,
    SelectionSection,
    compute_rate_factor,
)


def make_section(**changes: Any) -> OptimizationSection:
    return OptimizationSection.model_validate({"epochs": 10, "learning_rate": 1e-3} | changes)


def list_rates(section: OptimizationSection, steps: int) -> list[float]:
    return [section.learning_rate * compute_rate_factor(section, i, steps) for i in range(steps)]


def run_theirs(kind: Any, section: OptimizationSection, steps: int, **options: Any) -> list[float]:
    """Rates of one of torch's own schedulers."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], section.learning_rate, momentum=0.9)
    scheduler = kind(optimizer, **options)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def test_cyclic_is_that_of_torch() -> None:
    section = make_section(
        schedule="cyclic", lowest_learning_rate=1e-5, learning_rate=1e-3, cycle_up_epochs=2
    )
    theirs = run_theirs(
        torch.optim.lr_scheduler.CyclicLR,
        section,
        100,
        base_lr=1e-5,
        max_lr=1e-3,
        step_size_up=20,
        mode="triangular",
        cycle_momentum=False,
    )
    assert list_rates(section, 100) == pytest.approx(theirs, rel=1e-9)
    assert max(theirs) == pytest.approx(1e-3)


def test_one_cycle_is_that_of_torch() -> None:
    section = make_section(schedule="one_cycle", warmup_fraction=0.3)
    ours = list_rates(section, 100)
    theirs = run_theirs(
        torch.optim.lr_scheduler.OneCycleLR,
        section,
        100,
        max_lr=1e-3,
        total_steps=100,
        pct_start=0.3,
    )
    # torch ends the rise one step earlier; the shape is the same.
    assert ours[0] == pytest.approx(theirs[0])
    assert ours[-1] == pytest.approx(theirs[-1])
    assert max(ours) == pytest.approx(max(theirs))
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) < 1e-3 * 0.06


def test_cosine_warms_up_and_falls_to_its_lowest() -> None:
    rates = list_rates(make_section(warmup_fraction=0.1), 100)
    assert rates[:10] == sorted(rates[:10])
    assert max(rates) == 1e-3
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 1e-6
    lowest = list_rates(make_section(warmup_fraction=0.1, lowest_learning_rate=1e-4), 100)
    assert lowest[-1] == pytest.approx(1e-4, rel=0.01)
    assert compute_rate_factor(make_section(warmup_fraction=0.0), 0, 1) == 1.0


def test_constant_is_constant_after_its_warm_up() -> None:
    rates = list_rates(make_section(schedule="constant", warmup_fraction=0.05), 100)
    assert rates[0] < 1e-3
    assert set(rates[5:]) == {1e-3}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lowest_learning_rate": 0.1}, "above learning_rate"),
        ({"schedule": "constant", "lowest_learning_rate": 1e-5}, "no lowest_learning_rate"),
        ({"average_decay": 0.9, "average_from_epoch": 3}, "two ways to average"),
        ({"average_from_epoch": 11}, "names epoch 11 of 10"),
        ({"unfreeze": [{"epoch": 12, "parameters": ["a"]}]}, "names epoch 12 of 10"),
        (
            {"progressive_resizing": {"first_height_px": 64, "full_from_epoch": 12}},
            "progressive_resizing.full_from_epoch names epoch 12 of 10",
        ),
        ({"accumulation": 33}, "more parts than it has films"),
        ({"optimizer": "lion"}, "optimizer"),
        ({"learning_rate": 0}, "learning_rate"),
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        make_section(**changes)


def test_growing_films_never_exceed_the_networks_size() -> None:
    resizing = ProgressiveResizing(first_height_px=40, full_from_epoch=30)
    heights = [resizing.compute_height(epoch, 250) for epoch in range(1, 33)]
    assert heights[0] == 40
    assert heights == sorted(heights)
    assert heights[29:] == [250, 250, 250]
    assert max(heights) == 250


def test_patience_needs_something_to_wait_for() -> None:
    with pytest.raises(ValidationError, match="waits for a better value"):
        SelectionSection(metric="last", patience=3)
