"""Chest films of nobody, drawn from the statistics of a set of films.

A model of a set (:func:`fit_chest_model`) holds what its films have in common and how they
differ, each as a mean and a few dozen directions of variation that were found over hundreds of
patients, and none of the films. :func:`draw_film` draws from it. What is drawn shows no patient,
and :func:`measure_neighbours` and :func:`compare_details` check it: they say how near each drawn
film comes to the films that went in, beside how near those come to each other.
"""

from __future__ import annotations

from hilum.synthesis.chest import ChestModel, fit_chest_model
from hilum.synthesis.draw import DrawnFilm, draw_film
from hilum.synthesis.neighbours import NeighbourCheck, compare_details, measure_neighbours
from hilum.synthesis.registration import Registration, register_films

__all__ = [
    "ChestModel",
    "DrawnFilm",
    "NeighbourCheck",
    "Registration",
    "compare_details",
    "draw_film",
    "fit_chest_model",
    "measure_neighbours",
    "register_films",
]
