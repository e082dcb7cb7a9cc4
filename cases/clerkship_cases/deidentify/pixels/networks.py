"""The two networks that read text: one says where it is, one says what it says.

They are PP-OCRv6 (small) in the ONNX files that ship inside the `rapidocr` wheel (Apache-2.0). We
run them with onnxruntime ourselves: `rapidocr`'s own front end logs to the terminal, writes below
its installation folder, and fetches a model that is missing.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clerkship_cases.errors import CaseError

STRIDE = 32
"""The detector halves its input five times, so sides must be multiples of 32."""

LINE_HEIGHT = 48
"""The recogniser's input height in pixels."""

MAX_THREADS = 2
"""Enough for one image; several files are cleaned side by side."""


def text_probability(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return how likely each pixel is to belong to text.

    Parameters
    ----------
    image : (rows, columns, 3) uint8
        BGR. Any size; it is padded with its own edge to a multiple of 32.

    Returns
    -------
    probability : (rows, columns) float32
        0 to 1. It marks the core of a line of text, narrower than the letters are high.
    """
    rows, columns = image.shape[:2]
    padded = np.pad(image, ((0, -rows % STRIDE), (0, -columns % STRIDE), (0, 0)), mode="edge")
    result: npt.NDArray[np.float32] = _run(_session("det"), _normalised(padded)[None])[0, 0]
    return result[:rows, :columns]


def read_line(line: npt.NDArray[np.uint8]) -> tuple[str, float]:
    """Read one upright line of text.

    Parameters
    ----------
    line : (rows, columns, 3) uint8
        BGR, cropped to the line.

    Returns
    -------
    text : str
        What was read; empty if nothing was.
    confidence : float
        Mean probability of the characters, 0 to 1; 0 for an empty text.
    """
    import cv2

    rows, columns = line.shape[:2]
    width = max(LINE_HEIGHT, round(columns * LINE_HEIGHT / rows))
    resized = cv2.resize(line, (width, LINE_HEIGHT), interpolation=cv2.INTER_CUBIC)
    probability = _run(_session("rec"), _normalised(np.asarray(resized, dtype=np.uint8))[None])[0]
    return _decode(probability, _characters())


def _decode(probability: npt.NDArray[np.float32], characters: tuple[str, ...]) -> tuple[str, float]:
    """Collapse repeats and drop blanks: greedy decoding of connectionist temporal classification.

    Source: Graves et al. 2006, doi:10.1145/1143844.1143891. Class 0 is the blank.
    """
    best = probability.argmax(axis=1)
    starts = np.flatnonzero((best != 0) & (best != np.concatenate(([-1], best[:-1]))))
    if not len(starts):
        return "", 0.0
    text = "".join(characters[best[start]] for start in starts)
    return text.strip(), float(probability[starts, best[starts]].mean())


def _normalised(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray((image.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1))


def _run(session: Any, batch: npt.NDArray[np.float32]) -> Any:
    return session.run(None, {session.get_inputs()[0].name: batch})[0]


@cache
def _session(task: str) -> Any:
    """Load a network once per process."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(MAX_THREADS, len(os.sched_getaffinity(0)))
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # threads that wait by spinning starve each other when several files are cleaned side by side
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(
        str(_weights(task)), options, providers=["CPUExecutionProvider"]
    )


@cache
def _characters() -> tuple[str, ...]:
    """Return the recogniser's classes: the blank, its alphabet (kept in the file), the space."""
    alphabet = _session("rec").get_modelmeta().custom_metadata_map["character"].splitlines()
    return ("", *alphabet, " ")


def _weights(task: str) -> Path:
    package = find_spec("rapidocr")
    folders = list(package.submodule_search_locations or ()) if package else []
    found = sorted(path for folder in folders for path in Path(folder, "models").glob(f"*{task}_*"))
    if not found:
        raise CaseError(
            f"the text reader's weights (rapidocr/models/*{task}_*.onnx) are not installed, so "
            "pixels can't be searched for names. Install the package again: pip install rapidocr"
        )
    return found[-1]
