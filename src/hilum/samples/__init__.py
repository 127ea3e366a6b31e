"""Four synthetic films that come with hilum: they show nobody, and can be shown to anybody.

They were drawn by :mod:`hilum.synthesis` from what films of the published set have in common;
``normal.json`` and ``pneumonia.json`` beside them say from how many, by which seeds, where an
opacity was planted, and how near they come to the films that went in. The commands that made
them stand in ``docs/samples.md``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from hilum.errors import ConfigError

_GROUPS = ("normal", "pneumonia")


@dataclass(frozen=True, slots=True)
class SyntheticFilm:
    """A film that shows nobody.

    name
        Of its file, without the suffix.
    group
        ``"normal"`` or ``"pneumonia"``: the films whose statistics it was drawn from.
    opacity
        Where an opacity was planted: left, top, right and bottom of its region as fractions of
        the film's width and height; ``None`` where none was.
    """

    name: str
    group: str
    opacity: tuple[float, float, float, float] | None

    @property
    def file_name(self) -> str:
        """Name of the DICOM file."""
        return f"{self.name}.dcm"

    def read(self) -> bytes:
        """Read the file."""
        return files("hilum.samples").joinpath(self.file_name).read_bytes()


@cache
def list_films() -> tuple[SyntheticFilm, ...]:
    """List the films, those drawn from normal ones first."""
    listed = []
    for group in _GROUPS:
        for film in read_facts(group)["films"]:
            place = film["opacity"]
            listed.append(
                SyntheticFilm(
                    name=film["name"],
                    group=group,
                    opacity=None if place is None else tuple(place["box"]),
                )
            )
    return tuple(listed)


def read_facts(group: str) -> dict[str, Any]:
    """Read how the films of a group were made.

    Raises
    ------
    ConfigError
        There is no such group.
    """
    if group not in _GROUPS:
        raise ConfigError(f"Synthetic films are of the groups {', '.join(_GROUPS)}, not {group}.")
    text = files("hilum.samples").joinpath(f"{group}.json").read_text(encoding="utf-8")
    facts: dict[str, Any] = json.loads(text)
    return facts
