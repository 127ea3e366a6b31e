"""What lies beside films and is none: the same rule for folders and for archives."""

from __future__ import annotations

import codecs

HEAD_BYTES = 512
"""How much of a file :func:`is_text` wants to see."""

# Kept by other programs beside films; never films themselves.
_NAMES = {"DICOMDIR", "Thumbs.db"}
_TEXT_CONTROLS = b"\t\n\f\r\x1b"
_NOT_TEXT = bytes(code for code in range(32) if code not in _TEXT_CONTROLS) + b"\x7f"


def is_bystander(name: str) -> bool:
    """Tell by its name, without folders, a file or folder that other programs keep."""
    return name.startswith(".") or name in _NAMES


def is_text(head: bytes) -> bool:
    """Tell a text file (README, CSV, JSON, HTML) by its first ``HEAD_BYTES`` bytes.

    An empty file is not text: it is what a broken transfer of a film leaves.
    """
    if not head or any(code in _NOT_TEXT for code in head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD_BYTES)
    except UnicodeDecodeError:
        return False
    return True
