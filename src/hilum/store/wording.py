"""What a comparison of scores says, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hilum.decision.drift import DistanceTest
    from hilum.store.scores import ScoreComparison

VERDICTS = {
    "too few films": "Too few films to tell anything.",
    "as on validation": "No difference is seen.",
    "other share": (
        "Another share of positive films explains the scores; each class scores as on validation."
    ),
    "other scores": (
        "No share of positive films explains the scores: films score otherwise than on validation. "
        "Do not rely on calibration, thresholds or the uncertain zone before you know why."
    ),
}


def describe_drift(comparison: ScoreComparison) -> Iterator[str]:
    """Say how many films were compared, what the tests found, and what that means."""
    left_out = (
        f"{comparison.repeated} repeated and {comparison.averaged} averaged analyses left out"
    )
    yield f"{comparison.logits.size} films compared; {left_out}"
    if comparison.refused_share is not None and comparison.validation_refused is not None:
        yield (
            f"the gate refuses {comparison.refused_share:.1%} of them "
            f"(validation: {comparison.validation_refused:.1%})"
        )
    drift = comparison.drift
    if drift is None:
        yield "not tested: the spec does not hold the logits of its validation films"
        yield "`hilum calibrate` writes them into the spec of a model of your own"
        return
    if drift.same_share is not None and drift.any_share is not None and drift.share is not None:
        yield _describe_test("same share of positive films", drift.same_share)
        yield _describe_test("any share of positive films", drift.any_share)
        if drift.verdict != "other scores":
            share = drift.share
            yield (
                f"share of positive films {share.value:.1%} (95 %: {share.low:.1%} to "
                f"{share.high:.1%}; validation: {drift.validation_share:.1%})"
            )
    yield VERDICTS[drift.verdict]


def _describe_test(name: str, test: DistanceTest) -> str:
    return f"{name}: distance {test.distance:.3f}, p {test.p_value:.3f}"
