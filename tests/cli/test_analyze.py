"""``hilum analyze``, as it is typed."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from factories.networks import write_tiny_network
from factories.radiographs import draw_noise
from hilum.cli import build_app
from hilum.cli.analyze import STRICT_WARNINGS
from hilum.io import WARNINGS
from hilum.predictor import load_model

Run = Callable[..., Result]

JSONL_KEYS = [
    "source",
    "model",
    "probability",
    "logit",
    "decision",
    "side",
    "reasons",
    "operating_point",
    "threshold",
    "warnings",
    "spread",
    "evidence",
    "overlay",
    "report",
]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``hilum analyze ...`` in a folder that holds the tiny model as ``model/``."""
    write_tiny_network(tmp_path / "model")
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: bytes | None = None, model: str = "./model") -> Result:
        app = build_app()
        return CliRunner().invoke(app, ["analyze", "--model", model, *arguments], input=stdin)

    return run


def write_film(path: str, seed: int = 0) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((draw_noise(60, 50, seed=seed) * 255).astype(np.uint8)).save(file)
    return file


def read_lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def list_sources(result: Result) -> list[str]:
    return [line["source"] for line in read_lines(result)]


def test_jsonl_has_exactly_the_promised_keys(run: Run) -> None:
    write_film("film.png")
    result = run("film.png", "--format", "jsonl")
    assert result.exit_code == 0, result.stderr
    [line] = read_lines(result)
    assert list(line) == JSONL_KEYS
    with load_model("./model") as model:
        prediction = model.analyze("film.png")
    values = prediction.evidence.values
    assert line == {
        "source": "film.png",
        "model": "tiny",
        "probability": prediction.probability,
        "logit": prediction.logit,
        "decision": prediction.decision,
        "side": prediction.decision,
        "reasons": [],
        "operating_point": "youden",
        "threshold": 0.5,
        "warnings": [],
        "spread": None,
        "evidence": {
            "shape": [8, 6],
            "min": float(values.min()),
            "max": float(values.max()),
            "spread_max": None,
        },
        "overlay": None,
        "report": None,
    }
    assert result.stderr == ""


def test_a_film_that_cannot_be_read_is_an_object_and_the_rest_go_on(run: Run) -> None:
    write_film("a.png")
    Path("b.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    write_film("c.png")
    result = run("a.png", "b.png", "gone.png", "c.png", "--format", "jsonl")
    assert result.exit_code == 3
    lines = read_lines(result)
    assert [list(line) for line in lines] == [
        JSONL_KEYS,
        ["source", "error"],
        ["source", "error"],
        JSONL_KEYS,
    ]
    assert lines[1]["error"]["type"] == "UnreadableImageError"
    assert lines[2]["source"] == "gone.png"
    assert list(lines[2]["error"]) == ["type", "message"]
    assert "2 of 4 films have no answer" in result.stderr


def test_folders_are_searched_in_depth_and_in_order(run: Run) -> None:
    for name in ["b.png", "a.dcm", "z/1.png", "z/deep/2.jpeg", "m/3.png"]:
        write_film(f"films/{name}" if name != "a.dcm" else "films/a.png")
    Path("films/a.png").rename("films/a.dcm")  # the content decides, not the name
    for name in [".hidden.png", ".cache/film.png"]:
        write_film(f"films/{name}")
    Path("films/DICOMDIR").write_bytes(b"\0" * 200)
    for name, text in {"README.md": "# Films", "list.csv": "a,b\n", "ä.txt": "ä" * 300}.items():
        Path("films", name).write_text(text, encoding="utf-8")
    result = run("films", "--format", "jsonl")
    assert result.exit_code == 0, result.stdout
    assert list_sources(result) == [
        str(Path("films", name))
        for name in ["a.dcm", "b.png", "m/3.png", "z/1.png", "z/deep/2.jpeg"]
    ]
    assert "passed over: 3" in result.stderr


@pytest.mark.parametrize("content", [b"", b"\0" * 600, b"\x89PNG", b"%PDF-1.7\n\x00\xff"])
def test_a_damaged_file_in_a_folder_is_reported_and_not_lost(run: Run, content: bytes) -> None:
    write_film("films/good.png")
    Path("films/bad.dcm").write_bytes(content)
    result = run("films", "--format", "jsonl")
    assert result.exit_code == 3
    assert list_sources(result) == [str(Path("films", n)) for n in ("bad.dcm", "good.png")]


def test_a_text_file_that_is_named_is_an_error(run: Run) -> None:
    Path("notes.txt").write_text("not a film")
    assert run("notes.txt").exit_code == 3


def test_links_to_folders_are_not_followed(run: Run) -> None:
    write_film("films/a.png")
    Path("films/loop").symlink_to(Path("films").resolve(), target_is_directory=True)
    assert len(read_lines(run("films", "--format", "jsonl"))) == 1


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("films/*.png", ["films/a.png", "films/b.png"]),
        ("films/**/*.png", ["films/a.png", "films/b.png", "films/sub/c.png"]),
        ("films/[b]*", ["films/b.png"]),
    ],
)
def test_quoted_globs(run: Run, pattern: str, expected: list[str]) -> None:
    for name in ["a.png", "b.png", "sub/c.png"]:
        write_film(f"films/{name}")
    assert list_sources(run(pattern, "--format", "jsonl")) == expected


