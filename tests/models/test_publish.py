"""Pushing a model, against a stand-in of the hub on a real socket.

The hub's library takes the road of Git LFS here; its own protocol (Xet) has no stand-in, so
that one is switched off.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from factories.hub import READ_TOKEN, TOKEN, Hub, Repository, serve_hub
from factories.networks import write_tiny_network
from hilum.errors import ConfigError, HubError, MissingExtraError, SpecMismatchError
from hilum.models import publish
from hilum.models.publish import RepositoryFile, check_target, collect_files, push_files
from hilum.models.zoo import list_models, resolve_model
from hilum.spec import read_spec

pytest.importorskip("huggingface_hub", reason='needs the extra "hub"')

# The library's own way of calling its HTTP client.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

TARGET = "hospital/tiny"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub that the library may ask, and that has a token."""
    from huggingface_hub import close_session, constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    for name in ("HF_OIDC_RESOURCE", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    close_session()
    with serve_hub() as served:
        yield served
    close_session()


@pytest.fixture
def files(tmp_path: Path) -> tuple[RepositoryFile, ...]:
    spec = write_tiny_network(tmp_path / "model")
    return collect_files(spec, tmp_path / "model", "---\nlicense: mit\n---\n# tiny\n")


def push(hub: Hub, files: tuple[RepositoryFile, ...]) -> publish.Publication:
    return push_files(files, TARGET, message="tiny 1.0", endpoint=hub.url)


def test_what_lies_on_the_hub_is_what_was_sent(hub: Hub, files: tuple[RepositoryFile, ...]) -> None:
    done = push(hub, files)
    there = hub.repositories[TARGET]
    assert there.files == {file.name: file.data for file in files}
    for file in files:
        assert hashlib.sha256(there.files[file.name]).hexdigest() == file.sha256
    assert there.messages == ["tiny 1.0"]
    assert there.private
    assert (done.created, done.private) == (True, True)
    assert done.commit == there.head
    assert done.url == f"{hub.url}/{TARGET}"
    assert {"upload", "verify", "paths"} <= set(hub.requests)


def test_what_comes_from_the_hub_is_a_model(
    hub: Hub, files: tuple[RepositoryFile, ...], tmp_path: Path
) -> None:
    from huggingface_hub import snapshot_download

    push(hub, files)
    folder = snapshot_download(
        TARGET, endpoint=hub.url, token=TOKEN, local_dir=tmp_path / "fetched"
    )
    spec, place = resolve_model(folder)
    assert spec == read_spec(tmp_path / "model" / "tiny.json")
    assert (place / spec.weights.file).read_bytes() == files[2].data


def test_all_shipped_models_are_collected_whole() -> None:
    for shipped in list_models():
        spec, folder = resolve_model(shipped.name)
        collected = collect_files(spec, folder, "")
        names = {file.name for file in collected}
        assert names == {"README.md"} | {
            path.name for path in folder.glob(f"{spec.name}.*") if path.suffix != ".partial"
        }
        for file in collected[1:]:
            assert (folder / file.name).read_bytes() == file.data


def test_a_second_push_of_the_same_adds_no_commit(
    hub: Hub, files: tuple[RepositoryFile, ...]
) -> None:
    first, second = push(hub, files), push(hub, files)
    assert first.commit == second.commit
    assert len(hub.repositories[TARGET].commits) == 1
    assert not second.created


def test_a_repository_keeps_its_visibility(hub: Hub, files: tuple[RepositoryFile, ...]) -> None:
    hub.repositories[TARGET] = Repository(private=False)
    done = push(hub, files)
    assert (done.created, done.private) == (False, False)


def test_another_model_is_not_mixed_in(hub: Hub, files: tuple[RepositoryFile, ...]) -> None:
    other = {"other.onnx": b"x"}
    hub.repositories[TARGET] = Repository(private=True, commits=[("1" * 40, other)])
    with pytest.raises(HubError, match=r"another model \(other\.onnx\)"):
        push(hub, files)
    assert hub.repositories[TARGET].files == other


def test_without_a_token_nothing_is_asked(
    hub: Hub, files: tuple[RepositoryFile, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(HubError, match="hf auth login"):
        push(hub, files)
    assert not hub.requests


def test_a_wrong_token_is_said_and_not_shown(
    hub: Hub, files: tuple[RepositoryFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "hf_" + "secret" * 5
    monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(HubError, match=r"401.*hf auth login") as caught:
        push(hub, files)
    # The stand-in echoes it.
    assert "Invalid credentials: ***" in str(caught.value)
    assert token not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_token_without_rights_is_said(
    hub: Hub, files: tuple[RepositoryFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", READ_TOKEN)
    with pytest.raises(HubError, match="403; the token may not write there"):
        push(hub, files)
    assert not hub.repositories


@pytest.mark.parametrize(
    ("step", "status", "said"),
    [
        ("create", 409, "409"),
        ("yaml", 400, "Invalid metadata|400"),
        ("preupload", 403, "403; the token may not write there"),
        ("batch", 413, "413; a file is larger"),
        ("upload", 507, "507; it failed: try again later"),
        ("verify", 404, "404"),
        ("commit", 500, "500; it failed: try again later"),
        ("commit", 412, "412; the repository was changed"),
        ("commit", None, "cannot be reached"),
        ("paths", 503, "503"),
    ],
)
def test_a_failure_in_the_middle_is_one_error_and_no_half_of_a_commit(
    hub: Hub,
    files: tuple[RepositoryFile, ...],
    step: str,
    status: int | None,
    said: str,
) -> None:
    hub.failures[step] = status
    with pytest.raises(HubError, match=said) as caught:
        push(hub, files)
    assert TOKEN not in str(caught.value)
    commits = hub.repositories[TARGET].commits if hub.repositories else []
    assert len(commits) == (1 if step == "paths" else 0)
    # The next try brings it to its end.
    hub.failures.clear()
    push(hub, files)
    assert hub.repositories[TARGET].files == {file.name: file.data for file in files}


@pytest.mark.parametrize("name", ["tiny.onnx", "tiny.json"])
def test_a_file_that_arrived_otherwise_is_told(
    hub: Hub, files: tuple[RepositoryFile, ...], name: str
) -> None:
    wanted = next(file.data for file in files if file.name == name)
    hub.damage = lambda data: data[:-1] + b"?" if data == wanted else data
    with pytest.raises(HubError, match=rf"{name} in {TARGET} is not what was sent"):
        push(hub, files)


def test_a_hub_that_is_not_there_is_told(hub: Hub, files: tuple[RepositoryFile, ...]) -> None:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(HubError, match=r"cannot be reached.*network"):
        push_files(files, TARGET, message="tiny", endpoint=nobody)


def test_offline_mode_is_named(
    hub: Hub, files: tuple[RepositoryFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE"):
        push(hub, files)
    assert not hub.requests


def test_trusted_publishing_that_fails_is_told(
    hub: Hub, files: tuple[RepositoryFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_OIDC_RESOURCE", TARGET)
    for name in ("GITHUB_ACTIONS", "HF_OIDC_ID_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(HubError, match="Trusted publishing failed"):
        push(hub, files)


@pytest.mark.parametrize("name", ["", "tiny", "a/b/c", "../tiny", "a b/c", "https://hub/a", "/a"])
def test_what_is_no_repository_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="OWNER/NAME"):
        check_target(name)


@pytest.mark.parametrize(
    ("endpoint", "refused"),
    [
        ("https://hub.example", False),
        ("http://127.0.0.1:8000", False),
        ("http://[::1]:8000", False),
        ("http://localhost", False),
        ("http://hub.example", True),
        ("hub.example", True),
        ("ftp://hub.example", True),
    ],
)
def test_a_token_travels_encrypted_or_stays_on_this_machine(endpoint: str, refused: bool) -> None:
    expected = (
        pytest.raises(ConfigError, match="--endpoint") if refused else contextlib.nullcontext()
    )
    with expected:
        check_target(TARGET, endpoint)


def test_damaged_files_are_not_collected(tmp_path: Path) -> None:
    spec = write_tiny_network(tmp_path)
    with (tmp_path / "tiny.onnx").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(SpecMismatchError, match="SHA-256"):
        collect_files(spec, tmp_path, "")


def test_the_missing_extra_is_named(
    files: tuple[RepositoryFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"hilum\[hub\]"):
        push_files(files, TARGET, message="tiny")
