"""The exception tree: who catches what."""

from __future__ import annotations

import inspect

import pytest

from hilum import errors

ALL = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, errors.HilumError)
]


@pytest.mark.parametrize("error", ALL)
def test_every_error_is_a_hilum_error_and_is_drawn_in_the_tree(error: type) -> None:
    assert issubclass(error, errors.HilumError)
    assert errors.__doc__ is not None
    assert error.__name__ in errors.__doc__


def test_a_missing_extra_is_an_import_error_that_says_what_to_install() -> None:
    error = errors.MissingExtraError("train", "train a network")
    assert isinstance(error, ImportError)
    assert (error.extra, error.purpose) == ("train", "train a network")
    assert str(error) == (
        'The extra "train" is needed to train a network. '
        'Install it with: pip install "hilum[train]"'
    )


@pytest.mark.parametrize(
    ("error", "parent"),
    [
        (errors.UnreadableImageError, errors.InputError),
        (errors.UnsupportedImageError, errors.InputError),
        (errors.UnsafeImageError, errors.InputError),
        (errors.UnknownModelError, errors.ModelError),
        (errors.SpecMismatchError, errors.ModelError),
        (errors.ExportError, errors.ModelError),
    ],
)
def test_a_family_is_caught_by_its_head(error: type, parent: type) -> None:
    assert issubclass(error, parent)
    assert not issubclass(error, ImportError)
