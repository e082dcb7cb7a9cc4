"""Presentation states (GSPS): what a reader drew and wrote on images, to annotations and back.

Graphics are read in pixels of the image or as parts of the displayed area; text at its anchor. How the
images were turned, flipped or shuttered is a way of looking at them and no annotation: it is passed over,
with a note.

Source
------
DICOM PS3.3 A.33 (IODs), C.10.5 (graphic annotation), C.10.7 (graphic layer), C.10.4 (displayed area).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from clerkship_cases.annotation import Annotation
from clerkship_cases.case import Case
from clerkship_cases.display import Window
from clerkship_cases.errors import CaseError
from clerkship_cases.standards.dicomfile import (
    observer_name,
    read_untrusted,
    untrusted,
    write_atomically,
)
from clerkship_cases.standards.private import MAX_ANNOTATIONS

#: Grayscale and colour softcopy presentation state.
PRESENTATIONS = frozenset(f"1.2.840.10008.5.1.4.1.1.11.{n}" for n in (1, 2))
WHAT = "a DICOM presentation state of this case"
#: A state of a thousand images has less than a megabyte. Our own limit.
MAX_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a presentation state says of a case.

    Attributes
    ----------
    label, description, creator : str
        What its maker called it.
    annotations : tuple of Annotation
        Its graphics and texts. A graphic that the file shows on several images is there once for each.
    windows : tuple of Window
        How the images were windowed.
    notes : tuple of str
        What was passed over, and why.
    """

    label: str
    description: str
    creator: str
    annotations: tuple[Annotation, ...]
    windows: tuple[Window, ...]
    notes: tuple[str, ...]


def read_presentation(path: Path | str, case: Case) -> Presentation:
    """Read a presentation state, whoever wrote it.

    Parameters
    ----------
    path : Path
        A grayscale or colour softcopy presentation state.
    case : Case
        The images that it is about: what it draws on others of its series is passed over, with a note.

    Raises
    ------
    CaseError
        If the file is too large, damaged, another kind of file, or about none of the images of this case.
    """
    from clerkship_cases.standards.presentation_reading import presentation

    path = Path(path)
    with untrusted(path, WHAT):
        dataset = read_untrusted(path, PRESENTATIONS, max_bytes=MAX_BYTES, what=WHAT)
        return presentation(dataset, case, path.name)


def write_presentation(
    path: Path | str,
    case: Case,
    annotations: Iterable[Annotation],
    *,
    observer: str,
    window: Window | None = None,
) -> Path:
    """Save annotations as a presentation state, which any viewer lays over the images.

    Parameters
    ----------
    path : Path
        Where to; replaced as a whole or not at all.
    case : Case
        The images.
    annotations : iterable of Annotation
        Each must lie on one slice: a presentation state draws on images, not in space.
    observer : str
        Who drew them: a pseudonym.
    window : Window, optional
        How the images are to be shown (not for colour images).

    Raises
    ------
    CaseError
        If there is nothing to save, a shape lies on no slice, or the file can't be written.

    Notes
    -----
    Points are kept in pixels as 32-bit floats: to 0.0001 pixel in an image of 2000 x 2000.
    """
    path, drawn = Path(path), list(annotations)
    if not 1 <= len(drawn) <= MAX_ANNOTATIONS:
        raise CaseError(
            f"{len(drawn)} annotations were given; a presentation state holds 1 to {MAX_ANNOTATIONS}."
        )
    # highdicom takes two seconds to load: only when something is saved.
    from clerkship_cases.standards.presentation_object import build

    write_atomically(build(case, drawn, observer_name(observer), window), path, max_bytes=MAX_BYTES)
    return path
