"""Sentences that specs hold, as templates: written by one room, and said again by others.

A spec is a file, so it holds them in English and whole. Here they become texts again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.language import Text, recall, template

if TYPE_CHECKING:
    from hilum.spec.decision import OperatingPoint

# How a threshold was chosen.
YOUDEN_RULE = template("largest sensitivity + specificity - 1 (Youden 1950)")
SENSITIVITY_RULE = template("highest threshold with sensitivity >= {least:g}")
SPECIFICITY_RULE = template("lowest threshold with specificity >= {least:g}")
F_BETA_RULE = template("largest F-beta with beta = {beta:g}")
COST_RULE = template("least cost, a missed film at {missed:g} and a false alarm at {false_alarm:g}")
ARGMAX_RULE = template("the likelier class: a probability of 0.5")

# The films on which it was.
BY_PATIENT = template("{films} validation films of {set_name}, apart from training by patient")
LEAKING = template("{films} validation films of {set_name}, patients of which are in training too")

# How intervals and the calibration error were computed.
BOOTSTRAP = template("percentile bootstrap by patient, {resamples} resamples, 95 %")
EQUAL_WIDTH = template("{bins} bins of equal width")

# What the weights began as.
AT_RANDOM = template("random")
FROM_TIMM = template("timm {version} pretrained weights of {network}")
FROM_PACKAGE = template("ImageNet weights of the package {package}")
FROM_RELATIVE = template(
    "ImageNet weights of the package {package}, squeeze-and-excitation at random"
)
FROM_MODEL = template("weights of the model {name} {version} (SHA-256 {sha256})")

# What maps of a method fail.
LIKE_NOISE = template(
    "finds planted opacities no better than a map of noise: do not read places from it"
)
LIKE_EDGES = template(
    "finds planted opacities no better than a map of the film's own edges: do not read places "
    "from it"
)
LIKE_CHANCE = template(
    "ranks the film's pixels hardly better than chance by deletion, insertion and ROAD"
)
LIKE_SHUFFLED = template(
    "stays much the same (rank correlation {alike:.2f}) when all weights are shuffled: it shows "
    "the film, not the network"
)
CHANGED_BY_NOISE = template(
    "changes (rank correlation {alike:.2f}) by noise that the eye hardly sees"
)
CHANGED_BY_SHIFT = template(
    "changes (rank correlation {alike:.2f}) by a small shift that the eye hardly sees"
)
CHANGED_BY_TONE = template(
    "changes (rank correlation {alike:.2f}) by tone that the eye hardly sees"
)

_RULES = (YOUDEN_RULE, SENSITIVITY_RULE, SPECIFICITY_RULE, F_BETA_RULE, COST_RULE, ARGMAX_RULE)
_FAULTS = (
    LIKE_NOISE,
    LIKE_EDGES,
    LIKE_CHANCE,
    LIKE_SHUFFLED,
    CHANGED_BY_NOISE,
    CHANGED_BY_SHIFT,
    CHANGED_BY_TONE,
)


def say_rule(point: OperatingPoint) -> Text:
    """Say by which rule the threshold was chosen."""
    return recall(point.rule, *_RULES)


def say_films(films: str) -> Text:
    """Say on which films something was chosen or fitted, from a spec's ``chosen_on``."""
    return recall(films, BY_PATIENT, LEAKING)


def say_method(method: str) -> Text:
    """Say how intervals or the calibration error were computed, from a spec's metrics."""
    return recall(method, BOOTSTRAP, EQUAL_WIDTH)


def say_initialisation(initialisation: str) -> Text:
    """Say what the weights began as, from a spec's provenance."""
    # The longer one first: the other fits it too.
    return recall(initialisation, AT_RANDOM, FROM_TIMM, FROM_RELATIVE, FROM_PACKAGE, FROM_MODEL)


def say_fault(method: str, fault: str) -> Text:
    """Say which control the maps of a method fail."""
    return Text("{method} {fault}.", method=method, fault=recall(fault, *_FAULTS))
