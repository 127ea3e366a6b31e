"""A sheet of films, each under what it is and what was said of it, green or red."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hilum.errors import DatasetError, MissingExtraError
from hilum.metrics.displays.style import COLORS
from hilum.metrics.roc import check_labels_and_scores

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WORDS = ("normal", "pneumonia")


@dataclass(frozen=True, slots=True)
class FilmTitle:
    """What stands above a film.

    said, shows
        The decision and the label, in words.
    right
        Whether they agree; the title is green then, and red otherwise.
    """

    said: str
    shows: str
    probability: float

    @property
    def right(self) -> bool:
        return self.said == self.shows

    def __str__(self) -> str:
        verdict = self.said if self.right else f"{self.said}, is {self.shows}"
        return f"{verdict} · {self.probability:.2f}"


def make_titles(
    labels: ArrayLike,
    probabilities: ArrayLike,
    threshold: float,
    words: tuple[str, str] = WORDS,
) -> list[FilmTitle]:
    """Make the title of each film at ``threshold`` (at or above it is positive).

    Raises
    ------
    DatasetError
        Labels or probabilities are malformed.
    """
    positive, values = check_labels_and_scores(labels, probabilities)
    return [
        FilmTitle(words[value >= threshold], words[bool(label)], value)
        for label, value in zip(positive.tolist(), values.tolist(), strict=True)
    ]


@dataclass(eq=False)
class FilmGalleryDisplay:
    """A sheet of films with green and red titles.

    films
        Pictures, each grey of shape (H, W) or RGB of shape (H, W, 3).
    titles
        One for each film.
    """

    films: Sequence[NDArray[np.generic]]
    titles: list[FilmTitle]
    columns: int = 4
    figure_: Figure | None = None
    axes_: NDArray[np.object_] | None = None

    @classmethod
    def from_predictions(
        cls,
        films: Sequence[NDArray[np.generic]],
        labels: ArrayLike,
        probabilities: ArrayLike,
        *,
        threshold: float = 0.5,
        words: tuple[str, str] = WORDS,
        columns: int = 4,
        figure: Figure | None = None,
    ) -> Self:
        """Make the titles at ``threshold``, and draw the sheet.

        Raises
        ------
        DatasetError
            Films, labels and probabilities are not of one number, or there is no film.
        MissingExtraError
            matplotlib is not installed.
        """
        titles = make_titles(labels, probabilities, threshold, words)
        if not films or len(films) != len(titles):
            raise DatasetError("A gallery needs films, and one label and probability for each.")
        return cls(films=films, titles=titles, columns=columns).plot(figure)

    def plot(self, figure: Figure | None = None) -> Self:
        """Draw the sheet on ``figure``, or on a new one.

        Raises
        ------
        MissingExtraError
            matplotlib is not installed.
        """
        columns = min(self.columns, len(self.films))
        rows = math.ceil(len(self.films) / columns)
        if figure is None:
            try:
                import matplotlib.pyplot as plt
            except ImportError as error:
                raise MissingExtraError("lab", "draw figures") from error
            figure = plt.figure(figsize=(2.3 * columns, 2.55 * rows))
        self.figure_ = figure
        self.axes_ = np.atleast_2d(figure.subplots(rows, columns, squeeze=False))
        places: list[Any] = list(self.axes_.flat)
        for place in places:
            place.set_axis_off()
        for place, film, title in zip(places, self.films, self.titles, strict=False):
            place.imshow(film, cmap="gray")
            place.set_title(
                str(title), fontsize=8, color=COLORS["right" if title.right else "wrong"]
            )
        return self
