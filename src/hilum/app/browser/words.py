"""Words of Streamlit's own widgets, as they stand in its markup.

A ``*`` stands for what the widget puts there: a name, a size. It stands in the translation as
``{rest}``.
"""

from __future__ import annotations

from collections.abc import Mapping

from hilum.language import Text

_GONE = Text(
    "hilum no longer answers. Start it again, with hilum app or make app, and this page goes on; "
    "films have to be dropped anew."
)
# In English too: nobody who was given hilum has to know of Streamlit, or of the internet.
SERVER_WORDS: Mapping[str, str] = {
    "Connection error": Text("The page has lost its server"),
    "Streamlit server is not responding. Are you connected to the internet?": _GONE,
    "Is Streamlit still running? If you accidentally stopped Streamlit, just restart it in your "
    "terminal:": _GONE,
    "streamlit run yourscript.py": "hilum app",
}
WIDGET_WORDS: Mapping[str, Text] = {
    "Upload": Text("Choose files"),
    "* per file": Text("Up to {rest} a file", rest="{rest}"),
    "Drag and drop files here": Text("Drop the files here"),
    "Add files": Text("Add files"),
    "Clear all": Text("Remove all"),
    "Clear value": Text("Clear"),
    "Open": Text("Open the list"),
    "Remove *": Text("Remove {rest}", rest="{rest}"),
    "Selected values": Text("Chosen"),
    "Multiselect options": Text("Choices"),
    "Selectbox options": Text("Choices"),
    "No results": Text("Nothing found"),
    "Select all": Text("Choose all"),
    "Select * matches": Text("Choose {rest} that fit", rest="{rest}"),
    "Choose options": Text("Choose"),
    "Choose an option": Text("Choose"),
    "Increment": Text("Increase"),
    "Decrement": Text("Decrease"),
    "Press Enter to apply": Text("Press Enter to apply"),
    "Help for *": Text("Help for {rest}", rest="{rest}"),
    "Fullscreen": Text("Full screen"),
    "Close fullscreen": Text("Leave full screen"),
    "Download as CSV": Text("Save as CSV"),
    "Download as PNG": Text("Save as PNG"),
    "Search": Text("Search"),
    "Show/hide columns": Text("Show or hide columns"),
    "Show data": Text("Show the data"),
    "Show chart": Text("Show the chart"),
    "Copy Vega-Lite spec": Text("Copy the chart’s Vega-Lite text"),
    "Sort ascending": Text("Sort upwards"),
    "Sort descending": Text("Sort downwards"),
    "Autosize": Text("Fit the width"),
    "Pin column": Text("Pin the column"),
    "Unpin column": Text("Unpin the column"),
    "Hide column": Text("Hide the column"),
    "Copy column name": Text("Copy the column’s name"),
    "Format": Text("Format of numbers"),
    "Close Search": Text("Close the search"),
    "Next Result": Text("Next result"),
    "Previous Result": Text("Previous result"),
}
