"""The left side of the page: choosing a film, a model, an operating point and a view."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from hilum.app.parts import show_quiet
from hilum.app.samples import SAMPLES, Sample, has_rg1
from hilum.app.session import Film
from hilum.app.wording import describe_operating_point, format_percent, name_operating_point
from hilum.models.zoo import list_models
from hilum.report import COLORMAPS, DEFAULT_SCALE
from hilum.spec import ModelSpec

_SCALES = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 50.0)
COLORMAP_TITLES = {
    "evidence": "Orange for, blue against",
    "green_purple": "Green for, purple against",
    "for_only": "Orange for, nothing against",
    "strength": "Violet to yellow for, nothing against",
}


@dataclass(frozen=True, slots=True)
class View:
    """How the map is drawn.

    opacity
        Of the strongest colour, in [0, 1].
    scale
        Evidence at which the colour is full, in logit units.
    """

    opacity: float
    colormap: str
    scale: float


def choose_film(max_upload_bytes: int) -> Film | None:
    """Show the drop zone and the list of films; give the chosen one."""
    uploads = st.file_uploader(
        "Drop chest films here: DICOM, PNG, JPEG or TIFF",
        type=None,  # DICOM files often have no suffix; the reader looks at the bytes.
        accept_multiple_files=True,
        key="uploads",
        on_change=_take_newest_upload,
        max_upload_size=max(1, max_upload_bytes // (1024 * 1024)),
    )
    by_choice: dict[str, UploadedFile | Sample] = {}
    by_choice.update({f"upload:{upload.file_id}": upload for upload in uploads})
    by_choice.update({f"sample:{sample.name}": sample for sample in SAMPLES})
    if st.session_state.get("film") not in by_choice:
        st.session_state["film"] = None
    chosen = st.radio(
        "Dropped and sample films",
        list(by_choice),
        index=None,
        key="film",
        format_func=lambda choice: _name_film(by_choice[choice]),
        # A visitor with films of their own knows the samples, and needs the room.
        captions=None if uploads else [_note_sample(sample) for sample in SAMPLES],
        label_visibility="collapsed",
    )
    if chosen is None:
        st.session_state.pop("opened", None)
        return None
    # Kept open: a knob that moves should not read the file, or draw the phantom, again.
    opened: tuple[str, Film] | None = st.session_state.get("opened")
    if opened is None or opened[0] != chosen:
        opened = (chosen, _open_film(by_choice[chosen]))
        st.session_state["opened"] = opened
    return opened[1]


def _open_film(film: UploadedFile | Sample) -> Film:
    if isinstance(film, Sample):
        return Film(name=film.name, data=film.read(), shows=film.shows)
    return Film(name=film.name, data=film.getvalue())


def _take_newest_upload() -> None:
    """Open the film that was just dropped, unless files were only taken away."""
    seen: set[str] = st.session_state.get("seen_uploads", set())
    uploads: list[UploadedFile] = st.session_state["uploads"]
    fresh = [upload for upload in uploads if upload.file_id not in seen]
    if fresh:
        st.session_state["film"] = f"upload:{fresh[0].file_id}"
    st.session_state["seen_uploads"] = {upload.file_id for upload in uploads}


def _name_film(film: UploadedFile | Sample) -> str:
    # The label of a radio is Markdown; a file name is plain text.
    return film.title if isinstance(film, Sample) else escape_markdown(film.name)


def _note_sample(sample: Sample) -> str:
    if "has_rg1" not in st.session_state:
        st.session_state["has_rg1"] = has_rg1()
    if sample.extra is None or st.session_state["has_rg1"]:
        return sample.note
    return f'{sample.note} Not installed: pip install "hilum[{sample.extra}]"'


def escape_markdown(text: str) -> str:
    """Write ``text`` so that Markdown shows it as it is."""
    return "".join(
        f"\\{letter}" if letter in "\\`*_{}[]()<>#+-.!|~$:" else letter for letter in text
    )


def choose_model(first: str | None) -> str | None:
    """Give the model to use: the command line's, or one of those that are shipped."""
    shipped = [spec.name for spec in list_models()]
    choices: list[str | None] = [*shipped]
    if first is not None and first not in shipped:
        choices.insert(0, first)
    if len(choices) < 2:
        return choices[0] if choices else first
    return st.selectbox(
        "Model",
        choices,
        index=choices.index(first) if first is not None else 0,
        format_func=str,
        key="model",
    )


def choose_operating_point(spec: ModelSpec) -> str:
    """Show the spec's operating points with what each bought; give the chosen one."""
    points = spec.operating_points
    names = list(points)
    chosen = st.radio(
        "Operating point",
        names,
        index=names.index(spec.default_operating_point),
        format_func=name_operating_point,
        captions=[describe_operating_point(point) for point in points.values()],
        key=f"point:{spec.name}:{spec.version}",
        help="The threshold that turns the probability into a decision. Sensitivity: the share "
        "of pneumonia films that it finds. Specificity: the share of normal films that it "
        "leaves alone.",
    )
    point = points[chosen]
    show_quiet(
        f"Threshold {format_percent(point.threshold)}: {point.rule}. Figures reached on "
        f"{point.chosen_on}."
    )
    return chosen


def choose_gate() -> bool:
    """Show the switch of the input gate; tell whether it is on."""
    override = st.checkbox(
        "Answer also where the gate refuses",
        key="no_gate",
        help="hilum gives no answer for a film that does not look like those the model has "
        "learned from. With this, every film gets an answer, marked with a note.",
    )
    return not override


def choose_view() -> View:
    """Show the knobs of the map."""
    opacity = st.slider("Opacity of the map", 0, 100, 60, step=5, format="%d %%", key="opacity")
    scales = sorted({*_SCALES, DEFAULT_SCALE})
    scale = st.select_slider(
        "Full colour at",
        scales,
        value=DEFAULT_SCALE,
        format_func=lambda value: f"± {value:g} logit",
        key="scale",
        help="Evidence of this size, in logit units, is drawn in the full colour. The scale "
        "is the same for every film, so colours of two films can be compared.",
    )
    colormap = st.selectbox(
        "Colour scale",
        list(COLORMAPS),
        format_func=lambda name: COLORMAP_TITLES.get(name, name),
        key="colormap",
    )
    return View(opacity=opacity / 100.0, colormap=colormap, scale=scale)