def test_a_file_whose_name_looks_like_a_glob_is_that_file(run: Run) -> None:
    write_film("film[1].png")
    write_film("film1.png")
    assert list_sources(run("film[1].png", "--format", "jsonl")) == ["film[1].png"]


def test_a_glob_without_a_match_is_an_error(run: Run) -> None:
    result = run("*.png", "--format", "jsonl")
    assert result.exit_code == 3
    assert list_sources(result) == ["*.png"]


def test_nothing_to_read_is_wrong_usage(run: Run) -> None:
    Path("empty").mkdir()
    result = run("empty")
    assert result.exit_code == 2
    assert "no films" in result.stderr
    assert result.stdout == ""


def test_stdin_is_a_film(run: Run) -> None:
    data = write_film("film.png").read_bytes()
    [piped] = read_lines(run("-", "--format", "jsonl", stdin=data))
    [named] = read_lines(run("film.png", "--format", "jsonl"))
    assert piped == named | {"source": "-"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "PATH"),
        (["film.png", "--format", "xml"], "jsonl"),
        (["film.png", "--threads", "0"], "threads"),
        (["film.png", "--operating-point", "best"], "youden, sensitivity_95, sensitivity_99"),
        (["film.png", "--views", "turn"], "none, flip, shift, flip_shift"),
        (["film.png", "--out", "film.png"], "cannot be made"),
        (["film.png", "--wrong"], "--wrong"),
    ],
)
def test_wrong_usage_is_2_and_told_on_stderr(run: Run, arguments: list[str], told: str) -> None:
    write_film("film.png")
    result = run(*arguments)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_an_unknown_model_is_wrong_usage(run: Run) -> None:
    write_film("film.png")
    result = run("film.png", model="nobody")
    assert result.exit_code == 2
    assert 'no model "nobody"' in result.stderr


def test_a_broken_model_is_4(run: Run) -> None:
    write_film("film.png")
    with Path("model/tiny.onnx").open("ab") as file:
        file.write(b"\0")
    result = run("film.png")
    assert result.exit_code == 4
    assert "SHA-256" in result.stderr


def test_an_operating_point_is_used_and_named(run: Run) -> None:
    write_film("film.png")
    [line] = read_lines(run("film.png", "--format", "jsonl", "--operating-point", "sensitivity_99"))
    assert (line["operating_point"], line["threshold"]) == ("sensitivity_99", 0.1)
    assert line["decision"] == "pneumonia"


def test_the_table_fits_80_columns_and_says_what_it_is(run: Run) -> None:
    long_name = "a" * 60 + "/" + "b" * 60 + ".png"
    write_film(long_name)
    Path("bad.png").write_bytes(b"nothing")
    result = run(long_name, "bad.png", "--out", "o")
    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    drawn = [line for line in lines if not line.strip().startswith("o" + os.sep)]
    assert max(map(len, drawn)) <= 80
    assert "operating point youden" in lines[0]
    assert any(line.endswith("bbbb.png") for line in lines)
    assert any("no answer" in line for line in lines)
    assert lines[-1] == "Research software, not a medical device."


