"""The right side of the page: the answer, the film and its evidence, and what is known."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import streamlit as st

from hilum.app.appearance import get_palette
from hilum.app.downloads import offer_report
from hilum.app.parts import (
    get_language,
    say,
    show_empty,
    show_facts,
    show_notes,
    show_part,
    show_quiet,
    show_sentence,
    to_html,
)
from hilum.app.pictures import (
    draw_evidence,
    encode_png,
    get_colormap,
    get_scale,
    show_picture,
)
from hilum.app.rail import View, keep_opacity
from hilum.app.viewer import ShownFilm, pack_film, say_viewer_words, show_viewer
from hilum.app.wording import (
    describe_decision,
    describe_evidence,
    describe_probability,
    describe_reading,
    describe_spread,
    describe_use,
    describe_zone,
    format_percent,
    list_facts,
)
from hilum.decision import get_uncertain_range
from hilum.explain import get_method
from hilum.io import display_from_radiograph
from hilum.language import Text, join_texts, recall
from hilum.report import draw_legend, draw_svg
from hilum.spec import ModelSpec
from hilum.types import DisplayFilm, Prediction, Region

_LEGEND_WIDTH_PX = 840
_MOST_REGIONS = 3
_ANSWER = Text("Answer")


def show_invitation() -> None:
    """Show what the page does while there is no film."""
    show_empty(
        Text("Drop a chest film, or open a sample."),
        Text(
            "You get the probability of pneumonia, a decision at the operating point you choose, "
            "and a map of the evidence for and against it."
        ),
        Text("Films stay on the machine that serves this page, in memory, and go when you leave."),
    )


def show_result(
    prediction: Prediction,
    spec: ModelSpec,
    view: View,
    remark: str | None = None,
    *,
    display: Callable[[], DisplayFilm] | None = None,
) -> None:
    """Show all that is known of one film.

    Parameters
    ----------
    remark
        What should be said of the film beside the prediction's own warnings.
    display
        Reads the film as it is stored, for the viewer's windows; it is called once for a film.
        Without it the film is shown as read.
    """
    if prediction.probability is None:
        _show_refusal(prediction)
    else:
        _show_answer(prediction, spec, prediction.probability)
    remarks = [] if remark is None else [remark]
    told = {reason.code for reason in prediction.reasons} if not prediction.assessed else set()
    remarks += [warning.message for warning in prediction.warnings if warning.code not in told]
    show_notes(remarks)
    # The style sheet lays these out in two columns; read one after another they keep sense.
    with st.container(key="sheet"):
        with st.container(key="viewer_side", gap="xsmall"):
            show_part(Text("Film and evidence") if prediction.assessed else Text("Film"))
            _show_film(prediction, view, display)
            if not prediction.assessed:
                show_quiet(Text("No map is shown: it would look like an answer."))
        with st.container(key="words", gap="small"):
            if prediction.assessed:
                _show_legend(prediction, view)
                show_notes(prediction.evidence.warnings)
                show_sentence(describe_evidence(prediction))
                _show_map_spread(prediction)
                for number, region in enumerate(_list_regions(prediction), 1):
                    show_sentence(
                        Text("{number}. {sentence}", number=number, sentence=region.sentence)
                    )
                method = get_method(prediction.evidence.method)
                show_quiet(
                    Text(
                        "{method}: {summary}. The map shows what this network used. It does not "
                        "outline disease.",
                        method=method.name,
                        summary=method.summary,
                    )
                )
            _show_downloads(prediction, spec, view)
        with st.container(key="facts", gap="xsmall"):
            film = prediction.radiograph
            show_part(Text("What the file said"))
            show_facts([*list_facts(film), (Text("Read with"), describe_reading(film))])


def _show_refusal(prediction: Prediction) -> None:
    reasons = "".join(f"<li>{to_html(reason.message)}</li>" for reason in prediction.reasons)
    st.html(
        f'<section class="refusal" aria-label="{to_html(_ANSWER)}">'
        f'<div class="figure">{to_html(Text("Not assessed"))}</div><div><p>'
        + to_html(Text("The input gate refused this film, so there is no probability:"))
        + f'</p><ul>{reasons}</ul><p class="quiet">'
        + to_html(
            Text(
                "Ask a radiologist. To see what the network would say all the same, switch the "
                "gate off among the settings."
            )
        )
        + "</p></div></section>"
    )


def _show_answer(prediction: Prediction, spec: ModelSpec, probability: float) -> None:
    verdict, reason = describe_decision(prediction, spec)
    share, threshold = 100.0 * probability, 100.0 * prediction.threshold
    low, high = (100.0 * end for end in get_uncertain_range(spec, prediction.operating_point))
    # Near an end the threshold's label would leave the scale.
    label_at = min(max(threshold, 9.0), 91.0)
    st.html(
        f'<section class="answer" aria-label="{to_html(_ANSWER)}">'
        f'<div class="figure">{to_html(format_percent(probability))}'
        f"<small>{to_html(describe_probability(spec))}</small></div>"
        f'<div><p class="words"><strong>{to_html(verdict)}</strong>, {to_html(reason)}</p>'
        '<div class="scale" aria-hidden="true">'
        f'<div class="zone" style="left: {low:.2f}%; width: {high - low:.2f}%"></div>'
        f'<div class="fill" style="width: {share:.2f}%"></div>'
        f'<div class="mark" style="left: {threshold:.2f}%"></div></div>'
        '<div class="ends" aria-hidden="true"><span>0 %</span>'
        f'<span class="at" style="left: {label_at:.2f}%">{to_html(Text("threshold"))}</span>'
        f"<span>100 %</span></div>{_show_zone(low, high)}{_show_spread(prediction)}</div></section>"
    )


def _show_zone(low: float, high: float) -> str:
    if low >= high:
        return ""
    return f'<p class="quiet">{to_html(describe_zone(low / 100.0, high / 100.0))}</p>'


def _show_spread(prediction: Prediction) -> str:
    if (words := describe_spread(prediction)) is None:
        return ""
    return f'<p class="quiet spread">{to_html(words)}</p>'


def _show_map_spread(prediction: Prediction) -> None:
    cells, answers = prediction.evidence.spread, prediction.spread
    if cells is None or answers is None:
        return
    show_quiet(
        Text(
            "Over {answers}, a cell of the map differs by {spread:.1f} logit units (median of the "
            "standard deviations).",
            answers=answers.words,
            spread=float(np.median(cells)),
        )
    )


def _show_film(
    prediction: Prediction, view: View, display: Callable[[], DisplayFilm] | None
) -> None:
    film = prediction.radiograph
    # Packing takes as long as an analysis: once for a film, and not for each knob that moves.
    name = (film.sha256, film.recipe, display is None)
    kept: tuple[object, ShownFilm] | None = st.session_state.get("shown_film")
    if kept is None or kept[0] != name:
        kept = name, pack_film(display_from_radiograph(film) if display is None else display())
        st.session_state["shown_film"] = kept
    regions = _list_regions(prediction) if prediction.assessed else ()
    show_viewer(
        kept[1],
        prediction.evidence if prediction.assessed else None,
        key="viewer",
        film_words=say(Text("The film")),
        evidence_words=say(
            join_texts([Text("The film with the evidence over it."), describe_evidence(prediction)])
        ),
        regions=regions,
        sentences=[say(region.sentence) for region in regions],
        strings=say_viewer_words(),
        opacity=view.opacity,
        colormap=get_colormap(prediction, view),
        scale=get_scale(prediction, view),
        keep_opacity=keep_opacity,
    )


def _show_legend(prediction: Prediction, view: View) -> None:
    target, scale = prediction.evidence.target, get_scale(prediction, view)
    unit = get_method(prediction.evidence.method).unit
    palette = get_palette()
    legend = draw_legend(
        colormap=get_colormap(prediction, view),
        scale=scale,
        opacity=view.opacity,
        width_px=_LEGEND_WIDTH_PX,
        target=target,
        unit=unit,
        background=palette.ground,
        foreground=palette.text,
        language=get_language(),
    )
    words = Text(
        "Legend: from {scale:g} logit against {target} to {scale:g} for it",
        scale=scale,
        target=recall(target),
    )
    if unit == "relative":
        words = Text("Legend: from nothing to the strongest place of this film")
    with st.container(key="legend", width=_LEGEND_WIDTH_PX // 2):
        show_picture(legend, words)


def _list_regions(prediction: Prediction) -> tuple[Region, ...]:
    """Give the strongest regions for the target, as many as fit below the picture."""
    return prediction.evidence.regions(prediction.radiograph)[:_MOST_REGIONS]


def _render_svg(prediction: Prediction, view: View) -> str:
    return draw_svg(
        prediction.radiograph,
        prediction.evidence,
        text=join_texts([describe_evidence(prediction), describe_use(prediction)]),
        language=get_language(),
        regions=_list_regions(prediction),
        opacity=view.opacity,
        colormap=get_colormap(prediction, view),
        scale=get_scale(prediction, view),
    )


def _show_downloads(prediction: Prediction, spec: ModelSpec, view: View) -> None:
    # Named after the file's digest: a file name may hold the patient's.
    stem = f"hilum-{(prediction.radiograph.sha256 or 'film')[:12]}"
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            say(Text("Picture (PNG)")),
            data=lambda: encode_png(draw_evidence(prediction, view)),
            file_name=f"{stem}-evidence.png",
            mime="image/png",
            on_click="ignore",
            key="save_picture",
        )
        if prediction.assessed:
            st.download_button(
                say(Text("Picture (SVG)")),
                data=lambda: _render_svg(prediction, view),
                file_name=f"{stem}-evidence.svg",
                mime="image/svg+xml",
                on_click="ignore",
                key="save_drawing",
            )
        st.download_button(
            say(Text("Result (JSON)")),
            data=lambda: json.dumps(prediction.to_dict(), indent=2, ensure_ascii=False),
            file_name=f"{stem}.json",
            mime="application/json",
            on_click="ignore",
            key="save_result",
        )
        offer_report(
            prediction,
            spec,
            view,
            _list_regions(prediction) if prediction.assessed else (),
            stem,
        )
