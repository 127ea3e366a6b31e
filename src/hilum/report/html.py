"""The page that reports are written on: one file, light and dark, nothing fetched.

A page is a title and sections; a section is a title and HTML that the caller has made of the
pieces below. The pieces escape what they are given; ``Section.html`` is taken as it is.
Figures are SVG inside the page, and their colours are the custom properties of the style
sheet (``var(--ink)`` and the like), so that a figure turns dark with the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from hilum.report.html_style import COLORS, STYLE_SHEET

RESEARCH_NOTE = "Made with hilum, research software. Not a medical device."

# A report never fetches, never runs a script and never sends; the browser is told to hold it
# to that, whatever a file name or a label may contain.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    title
        Plain text; it is escaped and stands in the list of contents.
    html
        What stands below the title, as HTML that is taken as it is.
    """

    title: str
    html: str


@dataclass(frozen=True, slots=True)
class Stacked:
    """A cell of a table with a smaller line below the first, such as an interval."""

    text: str
    below: str


def render_page(
    title: str, sections: Sequence[Section], *, subtitle: str = "", details: str = ""
) -> str:
    """Render a whole page as self-contained HTML.

    Parameters
    ----------
    title, subtitle
        Plain text.
    sections
        In the order in which they are read; with two or more there is a list of contents.
    details
        Plain text for the foot of the page: the version, the command, the date.
    """
    anchors = _make_anchors(sections)
    contents = "".join(
        f'<li><a href="#{anchor}">{escape(section.title)}</a></li>'
        for anchor, section in zip(anchors, sections, strict=True)
    )
    navigation = (
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav>' if len(sections) > 1 else ""
    )
    body = "\n".join(
        f'<section id="{anchor}">\n<h2>{escape(section.title)}</h2>\n{section.html}\n</section>'
        for anchor, section in zip(anchors, sections, strict=True)
    )
    lead = f'<p class="lead">{escape(subtitle)}</p>' if subtitle else ""
    foot = f"<p>{escape(details)}</p>" if details else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE_SHEET}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n{lead}\n</header>\n{navigation}\n"
        f"<main>\n{body}\n</main>\n"
        f'<footer><p class="use">{RESEARCH_NOTE}</p>{foot}</footer>\n</body>\n</html>\n'
    )


def _make_anchors(sections: Sequence[Section]) -> list[str]:
    anchors: list[str] = []
    for index, section in enumerate(sections):
        words = re.sub(r"[^a-z0-9]+", "-", section.title.lower()).strip("-") or "section"
        anchors.append(words if words not in anchors else f"{words}-{index + 1}")
    return anchors


def render_paragraph(text: str, *, quiet: bool = False) -> str:
    """Render plain text as a paragraph; a quiet one explains and may be passed over."""
    return f'<p class="quiet">{escape(text)}</p>' if quiet else f"<p>{escape(text)}</p>"


def render_table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    caption: str = "",
    words: int = 1,
) -> str:
    """Render a table that scrolls sideways where the screen is narrow.

    Parameters
    ----------
    header, rows
        Plain text or :class:`Stacked`; what is neither is turned into text.
    words
        How many columns from the left hold words; they stand to the left, numbers to the right.
    """

    def render_row(cells: Sequence[object], tag: str) -> str:
        parts = []
        for index, cell in enumerate(cells):
            # The first cell of a row names it.
            own = "th" if tag == "td" and index == 0 else tag
            scope = {"th": ' scope="row"' if tag == "td" else ' scope="col"', "td": ""}[own]
            kind = "" if index < words else ' class="number"'
            parts.append(f"<{own}{scope}{kind}>{_render_cell(cell)}</{own}>")
        return f"<tr>{''.join(parts)}</tr>"

    head = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "".join(render_row(row, "td") for row in rows)
    return (
        f'<div class="scroll"><table>{head}<thead>{render_row(header, "th")}</thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _render_cell(cell: object) -> str:
    if isinstance(cell, Stacked):
        return f"{escape(cell.text)}<small>{escape(cell.below)}</small>"
    return escape(str(cell))


def render_facts(facts: Mapping[str, object]) -> str:
    """Render names with their values as a list of definitions."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(str(value))}</dd></div>"
        for name, value in facts.items()
    )
    return f'<dl class="facts">{items}</dl>'


def render_key_figures(figures: Iterable[tuple[str, str, str]]) -> str:
    """Render the few numbers that matter most, large: (name, value, what stands below it)."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(below)}</small></dd></div>"
        for name, value, below in figures
    )
    return f'<dl class="key">{items}</dl>'


def render_figure(
    content: str, caption: str = "", *, wide: bool = False, scroll: bool = False
) -> str:
    """Render a figure with its caption.

    Parameters
    ----------
    content
        An ``<svg>`` or ``<img>`` element, taken as it is.
    caption
        Plain text.
    wide
        Let the figure take the whole width of the page.
    scroll
        Keep the figure legible on a narrow screen: it scrolls sideways there.
    """
    if scroll:
        content = f'<div class="scroll">{content}</div>'
    kind = ' class="wide"' if wide else ""
    words = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure{kind}>{content}{words}</figure>"


def render_pair(*figures: str) -> str:
    """Set figures side by side where the screen is wide enough."""
    return f'<div class="pair">{"".join(figures)}</div>'


def embed_svg(svg: str, *, name: str, title: str) -> str:
    """Make an SVG file fit to stand inside a page.

    Colours of :mod:`hilum.metrics.displays` become those of the page, by day and by night.

    Parameters
    ----------
    svg
        The text of an SVG file; what stands before its ``<svg>`` is left out.
    name
        A word that no other figure of the page has: it keeps the identifiers apart.
    title
        What the figure shows, for those who do not see it.
    """
    start = svg.index("<svg")
    body = svg[start:]
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    for color, (day, _) in COLORS.items():
        body = body.replace(day, f"var(--{color})")
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    body = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
    return body.replace("<svg", f'<svg role="img" aria-label="{escape(title)}"', 1).strip()
