"""What a comparison of scores says, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.language import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hilum.decision.drift import DistanceTest, Verdict
    from hilum.store.scores import ScoreComparison

VERDICTS: Mapping[Verdict, Text] = {
    "too few films": Text("Too few films to tell anything."),
    "as on validation": Text("No difference is seen."),
    "other share": Text(
        "Another share of positive films explains the scores; each class scores as on validation."
    ),
    "other scores": Text(
        "No share of positive films explains the scores: films score otherwise than on validation. "
        "Do not rely on calibration, thresholds or the uncertain zone before you know why."
    ),
}


def describe_drift(comparison: ScoreComparison) -> Iterator[Text]:
    """Say how many films were compared, what the tests found, and what that means."""
    yield Text(
        "{films} films compared; {repeated} repeated and {averaged} averaged analyses left out",
        films=comparison.logits.size,
        repeated=comparison.repeated,
        averaged=comparison.averaged,
    )
    if comparison.refused_share is not None and comparison.validation_refused is not None:
        yield Text(
            "the gate refuses {refused:.1%} of them (validation: {expected:.1%})",
            refused=comparison.refused_share,
            expected=comparison.validation_refused,
        )
    drift = comparison.drift
    if drift is None:
        yield Text("not tested: the spec does not hold the logits of its validation films")
        yield Text("`hilum calibrate` writes them into the spec of a model of your own")
        return
    if drift.same_share is not None and drift.any_share is not None and drift.share is not None:
        yield _describe_test(Text("same share of positive films"), drift.same_share)
        yield _describe_test(Text("any share of positive films"), drift.any_share)
        if drift.verdict != "other scores":
            share = drift.share
            yield Text(
                "share of positive films {share:.1%} (95 %: {low:.1%} to {high:.1%}; validation: "
                "{expected:.1%})",
                share=share.value,
                low=share.low,
                high=share.high,
                expected=drift.validation_share,
            )
    yield VERDICTS[drift.verdict]


def _describe_test(name: Text, test: DistanceTest) -> Text:
    return Text(
        "{name}: distance {distance:.3f}, p {p_value:.3f}",
        name=name,
        distance=test.distance,
        p_value=test.p_value,
    )
