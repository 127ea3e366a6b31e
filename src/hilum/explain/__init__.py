"""Maps of the evidence by several methods, behind one interface, and what they hold."""

from hilum.explain.contours import Contour, check_levels, trace_contours
from hilum.explain.methods import METHODS, Method, get_method
from hilum.explain.regions import choose_level, find_regions
from hilum.explain.run import explain
from hilum.explain.surface import interpolate_map

__all__ = [
    "METHODS",
    "Contour",
    "Method",
    "check_levels",
    "choose_level",
    "explain",
    "find_regions",
    "get_method",
    "interpolate_map",
    "trace_contours",
]
