"""Running a network: the ``Backend`` protocol and who fulfils it.

Only the protocol is imported here. :class:`~hilum.inference.onnx_backend.OnnxBackend` is
what users get; :mod:`hilum.inference.torch_backend` needs the extra ``train``.
"""

from __future__ import annotations

from hilum.inference.backend import (
    Backend,
    MemberOutput,
    ModelOutput,
    check_batch,
    check_output,
)
from hilum.inference.onnx_backend import OnnxBackend
from hilum.inference.views import VIEWS, list_views

__all__ = [
    "VIEWS",
    "Backend",
    "MemberOutput",
    "ModelOutput",
    "OnnxBackend",
    "check_batch",
    "check_output",
    "list_views",
]
