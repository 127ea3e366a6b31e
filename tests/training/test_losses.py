from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from factories.training import make_settings
from hilum.errors import ConfigError
from hilum.training.losses import Loss, build_loss, mix_batch
from hilum.training.recipe import Recipe, parse_recipe

LABELS = np.array([0, 0, 1, 1, 1, 1, 1, 1])


def make_recipe(**sections: dict[str, Any]) -> Recipe:
    return Recipe.model_validate(make_settings() | sections)


def make_loss(**loss: Any) -> Loss:
    return build_loss(make_recipe(loss=loss), LABELS)


@pytest.fixture
def logits() -> torch.Tensor:
    return 3 * torch.randn(8, 2, generator=torch.Generator().manual_seed(0))


def test_two_logits_cost_what_cross_entropy_says(logits: torch.Tensor) -> None:
    classes = torch.from_numpy(LABELS)
    for loss, torchs in (
        (make_loss(), nn.CrossEntropyLoss()),
        (make_loss(label_smoothing=0.2), nn.CrossEntropyLoss(label_smoothing=0.2)),
        (
            make_loss(class_weight=(3.0, 0.5)),
            nn.CrossEntropyLoss(weight=torch.tensor([3.0, 0.5])),
        ),
    ):
        torch.testing.assert_close(loss(logits, classes.float()), torchs(logits, classes))


def test_one_logit_costs_what_two_with_its_difference_cost(logits: torch.Tensor) -> None:
    targets = torch.linspace(0, 1, 8)
    one = (logits[:, 1] - logits[:, 0])[:, None]
    for loss in (make_loss(), make_loss(class_weight="balanced"), make_loss(positive_weight=0.3)):
        torch.testing.assert_close(loss(one, targets), loss(logits, targets))


def test_balanced_weights_are_those_of_scikit_learn(logits: torch.Tensor) -> None:
    from sklearn.utils.class_weight import compute_class_weight

    weights = compute_class_weight("balanced", classes=np.array([0, 1]), y=LABELS)
    theirs = nn.CrossEntropyLoss(weight=torch.tensor(weights, dtype=torch.float32))
    classes = torch.from_numpy(LABELS)
    ours = make_loss(class_weight="balanced")(logits, classes.float())
    torch.testing.assert_close(ours, theirs(logits, classes))


def test_a_positive_weight_is_that_of_torch(logits: torch.Tensor) -> None:
    one, targets = logits[:, :1], torch.linspace(0, 1, 8)
    for given, weight in ((2.5, 2.5), ("balanced", 2 / 6)):
        theirs = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(weight))(one[:, 0], targets)
        torch.testing.assert_close(make_loss(positive_weight=given)(one, targets), theirs)


def test_the_loss_is_float32_and_differentiable(logits: torch.Tensor) -> None:
    half = logits.bfloat16().requires_grad_()
    loss = make_loss(class_weight="balanced")(half, torch.ones(8, dtype=torch.float64))
    assert loss.dtype == torch.float32
    torch.autograd.backward(loss)
    assert half.grad is not None
    assert half.grad.abs().sum() > 0


@pytest.mark.parametrize("key", ["class_weight", "positive_weight"])
def test_a_class_without_films_cannot_be_balanced(key: str) -> None:
    with pytest.raises(ConfigError, match="one class has no training film"):
        build_loss(make_recipe(loss={key: "balanced"}), np.ones(4, dtype=np.intp))


def test_two_weightings_at_once_are_refused() -> None:
    import yaml

    settings = make_settings()
    settings["loss"] = {"class_weight": "balanced", "positive_weight": 2.0}
    with pytest.raises(ConfigError, match="two ways to say one thing"):
        parse_recipe(yaml.safe_dump(settings))


# --- mixing --------------------------------------------------------------------------------


@pytest.fixture
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    films = torch.arange(4.0)[:, None, None, None].expand(4, 1, 40, 60).contiguous()
    return films, torch.tensor([0.0, 1.0, 1.0, 0.25])


def test_nothing_is_mixed_by_default(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    films, targets = mix_batch(*batch, make_recipe(), np.random.default_rng(0))
    assert films is batch[0]
    assert targets is batch[1]


def test_mixup_mixes_films_and_targets_alike(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    recipe = make_recipe(mixing={"mixup_alpha": 0.5})
    films, targets = mix_batch(*batch, recipe, np.random.default_rng(0))
    share = float((films[0, 0, 0, 0] - 3) / (0 - 3))
    assert 0 < share < 1
    expected = share * batch[1] + (1 - share) * batch[1].flip(0)
    torch.testing.assert_close(targets, expected)
    assert films[0].std() < 1e-6


def test_cutmix_targets_follow_the_pixels(batch: tuple[torch.Tensor, torch.Tensor]) -> None:
    recipe = make_recipe(mixing={"cutmix_alpha": 1.0})
    pasted = []
    for seed in range(20):
        films, targets = mix_batch(*batch, recipe, np.random.default_rng(seed))
        own = (films[0] == 0).float().mean()
        assert set(films[0].flatten().tolist()) <= {0.0, 3.0}
        torch.testing.assert_close(targets, own * batch[1] + (1 - own) * batch[1].flip(0))
        pasted.append(1 - float(own))
    assert 0.2 < np.mean(pasted) < 0.6
    assert not batch[0][0].any()  # the batch itself is left alone


def test_both_ways_take_turns_and_some_batches_are_left(
    batch: tuple[torch.Tensor, torch.Tensor],
) -> None:
    recipe = make_recipe(mixing={"mixup_alpha": 1.0, "cutmix_alpha": 1.0, "probability": 0.6})
    kinds = {"left": 0, "mixup": 0, "cutmix": 0}
    for seed in range(300):
        films, _ = mix_batch(*batch, recipe, np.random.default_rng(seed))
        values = set(films[0].flatten().tolist())
        blended = bool(values - {0.0, 3.0})
        kinds["left" if films is batch[0] else "mixup" if blended else "cutmix"] += 1
    assert 90 < kinds["left"] < 150
    assert kinds["mixup"] > 60
    assert kinds["cutmix"] > 60
