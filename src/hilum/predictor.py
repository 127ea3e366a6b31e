"""From a film to a :class:`~hilum.types.Prediction`: the main job."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, overload

from hilum.closing import Closing
from hilum.decision import Gate, decide, get_operating_point, load_gate
from hilum.decision.gate import HEADER_REASONS
from hilum.decision.population import compare_with_population
from hilum.decision.spread import calibrate_spread, measure_spread
from hilum.errors import ConfigError, HilumError
from hilum.explain import explain
from hilum.inference import Backend, OnnxBackend
from hilum.inference.views import View, describe_views, get_views, run_views
from hilum.io import read_radiograph
from hilum.language import Text
from hilum.models.zoo import resolve_model
from hilum.preprocess import compute_box, normalize_film, resize_film
from hilum.spec import ModelSpec, read_weights
from hilum.types import NOT_ASSESSED, Explanation, FilmWarning, Prediction, Radiograph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

Film = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Radiograph
AnyFilm = TypeVar("AnyFilm", bound=Film)


@dataclass(frozen=True, slots=True)
class FilmError:
    """A film that could not be analyzed, in the place of its prediction.

    source
        The name under which the film was given (a path, a file name), or ``None``.
    """

    source: str | None
    error: HilumError


@dataclass(frozen=True, slots=True)
class _Options:
    """What an analysis was asked for, checked: the views by their name, and themselves."""

    operating_point: str
    force_recipe: bool
    gate: bool
    views: str
    shown: tuple[View, ...]


class Predictor(Closing):
    """One model, ready to analyze films. Close it, or use it in a ``with``.

    Films are run one at a time, also those of a list: a film's result does not depend on
    the films beside it, to the last bit, and small networks are fastest so (large
    activations of a batch leave the CPU's cache).

    Parameters
    ----------
    backend
        What runs the network; :func:`load_model` makes it. The predictor closes it.
    input_gate
        The model's input gate, from :func:`hilum.decision.load_gate`. Where the spec names one
        and it is not given, films can be analyzed with ``gate=False`` only.
    """

    def __init__(self, backend: Backend, input_gate: Gate | None = None) -> None:
        self._backend = backend
        self._input_gate = input_gate

    @property
    def spec(self) -> ModelSpec:
        """All facts about the model."""
        return self._backend.spec

    @property
    def backend(self) -> Backend:
        """What runs the network."""
        return self._backend

    @overload
    def analyze(
        self,
        films: Film,
        *,
        operating_point: str | None = None,
        force_recipe: bool = False,
        gate: bool = True,
        views: str = "none",
    ) -> Prediction: ...
    @overload
    def analyze(
        self,
        films: list[AnyFilm] | tuple[AnyFilm, ...],
        *,
        operating_point: str | None = None,
        force_recipe: bool = False,
        gate: bool = True,
        views: str = "none",
    ) -> list[Prediction]: ...
    def analyze(
        self,
        films: Film | list[AnyFilm] | tuple[AnyFilm, ...],
        *,
        operating_point: str | None = None,
        force_recipe: bool = False,
        gate: bool = True,
        views: str = "none",
    ) -> Prediction | list[Prediction]:
        """Analyze one film, or a list of them.

        Parameters
        ----------
        films
            A path, the bytes of a file, an open binary file, a :class:`Radiograph`, or a
            list of those. A :class:`Radiograph` must have been read with the model's recipe
            (``spec.input.recipe``).
        operating_point
            Name of one of ``spec.operating_points``; ``None`` is the spec's default.
        force_recipe
            Apply the model's recipe also to a film on which it is meaningless; the
            prediction then carries the warning ``recipe_forced``.
        gate
            Refuse films that the model cannot judge: the decision is then ``"not assessed"``
            and the probability ``None``. With ``False`` every film gets an answer, and every
            prediction the warning ``gate_off``.
        views
            One of :data:`hilum.inference.VIEWS`. Logit and evidence are the mean over the views,
            at the cost of a pass for each; the prediction carries their ``spread`` and the warning
            ``views_averaged``. The gate judges the film as it is.

        Returns
        -------
        One prediction for one film; for a list a list in the same order.

        Raises
        ------
        InputError, MissingExtraError
            A film cannot be read. In a list the first one that cannot ends the call; use
            :meth:`analyze_each` to go on.
        SpecMismatchError
            A :class:`Radiograph` was read with another recipe than the model's.
        ConfigError
            The model has no such operating point, its input gate was not loaded, or there are no
            such views.
        ModelError
            The network failed.
        """
        options = self._check_options(operating_point, force_recipe, gate, views)
        if isinstance(films, (list, tuple)):
            return [self._analyze(film, options) for film in films]
        return self._analyze(films, options)

    def analyze_each(
        self,
        films: Iterable[Film],
        *,
        operating_point: str | None = None,
        force_recipe: bool = False,
        gate: bool = True,
        views: str = "none",
    ) -> Iterator[Prediction | FilmError]:
        """Analyze any number of films, one after another, in constant memory.

        Parameters
        ----------
        films
            Any iterable of what :meth:`analyze` takes; it is drawn from as results are.
        operating_point, force_recipe, gate, views
            See :meth:`analyze`.

        Yields
        ------
        For each film, in order, its prediction, or a :class:`FilmError` that says why there
        is none; the films after it go on.

        Raises
        ------
        ConfigError
            The model has no such operating point, its input gate was not loaded, or there are no
            such views. Raised at the call, before any film.
        """
        options = self._check_options(operating_point, force_recipe, gate, views)
        return self._generate(films, options)

    def _check_options(
        self, operating_point: str | None, force_recipe: bool, gate: bool, views: str
    ) -> _Options:
        name, _ = get_operating_point(self.spec, operating_point)
        shown = get_views(views, self.spec)
        if gate and self.spec.gate is not None and self._input_gate is None:
            raise ConfigError(
                f"The input gate of {self.spec.name} was not loaded. Use load_model, give the "
                "predictor load_gate(spec, folder), or analyze with gate=False."
            )
        return _Options(name, force_recipe, gate, views, shown)

    def _generate(
        self, films: Iterable[Film], options: _Options
    ) -> Iterator[Prediction | FilmError]:
        for film in films:
            try:
                yield self._analyze(film, options)
            except HilumError as error:
                yield FilmError(source=_name_source(film), error=error)

    def _analyze(self, film: Film, options: _Options) -> Prediction:
        spec = self.spec
        radiograph = self._read(film, options.force_recipe)
        resized = resize_film(radiograph, spec.input)
        planes = normalize_film(resized, spec.input)[0]
        output = run_views(self._backend, planes, options.shown)
        warnings = (*radiograph.warnings, *compare_with_population(radiograph, spec))
        reasons = tuple(warning for warning in warnings if warning.code in HEADER_REASONS)
        if self._input_gate is not None:
            reasons += self._input_gate.find_reasons(resized, output.embedding)
        if len(options.shown) > 1:
            warnings += (_describe_mean(len(options.shown)),)
        height_px, width_px = radiograph.pixels.shape
        evidence = Explanation(
            values=output.evidence,
            box=compute_box(height_px, width_px, spec.input),
            method="evidence",
            target=spec.labels.positive,
            bias=spec.architecture.head_bias,
            options=describe_views(options.views),
            spread=output.evidence_spread,
            warnings=spec.list_map_warnings("evidence"),
        )
        undecided = Prediction(
            model=spec.name,
            model_version=spec.version,
            probability=None,
            logit=output.logit,
            decision=NOT_ASSESSED,
            operating_point=options.operating_point,
            threshold=spec.operating_points[options.operating_point].threshold,
            evidence=evidence,
            embedding=output.embedding,
            radiograph=radiograph,
            warnings=warnings,
            reasons=reasons,
            spread=measure_spread(output.logits),
        )
        return decide_again(undecided, spec, options.operating_point, gate=options.gate)

    def explain(
        self,
        film: Film,
        method: str = "evidence",
        *,
        target: str | None = None,
        force_recipe: bool = False,
        views: str = "none",
        report: Callable[[int, int], None] = lambda *_: None,
        **options: Any,
    ) -> Explanation:
        """Explain a film by a method of one's choice; see :func:`hilum.explain.explain`.

        The film is explained also where the input gate would refuse it: ask :meth:`analyze`.

        Parameters
        ----------
        film
            What :meth:`analyze` takes; ``prediction.radiograph`` saves reading it again.
        method, target, views, report, options
            See :func:`hilum.explain.explain`.
        force_recipe
            See :meth:`analyze`.

        Raises
        ------
        InputError, MissingExtraError, SpecMismatchError
            The film cannot be read, or was read with another recipe.
        ConfigError
            There is no such method, target, option or choice of views.
        ModelError
            The network failed.
        """
        radiograph = self._read(film, force_recipe)
        return explain(
            self._backend,
            radiograph,
            method=method,
            target=target,
            views=views,
            report=report,
            **options,
        )

    def _read(self, film: Film, force_recipe: bool) -> Radiograph:
        if isinstance(film, Radiograph):
            return film
        return read_radiograph(film, recipe=self.spec.input.recipe, force_recipe=force_recipe)

    def close(self) -> None:
        """Free the network."""
        self._backend.close()


def decide_again(
    prediction: Prediction,
    spec: ModelSpec,
    operating_point: str | None = None,
    *,
    gate: bool = True,
) -> Prediction:
    """Decide anew from what the network said of a film, without a second pass.

    Parameters
    ----------
    prediction
        Of the model that ``spec`` describes.
    operating_point, gate
        See :meth:`Predictor.analyze`.

    Raises
    ------
    ConfigError
        The model has no such operating point.
    """
    kept = tuple(warning for warning in prediction.warnings if warning.code != "gate_off")
    if gate and prediction.reasons:
        name, point = get_operating_point(spec, operating_point)
        return replace(
            prediction,
            probability=None,
            decision=NOT_ASSESSED,
            side=None,
            operating_point=name,
            threshold=point.threshold,
            warnings=kept,
            spread=calibrate_spread(prediction.spread, None),
        )
    decision = decide(prediction.logit, spec, operating_point)
    return replace(
        prediction,
        probability=decision.probability,
        decision=decision.decision,
        side=decision.side,
        operating_point=decision.operating_point,
        threshold=decision.threshold,
        warnings=kept if gate else (*kept, _describe_open_gate(prediction)),
        spread=calibrate_spread(prediction.spread, spec.calibration),
    )


def _describe_mean(views: int) -> FilmWarning:
    return FilmWarning(
        "views_averaged",
        Text(
            "The answer is the mean over {views} views of the film; calibration, operating points "
            "and the uncertain zone were fitted on single passes.",
            views=views,
        ),
    )


def _describe_open_gate(prediction: Prediction) -> FilmWarning:
    message = Text("The input gate was off; it found nothing against this film.")
    if prediction.reasons:
        message = Text(
            "The input gate was off; it would not have let this film be assessed ({codes}).",
            codes=", ".join(reason.code for reason in prediction.reasons),
        )
    return FilmWarning("gate_off", message)


def load_model(
    name_or_path: str | os.PathLike[str] | None = None, *, threads: int | None = None
) -> Predictor:
    """Load a model.

    Parameters
    ----------
    name_or_path
        Name of a shipped model, path of a spec or of its folder, or ``None`` for the
        shipped default; see :func:`hilum.models.zoo.resolve_model`.
    threads
        Threads for one film; ``None`` is the number of CPUs, at most four.

    Raises
    ------
    UnknownModelError
        There is no such model.
    SpecMismatchError
        The spec is wrong, or the weights are not the ones it describes.
    """
    spec, folder = resolve_model(name_or_path)
    input_gate = load_gate(spec, folder)
    backend = OnnxBackend(spec, read_weights(spec, folder), threads=threads)
    return Predictor(backend, input_gate)


def _name_source(film: Film) -> str | None:
    if isinstance(film, Radiograph):
        return film.source
    if isinstance(film, (str, os.PathLike)):
        return os.fspath(film)
    name = getattr(film, "name", None)
    return name if isinstance(name, str) else None
