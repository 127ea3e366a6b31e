"""Where files are dropped on a page: each is taken once, and the server forgets it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile

from hilum.app.launcher import MOST_UPLOAD_BYTES

Take = Callable[[Sequence[UploadedFile]], None]


def show_drop_zone(label: str, name: str, take: Take) -> None:
    """Show a place to drop files of any kind, several at once.

    Parameters
    ----------
    name
        Of the place, among those of all pages.
    take
        Called with what was dropped, the last file first, before the page runs on. It keeps what
        it needs.
    """
    # Another key is another widget, without files: what was dropped is taken.
    counter = f"{name}_generation"
    key = f"{name}:{st.session_state.setdefault(counter, 0)}"

    def empty() -> None:
        # A visitor who presses a button at once sends the files along again, which are gone.
        dropped: list[UploadedFile | DeletedFile] = st.session_state[key]
        uploads = [upload for upload in dropped if isinstance(upload, UploadedFile)]
        if not uploads:
            return
        take(uploads[::-1])
        _release(uploads)
        st.session_state[counter] += 1

    uploads = st.file_uploader(
        label,
        type=None,  # DICOM files often have no suffix; the reader looks at the bytes.
        accept_multiple_files=True,
        key=key,
        on_change=empty,
        max_upload_size=MOST_UPLOAD_BYTES // 2**20,
    )
    # A server that was started anew has run this page for nobody yet, and knows of no callback
    # when the first film comes from a browser that stayed open.
    if uploads:
        empty()
        st.rerun()


def _release(uploads: Sequence[UploadedFile]) -> None:
    """Let the server forget files that were taken; it would hold them until the visit ends."""
    context = get_script_run_ctx()
    if context is None or not isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        return
    for upload in uploads:
        context.uploaded_file_mgr.remove_file(context.session_id, upload.file_id)
