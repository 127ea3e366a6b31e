"""What ``hilum analyze`` writes to stdout: a table for people, jsonl or csv for programs."""

from __future__ import annotations

import csv
import json
import sys
import textwrap
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hilum.errors import HilumError
    from hilum.spec import ModelSpec, OperatingPoint
    from hilum.types import FilmWarning, Prediction

_TABLE_WIDTH = 80
_INDENT = " " * 8
_FORMULA_STARTS = set("=+-@\t\r")


class OutputFormat(StrEnum):
    """Forms of output, as ``--format`` names them."""

    TABLE = "table"
    JSONL = "jsonl"
    CSV = "csv"


class Writer(Protocol):
    """Writes one result after another; keeps none."""

    def begin(self, spec: ModelSpec, name: str, point: OperatingPoint) -> None:
        """Write what stands above the first result."""

    def write_prediction(
        self, source: str, prediction: Prediction, overlay: str | None, report: str | None
    ) -> None:
        """Write the result of one film, and the paths of its picture and its report."""

    def write_error(self, source: str, error: HilumError) -> None:
        """Write why one film has no result."""

    def end(self) -> None:
        """Write what stands below the last result."""


def make_writer(output_format: OutputFormat) -> Writer:
    """Give the writer for a form of output."""
    writers: dict[OutputFormat, type[TableWriter | JsonLinesWriter | CsvWriter]] = {
        OutputFormat.TABLE: TableWriter,
        OutputFormat.JSONL: JsonLinesWriter,
        OutputFormat.CSV: CsvWriter,
    }
    return writers[output_format]()


def describe_spread(prediction: Prediction) -> str | None:
    """Say between which probabilities the answers lie, and whose they are; else ``None``."""
    spread = prediction.spread
    if spread is None or spread.probability_min is None:
        return None
    return f"{spread.probability_min:.4f} to {spread.probability_max:.4f} over {spread}"


class JsonLinesWriter:
    """One JSON object a film and line."""

    def begin(self, spec: ModelSpec, name: str, point: OperatingPoint) -> None:
        """Write nothing: every line stands for itself."""

    def write_prediction(
        self, source: str, prediction: Prediction, overlay: str | None, report: str | None
    ) -> None:
        """Write the result of one film."""
        values = prediction.evidence.values
        self._write(
            {
                "source": source,
                "model": prediction.model,
                "probability": prediction.probability,
                "logit": prediction.logit,
                "decision": prediction.decision,
                "side": prediction.side,
                "reasons": _list_warnings(prediction.reasons),
                "operating_point": prediction.operating_point,
                "threshold": prediction.threshold,
                "warnings": _list_warnings(prediction.warnings),
                "spread": None if prediction.spread is None else prediction.spread.to_dict(),
                "evidence": {
                    "shape": list(values.shape),
                    "min": float(values.min()),
                    "max": float(values.max()),
                    "spread_max": _find_largest_spread(prediction),
                },
                "overlay": overlay,
                "report": report,
            }
        )

    def write_error(self, source: str, error: HilumError) -> None:
        """Write why one film has no result."""
        self._write(
            {"source": source, "error": {"type": type(error).__name__, "message": str(error)}}
        )

    def end(self) -> None:
        """Write nothing."""

    def _write(self, record: dict[str, Any]) -> None:
        # ASCII with escapes: a file name that is no valid text survives, on every terminal.
        # A line at a time reaches a reader at the other end of a pipe at once.
        print(json.dumps(record, allow_nan=False), flush=True)


