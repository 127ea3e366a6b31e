"""The image without an engine: its commands in a clean root, and what comes out of them running.

``HILUM_IMAGE_ROOT`` names a root with Debian's Python 3.13 to stand for the base image, as
``mmdebstrap --variant=minbase --include=python3,python3-venv trixie DIR`` writes it; without it
the machine's own system stands for it.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image

from factories.image import (
    Builder,
    Container,
    Stage,
    list_context,
    read_dockerfile,
    run_apart,
    start_container,
)
from hilum.data.phantom import draw_phantom

ROOT = Path(__file__).resolve().parents[2]
BASE = Path(os.environ.get("HILUM_IMAGE_ROOT", "/"))
PYTHON = "/usr/bin/python3"
MIB = 2**20
# On a machine that trains a network beside the tests.
START_TIMEOUT_S = 120.0

# --- what goes to the builder ----------------------------------------------------------------


def test_the_builder_gets_sources_and_pins_and_nothing_else(tmp_path: Path) -> None:
    wanted = ["LICENSE", "README.md", "constraints/app.txt", "deploy/healthcheck.py"]
    wanted += ["src/hilum/__init__.py", "src/hilum/zoo/model.onnx"]
    unwanted = ["runs/1/best.onnx", "data/film.dcm", "shared/film.png", ".env", ".venv/pyvenv.cfg"]
    unwanted += ["constraints/dev.txt", "src/hilum/__pycache__/a.cpython-313.pyc", "tests/a.py"]
    unwanted += ["src/hilum/zoo/model.onnx.partial", "deploy/space/README.md", "film.png"]
    for name in wanted + unwanted:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / ".dockerignore", tmp_path)
    assert [str(path) for path in list_context(tmp_path)] == sorted(wanted)


@pytest.mark.parametrize("name", ["Dockerfile", "deploy/space/Dockerfile"])
def test_bases_are_pinned_and_processes_are_nobody(name: str) -> None:
    steps = read_dockerfile(ROOT / name)
    origins = [step.text for step in steps if step.name == "FROM"]
    stages = {text.partition(" AS ")[2] for text in origins}
    assert all("@sha256:" in text or text.split()[0] in stages for text in origins)
    last = {step.name: step for step in steps}
    assert int(last["USER"].text.split(":")[0]) >= 1000
    # The exec form: no shell stands between the engine's signals and the page.
    assert last["ENTRYPOINT"].text.startswith("[")
    assert last["CMD"].text.startswith("[")


def test_both_images_stand_on_the_same_base() -> None:
    origins = {
        next(step.text.split()[0] for step in read_dockerfile(ROOT / name) if step.name == "FROM")
        for name in ("Dockerfile", "deploy/space/Dockerfile")
    }
    assert len(origins) == 1


# --- the build -------------------------------------------------------------------------------


def explain_why_not() -> str | None:
    """Say why this machine cannot carry out a Dockerfile; ``None`` where it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs Linux and root's rights for mounts and name spaces"
    missing = [tool for tool in ("unshare", "nsenter", "setpriv", "ip") if not shutil.which(tool)]
    if missing:
        return f"needs {', '.join(missing)}"
    probe = "import sys, venv, pip; sys.exit(sys.version_info < (3, 11))"
    if subprocess.run(["chroot", BASE, PYTHON, "-c", probe], capture_output=True).returncode:
        return f"needs Python 3.11 or newer with venv and pip in {BASE} (HILUM_IMAGE_ROOT)"
    return None


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that the pins name, fetched for the Python of the base."""
    if reason := explain_why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("wheels")
    tell = "import sys; print('%d.%d.%d' % sys.version_info[:3])"
    version = subprocess.run(
        ["chroot", BASE, PYTHON, "-c", tell], capture_output=True, text=True, check=True
    ).stdout.strip()
    pins = folder / "pins"
    pins.write_text(choose_pins((ROOT / "constraints" / "app.txt").read_text(), version))
    machine = os.uname().machine
    platforms = [f"manylinux_2_{minor}_{machine}" for minor in (17, 24, 26, 27, 28)]
    platforms += [f"manylinux2014_{machine}", "any"]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)]
        + ["--require-hashes", "--requirement", str(pins)]
        + ["--only-binary", ":all:", "--python-version", version]
        + [f"--platform={name}" for name in platforms],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"the wheels cannot be fetched here: {done.stderr.strip()[-300:]}")
    return folder


def choose_pins(pins: str, version: str) -> str:
    """Keep the pins that hold for a Python; `pip download` asks that of the one it runs in."""
    target = {
        "python_version": version.rpartition(".")[0],
        "python_full_version": version,
        "sys_platform": "linux",
    }
    whole = re.sub(r"\\\n\s*", "", re.sub(r"^\s*#.*\n", "", pins, flags=re.MULTILINE))
    chosen = []
    for line in whole.splitlines():
        requirement, *hashes = line.split(" --hash=")
        marker = Requirement(requirement).marker
        if marker is None or marker.evaluate(target):
            chosen.append(" --hash=".join([requirement.partition(";")[0].strip(), *hashes]))
    return "\n".join(chosen)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder on which layers can be stacked."""
    if reason := explain_why_not():
        pytest.skip(reason)
    if str(BASE) != "/":
        yield check_layers(tmp_path_factory.mktemp("image"))
        return
    # Layers that lie inside of their own base cannot be stacked on it.
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < 3 * 1024 * MIB:
        pytest.skip("needs HILUM_IMAGE_ROOT, or 3 GiB of memory in /dev/shm for the layers")
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        Path(folder).chmod(0o755)
        yield check_layers(Path(folder))


