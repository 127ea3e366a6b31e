"""Every error that hilum raises on purpose.

::

    HilumError
    ├── InputError                 the film: nothing was computed from it
    │   ├── UnreadableImageError   damaged, truncated, or not an image at all
    │   ├── UnsupportedImageError  a sound file of a kind that hilum does not read
    │   └── UnsafeImageError       over a bound on bytes, pixels, frames or inflated size
    ├── ModelError                 the network
    │   ├── UnknownModelError      no shipped model and no file of that name
    │   ├── SpecMismatchError      spec and weights disagree, or a fact is missing or wrong
    │   └── ExportError            the network cannot be written as a hilum graph
    ├── ConfigError                a recipe, an option or a setting
    ├── DatasetError               a folder or manifest of films for training or evaluation
    ├── JournalError               the journal of analyses: damaged, locked, full, of a newer hilum
    ├── TrainingError              a run that stopped: memory, disk, a loss that is not finite
    ├── HubError                   a model hub: no token, no rights, no answer, a refusal
    └── MissingExtraError          an optional dependency is not installed (also an ImportError)

A message says what is wrong and what to do. It never holds patient data: no value of a
DICOM element that identifies a person, and no file content.
"""

from __future__ import annotations

from hilum.language import Text, recall


class HilumError(Exception):
    """Base of all errors that hilum raises on purpose."""

    @property
    def text(self) -> Text:
        """The message, so that it can be said in a reader's language."""
        said = self.args[0] if self.args else ""
        return said if isinstance(said, Text) else recall(str(self))


class InputError(HilumError):
    """The film cannot be used."""


class UnreadableImageError(InputError):
    """The bytes are damaged, truncated or not an image."""


class UnsupportedImageError(InputError):
    """The file is sound but is not a film that hilum reads (for instance a CT slice)."""


class UnsafeImageError(InputError):
    """The file exceeds a bound on bytes, pixels, frames or inflated size."""


class ModelError(HilumError):
    """A network, its weights or its spec cannot be used."""


class UnknownModelError(ModelError):
    """No shipped model and no file has the given name."""


class SpecMismatchError(ModelError):
    """Spec and weights disagree, or a fact in the spec is missing or wrong."""


class ExportError(ModelError):
    """The network cannot be written as a graph of logit, evidence map and embedding."""


class ConfigError(HilumError):
    """A recipe, an option or a setting is wrong."""


class DatasetError(HilumError):
    """A folder or manifest of films cannot be used for training or evaluation."""


class JournalError(HilumError):
    """The journal of analyses cannot be opened, read or written."""


class TrainingError(HilumError):
    """A training run stopped: out of memory, a full disk, a loss that is not finite."""


class HubError(HilumError):
    """A model hub cannot be reached or does not take what is sent."""


class MissingExtraError(HilumError, ImportError):
    """An optional dependency is not installed.

    Parameters
    ----------
    extra
        Name of the extra that brings it, as in ``pip install "hilum[extra]"``.
    purpose
        What it is needed for, as the end of the sentence "... is needed to <purpose>".
    """

    def __init__(self, extra: str, purpose: str) -> None:
        self.extra = extra
        self.purpose = purpose
        super().__init__(
            Text(
                'The extra "{extra}" is needed to {purpose}. Install it with: '
                'pip install "hilum[{extra}]"',
                extra=extra,
                purpose=purpose,
            )
        )
