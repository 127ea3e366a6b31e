"""The left side of the page: choosing a film, a model, an operating point and a view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from hilum.app.dropzone import show_drop_zone
from hilum.app.loading import DROP_HERE
from hilum.app.parts import name_options, say, show_notes, show_quiet
from hilum.app.samples import SAMPLES, Sample, has_rg1
from hilum.app.session import Film
from hilum.app.tray import SAMPLE_ENTRIES, Entry, Tray
from hilum.app.wording import describe_operating_point, format_percent, name_operating_point
from hilum.data.fetch_film import PUBLIC_FILMS, PublicFilm, can_fetch_films, fetch_film
from hilum.errors import HilumError
from hilum.explain import METHODS
from hilum.inference import list_views
from hilum.language import Text, join_texts
from hilum.models.zoo import list_models
from hilum.report import COLORMAPS, DEFAULT_SCALE
from hilum.spec import ModelSpec
from hilum.spec.words import say_films, say_rule

# A longer list is a box to open, with a search, in place of buttons.
_MOST_LISTED = 12
_FILMS = Text("Dropped and sample films")
_VIEW_TITLES: Mapping[str, Text] = {
    "none": Text("as it is"),
    "flip": Text("and mirrored, 2 passes"),
    "shift": Text("and moved, 5 passes"),
    "flip_shift": Text("mirrored and moved, 6 passes"),
}
_SCALES = (1.0, 2.0, 3.0, 5.0, 8.0, 10.0, 15.0, 20.0, 50.0)
COLORMAP_TITLES: Mapping[str, Text] = {
    "evidence": Text("Orange for, blue against"),
    "green_purple": Text("Green for, purple against"),
    "for_only": Text("Orange for, nothing against"),
    "strength": Text("Violet to yellow for, nothing against"),
}


@dataclass(frozen=True, slots=True)
class View:
    """How the map is drawn.

    method
        One of :data:`hilum.explain.METHODS`.
    opacity
        Of the strongest colour, in [0, 1].
    scale
        Evidence at which the colour is full, in logit units.
    """

    opacity: float
    colormap: str
    scale: float
    method: str = "evidence"


def choose_film(tray: Tray) -> Film | None:
    """Show the drop zone and the list of films; give the chosen one.

    Raises
    ------
    InputError, MissingExtraError
        The chosen film cannot be read.
    """
    show_drop_zone(
        say(DROP_HERE),
        "uploads",
        lambda uploads: _take_uploads(uploads, tray),
    )
    if forgotten := tray.take_forgotten():
        show_notes([Text("Forgotten, to make room: {names}", names=", ".join(forgotten))])
    listing = st.container(gap="xsmall")
    _offer_public_films(tray)
    dropped = tray.list_entries()
    entries = {entry.key: entry for entry in (*dropped, *SAMPLE_ENTRIES)}
    if st.session_state.get("film") not in entries:
        st.session_state["film"] = None
    with listing:
        chosen = _choose_entry(entries, bool(dropped))
    if dropped:
        st.button(
            say(Text("Forget dropped films")), on_click=tray.clear, key="forget", type="tertiary"
        )
    if chosen is None:
        st.session_state.pop("opened", None)
        return None
    # Kept open: a knob that moves should not read the file again.
    opened: tuple[str, Film] | None = st.session_state.get("opened")
    if opened is None or opened[0] != chosen:
        opened = (chosen, entries[chosen].open())
        st.session_state["opened"] = opened
    return opened[1]


def _offer_public_films(tray: Tray) -> None:
    """Offer named films of the public set, where they could be fetched."""
    if not can_fetch_films():
        return
    asked = None
    for film in PUBLIC_FILMS:
        if st.button(
            say(film.title),
            key=f"fetch:{film.name}",
            help=say(Text("One film of the public test set, from Kaggle. Needs the internet.")),
        ):
            asked = film
    if asked is not None:
        _fetch_onto(tray, asked)


def _fetch_onto(tray: Tray, film: PublicFilm) -> None:
    """Fetch a film, lay it on the tray and choose it; or say why it did not come."""
    try:
        with st.spinner(say(Text("Asking Kaggle for one film …"))):
            data = fetch_film(film)
    except HilumError as error:
        show_notes([error.text])
        return
    # The list of films is filled after this, so it may still be told which is chosen.
    st.session_state["film"] = tray.add(film.name, data)


def _choose_entry(entries: Mapping[str, Entry], any_dropped: bool) -> str | None:
    name = name_options(
        entries, lambda key: _name_entry(entries[key], markdown=len(entries) <= _MOST_LISTED)
    )

    if len(entries) > _MOST_LISTED:
        return st.selectbox(
            say(_FILMS),
            list(entries),
            index=None,
            key="film",
            format_func=name,
            placeholder=say(Text("Choose a film")),
        )
    return st.radio(
        say(_FILMS),
        list(entries),
        index=None,
        key="film",
        format_func=name,
        # A visitor with films of their own knows the samples, and needs the room.
        captions=None if any_dropped else [_note_sample(sample) for sample in SAMPLES],
        label_visibility="collapsed",
    )


def _take_uploads(uploads: Sequence[UploadedFile], tray: Tray) -> None:
    """Lay what was just dropped on the tray, and open the first of it."""
    for upload in uploads:
        st.session_state["film"] = tray.add(upload.name, upload.getvalue())


def _name_entry(entry: Entry, *, markdown: bool) -> str:
    if entry.sample is not None:
        return entry.sample.title
    # The label of a radio is Markdown; a file name is plain text.
    return escape_markdown(entry.name) if markdown else entry.name


def _note_sample(sample: Sample) -> str:
    if "has_rg1" not in st.session_state:
        st.session_state["has_rg1"] = has_rg1()
    if sample.extra is None or st.session_state["has_rg1"]:
        return say(sample.note)
    absent = Text('Not installed: pip install "hilum[{extra}]"', extra=sample.extra)
    return say(join_texts([sample.note, absent]))


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
    if st.session_state.get("model") not in choices:
        st.session_state["model"] = choices[0] if first is None else first
    return st.selectbox(say(Text("Model")), choices, format_func=str, key="model")


def choose_operating_point(spec: ModelSpec) -> str:
    """Show the spec's operating points with what each bought; give the chosen one."""
    points = spec.operating_points
    names = list(points)
    key = f"point:{spec.name}:{spec.version}"
    if st.session_state.get(key) not in names:
        st.session_state[key] = spec.default_operating_point
    chosen = st.radio(
        say(Text("Operating point")),
        names,
        format_func=name_options(names, name_operating_point),
        captions=[say(describe_operating_point(point)) for point in points.values()],
        key=key,
        help=say(
            Text(
                "The threshold that turns the probability into a decision. Sensitivity: the share "
                "of pneumonia films that it finds. Specificity: the share of normal films that it "
                "leaves alone."
            )
        ),
    )
    point = points[chosen]
    show_quiet(
        Text(
            "Threshold {threshold}: {rule}. Figures reached on {films}.",
            threshold=format_percent(point.threshold),
            rule=say_rule(point),
            films=say_films(point.chosen_on),
        )
    )
    return chosen


