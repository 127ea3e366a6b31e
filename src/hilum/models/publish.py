"""Sending a model to a repository on a model hub, and making sure that it arrived whole.

The library of Hugging Face does the talking; it comes with the extra ``hub``. What it raises
becomes a :class:`~hilum.errors.HubError` that says what to do and holds no token.
"""

from __future__ import annotations

import hashlib
import importlib.util
import ipaddress
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from hilum.errors import ConfigError, HubError, MissingExtraError
from hilum.spec import ModelSpec, format_spec, hash_bytes, read_checked, read_weights

if TYPE_CHECKING:
    import os

    from huggingface_hub import HfApi

CARD = "README.md"
# Two parts of 96 characters at most, as the hub has them; ".." and "--" are left to it.
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")

_ADVICE: dict[int, str] = {
    400: "it does not take what was sent",
    401: (
        "it does not take the token: log in anew with `hf auth login`, or, in trusted publishing, "
        "make the repository first and name the job there"
    ),
    403: "the token may not write there: it needs the role or the scope to",
    404: "there is no such place for this token: check the name, and what the token may see",
    409: "the repository is being changed: try again",
    412: "the repository was changed in the meantime: try again",
    413: "a file is larger than it takes",
    429: "too many requests: try again later",
}


@dataclass(frozen=True, slots=True)
class RepositoryFile:
    """A file as it will lie in the repository."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """The digest in hex."""
        return hash_bytes(self.data)

    @property
    def git_sha1(self) -> str:
        """The digest by which git names a small file."""
        header = f"blob {len(self.data)}\0".encode()
        return hashlib.sha1(header + self.data, usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Publication:
    """What was sent, and where it is.

    commit
        Digest of the commit that holds the files.
    created
        Whether the repository was made for it.
    private
        Whether only its members see the repository.
    """

    url: str
    commit: str
    created: bool
    private: bool


def require_hub() -> None:
    """Check that the extra ``hub`` is installed, without importing it.

    Raises
    ------
    MissingExtraError
        The hub's library is absent.
    """
    if importlib.util.find_spec("huggingface_hub") is None:
        raise MissingExtraError("hub", "send a model to a hub")


def collect_files(
    spec: ModelSpec, folder: str | os.PathLike[str], card: str
) -> tuple[RepositoryFile, ...]:
    """Read the files of a model, each checked against the spec, and add its card.

    Together they are a folder that :func:`hilum.load_model` takes.

    Raises
    ------
    SpecMismatchError
        A file is missing, or is not the one that the spec describes.
    """
    files = [
        RepositoryFile(CARD, card.encode()),
        RepositoryFile(f"{spec.name}.json", format_spec(spec).encode()),
        RepositoryFile(spec.weights.file, read_weights(spec, folder)),
    ]
    if spec.gate is not None:
        path = Path(folder) / spec.gate.file
        gate = read_checked(path, spec.gate.sha256, "input gate", spec.name)
        files.append(RepositoryFile(spec.gate.file, gate))
    return tuple(files)


def check_target(repository: str, endpoint: str | None = None) -> None:
    """Check the name of a repository and the address of a hub.

    Raises
    ------
    ConfigError
        The name is none, or the address would carry the token where others can read it.
    """
    if not _REPOSITORY.fullmatch(repository):
        raise ConfigError(f'--to {repository}: give OWNER/NAME, such as "hospital/hilum".')
    if endpoint is None:
        return
    parts = urlsplit(endpoint)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ConfigError(f'--endpoint {endpoint}: give an address, such as "https://hub.example".')
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise ConfigError(
            f"--endpoint {endpoint}: the token would travel unencrypted. Give an https address."
        )


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def push_files(
    files: Sequence[RepositoryFile],
    repository: str,
    *,
    message: str,
    private: bool = True,
    endpoint: str | None = None,
) -> Publication:
    """Send ``files`` to a repository in one commit, and compare what arrived.

    The token is found by the hub's own library: in ``HF_TOKEN``, as `hf auth login` left it, or
    by trusted publishing where ``HF_OIDC_RESOURCE`` names the repository.

    Parameters
    ----------
    private
        Of a repository that does not exist yet; one that does stays as it is.
    endpoint
        Address of the hub; ``None`` is the library's own, or ``HF_ENDPOINT``.

    Raises
    ------
    ConfigError
        :func:`check_target` refuses the target.
    HubError
        There is no token, it has no right, the hub cannot be reached or refuses, another model
        lies in the repository, or what arrived differs. Without a commit nothing is seen of it.
    MissingExtraError
        The hub's library is absent.
    """
    require_hub()
    check_target(repository, endpoint)
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    with _translate_errors(repository):
        token = get_token()
    if token is None:
        raise HubError(
            "There is no token for the hub. Log in with `hf auth login`, or give one in HF_TOKEN."
        )
    api = HfApi(endpoint=endpoint, token=token, library_name="hilum")
    with _translate_errors(repository, token):
        created, is_private = _prepare_repository(api, repository, files, private=private)
        additions = [CommitOperationAdd(file.name, file.data) for file in files]
        commit = api.create_commit(repository, additions, commit_message=message)
        _compare(api, repository, commit.oid, files)
    url = f"{api.endpoint}/{repository}"
    return Publication(url, commit.oid, created, is_private)


def _prepare_repository(
    api: HfApi, repository: str, files: Sequence[RepositoryFile], *, private: bool
) -> tuple[bool, bool]:
    """Make the repository, or see that no other model lies there; tell created and private."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        info = api.model_info(repository)
    except RepositoryNotFoundError as error:
        if error.response.status_code == 401:  # the hub says so of a token that it does not know
            raise
        api.create_repo(repository, private=private)
        return True, private
    # A folder with two specs is no model: what is fetched from there would not load.
    own = {file.name for file in files}
    others = [
        one.rfilename
        for one in info.siblings or ()
        if one.rfilename.endswith(".onnx") and one.rfilename not in own
    ]
    if others:
        raise HubError(
            f"{repository} holds another model ({others[0]}). Give each model a repository of its "
            "own, or remove that file there."
        )
    return False, bool(info.private)


