"""``ModelSpec``: all facts about one model, in the JSON file beside its weights.

No second place repeats a fact that stands here. A spec is validated when it is loaded, and
the weights are checked against its SHA-256: a wrong or missing fact is a
:class:`~hilum.errors.SpecMismatchError`, never a guess.
"""

from __future__ import annotations

from hilum.spec.decision import (
    Calibration,
    ConformalZone,
    Coverage,
    EmbeddingStatistics,
    InputGate,
    LogitQuantiles,
    OperatingPoint,
    ValidationLogits,
)
from hilum.spec.facts import Facts, Name, NotNegative, Sha256, Text, UnitInterval, describe_faults
from hilum.spec.faithfulness import Faithfulness, MapFaithfulness
from hilum.spec.files import (
    format_spec,
    hash_bytes,
    parse_spec,
    read_checked,
    read_spec,
    read_weights,
    write_spec,
)
from hilum.spec.input import RADIOGRAPH_V1, InputSpec, WindowRecipe
from hilum.spec.metrics import (
    Interval,
    PathogenMetrics,
    PointMetrics,
    PredictiveValues,
    Restraint,
    SetMetrics,
)
from hilum.spec.model import (
    Architecture,
    EnsembleMember,
    Labels,
    ModelReference,
    ModelSpec,
    Population,
    Provenance,
    Storage,
    TrainingData,
    WeightsFile,
)

__all__ = [
    "RADIOGRAPH_V1",
    "Architecture",
    "Calibration",
    "ConformalZone",
    "Coverage",
    "EmbeddingStatistics",
    "EnsembleMember",
    "Facts",
    "Faithfulness",
    "InputGate",
    "InputSpec",
    "Interval",
    "Labels",
    "LogitQuantiles",
    "MapFaithfulness",
    "ModelReference",
    "ModelSpec",
    "Name",
    "NotNegative",
    "OperatingPoint",
    "PathogenMetrics",
    "PointMetrics",
    "Population",
    "PredictiveValues",
    "Provenance",
    "Restraint",
    "SetMetrics",
    "Sha256",
    "Storage",
    "Text",
    "TrainingData",
    "UnitInterval",
    "ValidationLogits",
    "WeightsFile",
    "WindowRecipe",
    "describe_faults",
    "format_spec",
    "hash_bytes",
    "parse_spec",
    "read_checked",
    "read_spec",
    "read_weights",
    "write_spec",
]
