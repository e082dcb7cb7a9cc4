"""References: readings of a case that answers are compared with, and what several of them agree on.

Examples
--------
>>> import numpy as np
>>> from clerkship_cases.reference import consensus
>>> one, two, three = np.eye(3, dtype=bool), np.eye(3, dtype=bool), np.ones((3, 3), dtype=bool)
>>> consensus([one, two, three], "majority").mask.sum()
np.int64(3)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clerkship_cases.reference.adding import add_consensus, add_reference
    from clerkship_cases.reference.comparing import Disagreement, disagreement
    from clerkship_cases.reference.fusing import Consensus, consensus
    from clerkship_cases.reference.reading import Reading, from_file

__all__ = [
    "Consensus",
    "Disagreement",
    "Reading",
    "add_consensus",
    "add_reference",
    "consensus",
    "disagreement",
    "from_file",
]

_HOME = {
    "Consensus": "fusing",
    "Disagreement": "comparing",
    "Reading": "reading",
    "add_consensus": "adding",
    "add_reference": "adding",
    "consensus": "fusing",
    "disagreement": "comparing",
    "from_file": "reading",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
