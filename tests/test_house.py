"""Rules of the house that no single room can keep: packaging, pins, documents, words."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from hilum.models.zoo import list_models
from shipped_tables import fill_tables, list_pages

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints"
MAX_FILE_LINES = {"src": 450, "tests": 500}
MAX_PICTURE_BYTES = 4096
PICTURE_SUFFIXES = {
    ".bmp", ".dcm", ".dicom", ".gif", ".j2c", ".j2k", ".jls", ".jp2", ".jpeg", ".jpg", ".npy",
    ".npz", ".png", ".tif", ".tiff", ".webp",
}  # fmt: skip

# Split, so that this file does not hold what it looks for.
FORBIDDEN_TEXT = {
    "a package index": ("pypi" + ".org", "python" + "hosted.org", "download.pytorch" + ".org"),
    "a path of one machine": tuple(f"/{name}/" for name in ("opt", "work", "tmp", "root", "home")),
}
TEXT_SUFFIXES = {
    "", ".cff", ".cfg", ".css", ".html", ".js", ".json", ".md", ".py", ".sh", ".svg", ".toml",
    ".txt", ".yaml", ".yml",
}  # fmt: skip


def read_pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def list_tracked_files() -> list[Path]:
    """All files of the repository that git knows or would add; skip outside of a clone."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a clone, or no git")
    paths = [ROOT / name for name in listed.split("\0") if name]
    return [path for path in paths if path.is_file()]


def find_pins(name: str) -> dict[str, set[str]]:
    """Read one file of constraints: normalised name -> pinned versions."""
    text = (CONSTRAINTS / f"{name}.txt").read_text(encoding="utf-8")
    pins: dict[str, set[str]] = {}
    for match in re.finditer(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE):
        pins.setdefault(normalize(match[1]), set()).add(match[2])
    return pins


