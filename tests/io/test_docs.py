"""The page on reading films and the code say the same."""

from __future__ import annotations

import re
from pathlib import Path

from hilum.io import WARNINGS

PAGE = Path(__file__).parents[2] / "docs" / "reading-films.md"


def test_the_page_lists_every_warning_once_and_no_other() -> None:
    section = PAGE.read_text(encoding="utf-8").split("## Warnings")[1].split("\n## ")[0]
    listed = re.findall(r"^\| `([a-z_]+)` \|", section, flags=re.MULTILINE)
    assert sorted(listed) == sorted(WARNINGS)
    assert len(listed) == len(set(listed))


def test_every_warning_is_given_somewhere() -> None:
    rooms = Path(__file__).parents[2] / "src" / "hilum" / "io"
    code = "".join(
        path.read_text(encoding="utf-8")
        for path in rooms.glob("*.py")
        if path.name != "film_warnings.py"
    )
    assert [name for name in WARNINGS if f'"{name}"' not in code] == []
