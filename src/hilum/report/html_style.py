"""The style sheet of the reports: paper and ink by day, a dark reading room by night.

Serif for what is read, sans for what is looked up. Orange is pneumonia and blue is normal, as
on the evidence overlay; green and red are kept for right and wrong.
"""

from __future__ import annotations

from hilum.metrics.displays.style import COLORS as DAY

# Text colours reach 4.5:1 on their grounds, by day and by night (WCAG AA); a test computes it.
_NIGHT = {
    "paper": "#121517",
    "raised": "#1b2023",
    "line": "#323a3f",
    "ink": "#dcdfe1",
    "muted": "#9aa4ab",
    "accent": "#a9c9b4",
    "positive": "#f0985a",
    "negative": "#7fb2e6",
    "right": "#7fce93",
    "wrong": "#f2938a",
    "third": "#c4a0e0",
    "fourth": "#d8bd63",
}
# Name: (by day, by night). By day as in the figures, so that they can change with the page.
COLORS = {name: (day, _NIGHT[name]) for name, day in DAY.items()}


def _list_properties(side: int) -> str:
    return " ".join(f"--{name}: {colors[side]};" for name, colors in COLORS.items())


STYLE_SHEET = (
    f"""
:root {{ color-scheme: light dark; {_list_properties(0)}
  --serif: Charter, "Bitstream Charter", "Iowan Old Style", "Palatino Linotype", Palatino,
    Georgia, "DejaVu Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans",
    Arial, sans-serif; }}
@media (prefers-color-scheme: dark) {{ :root {{ {_list_properties(1)} }} }}
"""
    + """
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 3rem clamp(1.1rem, 4vw, 3rem) 2.5rem; max-width: 84rem;
  background: var(--paper); color: var(--ink); font: 1.06rem/1.62 var(--serif);
  display: grid; grid-template-columns: minmax(0, 1fr); }
h1, h2, h3 { font-weight: 600; line-height: 1.22; text-wrap: balance; margin: 0; }
h1 { font-size: clamp(1.75rem, 1.3rem + 1.8vw, 2.5rem); letter-spacing: -0.012em; }
h2 { font-size: 1.45rem; margin-bottom: 0.9rem; }
h3 { font-size: 1.1rem; margin: 2rem 0 0.5rem; }
p { margin: 0 0 0.9rem; max-width: 68ch; overflow-wrap: break-word; }
.lead { color: var(--muted); font-size: 1.16rem; margin: 0.55rem 0 0; }
.quiet { color: var(--muted); font: 0.9rem/1.55 var(--sans); max-width: 76ch; }
a { color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: 0.18em; }
code { font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: 0.86em; overflow-wrap: anywhere; }
header { padding-bottom: 1.5rem; border-bottom: 1px solid var(--line); }
nav { font: 0.88rem/1.5 var(--sans); padding: 1rem 0 0; }
nav ol { margin: 0; padding: 0; list-style: none; display: flex; flex-wrap: wrap;
  gap: 0.15rem 1.1rem; }
nav a { color: var(--muted); text-decoration: none; }
nav a:hover { color: var(--ink); text-decoration: underline; }
section { padding-top: 2.6rem; }
figure { margin: 1.2rem 0 1.8rem; max-width: 46rem; min-width: 0; }
figure.wide { max-width: none; }
figure svg { display: block; width: 100%; height: auto; overflow: visible; }
figure svg text { font-family: var(--sans) !important; }
figure .scroll { margin: 0; }
figure .scroll svg { min-width: 32rem; }
figure img { display: block; max-width: 100%; height: auto; border-radius: 3px; }
figcaption { color: var(--muted); font: 0.87rem/1.5 var(--sans); margin-top: 0.55rem;
  max-width: 72ch; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr));
  gap: 0.5rem 2.2rem; align-items: start; }
.scroll { overflow-x: auto; margin: 1rem 0 1.6rem; }
table { border-collapse: collapse; font: 0.89rem/1.45 var(--sans);
  font-variant-numeric: tabular-nums lining-nums; }
caption { text-align: left; color: var(--muted); padding-bottom: 0.5rem; }
th, td { text-align: left; padding: 0.42rem 1.2rem 0.42rem 0; vertical-align: baseline;
  border-bottom: 1px solid var(--line); font-weight: 400; }
thead th { color: var(--muted); font-size: 0.92em; border-bottom-color: var(--muted); }
tbody th { font-weight: 600; }
th.number, td.number { text-align: right; white-space: nowrap; }
td small { display: block; color: var(--muted); font-size: 0.84em; }
dl { margin: 0; }
dt { color: var(--muted); font: 0.84rem/1.4 var(--sans); }
dd { margin: 0; }
.facts { display: grid; gap: 0.8rem 1.8rem; margin: 1rem 0 1.6rem;
  grid-template-columns: repeat(auto-fill, minmax(min(15rem, 100%), 1fr)); }
.facts dd { font: 0.95rem/1.45 var(--sans); overflow-wrap: anywhere; }
.key { display: flex; flex-wrap: wrap; gap: 1.3rem 2.8rem; margin: 0.4rem 0 1.8rem; }
.key dd { font-size: 2.15rem; line-height: 1.15; letter-spacing: -0.01em;
  font-variant-numeric: tabular-nums lining-nums; margin-top: 0.1rem; }
.key small { display: block; color: var(--muted); font: 0.82rem/1.4 var(--sans);
  letter-spacing: 0; margin-top: 0.25rem; }
.films { display: grid; gap: 1.1rem; margin: 1rem 0 1.8rem;
  grid-template-columns: repeat(auto-fill, minmax(min(11.5rem, 46%), 1fr)); }
.films figure { margin: 0; }
.films img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #000; }
.films figcaption { margin-top: 0.4rem; overflow-wrap: anywhere; font-size: 0.8rem; }
.films .views { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: 3px; }
.films.large { grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); }
.films b { display: block; font-size: 0.88rem; font-weight: 600; }
.right { color: var(--right); } .wrong { color: var(--wrong); }
footer { margin-top: 3.2rem; padding-top: 1rem; border-top: 1px solid var(--line);
  color: var(--muted); font: 0.85rem/1.55 var(--sans); }
footer p { margin: 0 0 0.25rem; max-width: none; overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (min-width: 72rem) {
  body { grid-template-columns: 13rem minmax(0, 1fr); column-gap: 3.2rem; }
  header, footer { grid-column: 1 / -1; }
  nav { position: sticky; top: 1.5rem; align-self: start; padding-top: 2.75rem; }
  nav ol { flex-direction: column; gap: 0.42rem; }
  nav + main { grid-column: 2; }
  header + main { grid-column: 1 / -1; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print { body { display: block; max-width: none; padding: 0; } nav { display: none; }
  section, figure, tr { break-inside: avoid; } }
"""
)