def normalize(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def collect_requirements(pyproject: dict[str, Any], name: str) -> list[Requirement]:
    """The direct requirements that one file of constraints stands for."""
    project, groups = pyproject["project"], pyproject["dependency-groups"]
    extras = project["optional-dependencies"]
    parts = {
        "base": [],
        "app": [extras["app"], extras["samples"], groups["build"]],
        "dev": [*extras.values(), *groups.values()],
    }[name]
    texts = [*project["dependencies"], *(text for part in parts for text in part)]
    return [Requirement(text) for text in texts if isinstance(text, str)]


# --- pins ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["base", "app", "dev"])
def test_every_requirement_is_pinned_within_its_bounds(name: str) -> None:
    pins = find_pins(name)
    for requirement in collect_requirements(read_pyproject(), name):
        pinned = pins.get(normalize(requirement.name))
        assert pinned, f"{requirement.name} is not in constraints/{name}.txt: make lock"
        assert all(requirement.specifier.contains(one) for one in pinned), requirement


@pytest.mark.parametrize("name", ["base", "app", "dev"])
def test_every_pin_has_a_hash_and_no_place(name: str) -> None:
    text = (CONSTRAINTS / f"{name}.txt").read_text(encoding="utf-8")
    requirements = re.split(
        r"\n(?=[A-Za-z0-9])", re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    )
    assert len(requirements) > 20
    for requirement in requirements:
        assert "--hash=sha256:" in requirement, requirement
    assert not re.search(r"://|file:|--(extra-)?index|--find-links|\s@\s", text)


def test_smaller_sets_of_pins_agree_with_the_whole() -> None:
    whole = find_pins("dev")
    for name in ("base", "app"):
        different = {
            package: (pins, whole.get(package))
            for package, pins in find_pins(name).items()
            if not pins <= whole.get(package, set())
        }
        assert not different, f"constraints/{name}.txt: make lock"
    assert set(find_pins("base")) <= set(find_pins("app"))


def test_base_and_app_pins_have_no_torch() -> None:
    for name in ("base", "app"):
        assert not {"torch", "torchvision", "timm", "matplotlib", "scikit-learn"} & set(
            find_pins(name)
        )


# --- versions and documents ----------------------------------------------------------------


def test_versions_agree() -> None:
    wanted = read_pyproject()["project"]["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    cited = re.search(r"^version: (.+)$", citation, re.MULTILINE)
    newest = re.search(r"^## \[(\d[^\]]*)\]", changelog, re.MULTILINE)
    assert cited
    assert newest
    assert cited[1] == wanted
    assert newest[1] == wanted
    assert version("hilum") == wanted, "the installed hilum is stale: make install"


def test_direct_dependencies_stand_in_the_licence_table() -> None:
    table = (ROOT / "docs" / "install.md").read_text(encoding="utf-8").lower()
    missing = {
        requirement.name
        for requirement in collect_requirements(read_pyproject(), "dev")
        if requirement.name.lower() not in table
    }
    assert not missing


def list_documents() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def find_code_blocks(path: Path, languages: set[str]) -> list[str]:
    text = path.read_text(encoding="utf-8")
    return [
        match[2]
        for match in re.finditer(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        if match[1] in languages
    ]


def find_commands(path: Path) -> list[str]:
    """The ``hilum`` commands in a document's shell blocks, without comments."""
    blocks = find_code_blocks(path, {"console", "sh", "bash", "shell"})
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    stripped = [re.sub(r"(^|\s)#.*$|^\$ |\s[|<>].*$", "", line).strip() for line in lines]
    return [line for line in stripped if re.match(r"(\.venv/bin/)?hilum(\s|$)", line)]


def test_documents_hold_commands_and_python() -> None:
    """What the two tests below look at is there at all."""
    assert len(find_commands(ROOT / "README.md")) >= 3
    assert find_code_blocks(ROOT / "README.md", {"python"})


@pytest.mark.parametrize("path", list_documents(), ids=lambda path: path.name)
def test_commands_in_documents_exist(path: Path) -> None:
    import typer.main

    from hilum.cli import build_app

    whole = typer.main.get_command(build_app())
    for line in find_commands(path):
        command: Any = whole
        for word in line.split()[1:]:
            if word.startswith("-") and word != "-":
                known = {"--help", "-h"}
                known |= {
                    option for one in command.params for option in (*one.opts, *one.secondary_opts)
                }
                assert word.partition("=")[0] in known, f"{line!r}: {command.name} has no {word}"
            elif hasattr(command, "commands"):
                assert word in command.commands, f"{line!r}: there is no command {word}"
                command = command.commands[word]


@pytest.mark.parametrize("path", list_documents(), ids=lambda path: path.name)
def test_python_in_documents_is_true(path: Path) -> None:
    """Each block parses, and what it imports from hilum is there."""
    from importlib import import_module

    for block in find_code_blocks(path, {"python", "py"}):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hilum"):
                module = import_module(node.module or "")
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module}.{alias.name}"
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "hilum"
            ):
                assert hasattr(import_module("hilum"), node.attr), f"hilum.{node.attr}"


def test_the_example_of_the_readme_runs(tmp_path: Path, quiet_environment: dict[str, str]) -> None:
    from hilum.samples import list_films

    # What `hilum data samples films/`, the command before it, writes.
    (tmp_path / "films").mkdir()
    for film in list_films():
        (tmp_path / "films" / film.file_name).write_bytes(film.read())
    (example,) = find_code_blocks(ROOT / "README.md", {"python"})
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=tmp_path,
        env=quiet_environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "% at logit" in done.stdout
    assert (tmp_path / "overlay.png").stat().st_size > 1000


def test_tables_of_the_shipped_models_are_those_of_their_specs() -> None:
    pages = list_pages()
    assert {"README.md", "faithfulness.md", "limits.md", "trust.md"} <= {one.name for one in pages}
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert text == fill_tables(text), f"{page.name}: make cards"


def test_a_marked_table_keeps_the_rows_of_others() -> None:
    table = "| a | b |\n|---|---|\n| `hilum-old` | 1 |\n| X | 2 |\n"
    text = f"<!-- shipped: published -->\n\n{table}\nEnd.\n"
    filled = fill_tables(text)
    assert "hilum-old" not in filled
    assert all(f"| `{spec.name}` | 0.9" in filled for spec in list_models())
    assert filled.endswith("| X | 2 |\n\nEnd.\n")
    assert fill_tables(filled) == filled


# --- words and sizes -----------------------------------------------------------------------


def test_no_file_names_an_index_or_a_machine() -> None:
    found = []
    for path in list_tracked_files():
        if path.suffix not in TEXT_SUFFIXES:
            continue
        text = path.read_text(encoding="utf-8")
        for what, words in FORBIDDEN_TEXT.items():
            found += [
                f"{path.relative_to(ROOT)}: {what} ({word})"
                for word in words
                if re.search(rf"(?<![\w.]){re.escape(word)}", text)
            ]
    assert not found


def test_no_source_file_is_too_long() -> None:
    long = {
        path.relative_to(ROOT).as_posix(): lines
        for folder, most in MAX_FILE_LINES.items()
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > most
    }
    assert not long, "two subjects in one file: give each its room"


def test_no_film_is_in_the_repository() -> None:
    """No radiograph of a patient: only crumbs that a decoder is tested on, and screenshots."""
    from hilum.models.zoo import list_models
    from hilum.samples import list_films

    pictures = [
        path.relative_to(ROOT).as_posix()
        for path in list_tracked_files()
        if path.suffix.lower() in PICTURE_SUFFIXES and path.stat().st_size > MAX_PICTURE_BYTES
    ]
    # The gate of a shipped model: means and principal directions of thousands of films.
    gates = {f"src/hilum/zoo/{spec.gate.file}" for spec in list_models() if spec.gate}
    # Films that show nobody; tests/samples says how that was made sure of.
    synthetic = {f"src/hilum/samples/{film.file_name}" for film in list_films()}
    others = [path for path in pictures if not path.startswith("docs/images/")]
    assert set(others) <= gates | synthetic


# --- the wheel -----------------------------------------------------------------------------


def test_wheel_holds_all_that_hilum_needs(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("hilum-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    source = ROOT / "src"
    expected = {
        path.relative_to(source).as_posix()
        for path in (source / "hilum").rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and path.suffix not in {".pyc", ".partial"}
    }
    assert "hilum/py.typed" in expected
    assert expected <= names
    assert any(name.endswith("/licenses/NOTICE") for name in names)
    assert any(name.endswith("/licenses/LICENSE") for name in names)
    outside = {name for name in names if not name.startswith(("hilum/", "hilum-"))}
    assert not outside
