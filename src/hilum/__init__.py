"""hilum reads chest radiographs for pneumonia: how likely, where, and how far to trust it.

::

    import hilum

    with hilum.load_model() as model:
        prediction = model.analyze("film.dcm")
    print(prediction.probability, prediction.decision)
    prediction.overlay().save("overlay.png")

It is research software, not a medical device.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hilum.errors import (
        ConfigError,
        DatasetError,
        ExportError,
        HilumError,
        InputError,
        MissingExtraError,
        ModelError,
        SpecMismatchError,
        UnknownModelError,
        UnreadableImageError,
        UnsafeImageError,
        UnsupportedImageError,
    )
    from hilum.io import read_radiograph
    from hilum.models.zoo import list_models
    from hilum.predictor import FilmError, Predictor, load_model
    from hilum.spec import ModelSpec
    from hilum.types import Explanation, FilmWarning, Prediction, Radiograph

    __version__: str

__all__ = [
    "ConfigError",
    "DatasetError",
    "Explanation",
    "ExportError",
    "FilmError",
    "FilmWarning",
    "HilumError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "ModelSpec",
    "Prediction",
    "Predictor",
    "Radiograph",
    "SpecMismatchError",
    "UnknownModelError",
    "UnreadableImageError",
    "UnsafeImageError",
    "UnsupportedImageError",
    "__version__",
    "list_models",
    "load_model",
    "read_radiograph",
]

# Loaded at first use (PEP 562): `import hilum` costs nothing, and `hilum --help` no NumPy.
_HOMES = {
    "Explanation": "hilum.types",
    "FilmError": "hilum.predictor",
    "FilmWarning": "hilum.types",
    "ModelSpec": "hilum.spec",
    "Prediction": "hilum.types",
    "Predictor": "hilum.predictor",
    "Radiograph": "hilum.types",
    "list_models": "hilum.models.zoo",
    "load_model": "hilum.predictor",
    "read_radiograph": "hilum.io",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("hilum")
    if name not in __all__:
        raise AttributeError(f"module 'hilum' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "hilum.errors")), name)


def __dir__() -> list[str]:
    return __all__
