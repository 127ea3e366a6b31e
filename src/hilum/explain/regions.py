"""The parts of a map where the evidence is strong, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hilum.anatomy import label_parts
from hilum.errors import ConfigError
from hilum.explain.contours import check_levels
from hilum.explain.surface import Surface, sample_surface
from hilum.explain.zones import Zones, find_zones
from hilum.types import Region

if TYPE_CHECKING:
    from hilum.types import Explanation, Radiograph

# Share of a map's scale above which evidence is strong, where no level is given. It is absolute
# as the scale is: 4 logits of the network's own evidence.
LEVEL_SHARE = 0.25


def choose_level(explanation: Explanation) -> float:
    """Give the level of :func:`find_regions` where none is asked for, in the map's unit."""
    return LEVEL_SHARE * explanation.scale


def find_regions(
    explanation: Explanation,
    radiograph: Radiograph | None = None,
    *,
    level: float | None = None,
    smallest_share: float = 0.05,
    against: bool = False,
) -> tuple[Region, ...]:
    """Find the connected parts of a map that are stronger than a level.

    They are parts of the smooth surface that the overlay shows, so a contour at the same level
    is their border. A map that nowhere reaches the level has none.

    Parameters
    ----------
    radiograph
        The film, for zones of its lungs and the patient's sides; without it, zones are thirds
        of the map.
    level
        In the map's unit, absolute; ``None`` is a quarter of ``explanation.scale``.
    smallest_share
        Regions with a smaller share of the evidence are left out, in [0, 1].
    against
        Give the regions that speak against the target in place of those that speak for it.

    Returns
    -------
    The regions, that with the greatest share of the evidence first.

    Raises
    ------
    ConfigError
        An option is out of its range.
    """
    level = choose_level(explanation) if level is None else level
    check_levels((level,))
    if not 0.0 <= smallest_share <= 1.0:
        raise ConfigError(f"The smallest share must be between 0 and 1, not {smallest_share}.")
    surface = sample_surface(explanation)
    strength = np.maximum(-surface.values if against else surface.values, 0.0)
    labels, count = label_parts(strength > level)
    if not count:
        return ()
    zones = find_zones(surface, radiograph)
    sums = np.bincount(labels.ravel(), strength.ravel(), minlength=count + 1)
    regions = [
        _measure(explanation, surface, zones, strength, labels == number, level, against)
        for number in range(1, count + 1)
        if sums[number] >= smallest_share * sums.sum()
    ]
    return tuple(sorted(regions, key=lambda region: region.evidence_share, reverse=True))


def _measure(
    explanation: Explanation,
    surface: Surface,
    zones: Zones,
    strength: NDArray[np.float32],
    inside: NDArray[np.bool_],
    level: float,
    against: bool,
) -> Region:
    rows, columns = np.nonzero(inside)
    # Half a sample around the centres: the region's own edges.
    x, y = surface.locate(
        np.array([rows.min() - 0.5, rows.max() + 0.5]),
        np.array([columns.min() - 0.5, columns.max() + 0.5]),
    )
    strongest = int(strength[inside].argmax())
    peak_x, peak_y = surface.locate(rows[[strongest]] + 0.0, columns[[strongest]] + 0.0)
    return Region(
        target=explanation.target,
        side="against" if against else "for",
        unit=explanation.unit,
        level=level,
        box=(float(x[0]), float(y[0]), float(x[1]), float(y[1])),
        area_share=float(inside.mean()),
        evidence_share=float(strength[inside].sum(dtype=float) / strength.sum(dtype=float)),
        peak=(float(peak_x[0]), float(peak_y[0])),
        peak_value=float(surface.values[inside][strongest]),
        mean_value=float(surface.values[inside].mean(dtype=float)),
        zone=zones.name(inside, strength),
        lung_share=None if zones.lungs is None else float(zones.lungs[inside].mean()),
    )
