"""Choices that more than one command offers."""

from __future__ import annotations

from enum import StrEnum


class Storage(StrEnum):
    """How weights lie on disk; arithmetic is float32."""

    INT8 = "int8"
    FLOAT16 = "float16"
    FLOAT32 = "float32"
