"""``hilum models push``: what it shows, what it sends, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from factories.hub import READ_TOKEN, TOKEN, serve_hub
from factories.networks import write_tiny_network
from hilum.cli import build_app
from hilum.models import publish
from hilum.models.zoo import list_models
from hilum.report.hub_card import describe_for_hub, render_hub_card
from hilum.spec import hash_bytes

pytest.importorskip("huggingface_hub", reason='needs the extra "hub"')

TARGET = "hospital/tiny"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_tiny_network(tmp_path / "model")
    return tmp_path / "model"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(build_app(), ["models", "push", *arguments])


def start(model: Path, url: str, token: str | None, home: Path) -> Any:
    """Run the command as a user does, in a process of its own."""
    taken = ("HF_", "HUGGING_FACE", "HTTP_PROXY", "http_proxy", "PYTHONWARNINGS")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(taken)}
    # Xet, the hub's own protocol, has no stand-in.
    environment |= {"HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1"}
    environment |= {} if token is None else {"HF_TOKEN": token}
    command = [sys.executable, "-c", "from hilum.cli import main; main()", "models", "push"]
    command += [str(model), "--to", TARGET, "--endpoint", url]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_model_goes_to_the_hub_and_comes_back_as_one(model: Path, tmp_path: Path) -> None:
    with serve_hub() as hub:
        done = start(model, hub.url, TOKEN, tmp_path)
    assert done.returncode == 0, done.stderr
    files = hub.repositories[TARGET].files
    assert set(files) == {"README.md", "tiny.json", "tiny.onnx"}
    assert files["tiny.onnx"] == (model / "tiny.onnx").read_bytes()
    assert json.loads(files["tiny.json"]) == json.loads((model / "tiny.json").read_bytes())
    assert f"{hub.url}/{TARGET} (made, private)" in done.stdout
    assert hub.repositories[TARGET].head in done.stdout
    assert TOKEN not in done.stdout + done.stderr
    # As someone fetches it: one folder, used by its path.
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    for name, data in files.items():
        (fetched / name).write_bytes(data)
    assert CliRunner().invoke(build_app(), ["models", "verify", str(fetched)]).exit_code == 0
    film = Path(__file__).parents[2] / "docs" / "images" / "app.png"
    result = CliRunner().invoke(build_app(), ["analyze", str(film), "--model", str(fetched)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("token", "said"), [(None, "hf auth login"), (READ_TOKEN, "may not write there")]
)
def test_a_push_that_may_not_be_ends_in_one_line(
    model: Path, tmp_path: Path, token: str | None, said: str
) -> None:
    with serve_hub() as hub:
        done = start(model, hub.url, token, tmp_path)
    assert done.returncode == 8
    (line,) = done.stderr.splitlines()
    assert line.startswith("hilum: ")
    assert said in line
    assert READ_TOKEN not in line
    assert not hub.repositories


def test_a_dry_run_shows_everything_and_sends_nothing(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def send(*_: Any, **__: Any) -> None:
        raise AssertionError("a dry run sends nothing")

    monkeypatch.setattr(publish, "push_files", send)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    result = run(str(model), "--to", TARGET, "--dry-run", "--public", "--dataset", "hospital/films")
    assert result.exit_code == 0, result.output
    weights = (model / "tiny.onnx").read_bytes()
    assert f"{len(weights):,} bytes" in result.stdout
    for told in (
        hash_bytes(weights),
        hash_bytes((model / "tiny.json").read_bytes()),
        "license: apache-2.0",
        "- hospital/films",
        f"Would go to {TARGET}, made public if it is new, as one commit: tiny 1.0",
        "Nothing was sent.",
    ):
        assert told in result.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--to", "tiny"), "OWNER/NAME"),
        (("--to", TARGET, "--endpoint", "http://hub.example"), "https"),
    ],
)
def test_a_wrong_target_is_wrong_usage(model: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run(str(model), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


# --- the card ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [spec.name for spec in list_models()])
def test_the_front_matter_is_what_hubs_read(name: str) -> None:
    from huggingface_hub import ModelCard

    spec = next(one for one in list_models() if one.name == name)
    card = ModelCard(render_hub_card(spec, "hospital/hilum", ["hospital/films"]))
    data: Any = card.data
    assert data.license == "cc-by-4.0"
    assert data.library_name == "hilum"
    assert data.datasets == ["hospital/films"]
    results = {one.metric_type: one for one in data.eval_results}
    assert results["roc_auc"].metric_value == round(spec.metrics["test"].roc_auc.value, 4)
    assert results["recall"].dataset_split == "test"
    assert "95 % interval" in results["recall"].metric_name
    assert "not a medical device" in card.text
    assert "hf download hospital/hilum" in card.text


def test_a_licence_that_the_hub_does_not_list_is_named() -> None:
    spec = list_models()[0].model_copy(update={"licence": "Hospital Licence 2"})
    facts = describe_for_hub(spec)
    assert (facts["license"], facts["license_name"]) == ("other", "hospital-licence-2")
    assert "datasets" not in facts