def choose_gate() -> bool:
    """Show the switch of the input gate; tell whether it is on."""
    override = st.checkbox(
        say(Text("Answer also where the gate refuses")),
        key="no_gate",
        help=say(
            Text(
                "hilum gives no answer for a film that does not look like those the model has "
                "learned from. With this, every film gets an answer, marked with a note."
            )
        ),
    )
    return not override


def choose_views(spec: ModelSpec) -> str:
    """Let the visitor choose which views of the film the answer is the mean of."""
    names = list_views(spec)
    return st.selectbox(
        say(Text("Views of the film")),
        names,
        format_func=name_options(names, _VIEW_TITLES.__getitem__),
        key="views",
        help=say(
            Text(
                "The network sees the film again, mirrored or moved by a few px, and the answer is "
                "the mean. How far the answers lie apart tells how firmly it stands."
            )
        ),
    )


def choose_method() -> str:
    """Let the visitor choose how the map is made."""
    names = [method.name for method in METHODS.values() if method.extra is None]
    return st.selectbox(
        say(Text("Map")),
        names,
        format_func=name_options(names, lambda name: METHODS[name].summary.as_start()),
        key="method",
        help=say(
            Text(
                "All but the first ask the network again: evidence_fine four times, the others "
                "some hundred times, which takes seconds."
            )
        ),
    )


def keep_opacity(share: float) -> None:
    """Keep the opacity that was set in the viewer, for what is saved and for other pages."""
    st.session_state["opacity"] = round(100.0 * min(max(share, 0.0), 1.0))


def choose_view(method: str = "evidence", *, opacity_knob: bool = True) -> View:
    """Show the knobs of the map.

    Parameters
    ----------
    opacity_knob
        Not where the viewer is, which has its own.
    """
    opacity: int = st.session_state["opacity"]
    if opacity_knob:
        opacity = st.slider(
            say(Text("Opacity of the map")), 0, 100, step=1, format="%d %%", key="opacity"
        )
    scales = sorted({*_SCALES, DEFAULT_SCALE})
    scale = st.select_slider(
        say(Text("Full colour at")),
        scales,
        format_func=name_options(scales, lambda value: Text("± {value:g} logit", value=value)),
        key="scale",
        help=say(
            Text(
                "Evidence of this size, in logit units, is drawn in the full colour. The scale "
                "is the same for every film, so colours of two films can be compared."
            )
        ),
    )
    colormap = st.selectbox(
        say(Text("Colour scale")),
        list(COLORMAPS),
        format_func=name_options(COLORMAPS, lambda name: COLORMAP_TITLES.get(name, name)),
        key="colormap",
    )
    return View(opacity=opacity / 100.0, colormap=colormap, scale=scale, method=method)
