"""What is learned of the evidence map, beside the label: a teacher's map, and planted opacities.

Every network of hilum has a map of its evidence in logit units, whose mean with the bias is its
logit. A teacher's map says of each film several dozen things that its probability does not, in
the same unit for every architecture. An opacity that was planted into a film of healthy lungs
says it even better: there, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hilum.models.head import arrange_planes
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
    regions
        Whether places of planted opacities follow, ``REGION_GRID`` cells a side.
    """

    evidence: tuple[int, int] | None = None
    regions: bool = False

    def pack(
        self,
        probability: float,
        evidence: Target | None = None,
        region: Target | None = None,
    ) -> Target:
        """Write a target.

        Returns
        -------
        float32, shape () where there is nothing but a probability, else (M,). A film of which no
        teacher was asked has NaN for its evidence; one without an opacity an empty region.
        """
        parts = [np.array([probability], dtype=np.float32)]
        if self.evidence is not None:
            unknown = np.full(self.evidence, np.nan, dtype=np.float32)
            parts.append((unknown if evidence is None else evidence).ravel())
        if self.regions:
            nothing = np.zeros((REGION_GRID, REGION_GRID), dtype=np.float32)
            parts.append((nothing if region is None else region).ravel())
        return parts[0].reshape(()) if len(parts) == 1 else np.concatenate(parts)

    def unpack(self, targets: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Read targets of N films: probabilities (N,), maps (N, 1, h, w), regions (N, 1, g, g)."""
        if targets.ndim == 1:
            return targets, None, None
        evidence = regions = None
        rest = targets[:, 1:]
        if self.evidence is not None:
            cells = self.evidence[0] * self.evidence[1]
            evidence = rest[:, :cells].reshape(-1, 1, *self.evidence)
            rest = rest[:, cells:]
        if self.regions:
            regions = rest.reshape(-1, 1, REGION_GRID, REGION_GRID)
        return targets[:, 0], evidence, regions


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

    def forward(self, films: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Give logits, shape (N, 1 or 2), evidence, float32, shape (N, h, w), and bias, ()."""
        features: Tensor = self.network.forward_features(films)  # type: ignore[operator]  # timm
        logits: Tensor = self.network.forward_head(features)  # type: ignore[operator]  # timm
        planes = arrange_planes(self.network, features)
        head = self.network.get_classifier()  # type: ignore[operator]  # timm
        weight, bias = head.weight.float(), head.bias.float()
        if len(weight) == 2:
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        # Products and a sum, not a convolution, which autocast would compute in half precision.
        evidence = (planes.float() * weight[0][:, None, None]).sum(dim=1)
        return logits, evidence, bias[0]


def learns_maps(recipe: Recipe) -> bool:
    """Whether a recipe asks for more than labels and probabilities."""
    return recipe.distillation.evidence_weight > 0 or recipe.augmentation.planted > 0


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

    def compute_all(outputs: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> Tensor:
        logits, evidence, bias = outputs
        probabilities, theirs, regions = layout.unpack(targets.to(evidence))
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
            place = _resize(regions[planted], evidence)
            cost = compare_with_regions(evidence[planted], bias, place)
            total = total + cost.sum() / len(logits)
        if theirs is not None:
            asked = theirs.flatten(1).isfinite().all(dim=1)
            if asked.any():
                difference = (evidence[asked] - _resize(theirs[asked], evidence)) / UNIT
                weight = recipe.distillation.evidence_weight
                total = total + weight * difference.square().mean() * asked.float().mean()
        return total

    return compute_all


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
def _resize(maps: Tensor, evidence: Tensor) -> Tensor:
    """Bring maps, shape (N, 1, h, w), to the size of the student's."""
    resized: Tensor = nn.functional.interpolate(
        maps, size=evidence.shape[1:], mode="bilinear", antialias=True
    )
    return resized[:, 0]
