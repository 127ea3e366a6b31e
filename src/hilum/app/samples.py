"""Sample films for a first look: synthetic children's films, and one real film of an adult.

A sample is given as the bytes of a file, so that it takes the same road as a film that is
dropped on the page.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hilum.errors import MissingExtraError
from hilum.language import Text
from hilum.samples import SyntheticFilm, list_films

# Uncompressed; MONOCHROME1, 15 bits stored.
_RG1 = "RG1_UNCR.dcm"

Subject = Literal["adult", "synthetic"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A film that comes with the page.

    name
        Short and stable; used as the film's source.
    shows
        Whom or what the film shows, where its header does not say.
    extra
        The extra that brings the film, or ``None`` where it is always there.
    read
        Gives the bytes of the file. It raises MissingExtraError where the film comes
        from a package that is not installed.
    """

    name: str
    title: Text
    note: Text
    shows: Subject
    read: Callable[[], bytes]
    extra: str | None = None


def read_rg1() -> bytes:
    """Read the chest radiograph RG1 of ``pydicom-data``.

    Raises
    ------
    MissingExtraError
        ``pydicom-data`` is not installed.

    Source: the compression samples of DICOM Working Group 4, as kept in ``pydicom-data``.
    """
    path = _find_rg1()
    if path is None:
        raise MissingExtraError("samples", Text("open the sample film RG1"))
    return path.read_bytes()


def has_rg1() -> bool:
    """Tell whether ``pydicom-data`` is installed, without importing it or pydicom."""
    return importlib.util.find_spec("data_store") is not None


def _find_rg1() -> Path | None:
    try:
        from pydicom.data import get_testdata_file
    except ImportError:
        return None
    path = get_testdata_file(_RG1, download=False)
    return Path(path) if isinstance(path, (str, Path)) else None


def _present(film: SyntheticFilm, number: int) -> Sample:
    if film.opacity is None:
        title = Text("Synthetic film {number}: clear lungs", number=number)
        note = Text("No patient: drawn from what normal children’s films have in common.")
    else:
        title = Text("Synthetic film {number}: an opacity", number=number)
        left, _, right, _ = film.opacity
        # The patient's right lung lies on the left of the film.
        note = (
            Text("No patient: drawn from films of pneumonia; an opacity in the right lung.")
            if left + right < 1.0
            else Text("No patient: drawn from films of pneumonia; an opacity in the left lung.")
        )
    return Sample(name=film.name, title=title, note=note, shows="synthetic", read=film.read)


SAMPLES: tuple[Sample, ...] = (
    *(_present(film, number) for number, film in enumerate(list_films(), 1)),
    Sample(
        name="RG1 (pydicom-data)",
        title=Text("Adult chest film RG1: what a refusal looks like"),
        note=Text("A real CR in DICOM, MONOCHROME1."),
        shows="adult",
        read=read_rg1,
        extra="samples",
    ),
)
