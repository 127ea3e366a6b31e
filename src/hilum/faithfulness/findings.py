"""Everything that is measured of a model's maps, in one go, and what it comes to."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hilum.anatomy import find_lungs
from hilum.faithfulness.controls import CONTROLS
from hilum.faithfulness.fidelity import Fidelity, measure_fidelity, summarise_fidelity
from hilum.faithfulness.localisation import Found, compare_found, locate_planted, summarise_located
from hilum.faithfulness.markers import Markers, measure_markers
from hilum.faithfulness.means import Interval
from hilum.faithfulness.shortcuts import Shortcuts, measure_shortcuts
from hilum.faithfulness.stability import Stability, measure_stability
from hilum.preprocess import resize_film
from hilum.spec import Faithfulness, MapFaithfulness
from hilum.spec import Interval as SpecInterval
from hilum.spec.words import (
    CHANGED_BY_NOISE,
    CHANGED_BY_SHIFT,
    CHANGED_BY_TONE,
    LIKE_CHANCE,
    LIKE_EDGES,
    LIKE_NOISE,
    LIKE_SHUFFLED,
)

if TYPE_CHECKING:
    from hilum.faithfulness.films import LabelledFilm
    from hilum.inference import Backend

# Rank correlations: a map of shuffled weights that is this much like the true one shows the film,
# and a map that is less than this like itself on a film hardly changed is not to be read.
_STILL_ALIKE = 0.5
_UNSTABLE = 0.7
# Called with what is measured, the films done and those in all.
Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured of one model.

    films, left_out
        Films of both classes that were looked at, and those in which no lungs were found.
    located, fidelity, stability
        Of each method; the first two of each control, too.
    pairs
        Of each two methods, by how much the later one finds planted opacities better.
    warnings
        Name of each method to the controls that it fails, a sentence each.
    """

    model: str
    model_version: str
    weights_sha256: str
    set_name: str
    films: int
    left_out: int
    seed: int
    methods: tuple[str, ...]
    located: tuple[Found, ...]
    pairs: tuple[tuple[str, str, Interval, Interval], ...]
    fidelity: tuple[Fidelity, ...]
    stability: tuple[Stability, ...]
    shortcuts: Shortcuts
    markers: Markers
    warnings: dict[str, tuple[str, ...]]

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return dataclasses.asdict(self)

    def get_located(self, method: str) -> Found:
        """Give what a method or control found of all opacities together."""
        return next(one for one in self.located if one.method == method and one.is_whole)

    def get_control(self) -> Found:
        """Give the control that found more."""
        return max((self.get_located(name) for name in CONTROLS), key=lambda one: one.hit[0])

    def summarise(self) -> Faithfulness:
        """Give what belongs into the model's spec."""
        fidelity = {one.method: one for one in self.fidelity}
        stability = {one.method: one for one in self.stability}
        shortcuts = self.shortcuts
        return Faithfulness(
            set_name=self.set_name,
            films=self.films,
            methods={
                name: _describe_method(
                    self.get_located(name), fidelity[name], stability[name], self.warnings[name]
                )
                for name in self.methods
            },
            control_hit=_pack(self.get_control().hit),
            auc=_pack(shortcuts.auc),
            auc_lungs_only=_pack(shortcuts.auc_lungs_only),
            auc_lungs_levelled=_pack(shortcuts.auc_lungs_levelled),
            outside_lungs=_pack(shortcuts.outside_lungs),
            outside_lungs_flat=shortcuts.outside_lungs_flat,
            put_in_marker=_pack(self.markers.put_in_probability),
        )


