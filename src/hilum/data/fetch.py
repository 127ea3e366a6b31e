"""Fetching the published set: from Kaggle, or with no network from a folder or a ZIP archive."""

from __future__ import annotations

import errno
import os
import shutil
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from hilum.data.film_source import SourceFile, open_source
from hilum.data.published import PublishedCheck, check_names, check_published
from hilum.errors import DatasetError, MissingExtraError

KAGGLE_HANDLE = "paultimothymooney/chest-xray-pneumonia"
KAGGLE_PAGE = f"https://www.kaggle.com/datasets/{KAGGLE_HANDLE}"
PUBLISHER_PAGE = "https://data.mendeley.com/datasets/rscbjbr9sj/2"
WAY_OUT = (
    f"Fetch it by hand on any machine: {KAGGLE_PAGE} (Download), or {PUBLISHER_PAGE} "
    "(ChestXRay2017.zip, no account). Bring the ZIP here and run: "
    "hilum data fetch --from FILE.zip"
)
# Lies in a folder that is being filled, so that only such a one is ever cleared away.
_MARKER = ".hilum-fetch"
_STEP_BYTES = 2**20
_SPARE_BYTES = 64 * 2**20
_JPEG_START, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
# Some writers leave a few bytes behind the end of the picture.
_JPEG_TAIL_BYTES = 2**12


@dataclass(frozen=True, slots=True)
class Fetched:
    """The set as it now lies on the disk.

    check
        What was checked; ``None`` where the caller asked for none.
    was_there
        Nothing was fetched, since the folder held the whole set.
    """

    folder: Path
    films: int
    check: PublishedCheck | None
    was_there: bool = False


