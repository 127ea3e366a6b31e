"""Which of a model's maps deserve belief: what ``hilum faithfulness`` measured."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hilum.spec.facts import Facts, Name, Text
from hilum.spec.metrics import Interval


class MapFaithfulness(Facts):
    """What was measured of the maps of one method; :mod:`hilum.faithfulness` says how.

    hit, iou, inside
        Of planted opacities.
    deletion_gain, insertion_gain, road_gain
        By how much the order of the map's pixels does better than a random order.
    noise, shift, tone
        Rank correlation of the map with that of the film hardly changed.
    random_weights
        Rank correlation with the map of the network whose weights are all shuffled, each less
        the mean map of its network over several films; ``None`` where it was not measured.
    warnings
        The controls that the method fails, a sentence each.
    """

    hit: Interval
    iou: Interval
    inside: Interval
    deletion_gain: Interval
    insertion_gain: Interval
    road_gain: Interval
    noise: Interval
    shift: Interval
    tone: Interval
    random_weights: Interval | None = None
    warnings: tuple[Text, ...] = ()


class Faithfulness(Facts):
    """What was measured of a model's maps on one set of films.

    set_name
        The set and its part.
    films
        Of both classes together.
    control_hit
        Of planted opacities, by the better of a map of noise and the film's own edges.
    auc, auc_lungs_only, auc_lungs_levelled
        On the films as they are, where all but the lungs is level, and where the lungs are.
    outside_lungs, outside_lungs_flat
        Share of the positive evidence outside of the lungs, and of a map that is the same
        everywhere.
    put_in_marker
        Mean size of the change of the probability by a lead letter in a corner.
    """

    set_name: Text
    films: Annotated[int, Field(ge=1)]
    methods: Annotated[dict[Name, MapFaithfulness], Field(min_length=1)]
    control_hit: Interval
    auc: Interval
    auc_lungs_only: Interval
    auc_lungs_levelled: Interval
    outside_lungs: Interval
    outside_lungs_flat: float
    put_in_marker: Interval
