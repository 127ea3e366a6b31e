"""Words and figures of an answer, for whoever shows it: page, PDF, pictures.

Texts are made from a :class:`~hilum.types.Prediction` and its model's spec alone.
"""

from __future__ import annotations

import re

from hilum.decision import get_uncertain_range
from hilum.language import Text, join_texts, recall
from hilum.spec import Interval, ModelSpec, OperatingPoint
from hilum.types import UNCERTAIN, Prediction

RESEARCH_ONLY = Text("Research software, not a medical device.")
NOT_AN_OUTLINE = Text(
    "The map shows what this network used, on the grid of its last layer. It does not outline "
    "disease."
)


def format_percent(share: float) -> Text:
    """Write a probability or a rate: one decimal, and never a false 0 or 100."""
    if 0.0 < share < 0.001:
        return Text("< 0.1 %")
    if 0.999 < share < 1.0:
        return Text("> 99.9 %")
    return Text("{percent:.1f} %", percent=100.0 * share)


def format_whole_percent(share: float) -> Text:
    """Write a share without decimals, for shares that were set and not measured."""
    return Text("{percent:.0f} %", percent=100.0 * share)


def format_interval_percent(interval: Interval) -> Text:
    """Write a rate with its 95 % interval."""
    return Text(
        "{value} ({low} to {high})",
        value=format_percent(interval.value),
        low=format_percent(interval.low),
        high=format_percent(interval.high),
    )


def format_signed(value: float) -> str:
    """Write a figure in logit units with its sign."""
    text = f"{abs(value):.2f}"
    if float(text) == 0.0:
        return text
    return f"{'+' if value > 0 else '−'}{text}"


def name_operating_point(name: str) -> Text:
    """Turn the spec's name of an operating point into words."""
    if kept := re.fullmatch(r"sensitivity_(\d{1,3})", name):
        return Text("Sensitivity ≥ {percent} %", percent=kept[1])
    if kept := re.fullmatch(r"specificity_(\d{1,3})", name):
        return Text("Specificity ≥ {percent} %", percent=kept[1])
    if name == "youden":
        return Text("Youden")
    return recall(name.replace("_", " ").replace("-", " ").capitalize())


def describe_operating_point(point: OperatingPoint) -> Text:
    """Say what an operating point bought where it was chosen."""
    return Text(
        "sensitivity {sensitivity}, specificity {specificity}",
        sensitivity=format_percent(point.sensitivity),
        specificity=format_percent(point.specificity),
    )


def describe_decision(prediction: Prediction, spec: ModelSpec) -> tuple[Text, Text]:
    """Say the decision, and which side of which threshold it stands on.

    Returns
    -------
    The decision in a few words, and the sentence that explains it.
    """
    verdict = Text("Decision: {decision}", decision=recall(prediction.decision))
    if not prediction.assessed:
        return verdict, Text("because the model cannot judge this film.")
    point = name_operating_point(prediction.operating_point)
    threshold = format_percent(prediction.threshold)
    if prediction.decision == UNCERTAIN:
        low, high = get_uncertain_range(spec, prediction.operating_point)
        return verdict, Text(
            "ask a radiologist. Between {low} and {high} the model cannot keep its promised rate "
            "of error (threshold {threshold}, operating point {point}).",
            low=format_percent(low),
            high=format_percent(high),
            threshold=threshold,
            point=point,
        )
    if prediction.side == spec.labels.positive:
        return verdict, Text(
            "the probability is at or above the threshold of {threshold} "
            "(operating point {point}).",
            threshold=threshold,
            point=point,
        )
    return verdict, Text(
        "the probability is below the threshold of {threshold} (operating point {point}).",
        threshold=threshold,
        point=point,
    )


def describe_spread(prediction: Prediction) -> Text | None:
    """Say how far the answers lie apart that this one is the mean of; ``None`` for a single one."""
    spread = prediction.spread
    if spread is None or spread.probability_min is None:
        return None
    return Text(
        "The answers lie between {low} and {high} over {answers}.",
        low=format_percent(spread.probability_min),
        high=format_percent(spread.probability_max or 0.0),
        answers=spread.words,
    )


