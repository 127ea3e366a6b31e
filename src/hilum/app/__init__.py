"""The page: one screen on which a film and its evidence lie side by side.

``launcher`` starts Streamlit with safe settings, ``page`` is the script that Streamlit
runs. Reading, deciding and drawing belong to the rooms below; here they are only shown.
"""

from __future__ import annotations