def check_layers(folder: Path) -> Path:
    for name in ("low", "up", "scratch", "whole"):
        (folder / "probe" / name).mkdir(parents=True)
    probe = folder / "probe"
    options = f"lowerdir={probe}/low,upperdir={probe}/up,workdir={probe}/scratch"
    done = run_apart(
        [f"mount -t overlay overlay -o {options} {probe}/whole", f"touch {probe}/whole/file"],
        network=False,
    )
    if done.returncode:
        pytest.skip(f"layers cannot be stacked here: {done.stderr.strip()}")
    return folder


@pytest.fixture(scope="module")
def image(work: Path, wheels: Path) -> Stage:
    """The image, by the Dockerfile's own commands."""
    builder = Builder(work / "layers", BASE, ROOT, wheels)
    builder.work.mkdir()
    return builder.build(ROOT / "Dockerfile")


def list_image(image: Stage) -> list[str]:
    """List what the last stage adds to the base."""
    top = image.layers[0]
    return [path.relative_to(top).as_posix() for path in top.rglob("*") if path.is_file()]


@pytest.mark.slow
def test_image_holds_hilum_and_its_models_and_no_tools(image: Stage) -> None:
    names = list_image(image)
    packages = "/site-packages/"
    installed = {name.partition(packages)[2].split("/")[0] for name in names if packages in name}
    assert {"hilum", "streamlit", "onnxruntime", "pydicom_data"} <= installed | {
        name.partition("-")[0] for name in installed
    }
    assert any(name.endswith("hilum/zoo/hilum-efficientnet-lite1.onnx") for name in names)
    assert not {"pip", "hatchling", "editables", "torch", "pytest"} & installed
    outside = {name for name in names if not name.startswith("venv/")}
    # What useradd changes, and the one script.
    assert {name for name in outside if not name.startswith("etc/")} <= {
        "healthcheck.py",
        "usr/local/bin/python",
        "usr/local/bin/python3",
        "var/log/lastlog",
        "var/log/faillog",
    }
    venv = image.layers[0] / "venv"
    used = sum(path.stat().st_size for path in venv.rglob("*") if path.is_file())
    assert used < 900 * MIB


@pytest.mark.slow
def test_image_says_what_it_is(image: Stage) -> None:
    assert image.labels["org.opencontainers.image.licenses"] == "Apache-2.0 AND CC-BY-4.0"
    assert image.labels["org.opencontainers.image.version"] == "unknown"
    assert "PIP_NO_CACHE_DIR" not in image.environment


# --- the container ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def container(image: Stage, work: Path) -> Iterator[Container]:
    with start_container(image, work / "container") as running:
        took_s = running.wait_until_healthy(START_TIMEOUT_S)
        print(f"healthy after {took_s:.1f} s")
        yield running


@pytest.mark.slow
def test_container_runs_as_nobody_without_rights(container: Container) -> None:
    status = container.read_status()
    assert set(status["Uid"].split()) == {"10001"}
    assert set(status["Gid"].split()) == {"10001"}
    assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    # In a name space of its own it is process 1.
    assert status["NSpid"].split()[-1] == "1"


@pytest.mark.slow
def test_container_can_write_nowhere_but_in_its_scratch(container: Container) -> None:
    write = "import sys; open(sys.argv[1], 'w')"
    for place in ("/file", "/venv/file", "/usr/file", "/var/file"):
        assert container.execute(["python", "-c", write, place]).returncode != 0
    assert container.execute(["python", "-c", write, "/tmp" + "/file"]).returncode == 0