def _compare(api: HfApi, repository: str, commit: str, files: Sequence[RepositoryFile]) -> None:
    """Hold what the hub says it has against what was sent."""
    found: dict[str, Any] = {
        one.path: one
        for one in api.get_paths_info(repository, [file.name for file in files], revision=commit)
    }
    for file in files:
        there = found.get(file.name)
        if there is None:
            raise HubError(f"{file.name} is not in {repository} after the commit. Push it again.")
        same = there.lfs.sha256 == file.sha256 if there.lfs else there.blob_id == file.git_sha1
        if not same or there.size != len(file.data):
            raise HubError(
                f"{file.name} in {repository} is not what was sent. Push the model again."
            )


@contextmanager
def _translate_errors(repository: str, token: str | None = None) -> Iterator[None]:
    """Turn what the hub's library raises into errors that say what to do."""
    # Its errors are OSError, ValueError or RuntimeError, and those of its HTTP client.
    import httpx2
    from huggingface_hub.errors import OIDCError

    try:
        yield
    except HubError:
        raise
    except (OSError, ValueError, RuntimeError, httpx2.HTTPError, OIDCError) as error:
        text = _describe_failure(error, repository)
        # Not from the error: its request holds the token.
        raise HubError(text.replace(token, "***") if token else text) from None


def _describe_failure(error: BaseException, repository: str) -> str:
    """Say what went wrong by the innermost cause that is known."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled, OIDCError

    chain = list(_list_causes(error))
    for cause in chain:
        if isinstance(cause, HfHubHTTPError):
            return _describe_answer(cause, repository)
        if isinstance(cause, OfflineModeIsEnabled):
            return "HF_HUB_OFFLINE is set, so the hub is not asked. Unset it and try again."
        if isinstance(cause, OIDCError):
            return f"Trusted publishing failed: {cause}"
        if isinstance(cause, httpx2.HTTPError):
            return (
                f"The hub cannot be reached ({type(cause).__name__}). Check the network, and "
                "HTTPS_PROXY where there is a proxy; nothing of the model is seen on the hub."
            )
    return f"Sending to {repository} failed ({type(chain[-1]).__name__}): {chain[-1]}"


def _list_causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _describe_answer(error: Any, repository: str) -> str:
    status: int = error.response.status_code
    advice = _ADVICE.get(status, "it failed: try again later" if status >= 500 else "it refuses")
    said = f' It says: "{error.server_message}"' if error.server_message else ""
    return f"The hub's answer for {repository} is {status}; {advice}.{said}"
