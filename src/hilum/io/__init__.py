"""Reading films: from a DICOM, PNG, JPEG or TIFF file to a :class:`~hilum.types.Radiograph`.

>>> from hilum.io import read_radiograph
>>> film = read_radiograph("film.dcm")  # doctest: +SKIP
>>> film.pixels.shape, film.warnings  # doctest: +SKIP
"""

from hilum.io.archive import ArchivedFilm, ArchiveLimits, FilmArchive, is_archive
from hilum.io.array import radiograph_from_array
from hilum.io.display import display_from_radiograph, read_display, suggest_windows
from hilum.io.film_warnings import WARNINGS
from hilum.io.limits import DEFAULT_LIMITS, ReadLimits
from hilum.io.read import read_radiograph

__all__ = [
    "DEFAULT_LIMITS",
    "WARNINGS",
    "ArchiveLimits",
    "ArchivedFilm",
    "FilmArchive",
    "ReadLimits",
    "display_from_radiograph",
    "is_archive",
    "radiograph_from_array",
    "read_display",
    "read_radiograph",
    "suggest_windows",
]