@pytest.mark.slow
def test_the_other_commands_work_there_too(container: Container) -> None:
    done = container.execute(["hilum", "models", "verify"])
    assert done.returncode == 0, done.stderr


# What a visitor does, in a browser that shares the container's empty network.
VISIT = """
import json, sys
from pathlib import Path
from urllib.parse import urlsplit
from factories.pages import open_chromium

chromium, address, film, picture = sys.argv[1:]
hosts = set()
with open_chromium(chromium) as browser:
    page = browser.new_page()
    page.set_default_timeout(180_000)
    page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
    page.goto(address)
    page.locator("input[type=file]").set_input_files(film)
    evidence = page.locator("canvas[aria-label^='The film with the evidence']")
    evidence.wait_for()
    page.screenshot(path=picture)
print(json.dumps(sorted(host for host in hosts if host)))
"""


def draw_film(path: Path) -> Path:
    pixels = draw_phantom(1, height_px=480, width_px=440)
    buffer = io.BytesIO()
    Image.fromarray((pixels * 255).astype(np.uint8)).save(buffer, format="PNG")
    path.write_bytes(buffer.getvalue())
    return path


@pytest.mark.slow
@pytest.mark.browser
def test_a_film_is_read_where_there_is_no_network(
    container: Container, chromium: Path, tmp_path: Path
) -> None:
    film = draw_film(tmp_path / "film.png")
    given = [str(chromium), "http://127.0.0.1:8501", str(film), str(tmp_path / "page.png")]
    environment = os.environ | {"PYTHONPATH": f"{ROOT / 'src'}:{ROOT / 'tests'}"}
    done = subprocess.run(
        ["nsenter", f"--target={container.pid}", "--net", sys.executable, "-c", VISIT, *given],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + container.log.read_text()
    assert json.loads(done.stdout) == ["127.0.0.1:8501"]
    # The film was read, and nothing of it was written.
    left = Path("/proc", str(container.pid), "root", "tmp")
    assert not [path for path in left.rglob("*") if path.is_file() and path.name != "file"]
    resident = int(container.read_status()["VmRSS"].split()[0]) / 1024
    print(f"{resident:.0f} MiB resident after a film")
    assert resident < 900


@pytest.mark.slow
def test_a_base_path_reaches_page_and_health_check(image: Stage, work: Path) -> None:
    with start_container(image, work / "below", {"HILUM_BASE_PATH": "/hilum"}) as running:
        running.wait_until_healthy(START_TIMEOUT_S)
        elsewhere = [*running.stage.health]
        moved = running.execute(["env", "HILUM_BASE_PATH=/other", *elsewhere])
        assert moved.returncode == 1


@pytest.mark.slow
def test_container_stops_when_it_is_told_to(image: Stage, work: Path) -> None:
    """Last: process 1 is ended by a signal only where it listens to it."""
    with start_container(image, work / "stopped") as running:
        running.wait_until_healthy(START_TIMEOUT_S)
        os.kill(running.pid, getattr(signal, image.stop_signal))
        deadline = time.monotonic() + 10.0  # what engines wait before they kill
        while Path(f"/proc/{running.pid}/cmdline").exists() and time.monotonic() < deadline:
            if " Z " in Path(f"/proc/{running.pid}/stat").read_text():
                break
            time.sleep(0.1)
        else:
            assert not Path(f"/proc/{running.pid}/cmdline").exists(), running.log.read_text()


# --- the Space -------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_space_builds_and_answers(work: Path, wheels: Path) -> None:
    users = (BASE / "etc" / "passwd").read_text(encoding="utf-8").splitlines()
    if any(user.split(":")[2] == "1000" for user in users):
        pytest.skip("somebody on this machine has the Space's uid 1000 (HILUM_IMAGE_ROOT)")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run([*build, "--directory", work / "dist"], cwd=ROOT, check=True)
    (wheel,) = (work / "dist").glob("hilum-*.whl")
    space = work / "space"
    script = ROOT / "deploy" / "assemble_space.py"
    subprocess.run([sys.executable, script, wheel, space], check=True)
    (work / "space-layers").mkdir()
    stage = Builder(work / "space-layers", BASE, space, wheels).build(space / "Dockerfile")
    health = ("python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8501')")
    with start_container(replace(stage, health=health), work / "space-container") as running:
        running.wait_until_healthy(START_TIMEOUT_S)
        assert set(running.read_status()["Uid"].split()) == {"1000"}
