"""Maps of the evidence by several methods, behind one interface."""

from hilum.explain.methods import METHODS, Method, get_method
from hilum.explain.run import explain

__all__ = ["METHODS", "Method", "explain", "get_method"]
