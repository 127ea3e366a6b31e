"""What a spec says of its maps."""

from __future__ import annotations

from typing import Any

WARNING = "finds planted opacities no better than a map of noise: do not read places from it"


def make_faithfulness(**warnings: str) -> dict[str, Any]:
    """Give the facts of a model whose methods fail the controls that are named.

    Each keyword is a method, its value the sentence, empty where it fails none.
    """
    interval = {"value": 0.5, "low": 0.25, "high": 0.75}
    names = ("hit", "iou", "inside", "deletion_gain", "insertion_gain", "road_gain")
    own = dict.fromkeys((*names, "noise", "shift", "tone"), interval)
    whole = ("control_hit", "auc", "auc_lungs_only", "auc_lungs_levelled", "outside_lungs")
    return {
        "set_name": "films, test",
        "films": 8,
        "methods": {
            method: own | {"warnings": [sentence] if sentence else []}
            for method, sentence in warnings.items()
        },
        **dict.fromkeys((*whole, "put_in_marker"), interval),
        "outside_lungs_flat": 0.6,
    }