class CsvWriter:
    """A header and one row a film, for spreadsheets."""

    COLUMNS = (
        "source",
        "model",
        "probability",
        "logit",
        "decision",
        "side",
        "reasons",
        "operating_point",
        "threshold",
        "warnings",
        "views",
        "members",
        "logit_min",
        "logit_max",
        "logit_std",
        "probability_min",
        "probability_max",
        "evidence_min",
        "evidence_max",
        "evidence_spread_max",
        "overlay",
        "report",
        "error_type",
        "error_message",
    )

    def begin(self, spec: ModelSpec, name: str, point: OperatingPoint) -> None:
        """Write the header."""
        self._write(dict(zip(self.COLUMNS, self.COLUMNS, strict=True)))

    def write_prediction(
        self, source: str, prediction: Prediction, overlay: str | None, report: str | None
    ) -> None:
        """Write the result of one film."""
        values = prediction.evidence.values
        spread = {} if prediction.spread is None else asdict(prediction.spread)
        self._write(
            {
                "source": _make_inert(source),
                "model": prediction.model,
                "probability": _write_number(prediction.probability),
                "logit": repr(prediction.logit),
                "decision": prediction.decision,
                "side": prediction.side or "",
                "reasons": ";".join(reason.code for reason in prediction.reasons),
                "operating_point": prediction.operating_point,
                "threshold": repr(prediction.threshold),
                "warnings": ";".join(warning.code for warning in prediction.warnings),
                **{name: _write_number(value) for name, value in spread.items()},
                "evidence_min": repr(float(values.min())),
                "evidence_max": repr(float(values.max())),
                "evidence_spread_max": _write_number(_find_largest_spread(prediction)),
                "overlay": "" if overlay is None else _make_inert(overlay),
                "report": "" if report is None else _make_inert(report),
            }
        )

    def write_error(self, source: str, error: HilumError) -> None:
        """Write why one film has no result."""
        self._write(
            {
                "source": _make_inert(source),
                "error_type": type(error).__name__,
                "error_message": str(error),
            }
        )

    def end(self) -> None:
        """Write nothing."""

    def _write(self, row: dict[str, str]) -> None:
        csv.DictWriter(sys.stdout, self.COLUMNS, restval="").writerow(row)


class TableWriter:
    """One line a film in 80 columns, its warnings below it."""

    def begin(self, spec: ModelSpec, name: str, point: OperatingPoint) -> None:
        """Write the model, the operating point and the head of the table."""
        from hilum.decision import get_uncertain_range
        from hilum.types import NOT_ASSESSED

        print(f"{spec.name} {spec.version}, operating point {name}:")
        print(f"{spec.labels.positive} from a probability of {point.threshold:.4f} on.")
        low, high = get_uncertain_range(spec, name)
        if low < high:
            print(f"Uncertain, ask a radiologist: from {low:.4f} to {high:.4f}.")
        print()
        labels = (spec.labels.positive, spec.labels.negative, NOT_ASSESSED)
        self._labels = max(len(label) for label in labels)
        self._overlays = False
        print(f" {'prob.':>6}  {'decision':{self._labels}}  film")

    def write_prediction(
        self, source: str, prediction: Prediction, overlay: str | None, report: str | None
    ) -> None:
        """Write the result of one film."""
        decision = f"{prediction.decision:{self._labels}}"
        shown = "-" if prediction.probability is None else f"{prediction.probability:.4f}"
        self._write_line(f" {shown:>6}  {decision}", source)
        if (told := describe_spread(prediction)) is not None:
            print(f"{_INDENT}  {told}")
        reasons = () if prediction.assessed else prediction.reasons
        for reason in reasons:
            _print_wrapped(f"{reason.code}: {reason.message}", mark="x")
        for warning in prediction.warnings:
            if warning not in reasons:
                _print_wrapped(f"{warning.code}: {warning.message}")
        for path in (overlay, report):
            if path is not None:
                print(f"{_INDENT}  {_make_printable(path)}")

    def write_error(self, source: str, error: HilumError) -> None:
        """Write why one film has no result."""
        self._write_line(f" {'-':>6}  {'no answer':{self._labels}}", source)
        _print_wrapped(_make_printable(str(error)))

    def end(self) -> None:
        """Write how the result is to be taken."""
        print("\nResearch software, not a medical device.")

    def _write_line(self, start: str, source: str) -> None:
        room = _TABLE_WIDTH - len(start) - 2
        name = _make_printable(source)
        # The end of a path tells films apart.
        shown = name if len(name) <= room else "..." + name[3 - room :]
        print(f"{start}  {shown}")


def _print_wrapped(text: str, mark: str = "!") -> None:
    start = f"{_INDENT}{mark} "
    print(
        textwrap.fill(text, _TABLE_WIDTH, initial_indent=start, subsequent_indent=" " * len(start))
    )


def _find_largest_spread(prediction: Prediction) -> float | None:
    spread = prediction.evidence.spread
    return None if spread is None else float(spread.max())


def _write_number(value: float | None) -> str:
    return "" if value is None else repr(value)


def _list_warnings(warnings: Iterable[FilmWarning]) -> list[dict[str, str]]:
    return [{"code": warning.code, "message": warning.message} for warning in warnings]


def _make_printable(text: str) -> str:
    """Show control characters of a file name instead of sending them to the terminal."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape", "surrogatepass").decode()
        for char in text
    )


def _make_inert(path: str) -> str:
    """Keep a spreadsheet from taking a file name for a formula.

    ``./=name`` is the same file as ``=name``, so programs can go on using it as a path.
    """
    return f"./{path}" if path[:1] in _FORMULA_STARTS and path != "-" else path
