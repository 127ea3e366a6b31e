"""Sets of films: how they lie on disk, who is on them, and how they are split. No torch."""

from __future__ import annotations

from hilum.data.dataset import find_datasets, read_dataset
from hilum.data.layout import Film
from hilum.data.split import Split, fold_by_patient, split_at_random, split_by_patient
from hilum.data.split_manifest import SplitManifest, make_manifests, read_split, write_split

__all__ = [
    "Film",
    "Split",
    "SplitManifest",
    "find_datasets",
    "fold_by_patient",
    "make_manifests",
    "read_dataset",
    "read_split",
    "split_at_random",
    "split_by_patient",
    "write_split",
]
