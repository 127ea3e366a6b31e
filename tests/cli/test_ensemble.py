from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from factories.networks import HEAD_WEIGHTS
from factories.training import draw_film
from hilum.cli import build_app
from hilum.decision import compute_probability
from hilum.errors import SpecMismatchError
from hilum.inference import OnnxBackend
from hilum.predictor import decide_again, load_model
from hilum.spec import read_spec, read_weights
from hilum.types import FilmWarning

pytest.importorskip("onnx", reason='needs the extra "train"')
pytest.importorskip("torch", reason='needs the extra "train"')

from onnx import numpy_helper

TEMPERATURES = (0.5, 2.0)
SHARES = (3.0, 1.0)


def turn_head(graph: Any) -> None:
    """Make it another network: other weights in the head."""
    head = next(one for one in graph.initializer if one.name == "head")
    values = np.asarray(HEAD_WEIGHTS, np.float32)[::-1].reshape(1, -1, 1, 1)
    head.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), "head"))


@pytest.fixture(scope="module")
def members(
    write_trained: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    root = tmp_path_factory.mktemp("members")
    calibrations = [
        {"temperature": temperature, "offset": 0.0, "prevalence": 0.5, "fitted_on": "drawn films"}
        for temperature in TEMPERATURES
    ]
    return [
        write_trained(root / "one", name="one", calibration=calibrations[0]),
        write_trained(root / "two", name="two", calibration=calibrations[1], change=turn_head),
    ]


def invoke(members: Sequence[Path], data: Path, out: Path, *options: str) -> Result:
    command = ["ensemble", *map(str, members), "--data", str(data), "--out", str(out)]
    return CliRunner().invoke(build_app(), [*command, "--name", "both", *options])


@pytest.fixture(scope="module")
def joined(
    members: list[Path], drawn_films: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("joined") / "both"
    shares = [text for share in SHARES for text in ("--share", str(share))]
    result = invoke(members, drawn_films, out, *shares)
    assert result.exit_code == 0, result.output
    assert "sensitivity_99" in result.stdout
    assert sorted(path.name for path in out.iterdir()) == [
        "both.gate.npz",
        "both.json",
        "both.onnx",
    ]
    return out


def test_logit_and_map_are_the_weighted_sums_of_the_members(
    members: list[Path], joined: Path, tmp_path: Path
) -> None:
    film = tmp_path / "film.png"
    Image.fromarray(draw_film(1, np.random.default_rng(5))).save(film)
    answers = []
    for folder in [*members, joined]:
        with load_model(folder, threads=1) as model:
            answers.append(model.analyze(film, gate=False))
    one, two, both = answers
    factors = [
        share / sum(SHARES) / temperature
        for share, temperature in zip(SHARES, TEMPERATURES, strict=True)
    ]
    assert both.logit == pytest.approx(factors[0] * one.logit + factors[1] * two.logit, abs=1e-5)
    np.testing.assert_allclose(
        both.evidence.values,
        factors[0] * one.evidence.values + factors[1] * two.evidence.values,
        atol=1e-5,
    )
    assert both.evidence.bias + both.evidence.values.mean() == pytest.approx(both.logit, abs=1e-4)


def test_the_members_of_an_ensemble_give_its_answers_a_spread(
    members: list[Path], joined: Path, tmp_path: Path
) -> None:
    film = tmp_path / "film.png"
    Image.fromarray(draw_film(1, np.random.default_rng(5))).save(film)
    logits, maps = [], []
    for folder, temperature in zip(members, TEMPERATURES, strict=True):
        with load_model(folder, threads=1) as model:
            answer = model.analyze(film, gate=False)
        assert answer.spread is None
        logits.append(answer.logit / temperature)
        maps.append(answer.evidence.values / temperature)
    with load_model(joined, threads=1) as model:
        both = model.analyze(film, gate=False)
        refused = decide_again(replace(both, reasons=(FilmWarning("blank", "Blank."),)), model.spec)
        viewed = model.analyze(film, gate=False, views="flip")
        ends = [compute_probability(one, model.spec.calibration) for one in sorted(logits)]
        explained = model.explain(film)
    spread = both.spread
    assert spread is not None
    assert (spread.over, spread.views, spread.members) == ("members", 1, 2)
    assert [spread.logit_min, spread.logit_max] == pytest.approx(sorted(logits), abs=1e-5)
    assert spread.logit_std == pytest.approx(np.std(logits), abs=1e-5)
    assert [spread.probability_min, spread.probability_max] == pytest.approx(ends, abs=1e-5)
    assert both.evidence.spread is not None
    np.testing.assert_allclose(both.evidence.spread, np.std(maps, axis=0), atol=1e-5)
    np.testing.assert_array_equal(both.evidence.spread, explained.spread)
    assert "views_averaged" not in {warning.code for warning in both.warnings}
    assert refused.spread is not None
    assert (refused.spread.probability_min, refused.spread.logit_min) == (None, spread.logit_min)
    assert viewed.spread is not None
    assert viewed.spread.over == "views and members"
    assert viewed.spread.logit_min <= spread.logit_min
    assert viewed.spread.logit_max >= spread.logit_max
    command = ["analyze", str(film), "--model", str(joined), "--no-gate"]
    assert "over 2 members" in CliRunner().invoke(build_app(), command).stdout


def open_backend(folder: Path) -> OnnxBackend:
    spec = read_spec(folder / f"{folder.name}.json")
    return OnnxBackend(spec, read_weights(spec, folder), threads=1)


def test_the_activations_are_those_of_all_members(members: list[Path], joined: Path) -> None:
    size = read_spec(joined / "both.json").input
    batch = np.random.default_rng(0).standard_normal(
        (2, size.channels, size.height_px, size.width_px), dtype=np.float32
    )
    parts = []
    for folder in [*members, joined]:
        with open_backend(folder) as backend:
            parts.append(backend.compute_activations(batch))
    one, two, both = parts
    np.testing.assert_allclose(both, np.concatenate([one, two], axis=1), atol=1e-6)


def test_a_member_without_activations_leaves_the_ensemble_without(
    write_trained: Callable[..., Path], members: list[Path], drawn_films: Path, tmp_path: Path
) -> None:
    def change(graph: Any) -> None:
        turn_head(graph)
        del graph.output[3]

    old = write_trained(tmp_path / "old", name="old", change=change)
    assert invoke([members[0], old], drawn_films, tmp_path / "both").exit_code == 0
    with open_backend(tmp_path / "both") as backend:
        size = backend.spec.input
        batch = np.zeros((1, size.channels, size.height_px, size.width_px), np.float32)
        assert np.isfinite(backend.run(batch).logit).all()
        with pytest.raises(SpecMismatchError, match="does not give its activations"):
            backend.compute_activations(batch)


def test_the_spec_names_its_members_and_is_calibrated_anew(
    members: list[Path], joined: Path
) -> None:
    spec = read_spec(joined / "both.json")
    specs = [read_spec(folder / f"{folder.name}.json") for folder in members]
    assert [one.name for one in spec.provenance.members] == ["one", "two"]
    assert [one.weights_sha256 for one in spec.provenance.members] == [
        one.weights.sha256 for one in specs
    ]
    assert spec.architecture.embedding_size == sum(one.architecture.embedding_size for one in specs)
    assert spec.architecture.parameters == sum(one.architecture.parameters for one in specs)
    assert spec.calibration.temperature not in (1.0, *TEMPERATURES)
    assert spec.conformal is not None
    assert spec.gate is not None
    assert "one 1.0 and two 1.0" in spec.provenance.recipe


def test_the_same_members_give_the_same_file(
    members: list[Path], joined: Path, drawn_films: Path, tmp_path: Path
) -> None:
    shares = [text for share in SHARES for text in ("--share", str(share))]
    assert invoke(members, drawn_films, tmp_path / "again", *shares).exit_code == 0
    for name in ("both.onnx", "both.gate.npz"):
        assert (tmp_path / "again" / name).read_bytes() == (joined / name).read_bytes()


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"licence": "MIT"}, "licence"),
        ({"labels": {"positive": "effusion", "negative": "normal"}}, "labels"),
    ],
)
def test_members_that_do_not_go_together_are_refused(
    members: list[Path],
    write_trained: Callable[..., Path],
    drawn_films: Path,
    tmp_path: Path,
    facts: dict[str, object],
    said: str,
) -> None:
    other = write_trained(tmp_path / "odd", name="odd", change=turn_head, **facts)
    result = invoke([members[0], other], drawn_films, tmp_path / "out")
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_one_member_twice_and_a_lone_one_are_refused(
    members: list[Path], drawn_films: Path, tmp_path: Path
) -> None:
    for some, said in (([members[0]], "two members"), ([members[0]] * 2, "come twice")):
        result = invoke(some, drawn_films, tmp_path / "out")
        assert result.exit_code == 2
        assert said in result.stderr
    for options, said in (
        (("--share", "1"), "2 models and 1 shares"),
        (("--share", "0", "--share", "1"), "above 0"),
    ):
        result = invoke(members, drawn_films, tmp_path / "out", *options)
        assert result.exit_code == 2
        assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_model_in_the_way_is_not_overwritten(
    members: list[Path], joined: Path, drawn_films: Path
) -> None:
    before = (joined / "both.json").read_bytes()
    result = invoke(members, drawn_films, joined)
    assert result.exit_code == 2
    assert "holds a model both already" in result.stderr
    assert (joined / "both.json").read_bytes() == before


def test_an_ensemble_says_that_torch_has_no_network_for_it(joined: Path) -> None:
    from hilum.errors import SpecMismatchError
    from hilum.inference.torch_backend import TorchBackend
    from hilum.spec import read_weights

    spec = read_spec(joined / "both.json")
    with pytest.raises(SpecMismatchError, match="ensemble"):
        TorchBackend.from_weights(spec, read_weights(spec, joined))
