from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from factories.datasets import draw_texture, encode_jpeg, make_shortcut_set, write_files
from hilum.data import find_datasets
from hilum.data.audit import Audit, audit_datasets
from hilum.report.audit import render_audit


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    folder = tmp_path_factory.mktemp("films")
    files = make_shortcut_set()
    write_files(folder / "one", files)
    write_files(folder / "one", {"NORMAL/again.jpeg": files["NORMAL/IM-0-0.jpeg"]})
    write_files(folder / "one", {"NORMAL/<b>broken.jpeg": b"x"})
    write_files(folder / "two", dict(list(files.items())[::5]))
    return audit_datasets(find_datasets(folder))


class Balance(HTMLParser):
    """Counts that every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        if tag not in {"meta", "br", "img", "wbr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_page_is_whole_escaped_and_shows_no_film(found: Audit) -> None:
    page = render_audit(found)
    parser = Balance()
    parser.feed(page)
    assert parser.open == []
    assert {"svg", "table"} <= parser.seen
    assert "img" not in parser.seen
    assert "<b>broken" not in page
    assert "&lt;b&gt;broken" in page
    assert not re.search(r"(src|href)=\"(?!#)", page)


def test_page_says_what_was_found(found: Audit) -> None:
    page = render_audit(found)
    text = re.sub(r"<[^>]+>", " ", page)
    for finding in found.findings:
        assert finding.text.replace("'", "&#x27;") in page
    for title in ("Shortcut score, one", "Duplicates, two", "Unreadable films, one"):
        assert title in text
    score = found.sets[0].shortcuts[-1]
    assert f"{score.auc:.3f} ({score.low:.3f} to {score.high:.3f})" in text
    assert "NORMAL/IM-0-0.jpeg<br>NORMAL/again.jpeg" in page


def test_a_set_without_a_score_says_why(tmp_path: Path) -> None:
    for folder in ("NORMAL", "PNEUMONIA"):
        write_files(tmp_path, {f"{folder}/a.jpeg": b""})
    rng = np.random.default_rng(0)
    for folder in ("NORMAL", "PNEUMONIA"):
        write_files(tmp_path, {f"{folder}/b.jpeg": encode_jpeg(draw_texture(rng))})
    page = render_audit(audit_datasets(find_datasets(tmp_path)))
    assert "needs 10 patients of each class" in page
    assert "The same for all films. Width, px: 96" in page
