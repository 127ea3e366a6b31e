"""A Dockerfile carried out without a container engine, in a root of its own.

Each stage is an overlay over a root with Debian's Python; its commands run there by ``chroot``
in name spaces of their own, without a network. The result runs as an engine would run it: as
process 1, as the image's user without capabilities, with a read-only root and an empty network.
What stands in for the engine is util-linux, so this needs Linux and root's rights.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from fnmatch import translate
from pathlib import Path, PurePosixPath

_DEVICES = ("null", "zero", "random", "urandom")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# Folders of the machine that no base image has; where the machine's own root is the base.
_HIDDEN = ("home", "root", "srv", "mnt", "media")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile: its name in capitals, its flags, and the rest."""

    name: str
    flags: dict[str, str]
    text: str

    @property
    def words(self) -> list[str]:
        """The exec form's words, or those of the shell form."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


def read_dockerfile(path: Path) -> list[Instruction]:
    """Read the instructions of a Dockerfile without heredocs, in their order."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\s*\n", " ", "\n".join(lines))
    return [_parse_line(line.strip()) for line in text.splitlines() if line.strip()]


def _parse_line(line: str) -> Instruction:
    name, _, rest = line.partition(" ")
    flags = {}
    rest = rest.strip()
    while found := re.match(r"--([a-z-]+)=(\S+)\s+", rest):
        flags[found[1]] = found[2]
        rest = rest[found.end() :]
    return Instruction(name.upper(), flags, rest)


