"""The methods by their names."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from hilum.errors import ConfigError
from hilum.explain.evidence import compute_evidence_fine
from hilum.explain.gradients import (
    compute_ablation_cam,
    compute_attention_rollout,
    compute_eigen_cam,
    compute_grad_cam,
    compute_grad_cam_plus_plus,
    compute_hires_cam,
    compute_layer_cam,
    compute_xgrad_cam,
)
from hilum.explain.perturbation import compute_occlusion, compute_rise
from hilum.explain.probe import Map
from hilum.explain.score_cam import compute_score_cam
from hilum.language import Text
from hilum.types import EVIDENCE_SCALE

Unit = Literal["logit", "relative"]


@dataclass(frozen=True, slots=True)
class Method:
    """A way to make a map.

    summary
        One sentence for people.
    unit
        ``"logit"``: cells are in logit units. ``"relative"``: the largest cell is 1, so maps of
        two films cannot be compared.
    signed
        Whether cells below zero speak against the target.
    scale
        Value at which a picture saturates.
    compute
        Makes the map; its keyword arguments are the method's options. ``None``: the network gives
        the map by itself, in the pass that gives the logit.
    extra
        What has to be installed beside hilum; ``None``: nothing.
    """

    name: str
    summary: Text
    unit: Unit
    signed: bool
    scale: float
    compute: Callable[..., Map] | None
    extra: Literal["train"] | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Name of each option to its default."""
        if self.compute is None:
            return {}
        parameters = list(inspect.signature(self.compute).parameters.values())[1:]
        return {parameter.name: parameter.default for parameter in parameters}

    def check_options(self, options: dict[str, Any]) -> None:
        """Refuse options that the method does not have.

        Raises
        ------
        ConfigError
            There is one; the message lists those there are.
        """
        unknown = sorted(options.keys() - self.options.keys())
        if unknown:
            known = ", ".join(f"{name}={value}" for name, value in self.options.items())
            raise ConfigError(
                f"The method {self.name} has no option {', '.join(unknown)}. It has: "
                f"{known or 'none'}."
            )

    def check_views(self, views: str) -> None:
        """Refuse views of the film where the method makes its map of the film as it is.

        Raises
        ------
        ConfigError
            It does, and ``views`` are others.
        """
        if views != "none" and self.compute is not None:
            raise ConfigError(
                f"The method {self.name} makes its map of the film as it is: only evidence is "
                f'averaged over the views "{views}".'
            )


METHODS = MappingProxyType(
    {
        method.name: method
        for method in (
            Method(
                name="evidence",
                summary=Text("the network's own signed map; with the bias it sums to the logit"),
                unit="logit",
                signed=True,
                scale=EVIDENCE_SCALE,
                compute=None,
            ),
            Method(
                name="evidence_fine",
                summary=Text("the same, four times as fine: the mean over four closer looks"),
                unit="logit",
                signed=True,
                scale=EVIDENCE_SCALE,
                compute=compute_evidence_fine,
            ),
            Method(
                name="occlusion",
                summary=Text("by how much the logit falls where a square covers the film"),
                unit="logit",
                signed=True,
                scale=2.0,
                compute=compute_occlusion,
            ),
            Method(
                name="rise",
                summary=Text("by how much the logit differs where random parts of the film show"),
                unit="logit",
                signed=True,
                scale=2.0,
                compute=compute_rise,
            ),
            Method(
                name="score_cam",
                summary=Text(
                    "channels of the last layer, weighed by the logit that they let through"
                ),
                unit="relative",
                signed=False,
                scale=1.0,
                compute=compute_score_cam,
            ),
            Method(
                name="grad_cam",
                summary=Text("channels of a layer, weighed by the mean gradient of the logit"),
                unit="logit",
                signed=False,
                scale=EVIDENCE_SCALE,
                compute=compute_grad_cam,
                extra="train",
            ),
            Method(
                name="grad_cam_plus_plus",
                summary=Text("Grad-CAM that looks at positive gradients alone"),
                unit="relative",
                signed=False,
                scale=1.0,
                compute=compute_grad_cam_plus_plus,
                extra="train",
            ),
            Method(
                name="hires_cam",
                summary=Text("cells of a layer, each weighed by its own gradient"),
                unit="logit",
                signed=False,
                scale=EVIDENCE_SCALE,
                compute=compute_hires_cam,
                extra="train",
            ),
            Method(
                name="xgrad_cam",
                summary=Text("Grad-CAM that asks for the gradient where a channel is active"),
                unit="logit",
                signed=False,
                scale=EVIDENCE_SCALE,
                compute=compute_xgrad_cam,
                extra="train",
            ),
            Method(
                name="layer_cam",
                summary=Text("cells whose gradient is positive; for early layers too"),
                unit="logit",
                signed=False,
                scale=EVIDENCE_SCALE,
                compute=compute_layer_cam,
                extra="train",
            ),
            Method(
                name="eigen_cam",
                summary=Text("the main pattern of a layer, whatever the label"),
                unit="relative",
                signed=False,
                scale=1.0,
                compute=compute_eigen_cam,
                extra="train",
            ),
            Method(
                name="ablation_cam",
                summary=Text(
                    "channels of the last layer, weighed by what the logit loses without them"
                ),
                unit="relative",
                signed=False,
                scale=1.0,
                compute=compute_ablation_cam,
                extra="train",
            ),
            Method(
                name="attention_rollout",
                summary=Text("where a vision transformer attends to, whatever the label"),
                unit="relative",
                signed=False,
                scale=1.0,
                compute=compute_attention_rollout,
                extra="train",
            ),
        )
    }
)


def get_method(name: str) -> Method:
    """Find a method by its name.

    Raises
    ------
    ConfigError
        There is none of that name; the message lists those there are.
    """
    try:
        return METHODS[name]
    except KeyError:
        raise ConfigError(
            f'There is no method "{name}". There are: {", ".join(METHODS)}.'
        ) from None
