"""The page's look, in one place: the two palettes, Streamlit's theme and the style sheet.

Dark for the reading room, and light for whoever chooses it. The interface is grey and one green;
orange and blue are left to the evidence, where they mean something, and films stand on black
in both. Text reaches a contrast of 4.5:1 (WCAG AA) on every ground it stands on; a test
computes it. Nothing is fetched from anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal, cast, get_args

from PIL import Image, ImageDraw

Theme = Literal["dark", "light"]


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme, as ``#rrggbb``.

    ground, surface, raised
        What text stands on, each a step from the one before.
    line
        Borders.
    text, muted, accent
        Words, quieter words, and what is chosen or can be.
    bar
        The filled part of the probability's scale.
    film_ground
        Black in every theme: a film is read on black.
    series
        Marks of a chart, by what they stand for; told apart by lightness too.
    """

    base: Theme
    ground: str
    surface: str
    raised: str
    line: str
    text: str
    muted: str
    accent: str
    bar: str
    series: Mapping[str, str] = field(default_factory=dict)
    film_ground: str = "#000000"


DARK = Palette(
    base="dark",
    ground="#0b0e11",
    surface="#12171b",
    raised="#1b2228",
    line="#2b353d",
    text="#d7dde2",
    muted="#98a4ae",
    accent="#a9c9b4",
    bar="#7d8a94",
    series={"positive": "#e0a458", "negative": "#6f9fd8", "open": "#d7dde2", "none": "#98a4ae"},
)
LIGHT = Palette(
    base="light",
    ground="#fbfcfc",
    surface="#f1f4f5",
    raised="#e4e9eb",
    line="#c3ccd1",
    text="#1b2329",
    muted="#4c5963",
    accent="#20663f",
    bar="#67757f",
    series={"positive": "#a85f0a", "negative": "#2f6db5", "open": "#1b2329", "none": "#7b8790"},
)
PALETTES: Mapping[Theme, Palette] = {"dark": DARK, "light": LIGHT}
FIRST_THEME: Theme = "dark"

# What the letters are called that are lent to a browser; asked for where it knows none of its own.
HANGUL = "Hilum Hangul"
FONT = f'"Source Sans", sans-serif, "{HANGUL}"'


def check_theme(name: str) -> Theme:
    """Give the name of a theme back.

    Raises
    ------
    ValueError
        There is no such theme.
    """
    if name not in get_args(Theme):
        raise ValueError(f'There is no theme "{name}". There are: {", ".join(PALETTES)}.')
    return cast("Theme", name)


def describe_theme(palette: Palette) -> dict[str, str]:
    """Give the options of Streamlit's own theme that fit the palette."""
    return {
        "base": palette.base,
        "primaryColor": palette.accent,
        "backgroundColor": palette.ground,
        "secondaryBackgroundColor": palette.surface,
        "textColor": palette.text,
        "linkColor": palette.accent,
        "borderColor": palette.line,
        "showWidgetBorder": "true",
        "baseRadius": "6px",
        "buttonRadius": "6px",
        "baseFontSize": "15",
        "font": FONT,
    }


def _write_colors(palette: Palette) -> str:
    return f""":root {{
  color-scheme: {palette.base};
  --ground: {palette.ground}; --surface: {palette.surface}; --raised: {palette.raised};
  --line: {palette.line}; --text: {palette.text}; --muted: {palette.muted};
  --accent: {palette.accent}; --bar: {palette.bar}; --film-ground: {palette.film_ground};
  --positive: {palette.series["positive"]}; --negative: {palette.series["negative"]};
}}"""


