"""Predictions for a journal, without a network that has run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from factories.networks import build_tiny_onnx, make_tiny_spec
from factories.radiographs import make_radiograph
from hilum.spec import ModelSpec
from hilum.types import Explanation, FilmWarning, Prediction


@cache
def make_spec() -> ModelSpec:
    """The spec of the tiny network."""
    return make_tiny_spec(build_tiny_onnx())


def make_prediction(
    logit: float = 1.5,
    *,
    decision: str = "pneumonia",
    film: int | None = 0,
    reasons: Sequence[str] = (),
    warnings: Sequence[str] = (),
    **changes: Any,
) -> Prediction:
    """What the tiny network could have said.

    Parameters
    ----------
    film
        Tells films apart; ``None`` is an array, which has no digest.
    reasons, warnings
        Codes.
    """
    from dataclasses import replace

    spec = make_spec()
    radiograph = replace(
        make_radiograph(np.zeros((4, 4)), source="ward 3/KIM MIN-JI 1931.dcm", patient_sex="F"),
        sha256=None if film is None else f"{film:064x}",
        format="DICOM",
    )
    answered = decision != "not assessed"
    facts: dict[str, Any] = {
        "model": spec.name,
        "model_version": spec.version,
        "probability": 1 / (1 + np.exp(-logit)) if answered else None,
        "logit": logit,
        "decision": decision,
        "side": "pneumonia" if answered else None,
        "operating_point": "youden",
        "threshold": 0.5,
        "evidence": Explanation(
            values=np.zeros((2, 2), np.float32),
            box=(0.0, 0.0, 4.0, 4.0),
            method="evidence",
            target="pneumonia",
            bias=0.0,
        ),
        "embedding": np.zeros(4, np.float32),
        "radiograph": radiograph,
        "reasons": tuple(FilmWarning(code, f"About {code}.") for code in reasons),
        "warnings": tuple(FilmWarning(code, f"About {code}.") for code in warnings),
    }
    return Prediction(**facts | changes)
