"""What is learned of places, beside the label: a teacher's map and features, planted opacities.

Every network of hilum has a map of its evidence in logit units, whose mean with the bias is its
logit. A teacher's map says of each film several dozen things that its probability does not, in
the same unit for every architecture; what it sees in each cell says thousands. An opacity
that was planted into a film of healthy lungs says best where: there, and nowhere else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.models.head import arrange_planes
from hilum.training.features import draw_reading
from hilum.training.losses import Loss
from hilum.training.lung_edits import REGION_GRID
from hilum.training.recipe import Recipe

# A difference of so many logit units in every cell costs as much as one nat: about the standard
# deviation of the cells of EfficientNet-Lite1 over augmented films.
UNIT = 8.0

Target = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TargetLayout:
    """How the target of a film is written: its probability, then what its map should be.

    evidence
        Height and width of the teachers' map, in cells; ``None``: not learned from.
    features
        Components of the teacher's features, height and width, likewise.
    regions
        Whether places of planted opacities follow, ``REGION_GRID`` cells a side.
    """

    evidence: tuple[int, int] | None = None
    features: tuple[int, int, int] | None = None
    regions: bool = False

    def pack(
        self,
        probability: float,
        evidence: Target | None = None,
        features: Target | None = None,
        region: Target | None = None,
    ) -> Target:
        """Write a target.

        Returns
        -------
        float32, shape () where there is nothing but a probability, else (M,). A film of which no
        teacher was asked has NaN for its evidence and features; one without an opacity an empty
        region.
        """
        parts = [np.array([probability], dtype=np.float32)]
        for shape, known in ((self.evidence, evidence), (self.features, features)):
            if shape is not None:
                parts.append(np.full(shape, np.nan, np.float32) if known is None else known)
        if self.regions:
            nothing = np.zeros((REGION_GRID, REGION_GRID), dtype=np.float32)
            parts.append(nothing if region is None else region)
        if len(parts) == 1:
            return parts[0].reshape(())
        return np.concatenate([part.ravel() for part in parts])

    def unpack(self, targets: Tensor) -> Targets:
        """Read the targets of N films."""
        if targets.ndim == 1:
            return Targets(targets)
        shapes = (
            None if self.evidence is None else (1, *self.evidence),
            self.features,
            (1, REGION_GRID, REGION_GRID) if self.regions else None,
        )
        parts: list[Tensor | None] = []
        rest = targets[:, 1:]
        for shape in shapes:
            cells = 0 if shape is None else math.prod(shape)
            parts.append(None if shape is None else rest[:, :cells].reshape(-1, *shape))
            rest = rest[:, cells:]
        return Targets(targets[:, 0], *parts)


class Targets(NamedTuple):
    """Probabilities, shape (N,), evidence and regions, (N, 1, h, w), features, (N, K, h, w)."""

    probabilities: Tensor
    evidence: Tensor | None = None
    features: Tensor | None = None
    regions: Tensor | None = None


class StudentOutput(NamedTuple):
    """What a network says of N films, and what it is made of.

    logits
        Shape (N, 1 or 2).
    evidence
        float32, shape (N, h, w).
    bias
        Of the head, shape ().
    planes
        What the pool averages, shape (N, D, h, w).
    """

    logits: Tensor
    evidence: Tensor
    bias: Tensor
    planes: Tensor


class MapStudent(nn.Module):
    """A network that gives its evidence map beside its logits while it is trained.

    Parameters
    ----------
    network
        A network of :func:`hilum.models.build.build_network`; its weights are shared, not copied.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, films: Tensor) -> StudentOutput:
        """Run the network."""
        features: Tensor = self.network.forward_features(films)  # type: ignore[operator]  # timm
        logits: Tensor = self.network.forward_head(features)  # type: ignore[operator]  # timm
        planes = arrange_planes(self.network, features)
        head = self.network.get_classifier()  # type: ignore[operator]  # timm
        weight, bias = head.weight.float(), head.bias.float()
        if len(weight) == 2:
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        # Products and a sum, not a convolution, which autocast would compute in half precision.
        evidence = (planes.float() * weight[0][:, None, None]).sum(dim=1)
        return StudentOutput(logits, evidence, bias[0], planes)


