"""A stand-in for a model hub, on a real socket of this machine.

It speaks as much of Hugging Face's API as a push and a download take: repositories, front
matter, upload modes, the batch API of Git LFS, commits, and files. It keeps what it got in
memory and checks it as the hub does: who asks, digests, and that a commit's files are there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_" + "standin" * 5
READ_TOKEN = "hf_" + "reading" * 5
# As .gitattributes of a new repository has it.
_LARGE = (".onnx", ".npz", ".safetensors")

Answer = tuple[int, Any, dict[str, str]]


@dataclass
class Repository:
    """A repository of the stand-in: commits from first to last, each a whole set of files."""

    private: bool
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    @property
    def files(self) -> dict[str, bytes]:
        """The files after the last commit."""
        return self.commits[-1][1] if self.commits else {}

    @property
    def head(self) -> str:
        """The digest of the last commit."""
        return self.commits[-1][0] if self.commits else "0" * 40


@dataclass
class Hub:
    """What the stand-in holds, and what it was asked.

    failures
        A step's name -> the status it answers with, or ``None`` to hang up on the caller. The
        steps are info, create, yaml, preupload, batch, upload, verify, commit and paths.
    damage
        Changes a file on its way into the store.
    """

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    failures: dict[str, int | None] = field(default_factory=dict)
    damage: Callable[[bytes], bytes] = lambda data: data

    def get_info(self, name: str, _: str, __: bytes) -> Answer:
        """Tell of a repository, at its last commit."""
        if name not in self.repositories:
            return _refuse(404, "RepoNotFound", "Repository not found")
        repository = self.repositories[name]
        siblings = [{"rfilename": path} for path in repository.files]
        facts = {"id": name, "modelId": name, "sha": repository.head}
        return 200, facts | {"private": repository.private, "siblings": siblings}, {}

    def create(self, _: str, __: str, body: bytes) -> Answer:
        """Make a repository."""
        wanted = json.loads(body)
        name = f"{wanted['organization']}/{wanted['name']}"
        if name in self.repositories:
            return _refuse(409, "", "You already created this model repo")
        self.repositories[name] = Repository(wanted.get("visibility") == "private")
        return 200, {"url": f"{self.url}/{name}", "name": name}, {}

    def check_yaml(self, _: str, __: str, body: bytes) -> Answer:
        """Check the front matter of a card."""
        import yaml

        front = json.loads(body)["content"].split("---\n")[1]
        try:
            facts = yaml.safe_load(front)
        except yaml.YAMLError as error:
            return 400, {"errors": [{"message": str(error)}], "warnings": []}, {}
        faults = [] if "license" in facts else [{"message": "license is missing"}]
        return (400 if faults else 200), {"errors": faults, "warnings": []}, {}

    def plan(self, name: str, _: str, body: bytes) -> Answer:
        """Say which files go by LFS, and which are there already."""
        there = self.repositories[name].files
        files = [
            {
                "path": one["path"],
                "uploadMode": "lfs" if one["path"].endswith(_LARGE) else "regular",
                "shouldIgnore": False,
                "oid": _describe(one["path"], there[one["path"]]).get("lfs", {}).get("oid")
                or hash_blob(there[one["path"]])
                if one["path"] in there
                else None,
            }
            for one in json.loads(body)["files"]
        ]
        return 200, {"files": files}, {}

    def offer_uploads(self, _: str, __: str, body: bytes) -> Answer:
        """Say where to put each large file that is not there."""
        objects: list[dict[str, Any]] = []
        for one in json.loads(body)["objects"]:
            offered = {"oid": one["oid"], "size": one["size"]}
            if one["oid"] not in self.objects:
                offered["actions"] = {
                    "upload": {"href": f"{self.url}/store/{one['oid']}", "header": {}},
                    "verify": {"href": f"{self.url}/verify/{one['oid']}", "header": {}},
                }
            objects.append(offered)
        return 200, {"transfer": "basic", "objects": objects}, {}

    def store(self, oid: str, _: str, body: bytes) -> Answer:
        """Take a large file that is what its digest says."""
        if hashlib.sha256(body).hexdigest() != oid:
            return _refuse(400, "", "The content does not match its digest")
        self.objects[oid] = self.damage(body)
        return 200, None, {}

    def verify(self, oid: str, _: str, __: bytes) -> Answer:
        """Say whether a large file arrived."""
        return (200, {}, {}) if oid in self.objects else _refuse(404, "", "No such object")

    def commit(self, name: str, _: str, body: bytes) -> Answer:
        """Add a commit with all its files, or none of them."""
        repository = self.repositories[name]
        files = dict(repository.files)
        summary = ""
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                summary = value["summary"]
            elif line["key"] == "file":
                files[value["path"]] = self.damage(base64.b64decode(value["content"]))
            elif line["key"] == "lfsFile" and value["oid"] in self.objects:
                files[value["path"]] = self.objects[value["oid"]]
            else:
                return _refuse(400, "", f"{line['key']} of {value['path']} is not here")
        oid = hashlib.sha1(body).hexdigest()
        repository.commits.append((oid, files))
        repository.messages.append(summary)
        answer = {"success": True, "commitOid": oid, "commitUrl": f"{self.url}/{name}/commit/{oid}"}
        return 200, answer, {}

    def describe_paths(self, name: str, revision: str, body: bytes) -> Answer:
        """Tell size and digest of files."""
        files = self._find(name, revision)
        wanted = parse_qs(body.decode()).get("paths", [])
        return 200, [_describe(path, files[path]) for path in wanted if path in files], {}

    def list_files(self, name: str, revision: str, _: bytes) -> Answer:
        """Tell size and digest of all files."""
        return 200, [_describe(*one) for one in self._find(name, revision).items()], {}

    def give(self, name: str, place: str, _: bytes) -> Answer:
        """Give a file."""
        revision, path = place.split("/", 1)
        files = self._find(name, revision)
        if path not in files:
            return _refuse(404, "EntryNotFound", "Entry not found")
        facts = _describe(path, files[path])
        etag = facts.get("lfs", facts)["oid"]
        return (
            200,
            files[path],
            {"ETag": f'"{etag}"', "X-Repo-Commit": self.repositories[name].head},
        )

    def _find(self, name: str, revision: str) -> dict[str, bytes]:
        repository = self.repositories[name]
        return dict(repository.commits).get(revision, repository.files)


def hash_blob(data: bytes) -> str:
    """Name a file as git does."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _describe(path: str, data: bytes) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": "file", "path": path, "size": len(data)}
    if not path.endswith(_LARGE):
        return facts | {"oid": hash_blob(data)}
    digest = hashlib.sha256(data).hexdigest()
    large = {"oid": digest, "size": len(data), "pointerSize": 134}
    return facts | {"oid": hash_blob(digest.encode()), "lfs": large}


