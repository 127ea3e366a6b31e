"""The base install: small, and enough to score and explain a film.

The packages of the base are those that ``project.dependencies`` brings, all the way down, as
they are installed here. Everything else in this environment is hidden from a subprocess, which
then reads, scores, explains and draws.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

import numpy as np
import pytest
from packaging.requirements import Requirement
from PIL import Image

from hilum.data.phantom import draw_phantom

ROOT = Path(__file__).resolve().parents[1]
MAX_BASE_BYTES = 300e6
MUST_BE_HIDDEN = {"torch", "torchvision", "timm", "sklearn", "matplotlib", "streamlit", "onnx"}

HIDE = """
import importlib.util, json, sys
from importlib.abc import MetaPathFinder

class Hidden(MetaPathFinder):
    names = frozenset(json.loads(sys.argv.pop(1)))

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r} (hidden)", name=name)
        return None

# What the interpreter loads as it starts (a .pth file of setuptools) is not hilum's doing.
started_with = set(sys.modules)
sys.meta_path.insert(0, Hidden())

# Asked whether a package is there, Python says no: it does not raise.
find_any_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: (
    None if name.partition(".")[0] in Hidden.names else find_any_spec(name, package)
)
"""

SCORE = """
import hilum

film, overlay = sys.argv[1:]
radiograph = hilum.read_radiograph(film)
with hilum.load_model() as model:
    # The film is a drawing, which the gate may refuse: it runs, and is told to let it pass.
    assert model.analyze(film).logit == model.analyze(film, gate=False).logit
    prediction = model.analyze(film, gate=False)
    again = model.analyze(radiograph)
    assert again.logit == prediction.logit
prediction.overlay(max_side_px=512).save(overlay)
loaded = Hidden.names & {name.partition(".")[0] for name in set(sys.modules) - started_with}
assert not loaded, loaded
print(json.dumps(prediction.to_dict()))
"""

COMMAND = """
from hilum.cli import main

main()
"""


def normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.fixture(scope="module")
def base() -> dict[str, Distribution]:
    """Every distribution of the base install, by normalised name, without hilum itself."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: dict[str, Distribution] = {}
    todo = [(Requirement(text), "") for text in pyproject["project"]["dependencies"]]
    while todo:
        requirement, extra = todo.pop()
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = normalize(requirement.name)
        if name in found and not requirement.extras:
            continue
        found[name] = distribution(requirement.name)
        wanted = ["", *requirement.extras]
        todo += [
            (Requirement(text), extra) for text in found[name].requires or [] for extra in wanted
        ]
    return found


@pytest.fixture(scope="module")
def hidden(base: dict[str, Distribution]) -> list[str]:
    """Names of all installed modules that are outside of the base."""
    names = sorted(
        module
        for module, owners in packages_distributions().items()
        if not {normalize(owner) for owner in owners} & {*base, "hilum"}
    )
    assert set(names) >= MUST_BE_HIDDEN, "they are not installed, or they are in the base"
    return names


@pytest.fixture
def film(tmp_path: Path) -> Path:
    pixels = np.round(draw_phantom(height_px=500, width_px=600) * 255).astype(np.uint8)
    path = tmp_path / "phantom.png"
    Image.fromarray(pixels).save(path)
    return path


def run_hidden(
    code: str, hidden: list[str], arguments: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", HIDE + code, json.dumps(hidden), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_scores_and_explains_with_the_base_alone(
    film: Path, hidden: list[str], quiet_environment: dict[str, str]
) -> None:
    overlay = film.with_name("overlay.png")
    done = run_hidden(SCORE, hidden, [str(film), str(overlay)], quiet_environment)
    assert done.returncode == 0, done.stderr
    prediction = json.loads(done.stdout)
    assert 0.0 <= prediction["probability"] <= 1.0
    values = np.asarray(prediction["evidence"]["values"])
    sum_of_evidence = prediction["evidence"]["bias"] + values.mean()
    assert sum_of_evidence == pytest.approx(prediction["logit"], abs=1e-4)
    assert overlay.stat().st_size > 1000


def test_commands_run_with_the_base_alone(
    film: Path, hidden: list[str], quiet_environment: dict[str, str]
) -> None:
    done = run_hidden(
        COMMAND, hidden, ["analyze", str(film), "--format", "jsonl"], quiet_environment
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["source"].endswith("phantom.png")
    for arguments in (["--help"], ["models", "list"], ["models", "verify"]):
        done = run_hidden(COMMAND, hidden, arguments, quiet_environment)
        assert done.returncode == 0, (arguments, done.stderr)


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [(["app"], "app"), (["train", "recipe.yaml"], "train")],
    ids=["app", "train"],
)
def test_a_missing_extra_is_named(
    arguments: list[str],
    extra: str,
    hidden: list[str],
    quiet_environment: dict[str, str],
    tmp_path: Path,
) -> None:
    recipes = sorted((ROOT / "recipes").glob("*.yaml"))
    arguments = [str(recipes[0]) if one == "recipe.yaml" else one for one in arguments]
    if extra == "train":
        arguments += ["--data", str(tmp_path)]
    done = run_hidden(COMMAND, hidden, arguments, quiet_environment)
    assert done.returncode not in (0, None)
    assert f'pip install "hilum[{extra}]"' in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_hidden_modules_are_hidden(hidden: list[str], quiet_environment: dict[str, str]) -> None:
    done = run_hidden("import torch", hidden, [], quiet_environment)
    assert done.returncode != 0
    assert "(hidden)" in done.stderr


def test_base_install_is_small(base: dict[str, Distribution]) -> None:
    package = ROOT / "src" / "hilum"
    own = [path for path in package.rglob("*") if path.is_file()]
    others = [Path(str(one.locate_file(file))) for one in base.values() for file in one.files or []]
    size = sum(path.stat().st_size for path in (*own, *others) if path.is_file())
    assert size > 100e6, "the packages were not found"
    assert size < MAX_BASE_BYTES, f"{size / 1e6:.0f} MB"
