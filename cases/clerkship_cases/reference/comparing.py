"""Where readers differ, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clerkship_cases.reference.fusing import as_readings


@dataclass(frozen=True, slots=True, eq=False)
class Disagreement:
    """Where the readings of one finding differ.

    Attributes
    ----------
    map : float, shape of the readings
        Entropy of the votes in bits: 0 where all agree, 1 where the readers are split in half.
    share : float, shape of the readings
        Share of the readers who marked the voxel.
    dice : (n, n) float
        Dice overlap of every two readers, 1 on the diagonal; 1 also where neither has marked anything.
    disputed : int
        Voxels that some, but not all, have marked.
    """

    map: NDArray[np.float64]
    share: NDArray[np.float64]
    dice: NDArray[np.float64]
    disputed: int

    @property
    def mean_dice(self) -> float:
        """Mean overlap of two different readers."""
        above = np.triu_indices(len(self.dice), 1)
        return float(self.dice[above].mean())


def disagreement(masks: Sequence[ArrayLike]) -> Disagreement:
    """Compare the readings of one finding.

    Parameters
    ----------
    masks : sequence of bool arrays
        One per reader, all of one shape, at least two.

    Raises
    ------
    CaseError
        If there are fewer than two, their shapes differ, or nobody has marked anything.

    Source
    ------
    Shannon entropy of the share of votes; Dice LR. Measures of the amount of ecologic association between
    species. Ecology 1945; 26: 297-302, doi:10.2307/1932409.

    Examples
    --------
    >>> found = disagreement([[True, True, False], [True, False, False]])
    >>> found.map.tolist(), found.disputed
    ([0.0, 1.0, 0.0], 1)
    """
    read = as_readings(masks)
    votes = np.sum(read, axis=0, dtype=np.int64)
    # One entropy per number of votes, looked up: the map is exact and costs no logarithm per voxel.
    entropy = np.array([_entropy_bits(n / len(read)) for n in range(len(read) + 1)])
    sizes = [int(own.sum()) for own in read]
    dice = np.ones((len(read), len(read)))
    for a in range(len(read)):
        for b in range(a):
            total = sizes[a] + sizes[b]
            both = int((read[a] & read[b]).sum())
            dice[a, b] = dice[b, a] = 2 * both / total if total else 1.0
    return Disagreement(
        map=entropy[votes],
        share=np.asarray(votes / len(read)),
        dice=dice,
        disputed=int(((votes > 0) & (votes < len(read))).sum()),
    )


def _entropy_bits(p: float) -> float:
    return 0.0 if p in (0.0, 1.0) else float(-p * np.log2(p) - (1 - p) * np.log2(1 - p))