def list_context(folder: Path) -> list[Path]:
    """List the files below ``folder`` that its .dockerignore lets through, relative to it."""
    rules = [
        line.strip()
        for line in (folder / ".dockerignore").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    files = []
    for parent, _, names in os.walk(folder):
        if ".git" in Path(parent).parts:
            continue
        files += [(Path(parent) / name).relative_to(folder) for name in names]
    return sorted(path for path in files if not _is_ignored(path, rules))


def _is_ignored(path: Path, rules: Sequence[str]) -> bool:
    """Tell by the last rule that fits ``path`` or a folder it lies in."""
    names = [str(PurePosixPath(*path.parts[: depth + 1])) for depth in range(len(path.parts))]
    ignored = False
    for rule in rules:
        pattern = rule.removeprefix("!").strip("/")
        # fnmatch's * goes over slashes, which is right for ** alone.
        parts = [translate(part)[:-2] for part in pattern.split("**/")]
        regex = "(?:.*/)?".join(part.replace(".*", "[^/]*") for part in parts) + r"\Z"
        if any(re.match(regex, name) for name in names):
            ignored = not rule.startswith("!")
    return ignored


@dataclass(frozen=True, slots=True)
class Stage:
    """What is built so far: its layers, the topmost first, and how a container would start."""

    layers: tuple[Path, ...]
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _PATH})
    arguments: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0"
    labels: dict[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"


class Builder:
    """Carries out a Dockerfile.

    Parameters
    ----------
    work
        Empty folder for the layers.
    base
        The root that stands for the base image.
    context
        The folder of the build's files.
    wheels
        Folder of wheels; the commands see these instead of a package index.
    """

    def __init__(self, work: Path, base: Path, context: Path, wheels: Path) -> None:
        self.work, self.base, self.context, self.wheels = work, base, context, wheels
        self.stages: dict[str, Stage] = {}
        self.log: list[str] = []

    def build(self, dockerfile: Path) -> Stage:
        """Build all stages; give the last."""
        stage, name = Stage(()), ""
        for step in read_dockerfile(dockerfile):
            if step.name == "FROM":
                origin, _, name = step.text.partition(" AS ")
                stage = self._begin(origin)
            else:
                stage = self._apply(stage, step)
            self.stages[name] = stage
        return stage

    def _begin(self, origin: str) -> Stage:
        top = self._make_layer()
        known = self.stages.get(origin)
        if known is None:
            # The image has its Python here, Debian has it elsewhere.
            binaries = top / "usr/local/bin"
            binaries.mkdir(parents=True)
            for name in ("python", "python3"):
                (binaries / name).symlink_to("/usr/bin/python3")
            return Stage((top, self.base))
        return replace(known, layers=(top, *known.layers))

    def _make_layer(self) -> Path:
        layer = self.work / f"layer{len(list(self.work.glob('layer*')))}"
        layer.mkdir(mode=0o755)
        return layer

    def _apply(self, stage: Stage, step: Instruction) -> Stage:
        match step.name:
            case "ENV" | "ARG" | "LABEL":
                return self._set(stage, step)
            case "WORKDIR":
                folder = str(PurePosixPath(stage.folder, step.text))
                (stage.layers[0] / folder.lstrip("/")).mkdir(parents=True, exist_ok=True)
                return replace(stage, folder=folder)
            case "RUN":
                self._run(stage, step)
                return stage
            case "COPY":
                self._copy(stage, step)
                return stage
            case "USER":
                return replace(stage, user=step.text)
            case "STOPSIGNAL":
                return replace(stage, stop_signal=step.text)
            case "HEALTHCHECK":
                return replace(stage, health=tuple(_parse_line(step.text).words))
            case "ENTRYPOINT":
                return replace(stage, entrypoint=tuple(step.words), command=())
            case "CMD":
                return replace(stage, command=tuple(step.words))
            case "EXPOSE":
                return stage
            case other:
                raise ValueError(f"{other} is not carried out here")

    def _set(self, stage: Stage, step: Instruction) -> Stage:
        pairs = dict(word.partition("=")[::2] for word in shlex.split(step.text))
        known = stage.environment | stage.arguments
        values = {
            name: re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1], ""), value)
            for name, value in pairs.items()
        }
        if step.name == "LABEL":
            return replace(stage, labels=stage.labels | values)
        if step.name == "ARG":
            return replace(stage, arguments=stage.arguments | values)
        return replace(stage, environment=stage.environment | values)

    def _run(self, stage: Stage, step: Instruction) -> None:
        root = self.work / "root"
        own = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "/wheels"}
        inside = shlex.join(
            ["chroot", str(root), "/usr/bin/env", "-i"]
            + [
                f"{name}={value}"
                for name, value in (stage.environment | stage.arguments | own).items()
            ]
            + ["/bin/sh", "-c", f"cd {shlex.quote(stage.folder)} && {step.text}"]
        )
        script = [
            _mount_overlay(stage.layers, root, self._make_scratch()),
            *(f"mkdir -p {root}/{name}" for name in ("wheels", "proc", "dev")),
            *self._hide(root),
            f"mount --bind {shlex.quote(str(self.wheels))} {root}/wheels",
            *_mount_system(root),
            inside,
        ]
        done = run_apart(script, network=False)
        self.log.append(f"$ {step.text}\n{done.stdout}{done.stderr}")
        if done.returncode:
            raise RuntimeError(self.log[-1])
        shutil.rmtree(stage.layers[0] / "wheels", ignore_errors=True)

    def _hide(self, root: Path) -> list[str]:
        if self.base != Path("/"):
            return [f"mount -t tmpfs tmpfs {root}/tmp"]
        return [
            f"if test -d {root}/{name}; then mount -t tmpfs tmpfs {root}/{name}; fi"
            for name in ("tmp", *_HIDDEN)
        ]

    def _make_scratch(self) -> Path:
        scratch = self.work / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        (self.work / "root").mkdir(exist_ok=True)
        return scratch

    def _copy(self, stage: Stage, step: Instruction) -> None:
        *sources, target = step.text.split()
        goal = PurePosixPath(stage.folder, target)
        if "from" in step.flags:
            other = self.stages[step.flags["from"]]
            (source,) = sources
            root = self.work / "root"
            self._make_scratch()
            parent = stage.layers[0] / str(goal.parent).lstrip("/")
            parent.mkdir(parents=True, exist_ok=True)
            script = [
                _mount_overlay(other.layers, root, None),
                shlex.join(["cp", "-a", f"{root}{source}", f"{parent}/{goal.name}"]),
            ]
            done = run_apart(script, network=False)
            if done.returncode:
                raise RuntimeError(done.stderr)
            return
        copied = [self._copy_one(stage, source, target, goal) for source in sources]
        if not all(copied):
            raise FileNotFoundError(f"COPY {step.text}: not among the files of the build")

    def _copy_one(self, stage: Stage, source: str, target: str, goal: PurePosixPath) -> int:
        """Copy what ``source`` names, as far as .dockerignore lets it; give how many files."""
        layer = stage.layers[0]
        chosen = 0
        listed = (
            list_context(self.context)
            if (self.context / ".dockerignore").is_file()
            else [path.relative_to(self.context) for path in self.context.iterdir()]
        )
        for path in listed:
            if path.match(source) and len(path.parts) == len(PurePosixPath(source).parts):
                into = goal / path.name if target.endswith("/") else goal
            elif path.is_relative_to(source):
                into = goal / path.relative_to(source)
            else:
                continue
            place = layer / str(into).lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.context / path, place)
            chosen += 1
        return chosen


