"""Training: recipes, augmentation, the loop, and a run from films to a model. Needs torch."""

from __future__ import annotations