def fetch_dataset(
    destination: str | os.PathLike[str],
    *,
    source: str | os.PathLike[str] | None = None,
    verify: bool = True,
    on_start: Callable[[int, int], None] = lambda films, size_bytes: None,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> Fetched:
    """Bring the published set to ``destination``, whole or not at all.

    Parameters
    ----------
    destination
        A folder that is absent or empty, or holds the whole set already.
    source
        A folder or a ZIP archive to take the films from, with no network. Left out, they come
        from Kaggle (extra ``lab``).
    verify
        Compare counts, names and known digests with the published set. Without, any set of
        JPEG films in the official layout is taken.
    on_start
        Called with the number of films and of bytes before the first is copied.
    on_bytes
        Called with each number of bytes that was copied.

    Raises
    ------
    DatasetError
        The source is absent, damaged, unsafe or not the whole set; Kaggle cannot be reached;
        ``destination`` holds something else; or the disk is full.
    MissingExtraError
        Without ``source``, kagglehub is not installed.
    """
    folder = Path(destination)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        return _accept_existing(folder)
    link = source is None
    origin = download_from_kaggle() if source is None else Path(source)
    with open_source(origin) as films:
        if verify:
            _check_source_names(films)
        size_bytes = sum(film.size_bytes for film in films)
        on_start(len(films), size_bytes)
        partial = _make_partial(folder, size_bytes)
        try:
            _copy_films(films, partial, link=link, on_bytes=on_bytes)
            check = check_published(partial) if verify else None
            (partial / _MARKER).unlink()
            if folder.exists():
                folder.rmdir()  # it is empty
            partial.replace(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return Fetched(folder, len(films), check)


def _accept_existing(folder: Path) -> Fetched:
    try:
        check = check_published(folder)
    except DatasetError as error:
        raise DatasetError(
            f"{folder} is not empty and does not hold the published set, so nothing was fetched "
            f"into it. Name another folder with --out. ({error})"
        ) from None
    return Fetched(folder, check.films, check, was_there=True)


def _check_source_names(films: Sequence[SourceFile]) -> None:
    names: dict[tuple[str, str], list[str]] = {}
    for film in films:
        names.setdefault((film.part, film.label), []).append(film.name)
    check_names(names)


def _make_partial(folder: Path, size_bytes: int) -> Path:
    partial = folder.with_name(folder.name + ".partial")
    try:
        if partial.exists():
            if not (partial / _MARKER).is_file():
                raise DatasetError(f"{partial} is in the way, and not from hilum. Move it.")
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        (partial / _MARKER).touch()
        free_bytes = shutil.disk_usage(partial).free
    except OSError as error:
        raise DatasetError(f"{folder} cannot be made: {error.strerror}.") from error
    if free_bytes < size_bytes + _SPARE_BYTES:
        shutil.rmtree(partial)
        raise DatasetError(
            f"The films take {size_bytes / 1e9:.1f} GB and {folder} has {free_bytes / 1e9:.1f} GB "
            "left. Make room or name another folder with --out."
        )
    return partial


def _copy_films(
    films: Sequence[SourceFile], folder: Path, *, link: bool, on_bytes: Callable[[int], None]
) -> None:
    for film in films:
        target = folder / film.part / film.label / film.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if link and film.path is not None and _link(film.path, target):
                _check_jpeg(film, film.path.read_bytes())
                on_bytes(film.size_bytes)
                continue
            with film.open() as source, target.open("wb") as copy:
                _copy_film(film, source, copy, on_bytes)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DatasetError(
                    "The disk is full. Nothing was kept; make room and fetch again."
                ) from error
            raise DatasetError(f"{film.target} cannot be copied: {error.strerror}.") from error
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise DatasetError(
                f"{film.target} is damaged in the archive. Did its download break off?"
            ) from error


def _link(path: Path, target: Path) -> bool:
    """Share a file with Kaggle's cache where the disk allows it: 1.2 GB less."""
    try:
        target.hardlink_to(path)
    except OSError:
        return False
    return True


def _copy_film(
    film: SourceFile, source: IO[bytes], copy: IO[bytes], on_bytes: Callable[[int], None]
) -> None:
    data = bytearray()
    while step := source.read(_STEP_BYTES):
        data += step
        if len(data) > film.size_bytes:
            raise DatasetError(f"{film.target} is larger than the source says: refused.")
        on_bytes(len(step))
    _check_jpeg(film, bytes(data))
    copy.write(data)


def _check_jpeg(film: SourceFile, data: bytes) -> None:
    whole = len(data) == film.size_bytes and data.startswith(_JPEG_START)
    if not whole or _JPEG_END not in data[-_JPEG_TAIL_BYTES:]:
        raise DatasetError(f"{film.target} is no whole JPEG: the copy is damaged. Fetch it again.")


def download_from_kaggle(path: str | None = None, *, way_out: str = WAY_OUT) -> Path:
    """Download the set, or one file of it, into Kaggle's cache.

    Parameters
    ----------
    path
        Of the file in the set; left out, all of it.
    way_out
        What to do where Kaggle cannot be reached; the end of the error's message.

    Raises
    ------
    DatasetError
        Kaggle cannot be reached or refuses, or the disk is full.
    MissingExtraError
        kagglehub is not installed.
    """
    try:
        import kagglehub
        from kagglehub import exceptions
    except ImportError as error:
        raise MissingExtraError("lab", "fetch films from Kaggle (or use --from)") from error
    refusals = (
        exceptions.BackendError,
        exceptions.CredentialError,
        exceptions.DataCorruptionError,
        exceptions.NotFoundError,
        exceptions.UnauthenticatedError,
        # HTTP errors, no network, time out: all of requests' errors are OSErrors.
        OSError,
    )
    try:
        return Path(kagglehub.dataset_download(KAGGLE_HANDLE, path=path))
    except refusals as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DatasetError(
                "The disk is full: Kaggle's archive needs 2.5 GB in its cache. Make room, or point "
                "KAGGLEHUB_CACHE at another disk."
            ) from error
        status = getattr(getattr(error, "response", None), "status_code", None)
        reason = f"it answered {status}" if status else type(error).__name__
        raise DatasetError(f"Kaggle cannot be reached or refuses ({reason}). {way_out}") from error