def describe_zone(low: float, high: float) -> Text:
    """Say where a striped scale is uncertain; the ends are probabilities."""
    return Text(
        "Striped: between {low} and {high} the answer is uncertain.",
        low=format_percent(low),
        high=format_percent(high),
    )


def describe_probability(spec: ModelSpec) -> Text:
    """Say of what the probability is, and at which prevalence it holds."""
    return Text(
        "probability of {label}, where {prevalence} of films show it",
        label=recall(spec.labels.positive),
        prevalence=format_whole_percent(spec.calibration.prevalence),
    )


def describe_evidence(prediction: Prediction) -> Text:
    """Say where the evidence lies, and what it adds up to."""
    evidence = prediction.evidence
    values = evidence.values
    strongest, weakest = float(values.max()), float(values.min())
    said = {
        "target": recall(evidence.target),
        "place": _name_place(prediction, int(values.argmax())),
        "value": format_signed(strongest),
        "other_place": _name_place(prediction, int(values.argmin())),
        "other_value": format_signed(weakest),
    }
    if strongest > 0.0 and weakest < 0.0:
        sentence = Text(
            "Evidence for {target} is strongest {place} ({value}), against it {other_place} "
            "({other_value}).",
            **said,
        )
    elif strongest > 0.0:
        del said["other_place"], said["other_value"]
        sentence = Text("Evidence for {target} is strongest {place} ({value}).", **said)
    elif weakest < 0.0:
        del said["place"], said["value"]
        sentence = Text(
            "Evidence against {target} is strongest {other_place} ({other_value}).", **said
        )
    else:
        return Text("The map is zero everywhere: the answer does not depend on this film.")
    # Only this method's map sums to the logit.
    if evidence.method != "evidence" or prediction.probability is None:
        return sentence
    total = Text(
        "All cells average {mean}; with the network’s constant {bias} that is the logit {logit}; "
        "calibrated, a probability of {probability}.",
        mean=format_signed(float(values.mean(dtype=float))),
        bias=format_signed(evidence.bias),
        logit=format_signed(prediction.logit),
        probability=format_percent(prediction.probability),
    )
    return join_texts([sentence, total])


def describe_use(prediction: Prediction) -> Text:
    """Say of a picture that leaves the page what made it and what it is not."""
    said = Text(
        "By {model} {version}: what the network used, not where disease is.",
        model=prediction.model,
        version=prediction.model_version,
    )
    return join_texts([said, RESEARCH_ONLY])


_PLACES = (
    (
        Text("in the upper left of the picture"),
        Text("in the upper centre of the picture"),
        Text("in the upper right of the picture"),
    ),
    (
        Text("in the middle left of the picture"),
        Text("in the centre of the picture"),
        Text("in the middle right of the picture"),
    ),
    (
        Text("in the lower left of the picture"),
        Text("in the lower centre of the picture"),
        Text("in the lower right of the picture"),
    ),
)


def _name_place(prediction: Prediction, cell: int) -> Text:
    """Name the part of the picture in which a cell of the map lies."""
    rows, columns = prediction.evidence.values.shape
    left, top, right, bottom = prediction.evidence.box
    height_px, width_px = prediction.radiograph.pixels.shape
    row, column = divmod(cell, columns)
    x = (left + (column + 0.5) / columns * (right - left)) / width_px
    y = (top + (row + 0.5) / rows * (bottom - top)) / height_px
    if not (0.0 <= x <= 1.0 and 0.0 <= y <= 1.0):
        return Text("outside the film, in the padding")
    return _PLACES[min(int(y * 3), 2)][min(int(x * 3), 2)]


def describe_model(spec: ModelSpec) -> Text:
    """Say which model this is and whom it has learned from."""
    data = spec.training_data
    said = Text(
        "{model} {version}. Learned from {films:,} films.",
        model=spec.name,
        version=spec.version,
        films=data.train_films,
    )
    return join_texts([said, recall(data.population.description)])
