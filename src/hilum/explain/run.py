"""One film, one method, one map."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from hilum.errors import ConfigError, ModelError
from hilum.explain.methods import get_method
from hilum.explain.probe import Probe, ignore_progress
from hilum.inference import Backend
from hilum.inference.views import describe_views, get_views, run_views
from hilum.preprocess import compute_box, preprocess
from hilum.types import Explanation

if TYPE_CHECKING:
    from hilum.types import Radiograph


@runtime_checkable
class HasBackend(Protocol):
    """A :class:`hilum.predictor.Predictor`, which stands above this room."""

    @property
    def backend(self) -> Backend:
        """What runs the network."""


def explain(
    model: Backend | HasBackend,
    radiograph: Radiograph,
    *,
    method: str = "evidence",
    target: str | None = None,
    views: str = "none",
    report: Callable[[int, int], None] = ignore_progress,
    **options: Any,
) -> Explanation:
    """Explain what a model says of a film.

    Parameters
    ----------
    model
        From :func:`hilum.load_model`, or a backend.
    radiograph
        Read with the model's recipe.
    method
        One of :data:`METHODS`.
    target
        One of the model's two labels; ``None`` is the positive one. The map for the negative
        label is that of the same network for the negative logit, not another picture of the
        same.
    views
        One of :data:`hilum.inference.VIEWS`: of which views of the film the map is the mean. For
        the method ``"evidence"`` alone.
    report
        Called with the passes of the network done, and those in all.
    options
        Of the method; ``get_method(name).options`` lists them.

    Raises
    ------
    ConfigError
        There is no such method, target, option or choice of views, an option is out of its
        range, or the method takes no views.
    SpecMismatchError, UnsupportedImageError
        The film was read with another recipe, or is too thin.
    ModelError
        The network failed, or the map has a number that is not finite.
    """
    backend = model.backend if isinstance(model, HasBackend) else model
    spec = backend.spec
    chosen = get_method(method)
    chosen.check_options(options)
    labels = (spec.labels.positive, spec.labels.negative)
    target = spec.labels.positive if target is None else target
    if target not in labels:
        raise ConfigError(f'There is no target "{target}". There are: {", ".join(labels)}.')
    sign = 1 if target == spec.labels.positive else -1
    chosen.check_views(views)
    shown = get_views(views, spec)
    planes = preprocess(radiograph, spec.input)[0]
    spread = None
    if chosen.compute is None:
        seen = run_views(backend, planes, shown)
        values, spread = sign * seen.evidence, seen.evidence_spread
    else:
        values = chosen.compute(Probe(backend, planes, sign, report), **options)
    if not np.isfinite(values).all():
        raise ModelError(f"The map of {spec.name} by {method} has a number that is not finite.")
    height_px, width_px = radiograph.pixels.shape
    return Explanation(
        values=values,
        box=compute_box(height_px, width_px, spec.input),
        method=method,
        target=target,
        bias=sign * spec.architecture.head_bias,
        unit=chosen.unit,
        signed=chosen.signed,
        scale=chosen.scale,
        options={**chosen.options, **options} | describe_views(views),
        spread=spread,
        warnings=spec.list_map_warnings(method),
    )
