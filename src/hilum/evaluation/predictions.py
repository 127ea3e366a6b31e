"""The scores of a set of films: a model's own, or anyone else's, read from CSV."""

from __future__ import annotations

import csv
import math
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.data import Film
from hilum.data.layout import parse_film_path
from hilum.data.manifest import parse_label
from hilum.errors import DatasetError
from hilum.files import replacing

COLUMNS = ("path", "label", "patient", "pathogen", "logit", "probability", "gated", "uncertain")
_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True}


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What one model says of each film of a set.

    name
        The model's name, for tables and legends.
    films
        The films, no two of one path; both labels occur.
    probabilities
        float64, shape (N,), in [0, 1]: what thresholds are held against.
    logits
        float64, shape (N,), or ``None`` where only probabilities are known.
    gated
        Why the model's input gate would refuse each film, codes with blanks between them; ``""``
        where it lets the film pass. ``None`` where the model has no such thing.
    uncertain
        bool, shape (N,): whether the model would answer "uncertain"; ``None`` as above.
    """

    name: str
    films: tuple[Film, ...]
    probabilities: NDArray[np.float64]
    logits: NDArray[np.float64] | None = None
    gated: tuple[str, ...] | None = None
    uncertain: NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        if {film.label for film in self.films} != {0, 1}:
            raise DatasetError(f"{self.name}: an evaluation needs films of both classes.")
        paths = [film.path for film in self.films]
        if len(set(paths)) != len(paths):
            twice = Counter(paths).most_common(1)[0][0]
            raise DatasetError(f"{self.name}: the film {twice} occurs more than once.")
        for values in (self.scores, self.probabilities):
            if values.shape != (len(self.films),) or not np.isfinite(values).all():
                raise DatasetError(f"{self.name}: every film needs one finite score.")
        if self.probabilities.min() < 0.0 or self.probabilities.max() > 1.0:
            raise DatasetError(f"{self.name}: a probability is outside of [0, 1].")

    @property
    def scores(self) -> NDArray[np.float64]:
        """What the films are ranked by, shape (N,).

        The logits where they are known: far out, probabilities round to equal numbers.
        """
        return self.probabilities if self.logits is None else self.logits

    @property
    def labels(self) -> NDArray[np.int_]:
        """Labels, shape (N,): 1 for pneumonia, 0 for normal."""
        return np.array([film.label for film in self.films])

    @property
    def patients(self) -> list[str]:
        """Patient of each film."""
        return [film.patient for film in self.films]

    def select(self, paths: Sequence[str]) -> Predictions:
        """Take the films of ``paths``, in that order."""
        index = {film.path: at for at, film in enumerate(self.films)}
        chosen = [index[path] for path in paths]
        return Predictions(
            self.name,
            tuple(self.films[at] for at in chosen),
            self.probabilities[chosen],
            None if self.logits is None else self.logits[chosen],
            None if self.gated is None else tuple(self.gated[at] for at in chosen),
            None if self.uncertain is None else self.uncertain[chosen],
        )


def read_predictions(
    path: str | os.PathLike[str], *, name: str | None = None, part: str = ""
) -> Predictions:
    """Read predictions from CSV.

    The columns ``path`` and ``label`` and one of ``probability`` and ``logit`` are needed;
    ``patient`` and ``pathogen`` are optional, and any other column is passed over. A label is
    0 or 1, or ``normal`` or ``pneumonia``. Where there is no patient, the film's name tells it
    if it can (:func:`hilum.data.layout.parse_film_path`), and else each film is a patient of
    its own.

    Parameters
    ----------
    name
        The model's name; the file's name without its ending if left out.
    part
        Which part of a dataset the films are, if it is known.

    Raises
    ------
    DatasetError
        The file cannot be read, a column is missing, a row is wrong (the message gives its
        line), a film occurs twice, or a class is missing.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            columns = {column.strip().lower(): column for column in reader.fieldnames or ()}
            _check_columns(columns, path.name)
            rows = [
                _read_row(_Row(row, columns, f"{path.name}, line {reader.line_num}"), part)
                for row in reader
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no CSV in UTF-8"
        raise DatasetError(f"The predictions {path.name} cannot be read: {reason}.") from error
    if not rows:
        raise DatasetError(f"{path.name} holds no film.")
    films, probabilities, logits, gated, uncertain = zip(*rows, strict=True)
    return Predictions(
        name or path.stem,
        tuple(films),
        np.array(probabilities),
        None if None in logits else np.array(logits),
        tuple(gated) if "gated" in columns else None,
        np.array(uncertain) if "uncertain" in columns else None,
    )


def _check_columns(columns: Mapping[str, str], name: str) -> None:
    missing = [column for column in ("path", "label") if column not in columns]
    if not {"probability", "logit"} & set(columns):
        missing.append("probability (or logit)")
    if missing:
        raise DatasetError(
            f"{name} lacks the column {' and the column '.join(missing)}. Predictions have the "
            f"columns {', '.join(COLUMNS)}; only path, label and one score are needed."
        )


@dataclass(frozen=True, slots=True)
class _Row:
    values: Mapping[str, str | None]
    columns: Mapping[str, str]
    place: str

    def read_text(self, column: str) -> str:
        """Give what stands in a column, ``""`` where it is missing or empty."""
        return (self.values.get(self.columns.get(column, "")) or "").strip()

    def read_number(self, column: str) -> float | None:
        """Give a finite number, or ``None`` where the column is missing or the field empty."""
        if column not in self.columns or not self.read_text(column):
            return None
        try:
            number = float(self.read_text(column))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise DatasetError(f"{self.place}: the {column} is not a finite number.")
        return number


def _read_row(row: _Row, part: str) -> tuple[Film, float, float | None, str, bool]:
    path = row.read_text("path").replace("\\", "/")
    if not path:
        raise DatasetError(f"{row.place}: the path is empty.")
    label = _read_label(row)
    told_patient, told_pathogen = parse_film_path(path, label)
    film = Film(
        path=path,
        label=label,
        patient=row.read_text("patient") or told_patient,
        part=part,
        pathogen=row.read_text("pathogen") or told_pathogen,
    )
    logit, probability = row.read_number("logit"), row.read_number("probability")
    if probability is None:
        if logit is None:
            raise DatasetError(f"{row.place}: there is neither a probability nor a logit.")
        probability = 1.0 / (1.0 + math.exp(-logit)) if logit > -700.0 else 0.0
    if not 0.0 <= probability <= 1.0:
        raise DatasetError(f"{row.place}: the probability is outside of [0, 1].")
    uncertain = row.read_text("uncertain").lower()
    if uncertain not in _FLAGS:
        raise DatasetError(f"{row.place}: uncertain is neither 0 nor 1.")
    return film, probability, logit, row.read_text("gated"), _FLAGS[uncertain]


def _read_label(row: _Row) -> int:
    try:
        return parse_label(row.read_text("label"))
    except DatasetError as error:
        raise DatasetError(f"{row.place}: {error}") from None


def write_predictions(predictions: Predictions, path: str | os.PathLike[str]) -> None:
    """Write one CSV row a film, with ``COLUMNS``."""
    with replacing(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(_list_rows(predictions))


def _list_rows(predictions: Predictions) -> Iterable[Sequence[object]]:
    count = len(predictions.films)
    logits, uncertain = predictions.logits, predictions.uncertain
    columns = zip(
        predictions.films,
        [""] * count if logits is None else map(repr, logits.tolist()),
        predictions.probabilities.tolist(),
        predictions.gated or [""] * count,
        [False] * count if uncertain is None else uncertain.tolist(),
        strict=True,
    )
    for film, logit, probability, gated, unsure in columns:
        yield (
            film.path,
            film.label,
            film.patient,
            film.pathogen or "",
            logit,
            repr(probability),
            gated,
            int(unsure),
        )


def align_predictions(
    predictions: Sequence[Predictions], *, common: bool = False
) -> list[Predictions]:
    """Put predictions of several models on the same films, in the same order.

    Parameters
    ----------
    common
        Keep the films that all have, instead of refusing sets that differ.

    Raises
    ------
    DatasetError
        Films differ (unless ``common``), none is shared, or label or patient of a film differ.
    """
    first = predictions[0]
    by_path = {film.path: film for film in first.films}
    shared = set(by_path)
    for other in predictions[1:]:
        paths = {film.path for film in other.films}
        if paths != set(by_path) and not common:
            raise DatasetError(
                f"{first.name} and {other.name} are not of the same films: "
                f"{len(set(by_path) - paths)} are only in the first and "
                f"{len(paths - set(by_path))} only in the second. Score the same films, or give "
                "--common to compare on those that both have."
            )
        shared &= paths
        for film in other.films:
            own = by_path.get(film.path)
            if own is None:
                continue
            for fact in ("label", "patient"):
                if getattr(own, fact) != getattr(film, fact):
                    raise DatasetError(
                        f"{first.name} and {other.name} disagree on the {fact} of {film.path}."
                    )
    order = [film.path for film in first.films if film.path in shared]
    if not order:
        raise DatasetError("The predictions share no film: are the paths written alike?")
    return [own.select(order) for own in predictions]
