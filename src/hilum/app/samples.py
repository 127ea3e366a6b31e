"""Sample films for a first look: one real chest radiograph, and phantoms drawn here.

A sample is given as the bytes of a file, so that it takes the same road as a film that is
dropped on the page.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hilum.data.phantom import Opacity, draw_phantom
from hilum.errors import MissingExtraError
from hilum.language import Text

# Uncompressed; MONOCHROME1, 15 bits stored.
_RG1 = "RG1_UNCR.dcm"
# In the lower zone of the patient's right lung, which lies on the left of the film.
_LOWER_ZONE = Opacity(x=0.3, y=0.62, radius=0.12, strength=0.8)
# A drawing is no film, and the default model's gate refuses most of those with an opacity. This one
# passes with and without: a first look should show what an answer looks like.
_PHANTOM_SEED = 4


Subject = Literal["adult", "drawing"]


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
    """Tell whether ``pydicom-data`` is installed."""
    return _find_rg1() is not None


def _find_rg1() -> Path | None:
    try:
        from pydicom.data import get_testdata_file
    except ImportError:
        return None
    path = get_testdata_file(_RG1, download=False)
    return Path(path) if isinstance(path, (str, Path)) else None


def read_phantom(opacity: Opacity | None = None) -> bytes:
    """Draw a phantom and give it as a 16-bit grey PNG."""
    return _encode_png16(draw_phantom(_PHANTOM_SEED, opacity=opacity))


def _encode_png16(pixels: NDArray[np.float32]) -> bytes:
    stored = np.round(np.clip(pixels, 0.0, 1.0) * 65535.0).astype(np.uint16)
    buffer = io.BytesIO()
    Image.fromarray(stored).save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


SAMPLES: tuple[Sample, ...] = (
    Sample(
        name="RG1 (pydicom-data)",
        title=Text("Adult chest film RG1"),
        note=Text("A real CR in DICOM, MONOCHROME1."),
        shows="adult",
        read=read_rg1,
        extra="samples",
    ),
    Sample(
        name="phantom",
        title=Text("Phantom"),
        note=Text("A drawing, no patient."),
        shows="drawing",
        read=read_phantom,
    ),
    Sample(
        name="phantom-opacity",
        title=Text("Phantom with an opacity"),
        note=Text("The same, with a cloud in one lung."),
        shows="drawing",
        read=partial(read_phantom, _LOWER_ZONE),
    ),
)
