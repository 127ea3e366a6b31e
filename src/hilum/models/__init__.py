"""Networks: the shipped ones (``zoo``), and what makes new ones (extra ``train``).

Only :mod:`hilum.models.zoo` is imported here; it needs no torch.
"""

from __future__ import annotations

from hilum.models.zoo import DEFAULT_MODEL, list_models, resolve_model

__all__ = ["DEFAULT_MODEL", "list_models", "resolve_model"]
