"""Does a network read the markers on a film? Those that are there, and one that is put there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from hilum.anatomy import find_lungs, find_markers
from hilum.errors import DatasetError
from hilum.explain import explain
from hilum.faithfulness.films import ask, calibrate, enlarge, wrap_film
from hilum.faithfulness.imputation import impute
from hilum.faithfulness.means import Interval, average_by_patient
from hilum.preprocess import resize_film

if TYPE_CHECKING:
    from hilum.faithfulness.films import LabelledFilm
    from hilum.inference import Backend

Plane = NDArray[np.float32]

# A letter of lead in the film's upper left corner: its height and its place, as shares of the
# film's width, and its grey.
_LETTER = "R"
_HEIGHT = 0.08
_PLACE = (0.03, 0.03)
_GREY = 0.97


@dataclass(frozen=True, slots=True)
class Markers:
    """What lead markers and letters do to one model, each (value, low, high) by patient.

    films, with_markers
        Films looked at, and those on which a marker was found.
    evidence, evidence_flat
        Share of the map's sizes that lies on the markers, and that of a map which is the same
        everywhere; of films with markers.
    painted_out
        Mean size of the change of the probability where the markers are painted out with what
        lies around; of films with markers.
    put_in, put_in_probability
        Mean change of the logit, and mean size of the change of the probability, by a letter R
        in the upper left corner.
    """

    films: int
    with_markers: int
    evidence: Interval | None
    evidence_flat: float | None
    painted_out: Interval | None
    put_in: Interval
    put_in_probability: Interval

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain values."""
        return asdict(self)


def measure_markers(
    backend: Backend,
    films: Sequence[LabelledFilm],
    *,
    method: str = "evidence",
    seed: int = 0,
    report: Callable[[int, int], None] = lambda *_: None,
) -> Markers:
    """Paint markers out, and put one in.

    Raises
    ------
    DatasetError
        There are no films.
    """
    if not films:
        raise DatasetError("There are no films to look for markers on.")
    changed: list[tuple[float, float]] = []
    found: list[tuple[float, float, float]] = []
    patients = [film.patient for film in films]
    marked: list[str] = []
    for number, one in enumerate(films):
        film = resize_film(one.radiograph, backend.spec.input)
        logit = ask(backend, film)
        probability = calibrate(logit, backend)
        with_letter = ask(backend, put_marker(film))
        changed.append((with_letter - logit, abs(calibrate(with_letter, backend) - probability)))
        markers = find_markers(film, find_lungs(film))
        if markers.any():
            clean = impute(film, markers, np.random.default_rng((seed, number)))
            change = abs(calibrate(ask(backend, clean), backend) - probability)
            values = explain(backend, wrap_film(film, backend), method=method).values
            sizes = np.abs(enlarge(values, film.shape))
            share = float(sizes[markers].sum() / max(float(sizes.sum()), 1e-9))
            found.append((share, float(markers.mean()), change))
            marked.append(one.patient)
        report(number + 1, len(films))
    put_in, put_in_probability = average_by_patient(np.array(changed), patients)
    evidence = flat = painted_out = None
    if found:
        evidence, flat, painted_out = average_by_patient(np.array(found), marked)
    return Markers(
        films=len(films),
        with_markers=len(found),
        evidence=evidence,
        evidence_flat=None if flat is None else flat[0],
        painted_out=painted_out,
        put_in=put_in,
        put_in_probability=put_in_probability,
    )


def put_marker(film: Plane) -> Plane:
    """Put a letter of lead on a film, float32, shape (H, W), in [0, 1]."""
    width = film.shape[1]
    letter = Image.new("L", (width, film.shape[0]))
    font = ImageFont.load_default(max(8, round(_HEIGHT * width)))
    place = (round(_PLACE[0] * width), round(_PLACE[1] * width))
    ImageDraw.Draw(letter).text(place, _LETTER, fill=255, font=font)
    share = np.asarray(letter, dtype=np.float32) / np.float32(255.0)
    marked: Plane = np.maximum(film, share * np.float32(_GREY))
    return marked