def _refuse(status: int, code: str, message: str) -> Answer:
    return status, {"error": message}, {"X-Error-Code": code, "X-Error-Message": message}


_NAME = r"(?P<name>[^/]+/[^/]+)"
# Method, address, step, what answers; the first that fits.
_ROUTES: tuple[tuple[str, str, str, Callable[..., Answer]], ...] = (
    ("POST", "/api/repos/create", "create", Hub.create),
    ("POST", "/api/validate-yaml", "yaml", Hub.check_yaml),
    ("POST", f"/api/models/{_NAME}/preupload/main", "preupload", Hub.plan),
    ("POST", f"/{_NAME}.git/info/lfs/objects/batch", "batch", Hub.offer_uploads),
    ("PUT", "/store/(?P<name>[0-9a-f]{64})", "upload", Hub.store),
    ("POST", "/verify/(?P<name>[0-9a-f]{64})", "verify", Hub.verify),
    ("POST", f"/api/models/{_NAME}/commit/main", "commit", Hub.commit),
    ("POST", f"/api/models/{_NAME}/paths-info/(?P<place>.+)", "paths", Hub.describe_paths),
    ("GET", f"/api/models/{_NAME}/tree/(?P<place>[^/]+)", "tree", Hub.list_files),
    ("GET", f"/api/models/{_NAME}(/revision/[^/]+)?", "info", Hub.get_info),
    ("GET", f"/{_NAME}/resolve/(?P<place>.+)", "file", Hub.give),
)
# Storage takes its rights from the address that the batch API gave out.
_OPEN_STEPS = {"upload", "yaml"}
_WRITING_STEPS = {"create", "preupload", "batch", "verify", "commit"}


class _Handler(BaseHTTPRequestHandler):
    """Finds the step that an address asks for, and who may ask it."""

    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        method = "GET" if self.command == "HEAD" else self.command
        for verb, pattern, step, respond in _ROUTES:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                self._take_step(step, respond, found.groupdict(), body)
                return
        self._send(*_refuse(404, "", f"The stand-in knows no {self.command} {path}"))

    def _take_step(
        self, step: str, respond: Callable[..., Answer], groups: dict[str, str], body: bytes
    ) -> None:
        self.hub.requests.append(step)
        if step in self.hub.failures:
            status = self.hub.failures[step]
            if status is None:
                self.close_connection = True
                self.connection.close()
            else:
                self._send(*_refuse(status, "", f"The stand-in fails at {step}"))
            return
        arguments = (groups.get("name", ""), groups.get("place", ""), body)
        self._send(*(self._refuse_caller(step) or respond(self.hub, *arguments)))

    def _refuse_caller(self, step: str) -> Answer | None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if step in _OPEN_STEPS:
            return None
        if token not in (TOKEN, READ_TOKEN):
            # It echoes the token, as a careless proxy might.
            return _refuse(401, "", f"Invalid credentials: {token}")
        if step in _WRITING_STEPS and token != TOKEN:
            return _refuse(403, "", "You don't have the rights to write here")
        return None

    def _send(self, status: int, answer: Any, headers: dict[str, str]) -> None:
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
        for name, value in {"Content-Type": kind, **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    do_GET = do_HEAD = do_POST = do_PUT = _answer  # noqa: N815 - the names of http.server


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """Serve a stand-in that holds nothing yet."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
