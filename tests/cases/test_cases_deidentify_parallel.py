"""Two halves at once give what one after the other gives, and a half that dies is not passed over."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

import pytest

from clerkship_cases.deidentify.parallel import in_halves

# A process of its own: pytest's may hold threads or networks, and then nothing is forked.
FRESH = """
import os
from clerkship_cases.deidentify.parallel import in_halves
from clerkship_cases import CaseError
me = os.getpid()
parts = in_halves(lambda items: (os.getpid(), list(items)), range(100))
print([pid == me for pid, _ in parts], sum((items for _, items in parts), []) == list(range(100)))
try:
    in_halves(lambda items: os._exit(1) if os.getpid() != me else None, range(100))
except CaseError as problem:
    print("said:", "ended too early" in str(problem))
"""


def test_few_items_are_done_here() -> None:
    def work(items: Sequence[int]) -> tuple[int, list[int]]:
        return os.getpid(), list(items)

    assert in_halves(work, range(10)) == [(os.getpid(), list(range(10)))]


@pytest.mark.skipif(
    sys.platform != "linux" or len(os.sched_getaffinity(0)) < 2, reason="needs Linux and two cores"
)
def test_many_items_are_shared_and_a_lost_half_is_noticed() -> None:
    said = subprocess.run([sys.executable, "-c", FRESH], capture_output=True, text=True, check=True)
    assert said.stdout.split("\n")[:2] == ["[True, False] True", "said: True"]
