from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factories.predictions import make_predictions
from hilum.errors import DatasetError
from hilum.evaluation import align_predictions, read_predictions, write_predictions

GOOD = "path,label,probability\na.png,0,0.1\nb.png,1,0.9\n"


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    drawn = make_predictions("drawn", patients=6)
    drawn = replace(
        drawn,
        gated=("", "looks_turned looks_foreign") * 6,
        uncertain=np.arange(len(drawn.films)) % 3 == 0,
    )
    write_predictions(drawn, tmp_path / "drawn.csv")
    again = read_predictions(tmp_path / "drawn.csv", part="test")
    assert again.name == "drawn"
    assert again.films == drawn.films
    assert again.logits is not None
    assert drawn.logits is not None
    np.testing.assert_array_equal(again.logits, drawn.logits)
    np.testing.assert_array_equal(again.probabilities, drawn.probabilities)
    assert again.gated == drawn.gated
    assert again.uncertain is not None
    np.testing.assert_array_equal(again.uncertain, drawn.uncertain)


def test_little_is_enough(tmp_path: Path) -> None:
    text = "\ufeffPath, LABEL ,note,probability\nx\\a.png,NORMAL,?,0.25\nb.png,Pneumonia,,1\n"
    found = read_predictions(write(tmp_path, text))
    assert [film.path for film in found.films] == ["x/a.png", "b.png"]
    assert found.labels.tolist() == [0, 1]
    assert found.scores.tolist() == [0.25, 1.0]
    assert len(set(found.patients)) == 2
    assert found.logits is None
    assert found.gated is None
    assert found.uncertain is None


def test_a_logit_alone_becomes_a_probability(tmp_path: Path) -> None:
    text = "path,label,logit\na.png,0,-1000\nb.png,1,0\n"
    found = read_predictions(write(tmp_path, text))
    assert found.probabilities.tolist() == [0.0, 0.5]
    assert found.scores.tolist() == [-1000.0, 0.0]


def test_names_of_the_known_set_tell_patient_and_pathogen(tmp_path: Path) -> None:
    text = "path,label,probability\nPNEUMONIA/person1_virus_7.jpeg,1,0.9\nIM-0003-0001.jpeg,0,0.2\n"
    found = read_predictions(write(tmp_path, text))
    assert found.patients == ["virus-1", "IM-0003"]
    assert found.films[0].pathogen == "virus"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "lacks the column path"),
        ("path,probability\na,0.1\n", "lacks the column label"),
        ("path,label\na,0\n", r"probability \(or logit\)"),
        ("path,label,probability\n", "holds no film"),
        (GOOD.replace("0.9", "nan"), "line 3: the probability is not a finite number"),
        (GOOD.replace("0.9", "high"), "line 3: the probability is not a finite number"),
        (GOOD.replace("0.9", ""), "line 3: there is neither a probability nor a logit"),
        (GOOD.replace("0.9", "1.5"), r"line 3: the probability is outside of \[0, 1\]"),
        (GOOD.replace("b.png,1", "b.png,pnuemonia"), "line 3.*PNEUMONIA"),
        (GOOD.replace("b.png,1", "b.png,2"), "line 3.*Known"),
        (GOOD.replace("b.png,1", "b.png,0"), "films of both classes"),
        (GOOD.replace("b.png", "a.png"), r"a\.png occurs more than once"),
        (GOOD.replace("b.png", ""), "line 3: the path is empty"),
        ('path,label,probability\n"a.png,0,0.1\n', "it is no CSV"),
    ],
)
def test_a_fault_is_named_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        read_predictions(write(tmp_path, text))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "film.csv"
    path.write_bytes(b"\xff\xfe\x00\x81" * 20)
    with pytest.raises(DatasetError, match=r"film\.csv cannot be read: it is no CSV"):
        read_predictions(path)
    with pytest.raises(DatasetError, match="No such file"):
        read_predictions(tmp_path / "missing.csv")


def test_models_are_put_on_the_same_films_in_one_order() -> None:
    first, second = make_predictions("a"), make_predictions("b", seed=1)
    paths = [film.path for film in first.films]
    shuffled = second.select(paths[::-1])
    _, aligned = align_predictions([first, shuffled])
    assert aligned.films == first.films
    np.testing.assert_array_equal(aligned.scores, second.scores)


def test_other_films_are_refused_unless_the_common_ones_are_asked_for() -> None:
    first, second = make_predictions("a"), make_predictions("b", seed=1)
    paths = [film.path for film in first.films]
    fewer = second.select(paths[3:])
    with pytest.raises(DatasetError, match="3 are only in the first and 0 only in the second"):
        align_predictions([first, fewer])
    aligned = align_predictions([first, fewer], common=True)
    assert [film.path for film in aligned[0].films] == paths[3:]
    other = replace(second, films=tuple(replace(f, path=f"x{f.path}") for f in second.films))
    with pytest.raises(DatasetError, match="share no film"):
        align_predictions([first, other], common=True)


@pytest.mark.parametrize("fact", ["label", "patient"])
def test_films_that_disagree_are_refused(fact: str) -> None:
    first, second = make_predictions("a"), make_predictions("b", seed=1)
    changes = {"label": 1, "patient": "someone else"}
    films = list(second.films)
    films[0] = replace(films[0], **{fact: changes[fact]})  # type: ignore[arg-type]
    with pytest.raises(DatasetError, match=rf"disagree on the {fact} of 0/0-0\.png"):
        align_predictions([first, replace(second, films=tuple(films))])
