"""Methods that look inside the network: gradients, activations, attention (extra ``train``).

Their formulas are those of the library ``grad-cam``. What its users have to bring, the layer,
the shape of a transformer's tokens, a copy of the network whose weights may be frozen, is found
here; and maps stay at the layer's own resolution and in logit units where they have any.

This module is imported without torch: the methods import it when they are called.
"""

from __future__ import annotations

from hilum.explain.probe import Map, Probe

LAST = "last"


def compute_grad_cam(probe: Probe, *, layers: str = LAST) -> Map:
    """Weigh each channel by its mean gradient and cut at zero (Selvaraju 2017).

    At the last layer, before the cut, this is ``evidence`` itself.

    Parameters
    ----------
    layers
        Names of timm's layers, joined by commas, or ``"last"``: the one that the network pools.
        The maps of several are enlarged to the finest of them and averaged.

    Raises
    ------
    ConfigError
        The network has no such layer; the message lists those there are.
    MissingExtraError
        torch or the library is not installed.
    """
    return _compute(probe, "GradCAM", layers, logits=True)


def compute_grad_cam_plus_plus(probe: Probe, *, layers: str = LAST) -> Map:
    """Weigh each channel by its positive gradients, more where they are few (Chattopadhyay 2018).

    See :func:`compute_grad_cam` for ``layers`` and errors.
    """
    return _compute(probe, "GradCAMPlusPlus", layers, logits=False)


def compute_hires_cam(probe: Probe, *, layers: str = LAST) -> Map:
    """Weigh each cell of each channel by its own gradient, and cut at zero (Draelos 2020).

    See :func:`compute_grad_cam` for ``layers`` and errors.
    """
    return _compute(probe, "HiResCAM", layers, logits=True)


def compute_xgrad_cam(probe: Probe, *, layers: str = LAST) -> Map:
    """Weigh each channel by its gradient where it is active, and cut at zero (Fu 2020).

    See :func:`compute_grad_cam` for ``layers`` and errors.
    """
    return _compute(probe, "XGradCAM", layers, logits=True)


def compute_layer_cam(probe: Probe, *, layers: str = LAST) -> Map:
    """Weigh each cell by its gradient where that is positive (Jiang 2021).

    Made for early layers, whose gradients differ from cell to cell. See
    :func:`compute_grad_cam` for ``layers`` and errors.
    """
    return _compute(probe, "LayerCAM", layers, logits=True)


def compute_eigen_cam(probe: Probe, *, layers: str = LAST) -> Map:
    """Give the main pattern of the activations, whatever the label (Muhammad 2020).

    Its sign, which the decomposition leaves open, is that in which activations are larger. See
    :func:`compute_grad_cam` for ``layers`` and errors.
    """
    return _compute(probe, "EigenCAM", layers, logits=False)


def compute_ablation_cam(probe: Probe) -> Map:
    """Weigh each channel by how much the logit falls without it (Desai 2020).

    At the layer that the network pools, channel k adds ``w_k mean(A_k)`` to the logit, so what
    falls is known exactly and no channel has to be taken away in a pass of its own.

    Raises
    ------
    MissingExtraError
        torch is not installed.
    """
    from hilum.explain.cam import compute_ablation

    return compute_ablation(probe)


def compute_attention_rollout(probe: Probe) -> Map:
    """Follow the attention of a vision transformer from block to block (Abnar 2020).

    What each patch of the film adds to the mean over patches, if every head were of the same
    worth and half of each block were its shortcut. It is the same for both labels.

    Raises
    ------
    ConfigError
        The network is not a vision transformer of timm's.
    MissingExtraError
        torch is not installed.
    """
    from hilum.explain.rollout import compute_rollout

    return compute_rollout(probe)


def _compute(probe: Probe, name: str, layers: str, *, logits: bool) -> Map:
    from hilum.explain.cam import compute_cam

    return compute_cam(probe, name, layers, logits=logits)