def learns_maps(recipe: Recipe) -> bool:
    """Whether a recipe asks for more than labels and probabilities."""
    section = recipe.distillation
    return max(section.evidence_weight, section.features_weight, recipe.augmentation.planted) > 0


def prepare_student(network: nn.Module, recipe: Recipe) -> nn.Module:
    """Give what is called with films in training: the network, or one that shows its map."""
    return MapStudent(network) if learns_maps(recipe) else network


def add_map_terms(compute_loss: Loss, recipe: Recipe, layout: TargetLayout) -> Loss:
    """Add what a recipe asks of the map to a loss of logits and probabilities.

    A film with a planted opacity is not asked for its label: its map is to speak for disease in
    the opacity, as a whole film of such cells would, and against it in all cells that the opacity
    and their neighbours are far from.

    Returns
    -------
    A function of what :class:`MapStudent` gives and of targets as ``layout`` writes them; or
    ``compute_loss``, where the recipe asks for nothing.
    """
    if not learns_maps(recipe):
        return compute_loss

    section = recipe.distillation

    @cache
    def draw(components: int, features: int, device: torch.device) -> Tensor:
        return torch.from_numpy(draw_reading(components, features, recipe.seed)).to(device)

    def compute_all(outputs: StudentOutput, targets: Tensor) -> Tensor:
        logits, evidence, bias, planes = outputs
        probabilities, maps, features, regions = layout.unpack(targets.to(evidence))
        planted = torch.zeros(len(logits), dtype=torch.bool, device=logits.device)
        if regions is not None:
            planted = regions.flatten(1).sum(dim=1) > 0
        total = evidence.sum() * 0.0
        plain = ~planted
        if plain.any():
            total = total + compute_loss(logits[plain], probabilities[plain]) * (
                plain.float().mean()
            )
        if regions is not None and planted.any():
            place = _resize(regions[planted], evidence)[:, 0]
            cost = compare_with_regions(evidence[planted], bias, place)
            total = total + cost.sum() / len(logits)
        if maps is not None:
            difference = _compare(evidence[:, None], maps) / UNIT**2
            total = total + section.evidence_weight * difference
        if features is not None:
            reading = draw(features.shape[1], planes.shape[1], planes.device)
            read = (planes.float().movedim(1, -1) @ reading.T).movedim(-1, 1)
            total = total + section.features_weight * _compare(read, features)
        return total

    return compute_all


def _compare(ours: Tensor, theirs: Tensor) -> Tensor:
    """Give the squared difference of planes, shape (N, K, h, w); a film of NaN costs nothing."""
    asked = theirs.flatten(1).isfinite().all(dim=1)
    if not asked.any():
        return ours.sum() * 0.0
    difference = ours[asked] - _resize(theirs[asked], ours)
    return difference.square().mean() * asked.float().mean()


def compare_with_regions(evidence: Tensor, bias: Tensor, place: Tensor) -> Tensor:
    """Give what maps cost that should speak for disease in one place and nowhere else.

    Parameters
    ----------
    evidence
        Shape (N, h, w), in logit units.
    place
        Shape (N, h, w): share of each cell that the place covers.

    Returns
    -------
    Shape (N,): the mean of two cross entropies, of the mean evidence in the place and far from it.
    """
    near = nn.functional.max_pool2d(place[:, None], 3, stride=1, padding=1)[:, 0]
    far = (near < 0.01).to(evidence)
    inside = (evidence * place).sum(dim=(1, 2)) / place.sum(dim=(1, 2)).clamp(min=1e-6) + bias
    outside = (evidence * far).sum(dim=(1, 2)) / far.sum(dim=(1, 2)).clamp(min=1e-6) + bias
    # A place that leaves no cell far from it asks for nothing there.
    some_far = (far.sum(dim=(1, 2)) > 0).to(evidence)
    softplus = nn.functional.softplus
    return 0.5 * softplus(-inside) + 0.5 * some_far * softplus(outside)


@torch.no_grad()
def _resize(maps: Tensor, student: Tensor) -> Tensor:
    """Bring maps, shape (N, K, h, w), to the height and width of the student's."""
    size = student.shape[-2:]
    return nn.functional.interpolate(maps, size=size, mode="bilinear", antialias=True)
