from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from factories.datasets import Picture, encode_jpeg, write_files
from hilum.data import read_dataset
from hilum.errors import DatasetError
from hilum.report.contact_sheet import (
    CELL_PX,
    choose_samples,
    draw_contact_sheet,
    render_contact_sheet,
)


def flat(grey: int) -> Picture:
    return np.full((90, 60), grey, dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Dark normal films and bright ones with pneumonia."""
    for number in range(5):
        write_files(tmp_path, {f"NORMAL/{number}.jpeg": encode_jpeg(flat(60))})
        write_files(tmp_path, {f"PNEUMONIA/{number}.jpeg": encode_jpeg(flat(200))})
    return tmp_path


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9])
def test_normal_is_left_and_pneumonia_right(folder: Path, count: int) -> None:
    root, films = read_dataset(folder)
    samples = choose_samples(root, films, count=count)
    assert [len(own) for own in samples.values()] == [min(count, 5)] * 2
    sheet = np.asarray(draw_contact_sheet(samples).convert("L"))
    middle = sheet.shape[1] // 2
    # A film fills its cell from top to bottom, two thirds of it across.
    expected = min(count, 5) * CELL_PX * CELL_PX * 2 / 3
    for side, grey in ((sheet[:, :middle], 60), (sheet[:, middle:], 200)):
        assert (np.abs(side.astype(int) - grey) <= 2).sum() == pytest.approx(expected, rel=0.05)


def test_the_seed_chooses_the_films(folder: Path) -> None:
    root, films = read_dataset(folder)

    def chosen(seed: int) -> list[str]:
        return [one.film.path for one in choose_samples(root, films, count=2, seed=seed)[0]]

    assert chosen(1) == chosen(1)
    assert len({tuple(chosen(seed)) for seed in range(8)}) > 2


def test_page_holds_each_film_and_its_size(folder: Path) -> None:
    root, films = read_dataset(folder)
    page = render_contact_sheet(choose_samples(root, films, count=3), name="<mine>")
    assert page.count('<img src="data:image/png;base64,') == 6
    assert page.index("<h3>Normal</h3>") < page.index("<h3>Pneumonia</h3>")
    assert "60 × 90 px" in page
    assert "<mine>" not in page


def test_a_film_that_cannot_be_read_is_named(folder: Path) -> None:
    (folder / "NORMAL" / "2.jpeg").write_bytes(b"x")
    root, films = read_dataset(folder)
    with pytest.raises(DatasetError, match=r"NORMAL/2\.jpeg cannot be shown"):
        choose_samples(root, films, count=5)


def test_a_class_without_films(folder: Path) -> None:
    root, films = read_dataset(folder)
    with pytest.raises(DatasetError, match="no film of the class pneumonia"):
        choose_samples(root, [film for film in films if film.label == 0])