def measure_faithfulness(
    backend: Backend,
    films: Sequence[LabelledFilm],
    methods: Sequence[str],
    *,
    set_name: str,
    random_weights: bool = True,
    seed: int = 0,
    report: Report = lambda *_: None,
) -> Findings:
    """Measure everything.

    Parameters
    ----------
    films
        Of both classes.
    set_name
        The set and its part, for the record.
    random_weights
        Compare with the maps of shuffled weights, too; it needs the extra ``train``.

    Raises
    ------
    DatasetError
        A class has no film in which lungs were found.
    MissingExtraError, ConfigError, SpecMismatchError, ModelError
        See :func:`hilum.explain.explain` and
        :func:`hilum.faithfulness.stability.measure_stability`.
    """

    def tell(stage: str) -> Callable[[int, int], None]:
        return lambda done, total: report(stage, done, total)

    usable = [film for film in films if _has_lungs(film, backend)]
    left_out, films = len(films) - len(usable), usable
    # First what fails soonest where an extra is missing.
    stability = measure_stability(
        backend,
        films,
        methods,
        random_weights=random_weights,
        seed=seed,
        report=tell("stability"),
    )
    healthy = [film for film in films if film.label == 0]
    rows = locate_planted(backend, healthy, methods, seed=seed, report=tell("planted opacities"))
    found = summarise_located(rows)
    taken_apart = measure_fidelity(
        backend, films, methods, seed=seed, report=tell("deletion, insertion, ROAD")
    )
    fidelity = summarise_fidelity(taken_apart)
    spec = backend.spec
    return Findings(
        model=spec.name,
        model_version=spec.version,
        weights_sha256=spec.weights.sha256,
        set_name=set_name,
        films=len(films),
        left_out=left_out,
        seed=seed,
        methods=tuple(methods),
        located=tuple(found),
        pairs=tuple(compare_found(rows, methods)),
        fidelity=tuple(fidelity),
        stability=tuple(stability),
        shortcuts=measure_shortcuts(backend, films, report=tell("shortcuts")),
        markers=measure_markers(backend, films, seed=seed, report=tell("markers")),
        warnings=judge_methods(found, fidelity, stability),
    )


def _has_lungs(film: LabelledFilm, backend: Backend) -> bool:
    return bool(find_lungs(resize_film(film.radiograph, backend.spec.input)).any())


def judge_methods(
    found: Sequence[Found], fidelity: Sequence[Fidelity], stability: Sequence[Stability]
) -> dict[str, tuple[str, ...]]:
    """Name the controls that each method fails, a sentence each."""
    whole = {one.method: one for one in found if one.is_whole}
    control = max((whole[name] for name in CONTROLS), key=lambda one: one.hit[0])
    orders = {one.method: one for one in fidelity}
    return {
        one.method: tuple(
            sentence
            for sentence in (
                _judge_places(whole[one.method], control),
                _judge_order(orders[one.method]),
                _judge_weights(one),
                _judge_repeats(one),
            )
            if sentence
        )
        for one in stability
    }


def _judge_places(found: Found, control: Found) -> str:
    if found.hit[1] > control.hit[2]:
        return ""
    return LIKE_NOISE if control.method == "random" else LIKE_EDGES


def _judge_order(fidelity: Fidelity) -> str:
    gains = (fidelity.deletion_gain, fidelity.insertion_gain, fidelity.road_gain)
    if sum(low > 0.0 for _, low, _ in gains) >= 2:
        return ""
    return LIKE_CHANCE


def _judge_weights(stability: Stability) -> str:
    if not stability.random_weights:
        return ""
    _, (alike, _, _) = stability.random_weights[-1]
    if alike < _STILL_ALIKE:
        return ""
    return LIKE_SHUFFLED.format(alike=alike)


def _judge_repeats(stability: Stability) -> str:
    sentence, (alike, _, _) = min(
        (
            (CHANGED_BY_NOISE, stability.noise),
            (CHANGED_BY_SHIFT, stability.shift),
            (CHANGED_BY_TONE, stability.tone),
        ),
        key=lambda pair: pair[1][0],
    )
    return "" if alike >= _UNSTABLE else sentence.format(alike=alike)


def _describe_method(
    found: Found, fidelity: Fidelity, stability: Stability, warnings: tuple[str, ...]
) -> MapFaithfulness:
    shuffled = stability.random_weights[-1][1] if stability.random_weights else None
    return MapFaithfulness(
        hit=_pack(found.hit),
        iou=_pack(found.iou),
        inside=_pack(found.inside),
        deletion_gain=_pack(fidelity.deletion_gain),
        insertion_gain=_pack(fidelity.insertion_gain),
        road_gain=_pack(fidelity.road_gain),
        noise=_pack(stability.noise),
        shift=_pack(stability.shift),
        tone=_pack(stability.tone),
        random_weights=None if shuffled is None else _pack(shuffled),
        warnings=warnings,
    )


def _pack(interval: Interval) -> SpecInterval:
    value, low, high = (round(one, 4) for one in interval)
    return SpecInterval(value=value, low=low, high=high)
