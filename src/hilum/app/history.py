"""The parts of the page History, each from the journal's own figures."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import streamlit as st

from hilum.app.appearance import get_palette
from hilum.app.charts import show_chart
from hilum.app.parts import name_options, say, show_quiet, show_sentence, show_tally
from hilum.app.wording import format_percent
from hilum.errors import UnknownModelError
from hilum.language import Text, recall
from hilum.models.zoo import resolve_model
from hilum.spec import ModelSpec
from hilum.store import Exported, Selection, describe_drift, write_journal

if TYPE_CHECKING:
    import pandas as pd

    from hilum.store import Journal, OutcomeCounts

_PERIODS: Mapping[str, tuple[Text, int | None]] = {
    "week": (Text("Seven days"), 7),
    "month": (Text("Thirty days"), 30),
    "year": (Text("A year"), 365),
    "all": (Text("All"), None),
}
_EVERY_MODEL = ""
_PAGE_ROWS = 50
_COLUMNS: Mapping[str, Text] = {
    "time": Text("Time (UTC)"),
    "model": Text("Model"),
    "outcome": Text("Outcome"),
    "decision": Text("Decision"),
    "notes": Text("Notes"),
    "error": Text("Error"),
    "ms": Text("ms"),
    "feedback": Text("Feedback"),
    "film": Text("Film"),
    "from": Text("From"),
}
# Each with the colour of its bars.
_OUTCOMES: Mapping[str, tuple[Text, str]] = {
    "answered": (Text("answered"), "negative"),
    "uncertain": (Text("uncertain"), "open"),
    "not assessed": (Text("not assessed"), "none"),
    "failed": (Text("failed"), "positive"),
}


def choose_selection(journal: Journal) -> tuple[Selection, str | None]:
    """Let the visitor choose a period and a model; give the model's name, if one is chosen."""
    uses = journal.list_models()
    names = {f"{use.model} {use.version} ({use.weights_sha256[:8]})": use for use in uses}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        period = st.selectbox(
            say(Text("Period")),
            list(_PERIODS),
            index=1,
            format_func=name_options(_PERIODS, lambda key: _PERIODS[key][0]),
            key="history_period",
        )
        chosen = st.selectbox(
            say(Text("Model")),
            [_EVERY_MODEL, *names],
            format_func=name_options([_EVERY_MODEL, *names], lambda name: name or Text("All")),
            key="history_model",
        )
    _, days = _PERIODS[period]
    since = None if days is None else datetime.now(UTC) - timedelta(days=days)
    use = names.get(chosen)
    if use is None:
        return Selection(since=since), None
    return (
        Selection(
            since=since,
            model=use.model,
            version=use.version,
            weights_sha256=use.weights_sha256,
        ),
        use.model,
    )


def show_figures(journal: Journal, selection: Selection) -> None:
    """Show how many analyses there were, how they ended and how long they took."""
    counts = journal.count_outcomes(selection)
    latency = journal.measure_latency(selection)
    rate = counts.error_rate
    show_tally(
        [
            (Text("analyses"), f"{counts.total:,}"),
            *((_OUTCOMES[name][0], f"{value:,}") for name, value in _list_counts(counts).items()),
            (Text("error rate"), "–" if rate is None else format_percent(rate)),
            (Text("median time"), _format_ms(latency.median_ms)),
            (Text("95 % within"), _format_ms(latency.p95_ms)),
        ]
    )


def _list_counts(counts: OutcomeCounts) -> dict[str, int]:
    values = (counts.answered, counts.uncertain, counts.not_assessed, counts.failed)
    return dict(zip(_OUTCOMES, values, strict=True))


def _format_ms(milliseconds: float | None) -> str:
    return "–" if milliseconds is None else f"{milliseconds:,.0f} ms"


def show_days(journal: Journal, selection: Selection) -> None:
    """Show how many analyses of each day ended how."""
    import altair as alt
    import pandas as pd

    lines = [
        (str(day.day), say(_OUTCOMES[name][0]), value)
        for day in journal.count_by_day(selection)
        for name, value in _list_counts(day.counts).items()
        if value
    ]
    if not lines:
        show_quiet(Text("There are no analyses in this period."))
        return
    series = get_palette().series
    chart = (
        alt.Chart(pd.DataFrame(lines, columns=["day", "outcome", "films"]))
        .mark_bar()
        .encode(
            x=alt.X("day:O", title=say(Text("Day (UTC)"))).axis(labelAngle=0, labelOverlap=True),
            y=alt.Y("films:Q", title=say(Text("Analyses"))),
            color=alt.Color("outcome:N", title=None)
            .scale(
                domain=[say(title) for title, _ in _OUTCOMES.values()],
                range=[series[kind] for _, kind in _OUTCOMES.values()],
            )
            .legend(orient="top"),
            tooltip=[
                alt.Tooltip("day:O", title=say(Text("Day (UTC)"))),
                alt.Tooltip("outcome:N", title=say(Text("Outcome"))),
                alt.Tooltip("films:Q", title=say(Text("Analyses"))),
            ],
        )
    )
    show_chart(chart, Text("Analyses of each day, by outcome"))


