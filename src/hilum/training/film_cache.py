"""Training films at the network's size, 8 bits a pixel, read once and kept on disk.

Reading and resizing a film takes longer than training on it. So the films of a dataset lie in
one file, 50 kB each at 224x224, under a name that is a digest of everything that decides its
content: the files themselves, the input of the network and the version of hilum. Another split
of the same films finds the same file; a film that was changed finds none.

Films of 8 bits that have the network's size already lose nothing; any other is rounded to 8
bits, by at most 1/510 of the range. Validation films are never rounded: they are read as users
read them.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.data import Film, Split
from hilum.errors import DatasetError, InputError, TrainingError
from hilum.files import replacing
from hilum.io import read_radiograph
from hilum.preprocess import resize_film
from hilum.spec import InputSpec

Packed = NDArray[np.uint8]
Progress = Callable[[int, int], None]

_FORMAT = 1
_WHITE = 255


def pack_film(film: NDArray[np.float32]) -> Packed:
    """Round a film in [0, 1] to 8 bits."""
    packed: Packed = np.rint(film * np.float32(_WHITE)).astype(np.uint8)
    return packed


def unpack_film(film: Packed) -> NDArray[np.float32]:
    """Give an 8-bit film in [0, 1], as an 8-bit file is read."""
    return film.astype(np.float32) / np.float32(_WHITE)


def read_film(root: Path, film: Film, spec: InputSpec) -> NDArray[np.float32]:
    """Read and resize one film, on the road that use takes.

    Raises
    ------
    DatasetError
        The film cannot be read; the message names it.
    """
    try:
        return resize_film(read_radiograph(root / film.path, recipe=spec.recipe), spec)
    except InputError as error:
        raise DatasetError(f"{film.path} cannot be used for training: {error}") from error


def load_training_films(
    root: Path,
    split: Split,
    spec: InputSpec,
    cache: Path | None = None,
    *,
    report: Progress = lambda *_: None,
) -> Packed:
    """Give the films of the training side, in the order of ``split.train``.

    Parameters
    ----------
    cache
        Folder for the file of films; it is made where it does not exist. It holds pictures of
        patients. ``None`` keeps nothing on disk.
    report
        Called with films read and films in all, while they are read.

    Returns
    -------
    uint8, shape (N, height_px, width_px).

    Raises
    ------
    DatasetError
        A film cannot be read.
    TrainingError
        The cache cannot be written.
    """
    if cache is None:
        return _read_films(root, split.train, spec, report)
    # All films of both sides, so that another split of them finds the same file.
    pool = sorted({*split.train, *split.validation})
    path = cache / f"films-{compute_key(root, pool, spec)[:32]}.npy"
    shape = (len(pool), spec.height_px, spec.width_px)
    packed = _open(path, shape)
    if packed is None:
        packed = _read_films(root, pool, spec, report)
        _write(packed, path)
    place = {film: index for index, film in enumerate(pool)}
    return packed[[place[film] for film in split.train]]


def compute_key(root: Path, films: Sequence[Film], spec: InputSpec) -> str:
    """Digest of everything that decides what is in the cache.

    Raises
    ------
    DatasetError
        A file cannot be read.
    """
    facts = {"format": _FORMAT, "hilum": version("hilum"), "input": spec.model_dump(mode="json")}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for film in films:
        try:
            content = (root / film.path).read_bytes()
        except OSError as error:
            raise DatasetError(f"{film.path} cannot be read: {error.strerror}.") from error
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def _read_films(root: Path, films: Sequence[Film], spec: InputSpec, report: Progress) -> Packed:
    packed = np.empty((len(films), spec.height_px, spec.width_px), dtype=np.uint8)

    def read(film: Film) -> Packed:
        return pack_film(read_film(root, film, spec))

    # Decoders and the resize leave Python's lock to others.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as readers:
        for index, film in enumerate(readers.map(read, films)):
            packed[index] = film
            report(index + 1, len(films))
    return packed


def _open(path: Path, shape: tuple[int, ...]) -> Packed | None:
    """Open the cache; ``None`` where there is none, or one that is not whole."""
    try:
        packed: Packed = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return packed if packed.shape == shape and packed.dtype == np.uint8 else None


def _write(packed: Packed, path: Path) -> None:
    # Two runs that begin at once write the same content, each to a file of its own; the one
    # that is last puts its file in the place of the other's.
    own = f"{os.getpid()}-{secrets.token_hex(4)}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path, name=own) as partial, partial.open("wb") as file:
            np.save(file, packed)
    except OSError as error:
        raise TrainingError(
            f"The films cannot be kept in {path.parent} ({error.strerror}); they take "
            f"{packed.nbytes / 1e6:.0f} MB there. Name another folder with --cache, or keep "
            "none with --no-cache."
        ) from error
