"""What ``hilum faithfulness`` prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hilum.faithfulness import Fidelity, Findings, Found, Markers, Shortcuts, Stability

Interval = tuple[float, float, float]


def format_findings(findings: Findings) -> str:
    """Put everything into tables and sentences."""
    left_out = f", {findings.left_out} left out: no lungs found" if findings.left_out else ""
    parts = [
        f"{findings.model} {findings.model_version}, {findings.films} films of "
        f"{findings.set_name}{left_out}",
        _format_found(findings.located),
        *(
            f"{later} less {earlier}: hit {_signed(hit)}, IoU {_signed(iou)}"
            for earlier, later, hit, iou in findings.pairs
        ),
        _format_fidelity(findings.fidelity),
        _format_stability(findings.stability),
        _format_shortcuts(findings.shortcuts),
        _format_markers(findings.markers),
    ]
    warnings = [
        f"WARNING  {method} {sentence}."
        for method, sentences in findings.warnings.items()
        for sentence in sentences
    ]
    return "\n\n".join([*parts, "\n".join(warnings)] if warnings else parts)


def _format_found(found: Sequence[Found]) -> str:
    lines = [_line("Planted opacities", "hit", "IoU", "inside")]
    for one in found:
        if one.shape is not None:
            continue
        if one.is_whole:
            lines.append(f"{one.method} ({one.opacities} opacities)")
            name = "  all"
        else:
            name = f"  diameter {one.diameter:.0%} of width, depth {one.depth:g}"
        lines.append(_line(name, *(_tell(value) for value in (one.hit, one.iou, one.inside))))
    whole = next(one for one in found if one.is_whole)
    lines.append(
        f"The opacities cover {whole.share_of_film:.1%} of the film and change the logit by "
        f"{whole.logit_change:+.2f}, the probability by {whole.probability_change:+.2f}, on "
        "average."
    )
    return "\n".join(lines)


def _format_fidelity(fidelity: Sequence[Fidelity]) -> str:
    lines = [_line("Better than a random order by", "deletion", "insertion", "ROAD")]
    lines += [
        _line(
            f"  {one.method}",
            *(_signed(gain) for gain in (one.deletion_gain, one.insertion_gain, one.road_gain)),
        )
        for one in fidelity
        if one.method != "random"
    ]
    return "\n".join(lines)


def _format_stability(stability: Sequence[Stability]) -> str:
    lines = [_line("Rank correlation of the map with", "noise", "shift", "tone")]
    lines += [
        _line(f"  {one.method}", *(_tell(value) for value in (one.noise, one.shift, one.tone)))
        for one in stability
    ]
    shuffled = [one for one in stability if one.random_weights]
    if shuffled:
        lines.append(
            "and, less the mean map over films, where weights are shuffled, from head to stem"
        )
        lines += [
            f"  {one.method}: "
            + ", ".join(f"{layer} {value:+.2f}" for layer, (value, _, _) in one.random_weights)
            for one in shuffled
        ]
    return "\n".join(lines)


def _format_shortcuts(shortcuts: Shortcuts) -> str:
    return "\n".join(
        [
            "Where the network looks",
            f"  evidence outside of the lungs         {_tell(shortcuts.outside_lungs)}; "
            f"{shortcuts.outside_lungs_flat:.2f} if it were everywhere the same",
            f"  evidence at the film's border         {_tell(shortcuts.at_border)}; "
            f"{shortcuts.at_border_flat:.2f} if it were everywhere the same",
            f"  AUC of these films                    {_tell(shortcuts.auc, 3)}",
            f"  AUC where all but the lungs is level  {_tell(shortcuts.auc_lungs_only, 3)}",
            f"  AUC where the lungs are level         {_tell(shortcuts.auc_lungs_levelled, 3)}",
        ]
    )


def _format_markers(markers: Markers) -> str:
    lines = [f"Markers (found on {markers.with_markers} of {markers.films} films)"]
    if markers.evidence is not None and markers.painted_out is not None:
        lines += [
            f"  size of the map on them               {_tell(markers.evidence, 3)}; "
            f"{markers.evidence_flat:.3f} if it were everywhere the same",
            f"  probability changes, painted out      {_tell(markers.painted_out, 3)}",
        ]
    lines += [
        f"  logit changes by a letter put in      {_tell(markers.put_in)}",
        f"  probability changes by it             {_tell(markers.put_in_probability, 3)}",
    ]
    return "\n".join(lines)


def _line(name: str, *cells: str) -> str:
    return (f"{name:37}" + "".join(f"{cell:27}" for cell in cells)).rstrip()


def _tell(value: Interval, digits: int = 2) -> str:
    middle, low, high = (f"{one:.{digits}f}" for one in value)
    return f"{middle} ({low} to {high})"


def _signed(value: Interval) -> str:
    middle, low, high = (f"{one:+.3f}" for one in value)
    return f"{middle} ({low} to {high})"