def test_control_characters_of_a_name_do_not_reach_the_terminal(run: Run) -> None:
    write_film("evil\x1b[31m\n.png")
    result = run("evil\x1b[31m\n.png", "--out", "o")
    assert "\x1b" not in result.stdout
    assert r"evil\x1b[31m\n.png" in result.stdout
    assert [path.name for path in Path("o").iterdir()] == ["evil_[31m_.overlay.png"]


def test_a_name_that_is_no_valid_text_survives_jsonl(run: Run) -> None:
    name = os.fsdecode(b"film\xff.png")
    try:
        write_film(name)
    except OSError:
        pytest.skip("the file system takes valid text only")
    for output_format in ("jsonl", "csv", "table"):
        assert run(name, "--format", output_format).exit_code == 0
    assert list_sources(run(name, "--format", "jsonl")) == [name]


def test_csv_has_a_header_and_quotes(run: Run) -> None:
    write_film('a, "b"\n.png')
    Path("bad.png").write_bytes(b"nothing")
    result = run('a, "b"\n.png', "bad.png", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout, newline="")))
    assert [row["source"] for row in rows] == ['a, "b"\n.png', "bad.png"]
    assert float(rows[0]["threshold"]) == 0.5
    assert 0.0 < float(rows[0]["probability"]) < 1.0
    assert rows[0]["error_type"] == ""
    assert rows[1]["error_type"] == "UnreadableImageError"
    assert rows[1]["probability"] == ""


@pytest.mark.parametrize("name", ["=1+1.png", "+1.png", "@a.png", "-a.png"])
def test_csv_sources_are_no_formulas_and_still_paths(run: Run, name: str) -> None:
    write_film(name)
    result = run("--format", "csv", "--", name)
    [row] = csv.DictReader(io.StringIO(result.stdout))
    assert row["source"] == f"./{name}"
    assert Path(row["source"]).samefile(name)


def test_overlays_of_films_of_one_name_do_not_meet(run: Run) -> None:
    for seed, name in enumerate(["a/film.png", "b/film.png", "film.png"]):
        write_film(name, seed)
    arguments = ("a", "b", "film.png", "--out", "out/deep", "--format", "jsonl")
    result = run(*arguments)
    assert result.exit_code == 0
    overlays = [line["overlay"] for line in read_lines(result)]
    assert len(set(overlays)) == 3
    assert sorted(path.name for path in Path("out/deep").iterdir()) == sorted(
        Path(overlay).name for overlay in overlays
    )
    contents = {Path(overlay).read_bytes() for overlay in overlays}
    assert len(contents) == 3
    # The same command names the same pictures again.
    assert [line["overlay"] for line in read_lines(run(*arguments))] == overlays


def test_an_overlay_is_the_one_of_the_prediction_and_names_no_film(run: Run) -> None:
    write_film("secret-name.png")
    [line] = read_lines(run("secret-name.png", "--out", "o", "--format", "jsonl"))
    with load_model("./model") as model:
        drawn = model.analyze("secret-name.png").overlay(max_side_px=1024)
    with Image.open(line["overlay"]) as overlay:
        np.testing.assert_array_equal(np.asarray(overlay), np.asarray(drawn))
        facts = " ".join(str(value) for value in overlay.info.values())
    assert "Research use only" in facts
    assert "secret" not in facts


def test_a_file_of_another_origin_is_not_overwritten(run: Run) -> None:
    write_film("film.png")
    own = write_film("o/film.overlay.png", seed=3)
    before = own.read_bytes()
    result = run("film.png", "--out", "o")
    assert result.exit_code == 1
    assert "not made by hilum" in result.stderr
    assert own.read_bytes() == before