# Streamlit gives a container with a key the class "st-key-<key>" and wraps it in a
# stLayoutWrapper: the grid places those wrappers. On a narrow screen the result comes
# before the knobs; without :has() the blocks simply follow one another.
_LAYOUT = """
[data-testid="stHeader"], [data-testid="stToolbar"], [data-testid="stDecoration"] {
  display: none;
}
[data-testid="stMainBlockContainer"] { padding: 1rem 1.75rem 1.5rem; max-width: 1760px; }
.st-key-desk {
  display: grid; gap: 1.1rem 1.75rem; align-items: start;
  grid-template-columns: 292px minmax(0, 1fr); grid-template-rows: auto 1fr;
}
.st-key-desk > div { width: auto; min-width: 0; }
.st-key-desk > div:has(> .st-key-choose) { grid-column: 1; grid-row: 1; }
.st-key-desk > div:has(> .st-key-stage) { grid-column: 2; grid-row: 1 / span 2; }
.st-key-desk > div:has(> .st-key-tune) { grid-column: 1; grid-row: 2; }
.st-key-sheet { display: grid; gap: 0.9rem 1.25rem; align-items: start;
  grid-template-columns: repeat(2, minmax(0, 1fr)); }
.st-key-sheet > div { width: auto; min-width: 0; }
.st-key-sheet > div:has(> .st-key-viewer_side) { grid-column: 1 / -1; grid-row: 1; }
.st-key-sheet > div:has(> .st-key-facts) { grid-column: 1; grid-row: 2; }
.st-key-sheet > div:has(> .st-key-words) { grid-column: 2; grid-row: 2; }
@media (max-width: 620px) {
  .st-key-sheet { display: flex; flex-direction: column; align-items: stretch; }
}
@media (max-width: 860px) {
  [data-testid="stMainBlockContainer"] { padding: 0.75rem 1rem 1.5rem; }
  .st-key-desk { display: flex; flex-direction: column; align-items: stretch; }
}
"""

