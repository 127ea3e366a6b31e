"""Learning where a teacher sees its evidence, beside how sure it is.

Every network of hilum has a map of its evidence in logit units, whose mean with the bias is its
logit. A teacher's map says of each film several dozen things that its probability does not, in
the same unit for every architecture, and needs no layer that exists in training alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hilum.models.head import arrange_planes
from hilum.training.losses import Loss, Outputs
from hilum.training.recipe import DistillationSection

# A difference of so many logit units in every cell costs as much as one nat: about the standard
# deviation of the cells of EfficientNet-Lite1 over augmented films.
UNIT = 8.0


class EvidenceStudent(nn.Module):
    """A network that gives its evidence map beside its logits while it is trained.

    Parameters
    ----------
    network
        A network of :func:`hilum.models.build.build_network`; its weights are shared, not copied.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, films: Tensor) -> tuple[Tensor, Tensor]:
        """Give logits, shape (N, 1) or (N, 2), and the evidence map, float32, shape (N, h, w)."""
        features: Tensor = self.network.forward_features(films)  # type: ignore[operator]  # timm
        logits: Tensor = self.network.forward_head(features)  # type: ignore[operator]
        planes = arrange_planes(self.network, features)
        weight = self.network.get_classifier().weight  # type: ignore[operator]
        of_positive = weight[-1] if len(weight) == 1 else weight[1] - weight[0]
        # Products and a sum, not a convolution, which autocast would compute in half precision.
        evidence = (planes.float() * of_positive.float()[:, None, None]).sum(dim=1)
        return logits, evidence


def prepare_student(network: nn.Module, section: DistillationSection) -> nn.Module:
    """Give what is called with films in training: the network, or one that shows its evidence."""
    return EvidenceStudent(network) if section.evidence_weight > 0 else network


def add_evidence(
    compute_loss: Loss, section: DistillationSection, grid: tuple[int, int] | None
) -> Loss:
    """Add the difference from the teachers' evidence to a loss, where the recipe asks for it.

    Parameters
    ----------
    grid
        Height and width of the teachers' map, in cells. A student's map of another size is held
        against that of the teachers, interpolated.

    Returns
    -------
    A function of logits and evidence, and of targets of shape (N, 1 + cells): the probability of
    the positive class, then the teachers' cells row by row.
    """
    if section.evidence_weight == 0:
        return compute_loss
    assert grid is not None  # the recipe has teachers

    def compute_both(outputs: Outputs, targets: Tensor) -> Tensor:
        logits, evidence = outputs
        theirs = targets[:, 1:].reshape(-1, 1, *grid).to(evidence)
        with torch.no_grad():
            theirs = nn.functional.interpolate(
                theirs, size=evidence.shape[1:], mode="bilinear", antialias=True
            )
        difference = (evidence - theirs[:, 0]) / UNIT
        return compute_loss(logits, targets[:, 0]) + section.evidence_weight * (
            difference.square().mean()
        )

    return compute_both
