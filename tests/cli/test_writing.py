from __future__ import annotations

import errno
from pathlib import Path

import pytest

from hilum.cli.writing import check_target, write_output
from hilum.errors import ConfigError


def test_a_whole_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    write_output(path, lambda partial: partial.write_text("new"))
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(partial: Path) -> None:
        partial.write_text("ne")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(ConfigError, match=r"a\.txt cannot be written: No space left"):
        write_output(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_places_where_no_file_can_be(tmp_path: Path) -> None:
    check_target(tmp_path / "new.txt")
    with pytest.raises(ConfigError, match="is a folder"):
        check_target(tmp_path)
    with pytest.raises(ConfigError, match="no folder"):
        check_target(tmp_path / "absent" / "new.txt")
