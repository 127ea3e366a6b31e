"""Write what the shipped specs say into the tables of the documentation: ``make cards``.

    python tests/shipped_tables.py

A table that stands below ``<!-- shipped: NAME -->`` gets the rows of every shipped model anew,
above the rows of others; the README's figures are those of the default model.
``tests/test_house.py`` compares.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path
from statistics import fmean
from types import MappingProxyType

import yaml

from hilum.files import write_whole
from hilum.models.zoo import list_models
from hilum.report.figures import render_metrics_table
from hilum.spec import ModelSpec
from hilum.spec.faithfulness import Faithfulness, MapFaithfulness
from hilum.spec.metrics import Interval

ROOT = Path(__file__).resolve().parents[1]
_MARK = re.compile(r"<!-- shipped: (\w+) -->")
_BLOCK = re.compile(r"(?<=<!-- figures:begin -->\n).*?(?=<!-- figures:end -->)", re.DOTALL)

Row = tuple[str, ...]


def list_planted(spec: ModelSpec) -> Iterator[Row]:
    """How well each map finds planted opacities."""
    for name, found in _list_maps(spec):
        yield f"`{name}`", *(write_interval(one) for one in (found.hit, found.iou, found.inside))


def list_orders(spec: ModelSpec) -> Iterator[Row]:
    """By how much the order of each map's pixels is better than chance."""
    for name, found in _list_maps(spec):
        gains = found.deletion_gain, found.insertion_gain, found.road_gain
        yield f"`{name}`", *(write_interval(one, 3) for one in gains)


def list_correlations(spec: ModelSpec) -> Iterator[Row]:
    """How each map changes with the film and with the weights."""
    for name, found in _list_maps(spec):
        changed = (f"{one.value:.2f}" for one in (found.noise, found.shift, found.tone))
        shuffled = found.random_weights
        yield f"`{name}`", *changed, "–" if shuffled is None else write_interval(shuffled)


def list_shortcuts(spec: ModelSpec) -> Iterator[Row]:
    """Where the network looks."""
    found = _take_faithfulness(spec)
    aucs = found.auc, found.auc_lungs_only, found.auc_lungs_levelled
    flat = f"{found.outside_lungs_flat:.2f}"
    yield write_interval(found.outside_lungs), flat, *(write_interval(one, 3) for one in aucs)


def list_published(spec: ModelSpec) -> Iterator[Row]:
    """AUC and accuracy on the test films, beside those of others."""
    found = spec.metrics["test"]
    point = found.operating_points[spec.default_operating_point]
    card = f"[its card](models/{spec.name}.md), with intervals"
    yield f"{found.roc_auc.value:.3f}", f"{point.accuracy.value:.1%}".replace("%", " %"), card


def list_trained(spec: ModelSpec) -> Iterator[Row]:
    """What it began with and learned from, its validation AUCs, and the AUC on the test films."""
    recipe = yaml.safe_load((ROOT / "recipes" / f"{spec.name}.yaml").read_text(encoding="utf-8"))
    begun = recipe["network"]["init"]
    weights = {"none": "random"}.get(begun, begun.removesuffix("-pytorch-model"))
    teachers = recipe.get("distillation", {}).get("teachers", ["–"])
    found = spec.validation_auc
    aucs = found["clean"], fmean(found.values()), min(found.values())
    yield (
        weights.removeprefix("hilum-"),
        ", ".join(teacher.removeprefix("hilum-") for teacher in teachers),
        str(recipe["optimization"]["epochs"]),
        *(f"{auc:.4f}" for auc in aucs),
        f"{spec.operating_points['sensitivity_99'].specificity:.3f}",
        write_interval(spec.metrics["test"].roc_auc, 3),
    )


def list_coverage(spec: ModelSpec) -> Iterator[Row]:
    """What the zone of uncertain answers holds on the test films, and what is answered."""
    found = spec.metrics["test"].restraint
    assert found is not None, f"hilum evaluate {spec.name} --record"
    shares = found.covered_positive, found.covered_negative, found.uncertain
    yield *map(write_share, shares), str(found.answered), write_share(found.accuracy)


TABLES: MappingProxyType[str, Callable[[ModelSpec], Iterator[Row]]] = MappingProxyType(
    {
        "planted": list_planted,
        "orders": list_orders,
        "correlations": list_correlations,
        "shortcuts": list_shortcuts,
        "published": list_published,
        "trained": list_trained,
        "coverage": list_coverage,
    }
)


def fill_tables(text: str) -> str:
    """Give a page with every marked table as the shipped specs have it."""
    lines = text.splitlines(keepends=True)
    out: list[str] = []
    while lines:
        out.append(lines.pop(0))
        if mark := _MARK.fullmatch(out[-1].strip()):
            table = list(takewhile(lambda line: line.startswith("|"), lines[1:]))
            del lines[: 1 + len(table)]
            of_others = (row for row in table[2:] if not re.match(r"\| `hilum-", row))
            out += ["\n", *table[:2], *_write_rows(mark[1]), *of_others]
    return _BLOCK.sub(lambda _: render_metrics_table(list_models()[0], "test") + "\n", "".join(out))


def list_pages() -> list[Path]:
    """The pages that have such tables, or figures."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [page for page in pages if _MARK.search(text := page.read_text()) or _BLOCK.search(text)]


def write_interval(interval: Interval, digits: int = 2) -> str:
    """Write a figure with its bounds, as the pages do."""
    value, low, high = (
        f"{one:.{digits}f}".replace("-", "−")
        for one in (interval.value, interval.low, interval.high)
    )
    return f"{value} ({low}–{high})"


def write_share(interval: Interval | None) -> str:
    """Write a share with its bounds, in percent."""
    assert interval is not None, "a share of no films"
    value, low, high = (f"{100 * one:.1f}" for one in (interval.value, interval.low, interval.high))
    return f"{value} % ({low}–{high})"


def _write_rows(table: str) -> Iterator[str]:
    for spec in list_models():
        for row in TABLES[table](spec):
            yield f"| {' | '.join((f'`{spec.name}`', *row))} |\n"


def _list_maps(spec: ModelSpec) -> Iterator[tuple[str, MapFaithfulness]]:
    yield from _take_faithfulness(spec).methods.items()


def _take_faithfulness(spec: ModelSpec) -> Faithfulness:
    assert spec.faithfulness is not None, f"hilum faithfulness {spec.name} --record"
    return spec.faithfulness


if __name__ == "__main__":
    for page in list_pages():
        write_whole(page, fill_tables(page.read_text()))
