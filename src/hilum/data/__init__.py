"""Sets of films: how they lie on disk, who is on them, and how they are split. No torch."""

from __future__ import annotations

from hilum.data.layout import Film, read_folder_dataset
from hilum.data.split import Split, split_by_patient

__all__ = ["Film", "Split", "read_folder_dataset", "split_by_patient"]
