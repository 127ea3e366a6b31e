from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from hilum.report.html import (
    RESEARCH_NOTE,
    Section,
    Stacked,
    embed_svg,
    render_facts,
    render_figure,
    render_page,
    render_paragraph,
    render_table,
)
from hilum.report.html_style import COLORS

NASTY = '<script>alert("x")</script> & more'
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Balance(HTMLParser):
    """Reads a page and holds what was opened and not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read_page(page: str) -> Balance:
    balance = Balance()
    balance.feed(page)
    assert not balance.open
    return balance


def make_page() -> str:
    table = render_table(
        ["name", NASTY],
        [["first", Stacked("0.9", "0.8 to 1.0")], [NASTY, 3]],
        caption=NASTY,
    )
    parts = render_paragraph(NASTY) + table + render_facts({NASTY: NASTY})
    figure = render_figure("<svg></svg>", NASTY, scroll=True)
    return render_page(
        NASTY,
        [Section("One", parts), Section("One", figure), Section(NASTY, "<p>as it is</p>")],
        subtitle=NASTY,
        details=NASTY,
    )


def test_page_is_well_formed_and_escapes_what_it_is_given() -> None:
    page = make_page()
    balance = read_page(page)
    assert "<script" not in page
    assert "<p>as it is</p>" in page
    anchors = [attrs["id"] for tag, attrs in balance.seen if tag == "section"]
    links = [attrs["href"] for tag, attrs in balance.seen if tag == "a"]
    assert len(set(anchors)) == 3
    assert links == [f"#{anchor}" for anchor in anchors]


def test_page_fetches_nothing_and_says_so_to_the_browser() -> None:
    page = make_page()
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|@import|url\((?!#|data:)", page)


def test_page_says_once_what_it_is() -> None:
    assert make_page().count(RESEARCH_NOTE) == 1


def test_a_single_section_has_no_contents() -> None:
    page = render_page("one", [Section("alone", "<p>text</p>")])
    assert "<nav" not in page
    assert "<footer>" in page


def compute_luminance(color: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(
        weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )


@pytest.mark.parametrize("side", [0, 1], ids=["day", "night"])
@pytest.mark.parametrize("name", sorted(set(COLORS) - {"paper", "raised", "line"}))
def test_text_is_legible_by_day_and_by_night(name: str, side: int) -> None:
    ground, text = (compute_luminance(COLORS[one][side]) for one in ("paper", name))
    contrast = (max(ground, text) + 0.05) / (min(ground, text) + 0.05)
    assert contrast >= 4.5


def test_a_figure_takes_the_colours_of_the_page_and_keeps_its_names_apart() -> None:
    ink = COLORS["ink"][0]
    svg = (
        '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><metadata>when</metadata>'
        f'<g id="a" style="fill: {ink}" clip-path="url(#b)"><use xlink:href="#c"/></g></svg>'
    )
    found = embed_svg(svg, name="roc", title='the "curve"')
    assert found.startswith('<svg role="img" aria-label="the &quot;curve&quot;"')
    for piece in ('id="roc-a"', "url(#roc-b)", 'href="#roc-c"', "fill: var(--ink)"):
        assert piece in found
    assert "metadata" not in found
    assert ink not in found