_PARTS = """
.mast { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.2rem 1.1rem;
  padding-bottom: 0.6rem; border-bottom: 1px solid var(--line); }
.mast h1 { font-size: 1.3rem; font-weight: 600; letter-spacing: 0.16em; margin: 0; padding: 0;
  color: var(--text); }
.mast p { margin: 0; color: var(--muted); font-size: 0.9rem; }
.mast .use { margin-left: auto; }
.st-key-head { gap: 0.7rem 1.25rem; flex-wrap: wrap; justify-content: space-between; }
.st-key-head > div:has(> .st-key-ways) { flex: 1 1 auto; width: auto; }
.st-key-switches { gap: 0.4rem 0.75rem; flex-wrap: wrap; }
/* A line of Korean breaks between words, not within them. */
:root:lang(ko) { word-break: keep-all; overflow-wrap: break-word; }
:root:lang(ko) .part { letter-spacing: 0.02em; }
/* Streamlit fades captions below AA on a light ground. */
[data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] p { color: var(--muted);
  opacity: 1; }
/* White on the pale green of the dark theme cannot be read. */
button[kind="primary"]:enabled, button[kind="primary"]:enabled p {
  color: var(--ground) !important; }
[data-testid="stMultiSelect"] [data-tag] { background: var(--raised); color: var(--text); }
[data-testid="stMultiSelect"] [data-tag] * { color: var(--text); }
.st-key-browser, .st-key-letters { display: none; }
.st-key-ways { gap: 0.25rem 1.25rem; flex-wrap: wrap; }
.st-key-ways a { padding: 0.2rem 0; border-radius: 0; background: none !important; }
.st-key-ways a p { font-size: 0.92rem; font-weight: 400; color: var(--muted); }
.st-key-ways a:hover p { color: var(--text); }
.st-key-here a { box-shadow: 0 2px 0 var(--accent); }
.st-key-here a p { color: var(--text); }

.st-key-row, .st-key-maps { display: grid; gap: 1.1rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 230px), 1fr)); }
.st-key-row > div, .st-key-maps > div { width: auto; min-width: 0; max-width: 460px; }
.st-key-row [data-testid="stImage"] img, .st-key-maps [data-testid="stImage"] img {
  background: var(--film-ground); border-radius: 4px; width: 100%; }
.card h3 { font-size: 0.92rem; font-weight: 600; margin: 0; padding: 0; overflow-wrap: anywhere; }
.card p { margin: 0.15rem 0 0; font-size: 0.92rem; }
.card .figure { font-size: 1.7rem; font-weight: 300; line-height: 1.15;
  font-variant-numeric: tabular-nums; }
.card .quiet { font-size: 0.84rem; }

dl.tally { display: flex; flex-wrap: wrap; gap: 0.5rem 2.2rem; margin: 0; padding: 0 !important; }
.tally dt { font-size: 0.84rem; color: var(--muted); margin: 0; font-weight: 400; }
.tally dd { margin: 0; font-size: 1.7rem; font-weight: 300; line-height: 1.2;
  font-variant-numeric: tabular-nums; }
.list { width: 100%; border-collapse: collapse; font-size: 0.92rem;
  font-variant-numeric: tabular-nums; }
.list th { text-align: left; font-weight: 600; color: var(--muted); }
.list th, .list td { padding: 0.4rem 0.9rem 0.4rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
.wide-list { overflow-x: auto; }
.st-key-card_text { max-width: 110ch; overflow-wrap: anywhere; }
.st-key-card_text table { display: block; overflow-x: auto; }
.st-key-card_text h1 { font-size: 1.35rem; }
.st-key-card_text h2 { font-size: 1.05rem; }
.prose { max-width: 76ch; }
.prose h2 { font-size: 1.05rem; font-weight: 600; margin: 1.2rem 0 0.3rem; padding: 0; }
.prose p, .prose li { font-size: 0.95rem; color: var(--text); }

.part { font-size: 0.78rem; font-weight: 600; letter-spacing: 0.09em; text-transform: uppercase;
  color: var(--muted); margin: 0; padding: 0; }

.answer { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.5rem 1.75rem;
  align-items: center; }
.answer .figure { font-size: 2.7rem; font-weight: 300; line-height: 1; color: var(--text);
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.answer .figure small { display: block; font-size: 0.84rem; font-weight: 400;
  color: var(--muted); margin-top: 0.45rem; }
.answer .words { margin: 0; font-size: 1.08rem; color: var(--text); }
.answer .words strong { font-weight: 600; }
.scale { position: relative; height: 6px; margin: 0.7rem 0 0.35rem; border-radius: 3px;
  background: var(--raised); box-shadow: inset 0 0 0 1px var(--line); }
.scale .fill { position: absolute; inset: 0 auto 0 0; border-radius: 3px;
  background: var(--bar); }
.scale .zone { position: absolute; top: -3px; height: 12px; border-radius: 3px;
  background: repeating-linear-gradient(135deg, var(--muted) 0 1px, transparent 1px 5px); }
.scale .mark { position: absolute; top: -4px; width: 2px; height: 14px; margin-left: -1px;
  background: var(--accent); }
.refusal { display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 0.5rem 1.75rem;
  align-items: center; padding: 0.9rem 1.1rem; background: var(--surface);
  border: 1px solid var(--line); border-radius: 6px; }
.refusal .figure { font-size: 1.9rem; font-weight: 300; line-height: 1.1; color: var(--text); }
.refusal p { margin: 0; color: var(--text); }
.refusal ul { margin: 0.3rem 0 0.4rem; padding-left: 1.1rem; color: var(--text); }
.ends { position: relative; display: flex; justify-content: space-between; font-size: 0.78rem;
  color: var(--muted); }
.ends .at { position: absolute; transform: translateX(-50%); color: var(--accent);
  white-space: nowrap; }

.st-key-sheet [data-testid="stImage"] img { background: var(--film-ground);
  border-radius: 4px; object-fit: contain; width: 100%;
  max-height: max(340px, calc(100vh - 425px)); }
.st-key-sheet [data-testid="stImage"] { width: 100%; }
.st-key-sheet .st-key-legend [data-testid="stImage"] img { background: none; border-radius: 0; }
.sentence { margin: 0; color: var(--text); font-size: 0.95rem; max-width: 76ch; }
.sentence + .sentence { margin-top: 0.35rem; }
.quiet { margin: 0; color: var(--muted); font-size: 0.84rem; line-height: 1.45; }

.note { margin: 0; padding: 0.5rem 0.85rem; background: var(--surface);
  border-left: 3px solid var(--text); border-radius: 0 4px 4px 0; font-size: 0.93rem;
  overflow-wrap: anywhere; }
.note + .note { margin-top: 0.4rem; }
.note b { font-weight: 600; margin-right: 0.35rem; }

.st-key-facts dl.facts { padding: 0; display: grid;
  grid-template-columns: repeat(auto-fill, minmax(148px, 1fr));
  gap: 0.55rem 1.25rem; margin: 0; }
.facts dt { font-size: 0.78rem; color: var(--muted); margin: 0; font-weight: 400; }
.facts dd { margin: 0; font-size: 0.92rem; color: var(--text); overflow-wrap: anywhere; }
.facts .wide { grid-column: 1 / -1; }

.empty { display: grid; place-content: center; justify-items: start; gap: 0.6rem;
  min-height: 58vh; padding: 2rem; background: var(--surface);
  border: 1px solid var(--line); border-radius: 6px; }
.empty h2 { font-size: 1.35rem; font-weight: 400; margin: 0; padding: 0; color: var(--text); }
.empty p { margin: 0; max-width: 52ch; color: var(--muted); }

.trouble { padding: 1.2rem 1.4rem; background: var(--surface); border: 1px solid var(--line);
  border-radius: 6px; }
.trouble h2 { font-size: 1.15rem; font-weight: 600; margin: 0 0 0.4rem; padding: 0; }
.trouble p { margin: 0.3rem 0 0; max-width: 72ch; }
.trouble .quiet { margin-top: 0.6rem; }

:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 860px) {
  .answer, .refusal { grid-template-columns: 1fr; }
  .mast .use { margin-left: 0; }
  .empty { min-height: 0; }
}
@media (prefers-reduced-motion: reduce) { * { transition: none !important;
  animation: none !important; } }
"""


