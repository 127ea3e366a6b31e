"""The parts of the page for many films."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from hilum.app.appearance import get_palette
from hilum.app.batch_run import BatchRun, Progress, Row
from hilum.app.batch_table import (
    FAILED,
    choose_rows,
    count_outcomes,
    count_probabilities,
    make_table,
    say_outcome,
    write_csv,
    write_parquet,
)
from hilum.app.charts import show_chart
from hilum.app.dropzone import show_drop_zone
from hilum.app.parts import (
    name_options,
    say,
    show_empty,
    show_notes,
    show_part,
    show_quiet,
    show_tally,
    to_html,
)
from hilum.app.tray import Entry, Tray
from hilum.app.wording import name_operating_point
from hilum.language import Text, join_texts, recall
from hilum.types import UNCERTAIN

# All films of a run lie in memory when it begins, and fewer with each that is done.
_MOST_BYTES = 1024 * 2**20
_LOOK_EVERY_S = 0.7
_MIB = 2**20


def choose_films() -> list[Entry] | None:
    """Show the drop zone; give the films when the visitor starts a run."""
    tray: Tray = st.session_state.setdefault("batch_tray", Tray(_MOST_BYTES))
    show_drop_zone(
        say(Text("Drop many films here, or a ZIP of them")),
        "batch_uploads",
        lambda uploads: _take_uploads(uploads, tray),
    )
    if refused := st.session_state.get("batch_refused"):
        said = Text(
            "{names} did not fit: the page takes films of {most:,} MB at once. Analyze those that "
            "wait first, or use this command in a terminal: hilum analyze FOLDER",
            names=", ".join(refused),
            most=_MOST_BYTES // _MIB,
        )
        st.html(f'<p class="note" role="alert"><b>{to_html(Text("Note"))}</b>{to_html(said)}</p>')
    entries = tray.list_entries()
    show_quiet(_count_waiting(len(entries)))
    with st.container(horizontal=True):
        started = st.button(
            say(Text("Analyze them")), type="primary", disabled=not entries, key="start"
        )
        st.button(
            say(Text("Forget them")),
            on_click=tray.clear,
            disabled=not entries,
            key="forget_batch",
        )
    if not started:
        return None
    tray.clear()  # the run has them now, and lets each go
    return entries


def _count_waiting(films: int) -> Text:
    if not films:
        return Text("No film waits.")
    return Text.counted("{count} film waits.", "{count:,} films wait.", films)


def _take_uploads(uploads: Sequence[UploadedFile], tray: Tray) -> None:
    refused = []
    for upload in uploads:
        if upload.size > tray.room_bytes:
            refused.append(upload.name)
        else:
            tray.add(upload.name, upload.getvalue())
    st.session_state["batch_refused"] = refused


def show_before() -> None:
    """Show what the page does while there is no run."""
    show_empty(
        Text("Drop many films, or a ZIP of them."),
        Text(
            "Each gets its probability and decision, in a table that you can sort, filter and take "
            "along as CSV or Parquet. A film that cannot be read is listed with the reason, and "
            "the others go on."
        ),
    )


@st.fragment(run_every=_LOOK_EVERY_S)
def show_progress(run: BatchRun) -> None:
    """Show how far a run is, again and again, until it has ended."""
    progress = run.get_progress()
    if progress.state != "running":
        st.rerun()
    show_part(Text("At work"))
    st.progress(progress.done / progress.whole, text=say(describe_progress(progress)))
    st.button(say(Text("Cancel")), on_click=run.cancel, key="cancel")


def describe_progress(progress: Progress) -> Text:
    """Say how far a run is, e.g. ``"120 of 300 films, 2 without an answer, about 14 s left"``."""
    parts = [Text("{done:,} of {whole:,} films", done=progress.done, whole=progress.whole)]
    if progress.failed:
        parts.append(Text("{failed:,} without an answer", failed=progress.failed))
    left = progress.seconds_left
    if left is not None and left >= 90:
        parts.append(Text("about {minutes:.0f} min left", minutes=left / 60))
    elif left is not None:
        parts.append(Text("about {seconds:.0f} s left", seconds=left))
    return join_texts(parts, ", ")


def show_results(run: BatchRun, journal_troubles: Sequence[str]) -> None:
    """Show the outcome of a run that has ended, and what the journal could not keep of it."""
    progress, rows = run.get_progress(), run.list_rows()
    show_part(Text("Cancelled") if progress.state == "cancelled" else Text("Done"))
    rate = progress.done / progress.seconds if progress.seconds else 0.0
    show_quiet(
        Text(
            "{done:,} of {whole:,} films in {seconds:.0f} s ({rate:.1f} a second), with {model} "
            "{version} at {point}.",
            done=progress.done,
            whole=progress.whole,
            seconds=progress.seconds,
            rate=rate,
            model=run.spec.name,
            version=run.spec.version,
            point=name_operating_point(run.operating_point),
        )
    )
    if journal_troubles:
        told = Text("Not every analysis is in the journal.")
        show_notes([join_texts([told, journal_troubles[0]])])
    if not rows:
        return
    outcomes = count_outcomes(rows)
    show_tally((recall(name), f"{count:,}") for name, count in outcomes.items())
    if any(row.probability is not None for row in rows):
        show_part(Text("Probabilities"))
        _show_histogram(run, rows)
    show_part(Text("Films"))
    chosen = _filter(rows, list(outcomes))
    show_quiet(Text("{chosen:,} of {all:,} films.", chosen=len(chosen), all=len(rows)))
    _show_table(chosen)
    _show_downloads(run, chosen)


def _show_histogram(run: BatchRun, rows: Sequence[Row]) -> None:
    import altair as alt

    labels = run.spec.labels
    colors = {labels.positive: "positive", labels.negative: "negative", UNCERTAIN: "open"}
    series, table = get_palette().series, count_probabilities(rows)
    table["decision"] = [say_outcome(decision) for decision in table["decision"]]
    chart = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("low:Q", bin="binned", title=say(Text("Probability"))).axis(
                format="%", grid=False
            ),
            x2="high:Q",
            y=alt.Y("films:Q", title=say(Text("Films"))),
            color=alt.Color("decision:N", title=None)
            .scale(
                domain=[say_outcome(decision) for decision in colors],
                range=[series[side] for side in colors.values()],
            )
            .legend(orient="top"),
            tooltip=[
                alt.Tooltip("decision:N", title=say(Text("Outcome"))),
                alt.Tooltip("films:Q", title=say(Text("Films"))),
            ],
        )
    )
    show_chart(chart, Text("How many films have which probability, by outcome"))


def forget_filters() -> None:
    """Let the table of a new run begin with all its films."""
    for key in ("wanted_outcomes", "wanted_name", "wanted_probability"):
        st.session_state.pop(key, None)


def _filter(rows: Sequence[Row], outcomes: list[str]) -> list[Row]:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.pills(
            say(Text("Outcome")),
            outcomes,
            default=outcomes,
            selection_mode="multi",
            format_func=name_options(outcomes, recall),
            key="wanted_outcomes",
        )
        name = st.text_input(say(Text("Name holds")), key="wanted_name")
        low, high = st.slider(
            say(Text("Probability")),
            0,
            100,
            (0, 100),
            format="%d %%",
            key="wanted_probability",
        )
    return choose_rows(rows, wanted, name, low / 100.0, high / 100.0)


def _show_table(rows: Sequence[Row]) -> None:
    columns = st.column_config
    st.dataframe(
        make_table(rows, pictures=True),
        hide_index=True,
        row_height=56,
        column_config={
            "film": columns.ImageColumn(say(Text("Film")), width="small"),
            "name": columns.TextColumn(say(Text("Name"))),
            "outcome": columns.TextColumn(say(Text("Outcome"))),
            "probability": columns.ProgressColumn(
                say(Text("Probability")), min_value=0.0, max_value=1.0, format="percent"
            ),
            "notes": columns.TextColumn(say(Text("Notes"))),
            "error": columns.TextColumn(say(Text("Why there is no answer"))),
            "milliseconds": columns.NumberColumn(say(Text("ms")), format="%.0f"),
        },
        key="batch_table",
    )
    failed = sum(row.decision is None for row in rows)
    if failed:
        show_quiet(
            Text.counted(
                "{count} of them is “{outcome}”: it could not be read; the reason is said.",
                "{count:,} of them are “{outcome}”: they could not be read; the reason is said.",
                failed,
                outcome=Text(FAILED),
            )
        )


def _show_downloads(run: BatchRun, rows: Sequence[Row]) -> None:
    with st.container(horizontal=True):
        st.download_button(
            say(Text("Table (CSV)")),
            data=lambda: write_csv(run, rows),
            file_name="hilum-batch.csv",
            mime="text/csv",
            on_click="ignore",
            key="save_csv",
        )
        st.download_button(
            say(Text("Table (Parquet)")),
            data=lambda: write_parquet(run, rows),
            file_name="hilum-batch.parquet",
            mime="application/vnd.apache.parquet",
            on_click="ignore",
            key="save_parquet",
        )
