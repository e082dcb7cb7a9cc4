"""Pure scoring functions: arrays and plain values in, numbers out.

Nothing here reads a file, knows a student or holds a key.
"""

from __future__ import annotations

from .laterality import Side, side_of
from .overlap import best_dice_nearby, dice, jaccard, linear_credit
from .placement import centroid_lps_mm, equivalent_radius_mm, placement_credit, thin_axis
from .quiz import ItemResult, score_choice, score_choices, score_number

__all__ = [
    "ItemResult",
    "Side",
    "best_dice_nearby",
    "centroid_lps_mm",
    "dice",
    "equivalent_radius_mm",
    "jaccard",
    "linear_credit",
    "placement_credit",
    "score_choice",
    "score_choices",
    "score_number",
    "side_of",
    "thin_axis",
]
