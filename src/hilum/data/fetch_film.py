"""Fetching one film of the published set by its name, for a first look."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from importlib.util import find_spec

from hilum.data.fetch import KAGGLE_PAGE, download_from_kaggle
from hilum.data.published import get_published_digest
from hilum.errors import DatasetError, InputError
from hilum.io import read_radiograph
from hilum.language import Text

# As the set lies on Kaggle.
_FOLDER = "chest_xray"
_MOST_BYTES = 16 * 2**20
_WAY_OUT = (
    "Open a synthetic film, which needs no network; or download a film by hand from "
    f"{KAGGLE_PAGE} and drop it on the page."
)


@dataclass(frozen=True, slots=True)
class PublicFilm:
    """A film of the official test part, by name.

    path
        In the set, from its part on.
    """

    path: str
    title: Text

    @property
    def name(self) -> str:
        """Name of the file."""
        return self.path.rpartition("/")[2]


PUBLIC_FILMS = (
    PublicFilm("test/NORMAL/IM-0001-0001.jpeg", Text("Fetch a real film: normal")),
    PublicFilm(
        "test/PNEUMONIA/person100_bacteria_475.jpeg",
        Text("Fetch a real film: bacterial pneumonia"),
    ),
)


def can_fetch_films() -> bool:
    """Tell whether kagglehub is installed."""
    return find_spec("kagglehub") is not None


def fetch_film(film: PublicFilm, *, patience_s: float = 60.0) -> bytes:
    """Fetch one film from Kaggle, or from Kaggle's cache where it is there already.

    Parameters
    ----------
    patience_s
        A network that swallows everything sends no error; after this time one is raised here.

    Raises
    ------
    DatasetError
        Kaggle cannot be reached, or what came is not that film.
    MissingExtraError
        kagglehub is not installed (extra ``lab``).
    """
    data = _wait_for(f"{_FOLDER}/{film.path}", patience_s)
    digest = get_published_digest(film.name)
    if digest is not None and hashlib.sha256(data).hexdigest() != digest:
        raise DatasetError(f"What Kaggle sent as {film.name} is not that film. {_WAY_OUT}")
    # Of most films no digest is known: then it has to be a film at least.
    try:
        radiograph = read_radiograph(data)
    except InputError as error:
        raise DatasetError(
            f"What Kaggle sent as {film.name} cannot be read as a film. {_WAY_OUT}"
        ) from error
    if radiograph.format != "JPEG":
        raise DatasetError(f"What Kaggle sent as {film.name} is no JPEG. {_WAY_OUT}")
    return data


def _wait_for(path: str, patience_s: float) -> bytes:
    """Download in a thread: kagglehub waits for ever where nothing answers."""
    got: list[bytes] = []
    failed: list[BaseException] = []

    def download() -> None:
        try:
            file = download_from_kaggle(path, way_out=_WAY_OUT)
            if file.stat().st_size > _MOST_BYTES:
                raise DatasetError(f"What Kaggle sent is larger than any film. {_WAY_OUT}")
            got.append(file.read_bytes())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=download, name="hilum-fetch-film", daemon=True)
    thread.start()
    thread.join(patience_s)
    if failed:
        raise failed[0]
    if not got:
        raise DatasetError(f"Kaggle did not answer within {patience_s:.0f} s. {_WAY_OUT}")
    return got[0]
