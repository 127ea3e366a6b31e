"""Where a film's header puts it outside of the films that a model has learned from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.language import Text
from hilum.types import FilmWarning, Radiograph

if TYPE_CHECKING:
    from hilum.spec import ModelSpec


def compare_with_population(radiograph: Radiograph, spec: ModelSpec) -> tuple[FilmWarning, ...]:
    """Say where the film's header puts it outside of the films the model has learned from.

    A header that says nothing gives no warning: that is every PNG and JPEG.

    ===================== ==============================================================
    code                  when
    ===================== ==============================================================
    outside_population    the patient's age is outside of ``population``'s ages
    untrained_view        the view is none of ``population.views``; not where the film
                          already carries ``lateral_view``
    ===================== ==============================================================
    """
    population = spec.training_data.population
    header = radiograph.header
    found = []
    age, view = header.patient_age_years, header.view_position
    youngest, oldest = population.age_min_years, population.age_max_years
    if age is not None and _is_outside_ages(age, youngest, oldest):
        found.append(
            FilmWarning(
                "outside_population",
                Text(
                    "The age in the film's header is outside the ages that the model has learned "
                    "from ({ages}).",
                    ages=_describe_ages(youngest, oldest),
                ),
            )
        )
    known = {view.upper() for view in population.views}
    is_lateral = any(warning.code == "lateral_view" for warning in radiograph.warnings)
    if view and known and view.strip().upper() not in known and not is_lateral:
        found.append(
            FilmWarning(
                "untrained_view",
                Text(
                    "The film's view is not one that the model has learned from ({views}).",
                    views=", ".join(population.views),
                ),
            )
        )
    return tuple(found)


def _is_outside_ages(age: float, youngest: float | None, oldest: float | None) -> bool:
    # Ages are completed years: a child of "5 years" is one until the sixth birthday.
    too_young = youngest is not None and age < youngest
    too_old = oldest is not None and age >= oldest + 1.0
    return too_young or too_old


def _describe_ages(youngest: float | None, oldest: float | None) -> Text:
    if youngest is None:
        # One of the two ends is there: an age was outside.
        return Text("up to {oldest:g} years", oldest=oldest or 0.0)
    if oldest is None:
        return Text("{youngest:g} years and more", youngest=youngest)
    return Text("{youngest:g} to {oldest:g} years", youngest=youngest, oldest=oldest)
