"""The text of the page About."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from hilum.app.parts import to_html
from hilum.language import Text, join_texts, recall
from hilum.spec import ModelSpec

_WHAT = (
    Text(
        "hilum reads a frontal chest radiograph and says how likely pneumonia is, on what "
        "evidence, and how far that answer can be trusted. It is research and teaching software."
    ),
    Text(
        "It is not a medical device. It does not diagnose, and no decision on a patient may rest "
        "on it. Where it says “uncertain” or “not assessed”, and wherever it matters, ask a "
        "radiologist."
    ),
)
_MAPS = Text(
    "A map shows what a network used for its answer. It does not outline disease: a network may "
    "look at the wrong place and be right. The page Models says which controls the maps of each "
    "network pass and which they fail."
)
_FILMS = (
    Text(
        "Films are read in memory on the machine that serves this page. They are not written to "
        "disk, sent to anyone or seen by other visitors, and are forgotten when the visit ends. "
        "Names in a film’s header are never read out. The framework’s usage statistics are off."
    ),
    Text(
        "Where a journal is kept, it holds time, model, the file’s digest, probability and "
        "decision of each analysis: never a name, a header or a picture."
    ),
)
_LICENCE = Text(
    "hilum is free software under the Apache License 2.0; each model’s card names the licence of "
    "its weights and of the films that it learned from."
)


def show_about(specs: Sequence[ModelSpec], version: str) -> None:
    """Show what hilum is and is not, whom its models know, and what becomes of films."""
    sections: list[tuple[Text, Sequence[Text]]] = [
        (Text("What this is, and is not"), _WHAT),
        (Text("Whom the models know"), [_describe_data(specs), _MAPS]),
        (Text("What becomes of films"), _FILMS),
        (
            Text("Licences"),
            [_LICENCE, Text("This is hilum {version}.", version=version)],
        ),
    ]
    st.html(
        '<article class="prose">'
        + "".join(
            f"<h2>{to_html(title)}</h2>" + "".join(f"<p>{to_html(text)}</p>" for text in texts)
            for title, texts in sections
        )
        + "</article>"
    )


def _describe_data(specs: Sequence[ModelSpec]) -> Text:
    sets = {
        (data.name, data.licence, data.population.description): Text(
            "{name} ({licence}): {population}",
            name=data.name,
            licence=data.licence,
            population=recall(data.population.description),
        )
        for data in (spec.training_data for spec in specs)
    }
    return join_texts(
        [
            Text("The shipped models have learned from:"),
            *sets.values(),
            Text(
                "Films of anyone else lie outside of what they know, and hilum says so where it "
                "can tell."
            ),
        ]
    )
