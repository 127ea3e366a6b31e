"""The boundary to decoders that other people wrote: whatever they raise becomes one error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hilum.errors import HilumError, UnreadableImageError
from hilum.language import Text


@contextmanager
def translate_errors(what: str) -> Iterator[None]:
    """Turn every error of a decoder into ``UnreadableImageError``.

    Decoders meet damage with whatever it leads them to: struct.error, IndexError,
    AssertionError, SyntaxError. Their messages can quote the file, so they are not passed on;
    the original is the cause.

    Parameters
    ----------
    what
        What was being decoded, for the message.
    """
    try:
        yield
    except (HilumError, ImportError):  # ImportError: the installation, not the film
        raise
    except MemoryError as error:
        raise UnreadableImageError(
            Text(
                "There is not enough memory to decode the {what}.",
                what=what,
            )
        ) from error
    except Exception as error:
        raise UnreadableImageError(
            Text(
                "The {what} is damaged, or of a kind that its decoder does not read ({kind}).",
                what=what,
                kind=type(error).__name__,
            )
        ) from error
