"""What a journal keeps of an analysis: figures and codes; no identity, no pixels, no text."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from hilum.errors import ConfigError, SpecMismatchError
from hilum.types import NOT_ASSESSED, UNCERTAIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hilum.spec import ModelSpec
    from hilum.types import FilmWarning, Prediction

Outcome = Literal["answered", "uncertain", "not assessed", "failed"]
Verdict = Literal["agree", "disagree", "unsure"]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

_SOURCE = re.compile(r"[a-z][a-z0-9_.-]{0,31}")
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FORMATS = ("DICOM", "PNG", "JPEG", "TIFF", "ARRAY")
_MAX_TEXT = 200


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a reader said of an answer, and when (UTC)."""

    id: int
    analysis_id: int
    time: datetime
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Analysis:
    """One film that a model was asked about, as the journal keeps it.

    id
        Counts up, and is not used again when an analysis is removed.
    time
        When it was recorded, in UTC.
    source
        Which part of hilum asked: ``"app"``, ``"cli"``, ``"service"`` …
    model, model_version, weights_sha256
        ``None`` where the analysis failed before there was a model.
    film_sha256
        Of the bytes of the film's file; ``None`` for an array and where they were not read.
    film_format
        ``"DICOM"``, ``"PNG"``, ``"JPEG"``, ``"TIFF"`` or ``"ARRAY"``.
    outcome
        ``"answered"``, ``"uncertain"``, ``"not assessed"`` or ``"failed"``.
    decision, side, logit, probability, operating_point, threshold
        See :class:`~hilum.types.Prediction`; ``None`` where the analysis failed.
    reasons, warnings
        Codes of the input gate and of the film's warnings.
    latency_ms
        From the film's bytes to the answer.
    error
        Name of the error's class where the analysis failed; never its message.
    feedback, feedback_time
        What was said last of the answer, and when; ``None`` where nothing was.
    """

    id: int
    time: datetime
    source: str
    model: str | None
    model_version: str | None
    weights_sha256: str | None
    film_sha256: str | None
    film_format: str | None
    outcome: Outcome
    decision: str | None
    side: str | None
    logit: float | None
    probability: float | None
    operating_point: str | None
    threshold: float | None
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    latency_ms: float | None
    error: str | None
    feedback: Verdict | None = None
    feedback_time: datetime | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give the analysis as plain, JSON-serialisable data; times in ISO 8601."""
        # Not asdict, which copies each value: journals are long.
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {
            "time": self.time.isoformat(),
            "reasons": list(self.reasons),
            "warnings": list(self.warnings),
            "feedback_time": None if self.feedback_time is None else self.feedback_time.isoformat(),
        }


def describe_prediction(
    prediction: Prediction,
    spec: ModelSpec,
    *,
    source: str,
    latency_ms: float | None,
    time: datetime | None,
) -> dict[str, Any]:
    """Give what is kept of a prediction, by the names of :class:`Analysis`.

    Raises
    ------
    SpecMismatchError
        The prediction is not of that model.
    ConfigError
        ``source``, ``latency_ms`` or ``time`` is none, or a code is not one.
    """
    if (prediction.model, prediction.model_version) != (spec.name, spec.version):
        raise SpecMismatchError(
            f"The prediction is of {prediction.model} {prediction.model_version}, and the spec of "
            f"{spec.name} {spec.version}. Record it with the spec of its own model."
        )
    film = prediction.radiograph
    return {
        **_describe_circumstances(source, latency_ms, time),
        **_describe_model(spec),
        **_describe_film(film.sha256, film.format),
        "outcome": _get_outcome(prediction),
        "decision": make_storable(prediction.decision),
        "side": None if prediction.side is None else make_storable(prediction.side),
        "logit": _check_number("A logit", prediction.logit),
        "probability": (
            None
            if prediction.probability is None
            else _check_number("A probability", prediction.probability)
        ),
        "operating_point": make_storable(prediction.operating_point),
        "threshold": _check_number("A threshold", prediction.threshold),
        "reasons": _list_codes(prediction.reasons),
        "warnings": _list_codes(prediction.warnings),
        "error": None,
    }


def describe_failure(
    error: BaseException,
    spec: ModelSpec | None,
    *,
    source: str,
    latency_ms: float | None,
    film_sha256: str | None,
    film_format: str | None,
    time: datetime | None,
) -> dict[str, Any]:
    """Give what is kept of an analysis that failed: the class of the error, not its message.

    Raises
    ------
    ConfigError
        As :func:`describe_prediction`; or the digest or the format is none.
    """
    nothing = ("decision", "side", "logit", "probability", "operating_point", "threshold")
    return {
        **_describe_circumstances(source, latency_ms, time),
        **_describe_model(spec),
        **_describe_film(film_sha256, film_format),
        **dict.fromkeys(nothing),
        "outcome": "failed",
        "reasons": (),
        "warnings": (),
        "error": make_storable(type(error).__name__),
    }


def make_storable(text: str) -> str:
    """Give a text that every database takes: no zero byte, valid in UTF-8, of bounded length."""
    valid = text[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
    return valid.replace("\0", "\N{REPLACEMENT CHARACTER}")


def check_time(time: datetime) -> datetime:
    """Refuse a time without a zone: it may be meant in any.

    Raises
    ------
    ConfigError
        It has none.
    """
    if time.tzinfo is None or time.utcoffset() is None:
        raise ConfigError("A time of the journal needs a zone, for instance datetime.UTC.")
    return time


def check_verdict(verdict: str) -> Verdict:
    """Give the verdict.

    Raises
    ------
    ConfigError
        There is none of that name.
    """
    for known in VERDICTS:
        if verdict == known:
            return known
    raise ConfigError(f"Feedback is one of {', '.join(VERDICTS)}.")


def _describe_circumstances(
    source: str, latency_ms: float | None, time: datetime | None
) -> dict[str, Any]:
    if not _SOURCE.fullmatch(source):
        raise ConfigError("A source is a short name in small letters, such as app or cli.")
    if latency_ms is not None and _check_number("A latency", latency_ms) < 0.0:
        raise ConfigError("A latency is not less than 0 ms.")
    return {
        "time": datetime.now(UTC) if time is None else check_time(time),
        "source": source,
        "latency_ms": None if latency_ms is None else float(latency_ms),
    }


def _describe_model(spec: ModelSpec | None) -> dict[str, Any]:
    if spec is None:
        return dict.fromkeys(("model", "model_version", "weights_sha256"))
    return {
        "model": make_storable(spec.name),
        "model_version": make_storable(spec.version),
        "weights_sha256": spec.weights.sha256,
    }


def _describe_film(sha256: str | None, film_format: str | None) -> dict[str, Any]:
    # Whatever else came here by mistake could be a file name.
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise ConfigError("The digest of a film is a SHA-256 in hex.")
    if film_format is not None and film_format not in _FORMATS:
        raise ConfigError(f"The format of a film is one of {', '.join(_FORMATS)}.")
    return {"film_sha256": sha256, "film_format": film_format}


def _get_outcome(prediction: Prediction) -> Outcome:
    if prediction.decision == NOT_ASSESSED:
        return "not assessed"
    return "uncertain" if prediction.decision == UNCERTAIN else "answered"


def _check_number(what: str, number: float) -> float:
    if not math.isfinite(number):
        raise ConfigError(f"{what} is a finite number.")
    return float(number)


def _list_codes(warnings: Iterable[FilmWarning]) -> tuple[str, ...]:
    codes = tuple(dict.fromkeys(warning.code for warning in warnings))
    if not all(_CODE.fullmatch(code) for code in codes):
        raise ConfigError("The code of a warning has small letters, digits and _ alone.")
    return codes
