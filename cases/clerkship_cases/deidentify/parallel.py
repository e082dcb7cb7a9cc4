"""Two halves at once, where a second process costs nothing: in a program of one thread, on Linux."""

import multiprocessing
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import TypeVar

from clerkship_cases.errors import CaseError

#: Fewer items are done before a second process has begun.
_WORTH_IT = 64

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_halves(work: Callable[[Sequence[Item]], Result], items: Sequence[Item]) -> list[Result]:
    """Do work on items, half of it in a forked process where that is safe.

    Parameters
    ----------
    work : callable
        Takes a part of the items and gives a result that can be pickled.
    items : sequence
        In the order in which results are wanted.

    Returns
    -------
    list
        One or two results.

    Raises
    ------
    CaseError
        If the second process ended without a result.
    """
    if len(items) < _WORTH_IT or not _may_fork():
        return [work(items)]
    middle = len(items) // 2
    receiver, sender = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("fork")
    second = context.Process(target=_send, args=(sender, work, items[middle:]), daemon=True)
    with warnings.catch_warnings():
        # Python 3.12 warns of threads that NumPy's library keeps; it is ready for a fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        second.start()
    sender.close()
    try:
        return [work(items[:middle]), receiver.recv()]
    except EOFError as problem:
        raise CaseError(
            "a process that de-identified half of the files ended too early, perhaps for lack of memory; "
            "the output is not complete. Empty the folder and try again."
        ) from problem
    finally:
        second.terminate()  # it has sent its result, or is not wanted any more
        second.join()
        receiver.close()


def _send(
    sender: Connection, work: Callable[[Sequence[Item]], Result], items: Sequence[Item]
) -> None:
    sender.send(work(items))
    sender.close()


def _may_fork() -> bool:
    """Whether a fork is safe: no other thread may hold a lock, and no network of ONNX be loaded."""
    return (
        sys.platform == "linux"
        and len(os.sched_getaffinity(0)) > 1
        and threading.active_count() == 1
        and "onnxruntime" not in sys.modules
        and not multiprocessing.current_process().daemon
    )
