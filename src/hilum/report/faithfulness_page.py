"""The page of ``hilum faithfulness``: which maps of a model deserve belief."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from hilum.report.faithfulness_figures import draw_curves, draw_layers
from hilum.report.html import (
    Section,
    Stacked,
    render_figure,
    render_key_figures,
    render_page,
    render_pair,
    render_paragraph,
    render_table,
)

if TYPE_CHECKING:
    from hilum.faithfulness import Findings, Found

Interval = tuple[float, float, float]


def render_faithfulness(findings: Findings) -> str:
    """Render what was found as one self-contained page of HTML; it shows no film."""
    sections = [
        Section("In short", _render_summary(findings)),
        Section("Planted opacities", _render_planted(findings)),
        Section("In the order of the map", _render_fidelity(findings)),
        Section("Does the map follow the network", _render_stability(findings)),
        Section("Where the network looks", _render_shortcuts(findings)),
    ]
    left_out = (
        f" {findings.left_out} more were left out, since no lungs were found in them."
        if findings.left_out
        else ""
    )
    return render_page(
        f"Which maps of {findings.model} deserve belief",
        sections,
        subtitle=(
            f"{findings.model} {findings.model_version}, {findings.films} films of "
            f"{findings.set_name}.{left_out} In brackets 95 % intervals, drawn by patient."
        ),
        details=(
            f"hilum {version('hilum')} · hilum faithfulness {findings.model} --seed "
            f"{findings.seed} · weights {findings.weights_sha256[:12]}"
        ),
    )


def _render_summary(findings: Findings) -> str:
    control = findings.get_control()
    first = findings.get_located(findings.methods[0])
    shortcuts = findings.shortcuts
    key = render_key_figures(
        [
            (f"Hits of {first.method}", f"{first.hit[0]:.2f}", _bounds(first.hit)),
            (
                f"Hits of a control ({control.method})",
                f"{control.hit[0]:.2f}",
                _bounds(control.hit),
            ),
            ("AUC from lungs alone", *_name_auc(shortcuts.auc_lungs_only)),
            ("AUC without lungs", *_name_auc(shortcuts.auc_lungs_levelled)),
        ]
    )
    sentences = [
        f"Warning: {method} {sentence}."
        for method, found in findings.warnings.items()
        for sentence in found
    ]
    sentences += [
        f"{method} passes its controls." for method, found in findings.warnings.items() if not found
    ]
    return key + "".join(render_paragraph(sentence) for sentence in sentences)


def _render_planted(findings: Findings) -> str:
    words = (
        "Opacities of known place, size and density were planted into films of healthy lungs. Hit: "
        "the map's greatest value lies in the opacity. IoU: of the opacity and as many of the "
        "map's greatest pixels. Inside: share of the map's positive sum. Noise and edges know "
        "nothing of the network."
    )
    whole = [one for one in findings.located if one.is_whole]
    table = render_table(
        ["map", "hit", "IoU", "inside"],
        [[one.method, *map(_stack, (one.hit, one.iou, one.inside))] for one in whole],
        caption=f"All {whole[0].opacities} opacities of each map together",
    )
    grids = "".join(_render_grid(findings.located, method) for method in findings.methods)
    pairs = ""
    if findings.pairs:
        pairs = render_table(
            ["pair", "hit", "IoU"],
            [
                [f"{later} less {earlier}", _stack(hit), _stack(iou)]
                for earlier, later, hit, iou in findings.pairs
            ],
            caption="Differences on the same opacities",
        )
    changed = (
        f"The opacities cover {whole[0].share_of_film:.1%} of the film on average and change the "
        f"logit by {whole[0].logit_change:+.2f}, the probability by "
        f"{whole[0].probability_change:+.2f}."
    )
    return render_paragraph(words, quiet=True) + table + grids + pairs + render_paragraph(changed)


def _render_grid(located: Sequence[Found], method: str) -> str:
    cells = {
        (one.diameter, one.depth): one
        for one in located
        if one.method == method and one.shape is None and not one.is_whole
    }
    diameters = sorted({diameter for diameter, _ in cells if diameter is not None})
    depths = sorted({depth for _, depth in cells if depth is not None})
    return render_table(
        ["diameter, share of the width", *(f"depth {depth:g}" for depth in depths)],
        [
            [f"{diameter:.0%}", *(_stack(cells[diameter, depth].hit) for depth in depths)]
            for diameter in diameters
        ],
        caption=f"Hits of {method} by size and density",
    )


def _render_fidelity(findings: Findings) -> str:
    words = (
        "Films of the positive class are taken apart in the order in which a map ranks their "
        "pixels. Deletion: one grey takes the most important pixels' place, and the probability "
        "should fall soon. Insertion: they appear on a film of which light and shade alone are "
        "left, and it should rise soon. ROAD: what lies around takes the place of the most, and of "
        "the least, important pixels; half the difference is given. The gain is against a random "
        "order of the same films; above zero is better."
    )
    table = render_table(
        ["map", "deletion", "gain", "insertion", "gain", "ROAD", "gain"],
        [
            [
                one.method,
                *map(
                    _stack,
                    (
                        one.deletion,
                        one.deletion_gain,
                        one.insertion,
                        one.insertion_gain,
                        one.road,
                        one.road_gain,
                    ),
                ),
            ]
            for one in findings.fidelity
        ],
    )
    curves = {one.method: one for one in findings.fidelity}
    figures = render_pair(
        render_figure(
            draw_curves({name: one.deletion_curve for name, one in curves.items()}, "taken away"),
            "Deletion: mean probability; lower is better.",
        ),
        render_figure(
            draw_curves({name: one.insertion_curve for name, one in curves.items()}, "shown"),
            "Insertion: mean probability; higher is better.",
        ),
    )
    return render_paragraph(words, quiet=True) + table + figures


def _render_stability(findings: Findings) -> str:
    words = (
        "Rank correlation of the map's cells with those of the same film hardly changed: a little "
        "noise, a shift by 2 % of the width (the map shifted back), a slightly lighter tone. It "
        "should be near 1."
    )
    table = render_table(
        ["map", "noise", "shift", "tone"],
        [
            [one.method, *map(_stack, (one.noise, one.shift, one.tone))]
            for one in findings.stability
        ],
    )
    html = render_paragraph(words, quiet=True) + table
    shuffled = {one.method: one.random_weights for one in findings.stability if one.random_weights}
    if not shuffled:
        return html + render_paragraph("Maps of shuffled weights were not measured.")
    told = (
        "And with the map of the same film where weights are shuffled, from the head to the stem, "
        "each less the mean map of its network over some ten films: it should fall to about 0. A "
        "map that stays shows the film, not the network."
    )
    return html + render_paragraph(told, quiet=True) + render_figure(draw_layers(shuffled))


def _render_shortcuts(findings: Findings) -> str:
    shortcuts, markers = findings.shortcuts, findings.markers
    flat = shortcuts.outside_lungs_flat
    rows: list[list[object]] = [
        ["evidence outside of the lungs", _stack(shortcuts.outside_lungs), f"{flat:.2f}"],
        [
            "evidence at the film's border",
            _stack(shortcuts.at_border),
            f"{shortcuts.at_border_flat:.2f}",
        ],
    ]
    if markers.evidence is not None and markers.evidence_flat is not None:
        rows.append(
            ["size of the map on markers", _stack(markers.evidence), f"{markers.evidence_flat:.3f}"]
        )
    shares = render_table(["share", "measured", "if it were everywhere the same"], rows)
    answers = render_table(
        ["films", "AUC"],
        [
            ["as they are", _stack(shortcuts.auc)],
            ["all but the lungs levelled", _stack(shortcuts.auc_lungs_only)],
            ["the lungs levelled", _stack(shortcuts.auc_lungs_levelled)],
        ],
    )
    words = (
        f"Markers were found on {markers.with_markers} of {markers.films} films. "
        + (
            "Painted out, they change the probability by "
            f"{markers.painted_out[0]:.3f} on average ({_bounds(markers.painted_out)}). "
            if markers.painted_out is not None
            else ""
        )
        + "A letter R of lead in the upper left corner changes the logit by "
        f"{markers.put_in[0]:+.2f} ({_bounds(markers.put_in)}) and the probability by "
        f"{markers.put_in_probability[0]:.3f} ({_bounds(markers.put_in_probability)})."
    )
    return shares + answers + render_paragraph(words)


def _stack(value: Interval) -> Stacked:
    return Stacked(f"{value[0]:.3f}", _bounds(value))


def _bounds(value: Interval) -> str:
    return f"{value[1]:.3f} to {value[2]:.3f}"


def _name_auc(value: Interval) -> tuple[str, str]:
    return f"{value[0]:.3f}", _bounds(value)
