"""ONNX Runtime, silent.

Its official builds tell Microsoft what they are used for, and keep an identifier of the machine
and a store of events in the user's cache folder. What turns that off altogether is a variable in
the environment, which has to stand there before the library comes up.
"""

from __future__ import annotations

import os
from typing import Any

_OPT_OUT = "ORT_DISABLE_TELEMETRY"


def silence_onnxruntime() -> None:
    """Keep ONNX Runtime from sending anything, in this process and those that it starts.

    A choice that already stands in the environment is left as it is.
    """
    os.environ.setdefault(_OPT_OUT, "1")


def import_onnxruntime() -> Any:
    """Import ONNX Runtime so that it sends nothing and keeps no identifier.

    Where a program imported the library before, it may have sent the one event with which it
    starts; all others are stopped.

    Returns
    -------
    The module.
    """
    silence_onnxruntime()
    import onnxruntime

    if os.environ[_OPT_OUT] == "1":
        # Builds that do not know the variable.
        onnxruntime.disable_telemetry_events()
    return onnxruntime
