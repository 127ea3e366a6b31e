"""The report as a PDF: one page, its fonts inside, in both languages, and nobody's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hilum import Predictor, load_model
from hilum.data.phantom import draw_phantom
from hilum.errors import MissingExtraError
from hilum.report import draw_pdf, write_pdf
from hilum.types import FilmHeader, FilmWarning, Prediction, Radiograph

pytest.importorskip("reportlab")
pypdf = pytest.importorskip("pypdf")
pdfium = pytest.importorskip("pypdfium2")

MADE = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
DIGEST = "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def model() -> Iterator[Predictor]:
    with load_model() as predictor:
        yield predictor


@pytest.fixture(scope="module")
def prediction(model: Predictor) -> Prediction:
    film = Radiograph(
        pixels=draw_phantom(4, height_px=620, width_px=512),
        format="DICOM",
        recipe=str(model.spec.input.recipe),
        header=FilmHeader(
            rows=620, columns=512, bits_stored=12, patient_age_years=3.0, patient_sex="F"
        ),
        source="KIM^MINJI_19990101.dcm",
        sha256=DIGEST,
    )
    return model.analyze(film, gate=False)


@pytest.fixture(scope="module")
def refused(prediction: Prediction) -> Prediction:
    reason = FilmWarning("looks_foreign", "The picture does not look like a frontal chest film.")
    return replace(
        prediction, probability=None, decision="not assessed", side=None, reasons=(reason,)
    )


def read_text(data: bytes) -> str:
    """Text by one reader; the other has to find the same letters."""
    page = pypdf.PdfReader(BytesIO(data)).pages[0].extract_text()
    other = pdfium.PdfDocument(data)[0].get_textpage().get_text_range()
    assert sorted(re.sub(r"\s", "", page)) == sorted(re.sub(r"\s", "", other))
    return " ".join(page.split())


def list_fonts(data: bytes) -> list[Any]:
    resources = pypdf.PdfReader(BytesIO(data)).pages[0]["/Resources"]
    return [font.get_object() for font in resources["/Font"].values()]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_one_page_that_says_what_it_is(
    prediction: Prediction, model: Predictor, language: str
) -> None:
    data = draw_pdf(prediction, model.spec, made=MADE, language=language)
    reader = pypdf.PdfReader(BytesIO(data))
    (page,) = reader.pages
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (595, 842)
    assert reader.trailer["/Root"]["/Lang"] == language
    assert reader.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]
    assert reader.metadata.creation_date == MADE
    assert (
        reader.metadata.title
        == {
            "en": "Report on a chest film",
            "ko": "흉부 X선 영상 분석 보고서",
        }[language]
    )
    assert reader.metadata.subject == f"{model.spec.name} {model.spec.version}"
    assert not [key for key in ("/OpenAction", "/AA", "/Names", "/AcroForm")
                if key in reader.trailer["/Root"]]  # fmt: skip
    assert b"JavaScript" not in data
    text = read_text(data)
    assert DIGEST in text
    assert f"{100 * (prediction.probability or 0):.1f}" in text
    assert "2026-11-22 09:30" in text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_fonts_are_inside_as_far_as_they_are_used(
    prediction: Prediction, model: Predictor, language: str
) -> None:
    data = draw_pdf(prediction, model.spec, made=MADE, language=language)
    used = [font for font in list_fonts(data) if "NotoSansKR" in font["/BaseFont"]]
    # No other font, not even one of the standard fourteen, which are not inside.
    assert len(used) == len(list_fonts(data))
    assert {font["/BaseFont"].split("-")[-1] for font in used} == {"Regular", "Bold"}
    for font in used:
        assert re.match(r"/[A-Z]{6}\+NotoSansKR", font["/BaseFont"])
        embedded = font["/FontDescriptor"]["/FontFile2"].get_data()
        assert 1_000 < len(embedded) < 120_000
        assert "/ToUnicode" in font


def test_both_languages_say_the_answer(prediction: Prediction, model: Predictor) -> None:
    english = read_text(draw_pdf(prediction, model.spec, made=MADE))
    for words in (
        "Decision: pneumonia",
        "Research software, not a medical device.",
        "Where the evidence lies",
        "sensitivity",
        "Striped: between",
        "Children at one hospital in Guangzhou",
    ):
        assert words in english
    korean = read_text(draw_pdf(prediction, model.spec, made=MADE, language="ko"))
    for words in ("결과: 폐렴", "연구용 소프트웨어", "민감도", "특이도", "작동점", "광저우"):
        assert words in korean


def test_korean_has_no_english_sentence(prediction: Prediction, model: Predictor) -> None:
    korean = read_text(draw_pdf(prediction, model.spec, made=MADE, language="ko"))
    names = {model.spec.name, "EfficientNet", "Lite", "DICOM", "SHA", "Kermany", "hilum", "AUC"}
    words = re.findall(r"[A-Za-z]{3,}", korean)
    known = " ".join(names) + " radiograph chest radiographs version Youden logit px"
    assert not [word for word in words if word not in known and word.lower() not in DIGEST]


def test_equal_input_gives_equal_bytes(prediction: Prediction, model: Predictor) -> None:
    seoul = datetime(2026, 11, 22, 18, 30, tzinfo=timezone(timedelta(hours=9)))
    first = draw_pdf(prediction, model.spec, made=seoul, language="ko")
    assert draw_pdf(prediction, model.spec, made=seoul, language="ko") == first
    assert pypdf.PdfReader(BytesIO(first)).metadata.creation_date == seoul
    assert draw_pdf(prediction, model.spec, made=MADE, language="ko") != first


@pytest.mark.parametrize("kind", ["prediction", "refused"])
def test_nothing_tells_who_it_is(
    kind: str, model: Predictor, request: pytest.FixtureRequest
) -> None:
    data = draw_pdf(request.getfixturevalue(kind), model.spec, made=MADE)
    for secret in ("KIM", "MINJI", "1999"):
        assert secret not in read_text(data).replace(DIGEST, "")
        assert secret.encode() not in data


@pytest.mark.parametrize("language", ["en", "ko"])
def test_a_refused_film_gets_reasons_and_no_map(
    refused: Prediction, model: Predictor, language: str
) -> None:
    data = draw_pdf(refused, model.spec, made=MADE, language=language)
    text = read_text(data)
    assert ("Not assessed" if language == "en" else "평가하지 않음") in text
    if language == "en":
        assert refused.reasons[0].message in text
        assert "Evidence" not in text
    (page,) = pypdf.PdfReader(BytesIO(data)).pages
    (picture,) = page.images
    assert picture.image.mode == "L"


def test_the_film_is_stored_without_loss(prediction: Prediction, model: Predictor) -> None:
    from hilum.report import draw_film

    (page,) = pypdf.PdfReader(BytesIO(draw_pdf(prediction, model.spec, made=MADE))).pages
    films = [picture.image for picture in page.images if picture.image.mode == "L"]
    np.testing.assert_array_equal(films[0], draw_film(prediction.radiograph, max_side_px=720))


@pytest.mark.parametrize("language", ["en", "ko"])
def test_long_texts_stay_on_the_page(
    prediction: Prediction, model: Predictor, language: str
) -> None:
    """Many warnings, endless words, markup: all of it stays above the foot of the one page."""
    long = "가나다라 Lorem <b>ipsum</b> & " * 60
    warnings = tuple(FilmWarning(f"code_{number}", long) for number in range(30))
    spec = model.spec.model_copy(update={"description": "x" * 5000})
    crowded = replace(
        prediction,
        warnings=warnings,
        evidence=replace(prediction.evidence, warnings=(long,) * 4),
    )
    data = draw_pdf(crowded, spec, made=MADE, language=language)
    document = pdfium.PdfDocument(data)
    assert len(document) == 1
    page = document[0].get_textpage()
    boxes = [page.get_charbox(index) for index in range(page.count_chars())]
    drawn = [box for box in boxes if box[2] > box[0]]
    assert min(box[0] for box in drawn) > 38.0
    assert max(box[2] for box in drawn) < 595.3 - 38.0
    assert min(box[1] for box in drawn) > 25.0
    assert "<b>ipsum</b> &" in read_text(data)


def test_a_film_from_an_array_has_no_digest(prediction: Prediction, model: Predictor) -> None:
    film = replace(prediction.radiograph, sha256=None, source=None)
    text = read_text(draw_pdf(replace(prediction, radiograph=film), model.spec, made=MADE))
    assert "SHA-256 none" in text


def test_a_map_by_another_method_is_named(prediction: Prediction, model: Predictor) -> None:
    fine = model.explain(prediction.radiograph, "evidence_fine")
    text = read_text(draw_pdf(prediction, model.spec, made=MADE, explanation=fine, regions=()))
    assert "by evidence_fine" in text
    assert "No region stands out." in text


def test_writing_is_whole_or_not_at_all(
    prediction: Prediction, model: Predictor, tmp_path: Path
) -> None:
    path = tmp_path / "film.pdf"
    write_pdf(path, prediction, model.spec, made=MADE)
    assert path.read_bytes() == draw_pdf(prediction, model.spec, made=MADE)
    with pytest.raises(ValueError, match="no language"):
        write_pdf(path, prediction, model.spec, made=MADE, language="de")
    assert [one.name for one in tmp_path.iterdir()] == ["film.pdf"]


def test_without_the_extra_it_is_named(
    prediction: Prediction, model: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "reportlab.pdfgen.canvas", None)
    with pytest.raises(MissingExtraError, match=r"hilum\[pdf\]"):
        draw_pdf(prediction, model.spec, made=MADE)
