"""Finding a model by name, spec, weights or folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from factories.networks import write_tiny_network
from hilum.errors import SpecMismatchError, UnknownModelError
from hilum.models import zoo
from hilum.models.zoo import DEFAULT_MODEL, list_models, resolve_model


@pytest.fixture
def own_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zoo with three models, one of them the default."""
    folder = tmp_path / "zoo"
    for name in ("zebra", "ant", DEFAULT_MODEL):
        write_tiny_network(folder, name=name)
    monkeypatch.setattr(zoo, "_ZOO", folder)
    return folder


def test_lists_the_default_first_and_the_others_by_name(own_zoo: Path) -> None:
    assert [spec.name for spec in list_models()] == [DEFAULT_MODEL, "ant", "zebra"]


def test_none_is_the_default(own_zoo: Path) -> None:
    spec, folder = resolve_model()
    assert (spec.name, folder) == (DEFAULT_MODEL, own_zoo)


def test_a_name_is_a_shipped_model_and_wins_over_a_folder_here(
    own_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_network(tmp_path / "work" / "ant", name="mine")
    monkeypatch.chdir(tmp_path / "work")
    assert resolve_model("ant")[0].name == "ant"
    assert resolve_model("./ant")[0].name == "mine"
    assert resolve_model(Path("ant"))[0].name == "mine"


@pytest.mark.parametrize("given", ["own/tiny.json", "own/tiny.onnx", "own"])
def test_a_path_is_a_spec_its_weights_or_their_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    write_tiny_network(tmp_path / "own")
    monkeypatch.chdir(tmp_path)
    for path in (given, Path(given), tmp_path / given):
        spec, folder = resolve_model(path)
        assert spec.name == "tiny"
        assert folder.resolve() == tmp_path / "own"


def test_other_json_files_in_the_folder_do_not_confuse(tmp_path: Path) -> None:
    write_tiny_network(tmp_path)
    (tmp_path / "metrics.json").write_text('{"auc": 0.9}')
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "broken.json").write_text("{")
    assert resolve_model(tmp_path)[0].name == "tiny"


@pytest.mark.parametrize("given", ["nothing", "nothing.json", "a/b", "", ".", "..", "*", "\x00"])
def test_an_unknown_model_is_told_with_the_shipped_ones(
    own_zoo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    empty = tmp_path / "outer" / "empty"
    empty.mkdir(parents=True)
    monkeypatch.chdir(empty)
    with pytest.raises(UnknownModelError, match=f"ant, {DEFAULT_MODEL}, zebra"):
        resolve_model(given)


def test_a_folder_with_two_specs_asks_for_one(tmp_path: Path) -> None:
    write_tiny_network(tmp_path, name="one")
    write_tiny_network(tmp_path, name="two")
    with pytest.raises(UnknownModelError, match=r"one\.json, two\.json"):
        resolve_model(tmp_path)


def test_weights_without_a_spec_are_told(tmp_path: Path) -> None:
    write_tiny_network(tmp_path)
    (tmp_path / "tiny.json").unlink()
    with pytest.raises(UnknownModelError, match=r"tiny\.json"):
        resolve_model(tmp_path / "tiny.onnx")


def test_a_damaged_spec_is_a_mismatch_and_not_unknown(own_zoo: Path) -> None:
    (own_zoo / "ant.json").write_text('{"spec_format": 1}')
    with pytest.raises(SpecMismatchError):
        resolve_model("ant")
    with pytest.raises(SpecMismatchError):
        list_models()
