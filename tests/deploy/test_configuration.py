"""Image, compose file, Space and workflows: read by their linters, and held to our own rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hilum.models.zoo import DEFAULT_MODEL, list_models

yaml = pytest.importorskip("yaml", reason='needs PyYAML, of the extra "train" or "hub"')

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DOCKERFILES = [ROOT / "Dockerfile", ROOT / "deploy" / "space" / "Dockerfile"]
SPACE = ROOT / "deploy" / "space" / "README.md"


def read_yaml(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return facts


# --- linters ---------------------------------------------------------------------------------

LINTERS: dict[str, list[str | Path]] = {
    "hadolint": ["hadolint", *DOCKERFILES],
    "actionlint": ["actionlint", *WORKFLOWS],
    "zizmor": ["zizmor", "--offline", "--no-progress", ROOT / ".github"],
    "compose": [
        "check-jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        ROOT / "compose.yaml",
    ],
    "workflows": ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *WORKFLOWS],
    "dependabot": [
        "check-jsonschema",
        *("--builtin-schema", "vendor.dependabot"),
        ROOT / ".github" / "dependabot.yml",
    ],
}


@pytest.mark.parametrize("name", list(LINTERS))
def test_linters_find_nothing(name: str) -> None:
    tool, *arguments = LINTERS[name]
    beside = str(Path(sys.executable).parent)
    found = shutil.which(str(tool), path=f"{beside}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- compose ---------------------------------------------------------------------------------


def test_compose_gives_the_page_no_more_than_it_needs() -> None:
    (page,) = read_yaml(ROOT / "compose.yaml")["services"].values()
    assert all(str(port).startswith("127.0.0.1:") for port in page["ports"])
    assert page["read_only"] is True
    assert page["cap_drop"] == ["ALL"]
    assert page["security_opt"] == ["no-new-privileges:true"]
    assert page["mem_limit"]
    assert page["pids_limit"]
    assert not {"privileged", "volumes", "network_mode", "pid", "devices"} & set(page)


# --- workflows -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_pin_actions_and_ask_for_rights_by_the_job(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    outside = [use for use in re.findall(r"uses: (\S+)", text) if not use.startswith("./")]
    assert outside
    assert all(re.search(r"@[0-9a-f]{40}$", use) for use in outside)
    # Each pin says which release it is.
    assert len(re.findall(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", text, re.MULTILINE)) == len(outside)
    facts = read_yaml(path)
    assert facts["permissions"] == {}
    assert all("permissions" in job for job in facts["jobs"].values())
    assert "pull_request_target" not in text
    # No stored token: GitHub's own is the only secret.
    assert set(re.findall(r"secrets\.(\w+)", text)) <= {"GITHUB_TOKEN"}


def test_one_action_has_one_pin() -> None:
    pins: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for action, pin in re.findall(r"uses: ([^@\s]+)@([0-9a-f]{40})", path.read_text()):
            pins.setdefault(action, set()).add(pin)
    assert all(len(found) == 1 for found in pins.values()), pins


def test_publishing_waits_for_tests_and_sends_all_models() -> None:
    jobs = read_yaml(ROOT / ".github" / "workflows" / "publish.yml")["jobs"]
    sending = {name: job for name, job in jobs.items() if "id-token" in job["permissions"]}
    assert set(sending) == {"index", "image", "models", "space"}
    for job in sending.values():
        assert {"test", "build"} <= set(job["needs"])
        assert job["environment"]
    models = jobs["models"]["strategy"]["matrix"]["model"]
    assert set(models) == {spec.name for spec in list_models()}
    assert DEFAULT_MODEL in str(jobs["space"]["steps"][-1]["run"])


# --- the Space -------------------------------------------------------------------------------

# https://huggingface.co/docs/hub/spaces-config-reference
SPACE_KEYS = {
    "title", "emoji", "colorFrom", "colorTo", "sdk", "python_version", "sdk_version",
    "suggested_hardware", "suggested_storage", "app_file", "app_build_command", "app_port",
    "base_path", "fullWidth", "header", "short_description", "models", "datasets", "tags",
    "thumbnail", "pinned", "hf_oauth", "hf_oauth_expiration_minutes", "hf_oauth_scopes",
    "disable_embedding", "startup_duration_timeout", "custom_headers", "preload_from_hub",
    "license",
}  # fmt: skip
SPACE_COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}


def read_front(text: str) -> dict[str, Any]:
    facts: dict[str, Any] = yaml.safe_load(text.split("---\n")[1])
    return facts


def check_front(facts: dict[str, Any]) -> None:
    assert set(facts) <= SPACE_KEYS
    assert facts["sdk"] == "docker"
    assert {facts["colorFrom"], facts["colorTo"]} <= SPACE_COLOURS
    assert len(facts["short_description"]) <= 60
    text = DOCKERFILES[1].read_text()
    assert f'"--port", "{facts["app_port"]}"' in text
    assert f"EXPOSE {facts['app_port']}" in text


def test_the_front_matter_of_the_space_is_what_the_hub_documents() -> None:
    check_front(read_front(SPACE.read_text(encoding="utf-8")))


def assemble(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    script = ROOT / "deploy" / "assemble_space.py"
    command = [sys.executable, "-W", "error", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "hilum-0.1.0-py3-none-any.whl"
    path.write_bytes(b"wheel")
    return path


def test_a_space_has_all_that_its_dockerfile_copies(wheel: Path, tmp_path: Path) -> None:
    out = tmp_path / "space"
    done = assemble(wheel, out, "--model", "hospital/hilum", "--model", "hospital/other")
    assert done.returncode == 0, done.stderr
    names = {path.name for path in out.iterdir()}
    assert names == {"Dockerfile", "README.md", "constraints.txt", wheel.name}
    for copied in re.findall(r"^COPY (\S+)", (out / "Dockerfile").read_text(), re.MULTILINE):
        assert list(out.glob(copied)), copied
    assert (out / "constraints.txt").read_bytes() == (ROOT / "constraints/app.txt").read_bytes()
    assert (out / wheel.name).read_bytes() == b"wheel"
    facts = read_front((out / "README.md").read_text(encoding="utf-8"))
    check_front(facts)
    assert facts["models"] == ["hospital/hilum", "hospital/other"]


@pytest.mark.parametrize("wrong", ["no wheel", "not empty", "no model"])
def test_a_space_is_not_put_together_from_something_else(
    wheel: Path, tmp_path: Path, wrong: str
) -> None:
    out = tmp_path / "space"
    out.mkdir()
    model = "hospital/hilum"
    if wrong == "no wheel":
        wheel = wheel.with_name("other-0.1.0-py3-none-any.whl")
    elif wrong == "not empty":
        (out / "file").touch()
    else:
        model = "a\nsdk: static"
    done = assemble(wheel, out, "--model", model)
    assert done.returncode == 1
    assert "assemble_space:" in done.stderr
    assert not (out / "Dockerfile").exists()


# --- the health check ------------------------------------------------------------------------


@pytest.fixture
def answers() -> Iterator[dict[str, int]]:
    """Path -> status of a server on the page's port; ``None`` stands for all other paths."""
    known: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(known.get(self.path, 404))
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    known["port"] = server.server_port
    yield known
    server.shutdown()
    server.server_close()


def is_healthy(port: int, base_path: str = "") -> bool:
    code = "import sys; sys.path.insert(0, sys.argv[1]); from healthcheck import is_healthy;"
    code += "sys.exit(not is_healthy(int(sys.argv[2]), sys.argv[3]))"
    arguments = [str(ROOT / "deploy"), str(port), base_path]
    # No proxy of the environment stands in the way.
    environment = os.environ | {"http_proxy": "http://127.0.0.1:9", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "error", "-c", code, *arguments]
    return subprocess.run(command, env=environment, check=False).returncode == 0


def test_the_health_check_asks_the_page(answers: dict[str, int]) -> None:
    port = answers["port"]
    assert not is_healthy(port)
    answers["/_stcore/health"] = 503
    assert not is_healthy(port)
    answers["/_stcore/health"] = 200
    assert is_healthy(port)
    assert not is_healthy(port, "/hilum/")
    answers["/hilum/_stcore/health"] = 200
    assert is_healthy(port, "/hilum/")


def test_the_health_check_fails_where_nothing_listens() -> None:
    assert not is_healthy(1)
