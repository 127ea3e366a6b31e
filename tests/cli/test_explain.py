"""``hilum explain``, as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from factories.faithfulness_facts import WARNING, make_faithfulness
from factories.networks import write_tiny_network
from factories.radiographs import draw_noise
from hilum.cli import build_app
from hilum.predictor import load_model
from hilum.report import draw_overlay

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``hilum explain ...`` in a folder that holds the tiny model and two films."""
    write_tiny_network(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        pixels = (draw_noise(60, 50, seed=seed) * 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"film{seed}.png")

    def run(*arguments: str, stdin: bytes | None = None) -> Result:
        command = ["explain", "--model", "./model", "--out", "maps", *arguments]
        return CliRunner().invoke(build_app(), command, input=stdin)

    return run


def test_each_method_gives_a_picture_and_all_maps_one_file(run: Run) -> None:
    result = run("film0.png", "--method", "evidence,rise", "--option", "masks=24")
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in Path("maps").iterdir()) == [
        "film0.evidence.png",
        "film0.maps.json",
        "film0.rise.png",
    ]
    with load_model("model") as model:
        expected = model.explain("film0.png", "rise", masks=24)
        prediction = model.analyze("film0.png")
    told = json.loads(Path("maps/film0.maps.json").read_text())
    assert told["probability"] == prediction.probability
    assert told["sha256"] == prediction.radiograph.sha256
    assert [one["method"] for one in told["maps"]] == ["evidence", "rise"]
    np.testing.assert_array_equal(np.float32(told["maps"][1]["values"]), expected.values)
    assert told["maps"][1]["options"]["masks"] == 24
    with Image.open("maps/film0.rise.png") as picture:
        assert picture.size == (50, 60)
        assert len(picture.getcolors(100_000) or ()) > 10
    assert "Research software, not a medical device." in result.stdout


def test_a_method_that_fails_its_controls_is_shown_with_that_warning(run: Run) -> None:
    write_tiny_network(Path("model"), faithfulness=make_faithfulness(evidence=WARNING))
    result = run("film0.png", "--method", "evidence,rise", "--option", "masks=8", "--format", "svg")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("WARNING") == 1
    assert f"WARNING  evidence {WARNING}." in result.stdout
    told = json.loads(Path("maps/film0.maps.json").read_text())
    assert [one["warnings"] for one in told["maps"]] == [[f"evidence {WARNING}."], []]
    words = "".join(ElementTree.parse("maps/film0.evidence.svg").getroot().itertext())
    assert "Warning: evidence finds planted opacities no better" in " ".join(words.split())


def test_options_go_to_the_method_that_they_name(run: Run) -> None:
    chosen = ("--option", "occlusion.fill=blur", "--option", "rise.masks=16")
    result = run("film0.png", "--method", "occlusion,rise", *chosen)
    assert result.exit_code == 0, result.output
    maps = json.loads(Path("maps/film0.maps.json").read_text())["maps"]
    assert [one["options"]["fill"] for one in maps] == ["blur", "mean"]


def test_the_mean_over_views_is_drawn_and_its_spread_is_told(run: Run) -> None:
    result = run("film0.png", "--views", "flip_shift")
    assert result.exit_code == 0, result.output
    with load_model("model") as model:
        plain, mean = (model.analyze("film0.png", views=views) for views in ("none", "flip_shift"))
    assert mean.spread is not None
    assert mean.evidence.spread is not None
    told = json.loads(Path("maps/film0.maps.json").read_text())
    assert told["spread"] == mean.spread.to_dict()
    assert told["probability"] == mean.probability
    [written] = told["maps"]
    assert written["options"] == {"views": "flip_shift"}
    np.testing.assert_array_equal(np.float32(written["values"]), mean.evidence.values)
    np.testing.assert_array_equal(np.float32(written["spread"]), mean.evidence.spread)
    with Image.open("maps/film0.evidence.png") as picture:
        drawn = np.asarray(picture)
    np.testing.assert_array_equal(drawn, np.asarray(mean.overlay(max_side_px=1024)))
    assert (drawn != np.asarray(plain.overlay(max_side_px=1024))).any()
    low, high = mean.spread.probability_min, mean.spread.probability_max
    assert f"probability {mean.probability:.4f}, {low:.4f} to {high:.4f} over 6" in result.stdout
    apart = mean.evidence.map_spread()
    assert apart is not None
    with Image.open("maps/film0.evidence.spread.png") as picture:
        expected = draw_overlay(mean.radiograph, apart, max_side_px=1024)
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(expected))
    assert f"spread up to {mean.evidence.spread.max():.2f}" in result.stdout


