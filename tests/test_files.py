from __future__ import annotations

from pathlib import Path

import pytest

from hilum.files import replacing, write_whole


def test_a_full_disk_leaves_the_file_before(tmp_path: Path) -> None:
    write_whole(tmp_path / "history.csv", b"before")
    (tmp_path / "history.csv.partial").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "history.csv", b"after")
    assert (tmp_path / "history.csv").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir()] == ["history.csv"]


def test_text_is_written_as_utf_8_with_its_own_line_ends(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.txt", "폐\n")
    assert (tmp_path / "a.txt").read_bytes() == "폐\n".encode()


def test_an_interruption_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("before")

    def write_and_stop() -> None:
        with replacing(path) as partial:
            partial.write_text("aft")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_stop()
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with replacing(path, name="1") as first, replacing(path, name="2") as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # its block ended last
    assert list(tmp_path.iterdir()) == [path]


def test_a_block_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a.txt"):
        pass
