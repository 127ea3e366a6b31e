"""A film shown several times over, mirrored and shifted, and the mean of what a network says.

What varies between the answers though the film is the same tells how firmly they stand. Members
of an ensemble are told apart in the same way, from the one pass that joins them.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from hilum.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hilum.inference.backend import Backend
    from hilum.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class View:
    """One way to show a film.

    mirrored
        Left and right change sides.
    down, across
        By how much the film is moved, in cells of the evidence map.
    """

    mirrored: bool = False
    down: float = 0.0
    across: float = 0.0


_AS_IT_IS = View()
_MIRRORED = View(mirrored=True)
# A film that is moved by d shows a cell what lies d beside its own place: the centres of the
# cell's four quarters, and the mean over them lies where the cell does. So no map is moved back,
# which would take numbers from between its cells, and each still sums to its own logit.
_SHIFTED = tuple(
    View(down=down, across=across) for down in (0.25, -0.25) for across in (0.25, -0.25)
)

VIEWS = MappingProxyType(
    {
        "none": (_AS_IT_IS,),
        "flip": (_AS_IT_IS, _MIRRORED),
        "shift": (_AS_IT_IS, *_SHIFTED),
        "flip_shift": (_AS_IT_IS, _MIRRORED, *_SHIFTED),
    }
)
"""Names of the choices, and the views of each; a view is a pass of the network."""


@dataclass(frozen=True, slots=True, eq=False)
class ViewedOutput:
    """What a network says of one film, as the mean over views.

    logits
        float64, shape (V, M): of each view by each member; M is 1 where members are not known.
    logit
        The mean of the network's own logit over the views.
    evidence
        float32, shape (h, w): the mean map; with the bias its mean is ``logit``.
    evidence_spread
        float32, shape (h, w): standard deviation of each cell over the V x M maps; ``None`` where
        there is one map alone.
    embedding
        float32, shape (D,): of the film as it is, which the input gate was fitted on.
    """

    logits: NDArray[np.float64]
    logit: float
    evidence: NDArray[np.float32]
    evidence_spread: NDArray[np.float32] | None
    embedding: NDArray[np.float32]


def get_views(name: str, spec: ModelSpec) -> tuple[View, ...]:
    """Find views by the name of their choice in :data:`VIEWS`.

    Raises
    ------
    ConfigError
        There is no such choice, or the network's cells are too small for a quarter of one to be
        a whole px.
    """
    try:
        views = VIEWS[name]
    except KeyError:
        raise ConfigError(f'There are no views "{name}". There are: {", ".join(VIEWS)}.') from None
    if name not in list_views(spec):
        cell_px = _measure_cell(spec)
        raise ConfigError(
            f"The cells of {spec.name} are {cell_px[0]:g} x {cell_px[1]:g} px: too small for a "
            'film to be shifted by a quarter of one. Use the views "none" or "flip".'
        )
    return views


def list_views(spec: ModelSpec) -> list[str]:
    """List the choices that a network takes; all do but those of very small cells."""
    cell_px = _measure_cell(spec)
    return [
        name
        for name, views in VIEWS.items()
        if not any(view.down and 0 in _count_px(view, cell_px) for view in views)
    ]


def describe_views(name: str) -> dict[str, str]:
    """Give what a map's options say of its views: nothing where the film is shown as it is."""
    return {} if name == "none" else {"views": name}


def run_views(
    backend: Backend, planes: NDArray[np.float32], views: tuple[View, ...]
) -> ViewedOutput:
    """Show one film in each of ``views``, and average what the network says.

    Views are run one at a time: the film as it is has the same answer, to the last bit, with and
    without others, and small networks are fastest so.

    Parameters
    ----------
    planes
        float32, shape (C, H, W): the network's input.
    views
        Of :func:`get_views`.

    Raises
    ------
    SpecMismatchError, ModelError
        See :meth:`hilum.inference.Backend.run`.
    """
    cell_px = _measure_cell(backend.spec)
    outputs = [backend.run(_show(planes, view, cell_px)[None]) for view in views]
    maps = _bring_back([output.evidence[0] for output in outputs], views)
    logits = np.array([output.logit for output in outputs], dtype=np.float64)
    cells = maps
    if members := [output.members for output in outputs if output.members is not None]:
        logits = np.array([one.logit[0] for one in members], dtype=np.float64)
        told_apart = _bring_back([one.evidence[0] for one in members], views)
        cells = told_apart.reshape(-1, *maps.shape[1:])
    return ViewedOutput(
        logits=logits,
        logit=float(np.mean([output.logit[0] for output in outputs], dtype=np.float64)),
        evidence=maps.mean(axis=0, dtype=np.float64).astype(np.float32),
        evidence_spread=(
            cells.std(axis=0, dtype=np.float64).astype(np.float32) if len(cells) > 1 else None
        ),
        embedding=outputs[0].embedding[0],
    )


def shift_planes(planes: NDArray[np.float32], down_px: int, across_px: int) -> NDArray[np.float32]:
    """Move planes, shape (C, H, W), and repeat their border where nothing comes in."""
    height, width = planes.shape[1:]
    rows = np.clip(np.arange(height) - down_px, 0, height - 1)
    columns = np.clip(np.arange(width) - across_px, 0, width - 1)
    moved: NDArray[np.float32] = planes[:, rows[:, None], columns]
    return moved


def _measure_cell(spec: ModelSpec) -> tuple[float, float]:
    """Give height and width of a cell of the map, in px of the network's input."""
    rows, columns = spec.architecture.evidence_shape
    return spec.input.height_px / rows, spec.input.width_px / columns


def _count_px(view: View, cell_px: tuple[float, float]) -> tuple[int, int]:
    return round(view.down * cell_px[0]), round(view.across * cell_px[1])


def _show(
    planes: NDArray[np.float32], view: View, cell_px: tuple[float, float]
) -> NDArray[np.float32]:
    shown = planes[..., ::-1] if view.mirrored else planes
    return shift_planes(shown, *_count_px(view, cell_px)) if view.down else shown


def _bring_back(maps: list[NDArray[np.float32]], views: tuple[View, ...]) -> NDArray[np.float32]:
    """Stack the views' maps, shape (V, ..., h, w), with the sides as the film has them."""
    return np.stack(
        [one[..., ::-1] if view.mirrored else one for one, view in zip(maps, views, strict=True)]
    )
