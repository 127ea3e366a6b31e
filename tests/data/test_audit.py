from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from factories.datasets import (
    draw_texture,
    encode_jpeg,
    make_shortcut_set,
    write_files,
)
from factories.films import make_dicom
from hilum.data import find_datasets, read_dataset
from hilum.data.audit import Audit, audit_datasets
from hilum.data.findings import Level
from hilum.errors import DatasetError


def audit(folder: Path) -> Audit:
    return audit_datasets(find_datasets(folder))


def list_findings(found: Audit, level: Level) -> list[str]:
    return [one.text for one in found.findings if one.level == level]


def test_a_shortcut_is_found_with_the_groups_that_tell(tmp_path: Path) -> None:
    write_files(tmp_path, make_shortcut_set())
    found = audit(tmp_path)
    (one,) = found.sets
    assert (one.films, one.patients) == (48, 24)
    assert any("Size and aspect alone" in text for text in list_findings(found, "warning"))
    normal, pneumonia = one.cells
    assert (normal.label, normal.films, normal.patients, normal.most_films_of_a_patient) == (
        "NORMAL",
        24,
        12,
        2,
    )
    assert normal.formats == {"JPEG": 24}
    assert normal.jpeg_quality is not None
    assert pneumonia.jpeg_quality is not None
    assert (normal.jpeg_quality.median, pneumonia.jpeg_quality.median) == (95, 60)
    assert pneumonia.aspect is not None
    assert pneumonia.aspect.median == pytest.approx(1.5, abs=0.03)


def test_films_made_alike_raise_no_alarm(tmp_path: Path) -> None:
    write_files(tmp_path, make_shortcut_set(telling=False))
    found = audit(tmp_path)
    assert "How the films were made does not tell the classes apart." in list_findings(
        found, "note"
    )
    assert found.sets[0].resplit is not None
    # Two films of each patient: about four in five of the other halves are in training.
    assert 0.6 < found.sets[0].resplit.leaking_share < 1.0
    (leak,) = list_findings(found, "warning")
    assert "A random 8:2 split of 'all' leaks" in leak


def test_leaks_and_contradictions_between_parts_are_faults(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    films = [encode_jpeg(draw_texture(rng)) for _ in range(8)]
    write_files(
        tmp_path,
        {
            "train/NORMAL/IM-1-1.jpeg": films[0],
            "train/NORMAL/IM-2-1.jpeg": films[1],
            "train/PNEUMONIA/person1_virus_1.jpeg": films[2],
            "train/PNEUMONIA/person2_virus_1.jpeg": films[1],  # the label of IM-2 contradicts
            "test/NORMAL/IM-1-2.jpeg": films[4],  # IM-1 is in train too
            "test/PNEUMONIA/person9_virus_1.jpeg": films[2],  # a file of train
        },
    )
    found = audit(tmp_path)
    faults = list_findings(found, "fault")
    assert any("1 patients have films in both train and test; 1 films" in text for text in faults)
    assert any("2 groups of identical files (4 films), 1 of them across parts" in f for f in faults)
    assert any("1 groups of identical files carry different labels" in text for text in faults)
    assert [one.level for one in found.findings] == sorted(
        (one.level for one in found.findings), key=["fault", "warning", "note"].index
    )
    assert "needs 10 patients" in found.sets[0].shortcut_unscored


def test_an_unreadable_film_in_the_middle_is_a_finding_and_stops_nothing(tmp_path: Path) -> None:
    files = make_shortcut_set()
    name = sorted(files)[20]
    write_files(tmp_path, {**files, name: files[name][:200], "NORMAL/empty.jpeg": b""})
    found = audit(tmp_path)
    (one,) = found.sets
    assert [path for path, _ in one.unread] == [name, "NORMAL/empty.jpeg"]
    assert one.films == 49
    assert sum(cell.unread for cell in one.cells) == 2
    assert list_findings(found, "fault") == ["2 of 49 films cannot be read."]
    assert one.shortcuts


def test_a_set_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    write_files(tmp_path, {"NORMAL/a.jpeg": b"x", "PNEUMONIA/b.jpeg": b"y"})
    with pytest.raises(DatasetError, match="None of the 2 films"):
        audit(tmp_path)


def test_dicom_films_of_a_manifest(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for number in range(4):
        name = f"{number}.dcm"
        write_files(tmp_path, {name: make_dicom(draw_texture(rng), bits_stored=8)})
        rows.append(f"{name},{number % 2},p{number}\n")
    (tmp_path / "films.csv").write_text("path,label,patient\n" + "".join(rows))
    found = audit_datasets({"films": read_dataset(tmp_path / "films.csv")})
    (one,) = found.sets
    assert [cell.formats for cell in one.cells] == [{"DICOM": 2}, {"DICOM": 2}]
    assert one.cells[0].jpeg_quality is None
    assert one.patients == 4


def test_unknown_patients_are_said_to_be_unknown(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for folder in ("NORMAL", "PNEUMONIA"):
        write_files(tmp_path, {f"{folder}/{i}.jpeg": encode_jpeg(draw_texture(rng)) for i in "ab"})
    found = audit(tmp_path)
    assert found.sets[0].patients is None
    assert any("nothing tells the patient" in text for text in list_findings(found, "warning"))


def test_json_holds_numbers_and_texts_alone(tmp_path: Path) -> None:
    files = make_shortcut_set()
    write_files(tmp_path / "a", files)
    write_files(tmp_path / "b", dict(list(files.items())[::5]))
    found = audit(tmp_path)
    plain = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert plain["schema"] == "hilum-data-audit/1"
    assert len(plain["across"]) == 10
    assert all(group["relation"] == "identical" for group in plain["across"])


@pytest.mark.data
@pytest.mark.slow
def test_faults_of_the_kermany_set_are_found(dataset: Path) -> None:
    found = audit(dataset)
    whole, native = found.sets
    assert (len(whole.identical), len(whole.near_duplicates)) == (30, 0)
    assert not whole.shared_patients
    assert whole.resplit is not None
    assert 0.35 < whole.resplit.leaking_share < 0.45
    assert len(found.across) == 48
    scores = {(one.name, score.group): score for one in found.sets for score in one.shortcuts}
    assert scores["chest_xray_native_size", "resolution"].low > 0.75
    assert scores["chest_xray_native_size", "all"].low > 0.95
    assert ("chest_xray", "resolution") not in scores
    assert scores["chest_xray", "margin"].low > 0.9
    assert scores["chest_xray", "all"].low > 0.95
    assert (scores["chest_xray", "all"].transferred or 1) < scores["chest_xray", "all"].low
    assert not native.unread
