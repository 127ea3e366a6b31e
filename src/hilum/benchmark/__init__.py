"""``hilum benchmark``: hilum beside torch and the library ``grad-cam``, measured in one run."""

from __future__ import annotations

from hilum.benchmark.comparison import Comparison, Spread, Target, compare

__all__ = ["Comparison", "Spread", "Target", "compare"]
