"""What an audit comes to, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hilum.data.shortcut import ALL_GROUPS, ShortcutScore

if TYPE_CHECKING:
    from hilum.data.audit import DuplicateGroup, SetAudit

Level = Literal["fault", "warning", "note"]
_ORDER: dict[Level, int] = {"fault": 0, "warning": 1, "note": 2}
# A lower bound of the AUC above this is no accident of few films.
TELLING_AUC = 0.6
_SAID_OF_GROUP = {
    "resolution": "Size and aspect alone tell the classes apart",
    "header": "The header of the file alone tells the classes apart",
    "margin": "The margin of the film, where there is hardly any lung, tells the classes apart",
    ALL_GROUPS: "How a film was made tells the classes apart with no look at the lungs",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know.

    level
        ``"fault"``: figures from this set are wrong until it is mended. ``"warning"``: they
        mislead whoever does not know. ``"note"``: good to know.
    dataset
        Name of the set, or empty where it concerns several.
    """

    level: Level
    dataset: str
    text: str


def collect_findings(
    sets: Sequence[SetAudit], across: Sequence[DuplicateGroup]
) -> tuple[Finding, ...]:
    """Put an audit into sentences, the most serious first."""
    findings = [finding for one in sets for finding in _judge_set(one)]
    if across:
        split = sum(len(set(group.labels)) > 1 for group in across)
        text = f"{len(across)} pictures are in more than one of the sets."
        if split:
            text += f" {split} of them carry different labels."
        findings.append(Finding("warning" if split else "note", "", text))
    return tuple(sorted(findings, key=lambda finding: _ORDER[finding.level]))


def _judge_set(one: SetAudit) -> list[Finding]:
    said: list[tuple[Level, str]] = []
    if one.unread:
        said.append(("fault", f"{len(one.unread)} of {one.films} films cannot be read."))
    said += [
        (
            "fault",
            f"{shared.patients} patients have films in both {shared.parts[0]} and "
            f"{shared.parts[1]}; {shared.films} films of {shared.parts[1]} are theirs.",
        )
        for shared in one.shared_patients
    ]
    said += _judge_duplicates(one.identical, "identical files")
    said += _judge_duplicates(one.near_duplicates, "near duplicates")
    said += _judge_patients(one)
    said += _judge_shortcuts(one.shortcuts)
    if one.shortcut_unscored:
        said.append(("note", f"No shortcut score: {one.shortcut_unscored}"))
    return [Finding(level, one.name, text) for level, text in said]


def _judge_duplicates(groups: Sequence[DuplicateGroup], what: str) -> list[tuple[Level, str]]:
    if not groups:
        return []
    said: list[tuple[Level, str]] = []
    across = sum(len(set(group.parts)) > 1 for group in groups)
    several = sum(group.patients > 1 for group in groups)
    contradicting = sum(len(set(group.labels)) > 1 for group in groups)
    films = len({path for group in groups for path in group.paths})
    text = f"{len(groups)} groups of {what} ({films} films), "
    text += f"{across} of them across parts" if across else "none of them across parts"
    text += f", {several} under the names of different patients." if several else "."
    said.append(("fault" if across else "warning", text))
    if contradicting:
        said.append(("fault", f"{contradicting} groups of {what} carry different labels."))
    return said


def _judge_patients(one: SetAudit) -> list[tuple[Level, str]]:
    if one.patients is None:
        return [
            (
                "warning",
                "Of some films nothing tells the patient; each counts as a patient of its own, and "
                "a leak between parts cannot be seen. Name patients in a CSV manifest.",
            )
        ]
    if one.resplit and one.resplit.leaking_films:
        leak = one.resplit
        low, high = (f"{share:.0%}".rstrip("%") for share in leak.leaking_share_range)
        return [
            (
                "warning",
                f"A random 8:2 split of {leak.part!r} leaks: {leak.leaking_share:.0%} of its "
                f"validation films ({low} to {high} % over {leak.seeds} seeds) are of patients "
                f"whom training knows, and {leak.shared_files:.1f} identical files are on both "
                "sides. Split by patient.",
            )
        ]
    return []


def _judge_shortcuts(scores: Sequence[ShortcutScore]) -> list[tuple[Level, str]]:
    said: list[tuple[Level, str]] = []
    telling = [score for score in scores if score.low > TELLING_AUC]
    for score in telling:
        if score.group not in _SAID_OF_GROUP:
            continue
        text = f"{_SAID_OF_GROUP[score.group]}: AUC {score.auc:.3f}"
        text += f" ({score.low:.3f} to {score.high:.3f})"
        if score.transferred is not None:
            text += f"; carried over to the test part {score.transferred:.3f}"
        said.append(("warning", text + "."))
    if scores and not telling:
        said.append(("note", "How the films were made does not tell the classes apart."))
    return said