def test_the_other_label_can_be_explained(run: Run) -> None:
    assert run("film0.png", "--target", "normal").exit_code == 0
    [told] = json.loads(Path("maps/film0.maps.json").read_text())["maps"]
    assert told["target"] == "normal"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--method", "gradcam"), "evidence, evidence_fine, occlusion, rise, score_cam"),
        (("--method", "rise", "--option", "mask=3"), "no such option. There are: rise.masks"),
        (("--method", "rise", "--option", "masks"), "give KEY=VALUE"),
        (("--method", "rise", "--option", "masks=many"), "a number is needed"),
        (("--method", "rise", "--option", "occlusion.fill=blur"), "no such option"),
        (("--method", "evidence,rise", "--option", "evidence.masks=3"), "no such option"),
        (("--method", "rise", "--option", "masks=1"), "masks >= 2"),
        (("--target", "effusion"), "pneumonia, normal"),
        (("--format", "png,gif"), 'no "gif". There are: png, svg'),
        (("--contours", "4,many"), '--contours: a number above zero is needed, not "many"'),
        (("--contours", "4,-8"), "above zero"),
        (("--scale", "automatic"), "--scale: a number above zero"),
        (("--scale", "0"), "above zero"),
        (("--level", "0"), "above zero"),
        (("--views", "turn"), "none, flip, shift, flip_shift"),
        (("--method", "evidence,rise", "--views", "flip"), "rise makes its map of the film as it"),
    ],
)
def test_wrong_usage_is_named_and_nothing_is_written(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    result = run("film0.png", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not list(Path("maps").glob("*"))


def test_a_film_that_cannot_be_read_does_not_stop_the_others(run: Run) -> None:
    Path("broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    result = run("broken.png", "film1.png")
    assert result.exit_code == 3
    assert "no map" in result.stdout
    assert "1 of 2 films have no map" in result.stderr
    assert Path("maps/film1.evidence.png").is_file()


def test_a_film_on_stdin(run: Run) -> None:
    result = run("-", stdin=Path("film0.png").read_bytes())
    assert result.exit_code == 0, result.output
    assert Path("maps/stdin.maps.json").is_file()


def test_no_film_at_all_is_an_error(run: Run) -> None:
    Path("empty").mkdir()
    assert run("empty").exit_code == 2


def test_two_films_of_one_name_do_not_meet(run: Run) -> None:
    Path("other").mkdir()
    Path("film1.png").rename("other/film0.png")
    assert run("film0.png", "other/film0.png").exit_code == 0
    assert len(list(Path("maps").glob("film0*.evidence.png"))) == 2
    sources = {json.loads(path.read_text())["source"] for path in Path("maps").glob("*.json")}
    assert sources == {"film0.png", "other/film0.png"}


def test_regions_are_told_and_written(run: Run) -> None:
    result = run("film0.png", "--level", "0.5")
    assert result.exit_code == 0, result.output
    with load_model("model") as model:
        film = model.analyze("film0.png").radiograph
        explanation = model.explain(film)
    expected = explanation.regions(film, level=0.5)
    assert expected
    for region in expected:
        assert region.sentence in result.stdout
    [told] = json.loads(Path("maps/film0.maps.json").read_text())["maps"]
    assert [one["sentence"] for one in told["regions"]] == [one.sentence for one in expected]
    against = explanation.regions(film, level=0.5, against=True)
    assert [one["box"] for one in told["against"]] == [list(one.box) for one in against]


def test_a_map_without_regions_says_so(run: Run) -> None:
    result = run("film0.png", "--level", "900")
    assert result.exit_code == 0, result.output
    assert "No region of note above 900." in result.stdout
    [told] = json.loads(Path("maps/film0.maps.json").read_text())["maps"]
    assert told["regions"] == told["against"] == []


def test_forms_of_pictures_are_chosen(run: Run) -> None:
    result = run("film0.png", "--format", "svg,png", "--contours", "0.5, 1", "--level", "0.5")
    assert result.exit_code == 0, result.output
    drawn = Path("maps/film0.evidence.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(drawn)
    texts = " ".join(root.itertext())
    assert "lines at 0.5 and 1" in texts
    assert "Research software, not a medical device." in texts
    assert "film0" not in texts
    told = json.loads(Path("maps/film0.maps.json").read_text())["maps"][0]
    assert told["regions"][0]["sentence"] in texts
    with Image.open("maps/film0.evidence.png") as picture, load_model("model") as model:
        film = model.analyze("film0.png").radiograph
        expected = draw_overlay(film, model.explain(film), contours=(0.5, 1.0))
        assert picture.tobytes() == expected.tobytes()
    assert run("film1.png", "--format", "svg").exit_code == 0
    assert not Path("maps/film1.evidence.png").exists()


def test_a_panel_can_stand_alone(run: Run) -> None:
    assert run("film0.png", "--panel").exit_code == 0
    with Image.open("maps/film0.evidence.png") as panel:
        assert panel.width > 2 * 50
        assert panel.info["Software"] == "hilum"
        assert "Research use only" in panel.info["Description"]


def test_a_scale_of_the_films_own_is_asked_for_and_said(run: Run) -> None:
    sizes = {}
    for scale in ((), ("--scale", "3"), ("--scale", "auto")):
        assert run("film0.png", *scale).exit_code == 0
        with Image.open("maps/film0.evidence.png") as picture:
            sizes[scale] = picture.size
            shown = picture.crop((0, 0, 50, 60)).tobytes()
    # The remark stands in a strip below the film.
    assert sizes[()] == sizes["--scale", "3"] == (50, 60)
    assert sizes["--scale", "auto"][1] > 60
    with load_model("model") as model:
        film = model.analyze("film0.png").radiograph
        explanation = model.explain(film)
    strongest = float(np.abs(explanation.values).max())
    assert shown == draw_overlay(film, explanation, scale=strongest).tobytes()
    assert run("film0.png", "--scale", "auto", "--format", "svg").exit_code == 0
    assert "scaled to this film" in Path("maps/film0.evidence.svg").read_text(encoding="utf-8")


def test_a_drawing_of_another_origin_is_left_as_it_is(run: Run) -> None:
    Path("maps").mkdir()
    path = Path("maps/film0.evidence.svg")
    path.write_text("<svg/>")
    result = run("film0.png", "--format", "svg")
    assert result.exit_code == 3
    assert "not made by hilum" in result.stdout
    assert path.read_text() == "<svg/>"
    path.unlink()
    for _ in range(2):
        assert run("film0.png", "--format", "svg").exit_code == 0