def show_scores(journal: Journal, selection: Selection, model: str) -> None:
    """Show how films scored beside the validation films of their model, and test the difference."""
    spec = _find_spec(model, selection)
    if spec is None:
        show_quiet(
            Text(
                "These analyses were made with weights that this installation does not have, so "
                "their validation films are not known."
            )
        )
        return
    comparison = journal.compare_scores(spec, selection)
    for sentence in describe_drift(comparison):
        show_sentence(sentence)
    histogram = comparison.compute_histogram()
    if histogram is None or not comparison.logits.size:
        return
    import altair as alt
    import pandas as pd

    kinds = {
        say(Text("films of the journal")): histogram.observed,
        say(Text("validation, fitted share")): histogram.fitted,
    }
    series = get_palette().series
    middles = (histogram.edges[:-1] + histogram.edges[1:]) / 2.0
    lines = pd.concat(
        pd.DataFrame({"logit": middles, "share": shares, "films": name})
        for name, shares in kinds.items()
    )
    chart = (
        alt.Chart(lines)
        .mark_line(interpolate="step")
        .encode(
            x=alt.X("logit:Q", title=say(Text("Logit"))).axis(grid=False),
            y=alt.Y("share:Q", title=say(Text("Share of films"))).axis(format="%"),
            color=alt.Color("films:N", title=None)
            .scale(domain=list(kinds), range=[series["positive"], series["negative"]])
            .legend(orient="top"),
            strokeDash=alt.StrokeDash("films:N", legend=None),
        )
    )
    show_chart(chart, Text("Logits of the journal’s films beside those of validation"))


def _find_spec(model: str, selection: Selection) -> ModelSpec | None:
    try:
        spec, _ = resolve_model(model)
    except UnknownModelError:
        return None
    return spec if spec.weights.sha256 == selection.weights_sha256 else None


def show_list(journal: Journal, selection: Selection) -> None:
    """Show analyses, the newest first, a page at a time; and files to take along."""
    whole = journal.count(selection)
    if not whole:
        show_quiet(Text("None yet."))
        return
    pages = -(-whole // _PAGE_ROWS)
    page = 1
    if pages > 1:
        said = Text("Page of {pages:,}", pages=pages)
        page = int(st.number_input(say(said), 1, pages, key="history_page"))
    st.dataframe(
        _make_table(journal, selection, page),
        hide_index=True,
        column_config={
            **{name: say(title) for name, title in _COLUMNS.items()},
            "probability": st.column_config.ProgressColumn(
                say(Text("Probability")), min_value=0.0, max_value=1.0, format="percent"
            ),
        },
        key="history_table",
    )
    with st.container(horizontal=True):
        _offer_export(journal, selection, "analyses", Text("Analyses (CSV)"))
        _offer_export(journal, selection, "feedback", Text("Feedback (CSV)"))


def _offer_export(journal: Journal, selection: Selection, what: Exported, title: Text) -> None:
    def export() -> bytes:
        buffer = io.StringIO(newline="")
        write_journal(journal, buffer, what=what, selection=selection)
        return buffer.getvalue().encode("utf-8-sig")

    st.download_button(
        say(title),
        data=export,
        file_name=f"hilum-{what}.csv",
        mime="text/csv",
        on_click="ignore",
        key=f"save_{what}",
    )


def _make_table(journal: Journal, selection: Selection, page: int) -> pd.DataFrame:
    import pandas as pd

    shown = journal.list_analyses(selection, limit=_PAGE_ROWS, offset=(page - 1) * _PAGE_ROWS)
    return pd.DataFrame(
        [
            {
                "time": analysis.time.strftime("%Y-%m-%d %H:%M:%S"),
                "model": analysis.model or "",
                "outcome": say(_OUTCOMES[analysis.outcome][0])
                if analysis.outcome in _OUTCOMES
                else analysis.outcome,
                "decision": say(recall(analysis.decision or "")),
                "probability": analysis.probability,
                "notes": ", ".join((*analysis.reasons, *analysis.warnings)),
                "error": analysis.error or "",
                "ms": None if analysis.latency_ms is None else round(analysis.latency_ms),
                "feedback": say(recall(analysis.feedback or "")),
                "film": (analysis.film_sha256 or "")[:12],
                "from": analysis.source,
            }
            for analysis in shown
        ]
    )


def show_retention(journal: Journal, *, shared: bool) -> None:
    """Let the visitor remove old analyses, after a second thought; not on a shared page."""
    if shared:
        show_quiet(
            Text(
                "On the machine that serves this page: hilum journal purge --older-than-days DAYS."
            )
        )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        days = st.number_input(say(Text("Keep days")), min_value=0, value=365, key="kept_days")
        sure = st.checkbox(say(Text("Remove what is older")), key="sure_to_purge")
        if st.button(say(Text("Remove")), disabled=not sure, key="purge"):
            removed = journal.purge(older_than_days=float(days))
            st.session_state["purged"] = removed
    if (removed := st.session_state.pop("purged", None)) is not None:
        show_quiet(
            Text.counted(
                "{count} analysis was removed.", "{count:,} analyses were removed.", removed
            )
        )