def test_overlays_do_not_go_where_films_are_searched(run: Run) -> None:
    write_film("films/a.png")
    result = run("films", "--out", "films")
    assert result.exit_code == 2
    assert [path.name for path in Path("films").iterdir()] == ["a.png"]
    # In a folder below, they are not taken for films the next time.
    for _ in range(2):
        result = run("films", "--out", "films/overlays", "--format", "jsonl")
        assert list_sources(result) == [str(Path("films", "a.png"))]


def test_a_disk_that_refuses_is_told_and_leaves_nothing_half_written(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_film("film.png")

    def refuse(image: Image.Image, path: Path, **options: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", refuse)
    result = run("film.png", "--out", "o")
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert list(Path("o").iterdir()) == []


def test_strict_gives_no_answer_where_the_model_cannot_judge(run: Run) -> None:
    Image.fromarray(np.full((60, 50), 90, dtype=np.uint8)).save("blank.png")
    write_film("film.png")
    lenient = run("blank.png", "film.png", "--format", "jsonl")
    assert lenient.exit_code == 0
    assert [w["code"] for w in read_lines(lenient)[0]["warnings"]] == ["blank"]
    strict = run("blank.png", "film.png", "--format", "jsonl", "--strict")
    assert strict.exit_code == 3
    refused, answered = read_lines(strict)
    assert refused == {
        "source": "blank.png",
        "error": {
            "type": "UnsupportedImageError",
            "message": "Refused because of --strict: blank.",
        },
    }
    assert answered == read_lines(lenient)[1]


def test_strict_knows_only_codes_that_exist() -> None:
    assert set(WARNINGS) | {"outside_population", "untrained_view"} >= STRICT_WARNINGS


def test_a_forced_recipe_is_marked(run: Run) -> None:
    write_film("film.png")
    facts = json.loads(Path("model/tiny.json").read_text())
    facts["input"]["recipe"] = {"name": "hu_window", "center": 40, "width": 800}
    Path("model/tiny.json").write_text(json.dumps(facts))
    assert run("film.png").exit_code == 3
    [line] = read_lines(run("film.png", "--force-recipe", "--format", "jsonl"))
    assert "recipe_forced" in [warning["code"] for warning in line["warnings"]]


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hilum", "analyze", "--model", "./model", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A test run in a shell's background ignores Ctrl-C, and its children would, too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.fixture
def many(run: Run, tmp_path: Path) -> list[str]:
    """A run so long that it has to be interrupted."""
    write_film("film.png")
    return ["film.png"] * 20_000 + ["--format", "jsonl"]


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_ends_with_130_and_whole_lines(tmp_path: Path, many: list[str]) -> None:
    process = start(tmp_path, *many)
    assert process.stdout is not None
    first = process.stdout.readline()
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() == "hilum: interrupted"
    for line in (first + rest).splitlines():
        assert json.loads(line)["source"] == "film.png"


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_reader_that_leaves_ends_it_quietly(tmp_path: Path, many: list[str]) -> None:
    process = start(tmp_path, *many)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == ""
    process.stderr.close()


def test_results_come_while_the_work_goes_on(tmp_path: Path, many: list[str]) -> None:
    process = start(tmp_path, *many)
    assert process.stdout is not None
    started = time.monotonic()
    process.stdout.readline()
    assert process.poll() is None
    process.kill()
    process.communicate()
    assert time.monotonic() - started < 60


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("films", "bar"), [(40, True), (3, False)])
def test_a_bar_shows_on_a_terminal_when_films_are_many(
    run: Run, tmp_path: Path, films: int, bar: bool
) -> None:
    import pty
    import termios

    write_film("film.png")
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (24, 80))
    command = [sys.executable, "-m", "hilum", "analyze", "--model", "./model", "--format", "jsonl"]
    result = subprocess.run(
        [*command, *["film.png"] * films],
        stdout=subprocess.PIPE,
        stderr=follower,
        cwd=tmp_path,
        check=True,
    )
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 4096):
            shown += part
    except OSError:  # the end of a pseudo-terminal
        pass
    os.close(leader)
    assert result.stdout.count(b"\n") == films
    assert (b"40/40" in shown) == bar
    assert (shown == b"") == (not bar)
