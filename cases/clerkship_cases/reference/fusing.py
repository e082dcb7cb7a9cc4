"""What several readers agree on: majority, and STAPLE, which also says how good each reader is.

Source
------
Warfield SK, Zou KH, Wells WM. Simultaneous truth and performance level estimation (STAPLE): an
algorithm for the validation of image segmentation. IEEE Trans Med Imaging 2004; 23(7): 903-921,
doi:10.1109/TMI.2004.828354.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clerkship_cases.errors import CaseError

Method = Literal["staple", "majority"]

#: More readers than any case has; a table with an entry for every pattern of votes still fits.
MAX_READERS = 20
#: Where the iteration starts: readers are good, but not perfect (the authors' own choice).
_FIRST_GUESS = 0.99999
#: The iteration ends when no probability moves by more than this, or after so many rounds.
_SETTLED = 1e-12
_MOST_ROUNDS = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """What the readers agree on.

    Attributes
    ----------
    mask : bool, shape of the readings
        Voxels that belong to the finding: probability of at least 0.5 (STAPLE), or marked by more than
        half of the readers (majority; a tie is left out).
    probability : float, shape of the readings
        For STAPLE, how sure the voxel is part of the finding; for majority, the share of the readers who
        marked it.
    sensitivity, specificity : tuple of float
        One per reader, in the order given: what share of the finding (of the rest) the reader has
        marked (left free). For majority, measured against ``mask``; nan where there is nothing to measure.
    rounds : int
        Iterations that STAPLE took; 0 for majority.
    """

    mask: NDArray[np.bool_]
    probability: NDArray[np.float64]
    sensitivity: tuple[float, ...]
    specificity: tuple[float, ...]
    rounds: int = 0


def consensus(masks: Sequence[ArrayLike], method: Method = "staple") -> Consensus:
    """Fuse the readings of one finding.

    Parameters
    ----------
    masks : sequence of bool arrays
        One per reader, all of one shape (a slice or a volume), at least two.
    method : {"staple", "majority"}
        STAPLE weighs each reader by an estimate of how good they are, over the whole array: give it the
        whole grid of the case, because the share of the finding in it is part of the estimate.

    Raises
    ------
    CaseError
        If there are fewer than two readings, their shapes differ, or nobody has marked anything.

    Notes
    -----
    Voxels on which all readers gave the same answers share one probability, so the iteration runs
    over patterns of votes (at most 2 to the power of the readers) instead of voxels: exact, and quick.
    """
    read = as_readings(masks)
    if method == "majority":
        return _majority(read)
    if method == "staple":
        return _staple(read)
    raise CaseError(f"consensus by {method!r} is unknown; use 'staple' or 'majority'.")


def as_readings(masks: Sequence[ArrayLike]) -> list[NDArray[np.bool_]]:
    """Check that readings can be compared: two or more, of one shape, not all empty."""
    read = [np.asarray(mask) for mask in masks]
    if not 2 <= len(read) <= MAX_READERS:
        raise CaseError(f"{len(read)} readings were given; 2 to {MAX_READERS} can be compared.")
    for mask in read:
        if mask.shape != read[0].shape:
            raise CaseError(
                f"readings of shapes {read[0].shape} and {mask.shape} can't be compared: "
                f"they must be on the grid of one case."
            )
        if not (mask.dtype == np.bool_ or np.isin(np.unique(mask), (0, 1)).all()):
            raise CaseError("a reading holds values other than 0 and 1; threshold it first.")
    voted = [mask.astype(np.bool_, copy=False) for mask in read]
    if not any(mask.any() for mask in voted):
        raise CaseError("no reader has marked anything, so there is nothing to agree on.")
    return voted


def _majority(read: list[NDArray[np.bool_]]) -> Consensus:
    share = np.asarray(np.sum(read, axis=0, dtype=np.int64) / len(read))
    mask = np.asarray(share > 0.5)
    inside, outside = int(mask.sum()), int((~mask).sum())
    return Consensus(
        mask=mask,
        probability=share,
        sensitivity=tuple(_share(int((own & mask).sum()), inside) for own in read),
        specificity=tuple(_share(int((~own & ~mask).sum()), outside) for own in read),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")


def _staple(read: list[NDArray[np.bool_]]) -> Consensus:
    """Maximise the expectation over patterns of votes (equations 14 to 19 of the paper)."""
    pattern = np.zeros(read[0].shape, dtype=np.int32)
    for n, own in enumerate(read):
        pattern |= own.astype(np.int32) << n
    every = np.bincount(pattern.ravel(), minlength=1 << len(read))
    patterns = np.flatnonzero(every)
    count = every[patterns]
    votes = (patterns >> np.arange(len(read))[:, None] & 1).astype(np.bool_)  # [reader, pattern]
    # The share of the finding, fixed throughout: the mean of all votes (section II-C of the paper).
    prior = float((votes * count).sum() / (count.sum() * len(read)))
    sensitivity = np.full(len(read), _FIRST_GUESS)
    specificity = np.full(len(read), _FIRST_GUESS)
    weight = np.zeros(len(patterns))
    rounds, moved = 0, 1.0
    while moved > _SETTLED and rounds < _MOST_ROUNDS:
        before = weight
        inside = prior * _likelihood(votes, sensitivity, 1 - sensitivity)
        outside = (1 - prior) * _likelihood(votes, 1 - specificity, specificity)
        weight = inside / np.maximum(inside + outside, np.finfo(np.float64).tiny)
        in_all = max(float((weight * count).sum()), np.finfo(np.float64).tiny)
        out_all = max(float(((1 - weight) * count).sum()), np.finfo(np.float64).tiny)
        sensitivity = (votes * weight * count).sum(axis=1) / in_all
        specificity = (~votes * (1 - weight) * count).sum(axis=1) / out_all
        moved = float(np.abs(weight - before).max())
        rounds += 1
    of_pattern = np.zeros(len(every))
    of_pattern[patterns] = weight
    probability = of_pattern[pattern]
    return Consensus(
        mask=probability >= 0.5,
        probability=probability,
        sensitivity=tuple(float(p) for p in sensitivity),
        specificity=tuple(float(q) for q in specificity),
        rounds=rounds,
    )


def _likelihood(
    votes: NDArray[np.bool_], if_marked: NDArray[np.float64], if_not: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability of each pattern of votes, readers being independent of each other."""
    return np.asarray(np.where(votes, if_marked[:, None], if_not[:, None]).prod(axis=0))
