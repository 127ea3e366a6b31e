"""The shipped models as parameters of a test that one of them is known to fail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hilum.models.zoo import list_models


def list_shipped(failing: Mapping[str, str]) -> list[Any]:
    """List the names of all shipped models, for ``pytest.mark.parametrize``.

    Parameters
    ----------
    failing
        Name of a model to why the test must fail for it; should it pass, that is told.
    """
    return [
        pytest.param(spec.name, marks=pytest.mark.xfail(strict=True, reason=failing[spec.name]))
        if spec.name in failing
        else spec.name
        for spec in list_models()
    ]