# Curves beside their words; charts bring their own style (hilum.app.plot).
_CURVES = """
.st-key-looking, .st-key-model_curves { display: grid; gap: 1.1rem 1.75rem; align-items: start; }
.st-key-looking { grid-template-columns: minmax(0, 480px) minmax(0, 1fr); }
.st-key-model_curves { grid-template-columns: repeat(auto-fit, minmax(min(100%, 300px), 1fr)); }
.st-key-looking > div, .st-key-model_curves > div { width: auto; min-width: 0; max-width: 560px; }
.st-key-all_curves { max-width: 560px; }
.st-key-together { max-width: 640px; }
.st-key-looking dl.bought { padding: 0; display: grid; gap: 0.4rem 1.25rem;
  grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); }
.bought dd small { display: block; font-size: 0.84rem; font-weight: 400; color: var(--muted);
  line-height: 1.4; }
.figures th[scope="row"] { color: var(--text); white-space: nowrap; }
.figures td small { display: block; color: var(--muted); font-size: 0.84rem; }
@media (max-width: 1100px) { .st-key-looking { grid-template-columns: minmax(0, 1fr); } }
"""


@cache
def draw_icon() -> Image.Image:
    """Draw the browser tab's icon: a lung's two lobes and the light between them.

    A picture of our own, since Streamlit fetches named icons from a host of its choice.
    """
    side_px = 128
    icon = Image.new("RGB", (side_px, side_px), DARK.ground)
    pen = ImageDraw.Draw(icon)
    pen.rounded_rectangle((22, 30, 56, 106), radius=17, fill=DARK.muted)
    pen.rounded_rectangle((72, 30, 106, 106), radius=17, fill=DARK.muted)
    pen.ellipse((50, 52, 78, 80), fill=DARK.accent)
    return icon.resize((64, 64), Image.Resampling.LANCZOS)


def write_style_sheet(palette: Palette) -> str:
    """Write the style sheet of all pages, as HTML."""
    return f"<style>\n{_write_colors(palette)}\n{_LAYOUT}\n{_PARTS}\n{_CURVES}</style>"
