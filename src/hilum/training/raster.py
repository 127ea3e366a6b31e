"""Films as 8-bit pictures and back, for the changes that Pillow makes on those."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Film = NDArray[np.float32]


def film_to_picture(film: Film) -> Image.Image:
    """Round a film in [0, 1] to an 8-bit grey picture."""
    return Image.fromarray(np.rint(np.clip(film, 0.0, 1.0) * 255.0).astype(np.uint8))


def picture_to_film(picture: Image.Image) -> Film:
    """Give an 8-bit grey picture as a film in [0, 1]."""
    return np.asarray(picture, dtype=np.float32) / np.float32(255.0)


def compress_jpeg(film: Film, quality: int) -> Film:
    """Send a film through JPEG at ``quality`` (1 to 95)."""
    buffer = io.BytesIO()
    film_to_picture(film).save(buffer, "JPEG", quality=quality)
    return picture_to_film(Image.open(buffer))