def run_apart(script: Sequence[str], *, network: bool) -> subprocess.CompletedProcess[str]:
    """Run shell commands in name spaces of their own; mounts go with the last process."""
    spaces = ["--mount", "--pid", "--fork", "--ipc", "--uts", *([] if network else ["--net"])]
    return subprocess.run(
        ["unshare", *spaces, "--kill-child", "sh", "-e", "-c", "\n".join(script)],
        capture_output=True,
        text=True,
        check=False,
    )


def _mount_overlay(layers: Sequence[Path], root: Path, scratch: Path | None) -> str:
    """Mount ``layers`` at ``root``; without ``scratch`` so that nothing can be written."""
    if scratch is None:
        options = f"lowerdir={':'.join(map(str, layers))}"
    else:
        lower = ":".join(map(str, layers[1:]))
        options = f"lowerdir={lower},upperdir={layers[0]},workdir={scratch}"
    return shlex.join(["mount", "-t", "overlay", "overlay", "-o", options, str(root)])


def _mount_system(root: Path) -> list[str]:
    """Mount what an engine mounts: /proc, and the few devices that a container has."""
    devices = [f"{root}/dev/{name}" for name in _DEVICES]
    return [
        f"mount -t proc proc {root}/proc",
        f"mount -t tmpfs -o mode=755,size=64k tmpfs {root}/dev",
        f"mkdir {root}/dev/shm",
        f"mount -t tmpfs -o mode=1777,size=64m tmpfs {root}/dev/shm",
        *(f"touch {place}; mount --bind /dev/{Path(place).name} {place}" for place in devices),
    ]


@dataclass(frozen=True, slots=True)
class Container:
    """A running image.

    pid
        Of its process 1, as this machine counts.
    """

    pid: int
    stage: Stage
    environment: Mapping[str, str]
    log: Path

    def execute(self, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run a command inside, as the image's user."""
        enter = ["nsenter", f"--target={self.pid}", "--mount", "--net", "--pid", "--root", "--wd=/"]
        words = [*enter, *_become(self.stage.user), *_with(self.environment), *command]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)

    def read_status(self) -> dict[str, str]:
        """Read what the kernel says of process 1."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def wait_until_healthy(self, timeout_s: float) -> float:
        """Run the image's own health check until it passes; give the seconds that took."""
        started = time.monotonic()
        while time.monotonic() - started < timeout_s:
            if self.execute(self.stage.health).returncode == 0:
                return time.monotonic() - started
            time.sleep(0.5)
        raise TimeoutError(f"not healthy after {timeout_s:g} s:\n{self.log.read_text()}")


def _become(user: str) -> list[str]:
    uid, _, gid = user.partition(":")
    ids = [f"--reuid={uid}", f"--regid={gid or uid}", "--clear-groups"]
    return ["/usr/bin/setpriv", *ids, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all"]


def _with(environment: Mapping[str, str]) -> list[str]:
    return ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in environment.items())]


@contextmanager
def start_container(
    stage: Stage, work: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Container]:
    """Run ``stage`` with a read-only root, an empty /tmp, and no network but its own loopback."""
    work.mkdir()
    root, log = work / "root", work / "log"
    root.mkdir()
    values = stage.environment | dict(environment or {})
    # exec: the image's command is process 1, which no signal ends that it does not listen to.
    command = [*_become(stage.user), *_with(values), *stage.entrypoint, *stage.command]
    inside = shlex.join(["exec", "chroot", str(root), *command])
    script = [
        _mount_overlay(stage.layers, root, None),
        f"mount -t tmpfs -o size=64m,mode=1777,noexec,nosuid,nodev tmpfs {root}/tmp",
        *_mount_system(root),
        "ip link set lo up",
        inside,
    ]
    spaces = ["--mount", "--pid", "--fork", "--ipc", "--uts", "--net", "--kill-child"]
    with log.open("wb") as file:
        outer = subprocess.Popen(
            ["unshare", *spaces, "sh", "-e", "-c", "\n".join(script)],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        child = _find_child(outer.pid)
        try:
            yield Container(child, stage, values, log)
        finally:
            # Whoever becomes another user is no longer killed with its parent.
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
    finally:
        outer.send_signal(signal.SIGKILL)
        outer.wait(timeout=20)


def _find_child(pid: int) -> int:
    for _ in range(100):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            return int(children[0])
        time.sleep(0.05)
    raise RuntimeError("unshare started nothing")
