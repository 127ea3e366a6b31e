"""An audit of datasets as one page that a person can read. It shows no film."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.metadata import version

from hilum.data.acquisition import MARGIN_SHARE
from hilum.data.audit import Audit, CellFacts, DuplicateGroup, SetAudit, Spread
from hilum.data.duplicates import HASH_BITS, MAX_DISTANCE_BITS, MIN_CORRELATION
from hilum.data.findings import Finding
from hilum.data.shortcut import ALL_GROUPS, FOLDS
from hilum.report.audit_figures import draw_ranges, draw_shortcuts, format_measure
from hilum.report.html import (
    Section,
    render_figure,
    render_key_figures,
    render_page,
    render_pair,
    render_paragraph,
    render_table,
)

# More rows than this help nobody on a page; the JSON has them all.
MAX_ROWS = 100
_LEVEL_WORDS = {"fault": "Fault", "warning": "Warning", "note": "Note"}
_MEASURES = (
    ("width_px", "Width, px"),
    ("height_px", "Height, px"),
    ("aspect", "Width over height"),
    ("sharpness", "Sharpness: steps between neighbours over steps 4 px apart"),
    ("bytes_per_pixel", "Bytes a pixel"),
    ("jpeg_quality", "JPEG quality, as libjpeg counts it"),
)


def render_audit(audit: Audit) -> str:
    """Render an audit as self-contained HTML.

    Parameters
    ----------
    audit
        Of :func:`hilum.data.audit.audit_datasets`.
    """
    several = len(audit.sets) > 1
    sections = [Section("What to know", _render_findings(audit.findings, several=several))]
    for one in audit.sets:
        of_set = f", {one.name}" if several else ""
        sections += [
            Section(f"Films and patients{of_set}", _render_counts(one)),
            Section(f"How films were made{of_set}", _render_making(one)),
            Section(f"Shortcut score{of_set}", _render_shortcuts(one)),
            Section(f"Duplicates{of_set}", _render_duplicates(one)),
        ]
        if one.unread:
            sections.append(Section(f"Unreadable films{of_set}", _render_unread(one)))
    if audit.across:
        sections.append(Section("In more than one set", _render_groups(audit.across)))
    sections.append(Section("How this was measured", _render_method()))
    films = sum(one.films for one in audit.sets)
    names = ", ".join(one.name for one in audit.sets)
    return render_page(
        "Audit of a dataset" if not several else "Audit of datasets",
        sections,
        subtitle=f"{films:,} films: {names}",
        details=f"hilum data audit, hilum {version('hilum')}.",
    )


def _render_findings(findings: Sequence[Finding], *, several: bool) -> str:
    if not findings:
        return render_paragraph("Nothing was found that would mislead.")
    header = ["", "Set", "Finding"] if several else ["", "Finding"]
    rows = [
        [_LEVEL_WORDS[one.level], *([one.dataset or "several"] if several else []), one.text]
        for one in findings
    ]
    return render_table(header, rows, words=len(header))


def _render_counts(one: SetAudit) -> str:
    figures = [("Films", f"{one.films:,}", f"{len(one.unread)} unreadable")]
    if one.patients is None:
        figures.append(("Patients", "unknown", "nothing tells them for some films"))
    else:
        most = max(cell.most_films_of_a_patient for cell in one.cells)
        figures.append(("Patients", f"{one.patients:,}", f"up to {most} films of one"))
    near = f"{len(one.near_duplicates):,} near duplicates"
    figures.append(("Identical files", f"{len(one.identical):,} groups", near))
    if one.resplit and one.patients is not None:
        share = f"{one.resplit.leaking_share:.0%}"
        figures.append(("A random 8:2 split leaks", share, "of its validation films"))
    rows = [
        [
            f"{cell.part}, {cell.label.lower()}",
            f"{cell.films:,}",
            "unknown" if cell.patients is None else f"{cell.patients:,}",
            cell.most_films_of_a_patient,
            ", ".join(f"{name} {count:,}" for name, count in sorted(cell.formats.items())),
        ]
        for cell in one.cells
    ]
    table = render_table(
        ["Part, class", "Films", "Patients", "Most of one patient", "Format"], rows
    )
    return render_key_figures(figures) + table + _render_leaks(one)


def _render_leaks(one: SetAudit) -> str:
    shared = [
        render_paragraph(
            f"{leak.patients:,} patients are in both {leak.parts[0]} and {leak.parts[1]}; "
            f"{leak.films:,} films of {leak.parts[1]} are theirs."
        )
        for leak in one.shared_patients
    ]
    if not shared and one.patients is not None and len({cell.part for cell in one.cells}) > 1:
        shared.append(render_paragraph("No patient is in two parts."))
    if one.resplit and one.patients is not None:
        leak = one.resplit
        low, high = leak.leaking_share_range
        shared.append(
            render_paragraph(
                f"Had {leak.part!r} been split 8:2 film by film: of {leak.validation_films:,} "
                f"validation films {leak.leaking_films:,.0f} ({leak.leaking_share:.1%}; from "
                f"{low:.1%} to {high:.1%} over {leak.seeds} seeds) would be of "
                f"{leak.shared_patients:,.0f} patients whom training knows, with "
                f"{leak.shared_files:.1f} identical files on both sides."
            )
        )
    return "".join(shared)


def _render_making(one: SetAudit) -> str:
    figures, constant = [], []
    for measure, title in _MEASURES:
        cells: list[tuple[CellFacts, Spread]] = [
            (cell, spread) for cell in one.cells if (spread := getattr(cell, measure)) is not None
        ]
        if not cells:
            continue
        lowest = min(spread.minimum for _, spread in cells)
        if lowest < max(spread.maximum for _, spread in cells):
            figures.append(render_figure(draw_ranges(cells, title), title))
        else:
            constant.append(f"{title}: {format_measure(lowest)}")
    rows = [
        [
            f"{cell.part}, {cell.label.lower()}",
            *(
                "–" if (spread := getattr(cell, measure)) is None else format_measure(spread.median)
                for measure, _ in _MEASURES
            ),
        ]
        for cell in one.cells
    ]
    header = ["Median of", "Width", "Height", "Aspect", "Sharpness", "Bytes/px", "Quality"]
    return (
        render_paragraph(
            "Blue is normal, orange pneumonia. The line is the whole range, the band the middle "
            "half of the films, the mark their median.",
            quiet=True,
        )
        + render_pair(*figures)
        + (render_paragraph(f"The same for all films. {'; '.join(constant)}.") if constant else "")
        + render_table(header, rows)
    )


def _render_shortcuts(one: SetAudit) -> str:
    if not one.shortcuts:
        return render_paragraph(one.shortcut_unscored or "No feature varies between the films.")
    total = next(score for score in one.shortcuts if score.group == ALL_GROUPS)
    words = (
        f"A plain classifier that sees only how a film was made, and no anatomy, reaches an AUC of "
        f"{total.auc:.3f} ({total.low:.3f} to {total.high:.3f}) on patients it has not seen. "
        "Validation figures up to there prove nothing about disease."
    )
    caption = (
        "AUC by group of features. Dot and bar: cross-validated by patient, with its 95 % "
        "interval. Ring: fitted on the rest and carried over to the test part."
    )
    rows = [
        [
            score.group,
            len(score.features),
            f"{score.auc:.3f} ({score.low:.3f} to {score.high:.3f})",
            "–" if score.transferred is None else f"{score.transferred:.3f}",
        ]
        for score in one.shortcuts
    ]
    return (
        render_paragraph(words)
        + render_figure(draw_shortcuts(one.shortcuts), caption)
        + render_table(["Group", "Features", "AUC", "On test"], rows)
    )


def _render_duplicates(one: SetAudit) -> str:
    if not one.identical and not one.near_duplicates:
        return render_paragraph("No film is there twice.")
    parts = []
    if one.identical:
        parts += ["<h3>Identical files</h3>", _render_groups(one.identical)]
    if one.near_duplicates:
        parts += ["<h3>Near duplicates</h3>", _render_groups(one.near_duplicates)]
    else:
        parts.append(render_paragraph("Beside these there are no near duplicates.", quiet=True))
    return "".join(parts)


def _render_groups(groups: Sequence[DuplicateGroup]) -> str:
    rows = [
        [
            group.relation,
            "\n".join(group.paths),
            f"{group.correlation:.3f}",
            group.patients,
            "no" if len(set(group.labels)) == 1 else "yes",
        ]
        for group in groups[:MAX_ROWS]
    ]
    header = ["Relation", "Films", "Correlation", "Patients", "Labels differ"]
    # One film a line.
    table = render_table(header, rows, words=2).replace("\n", "<br>")
    return table + _render_rest(len(groups))


def _render_rest(count: int) -> str:
    if count <= MAX_ROWS:
        return ""
    return render_paragraph(f"And {count - MAX_ROWS:,} more; the JSON has all.", quiet=True)


def _render_unread(one: SetAudit) -> str:
    return render_table(["Film", "Reason"], one.unread[:MAX_ROWS], words=2) + _render_rest(
        len(one.unread)
    )


def _render_method() -> str:
    return "".join(
        f"<p>{escape(text)}</p>"
        for text in (
            "Identical files have the same SHA-256. Near duplicates are proposed by a perceptual "
            f"hash of {HASH_BITS} bits, the signs of the lowest cosine coefficients of a 32 × 32 "
            f"thumbnail ({MAX_DISTANCE_BITS} bits may differ), and kept where the thumbnails "
            f"correlate by {MIN_CORRELATION:g} or more; mirrored and inverted films are found too.",
            "A patient is who the manifest or the file name says. Where nothing does, every film "
            "counts as a patient of its own.",
            "The shortcut score is the AUC of a ridge logistic regression, both classes weighted "
            f"alike, in {FOLDS}-fold cross-validation by patient. Resolution: size and aspect. "
            "Compression: bytes a pixel and JPEG quality. Header: format, bits and, of DICOM, "
            "view, modality, manufacturer, photometric interpretation and transfer syntax. "
            "Detail: the finest detail against the next coarser, across and down, noise, and the "
            "blocks of a JPEG. Tone: shares of "
            "black and white, gaps in the grey scale. Margin: detail and tone of the outer "
            f"{MARGIN_SHARE:.1%} on each side alone. Detail, tone and bytes a pixel of the whole "
            "film are not quite free of anatomy; resolution and margin are the control.",
        )
    )
