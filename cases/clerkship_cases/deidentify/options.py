"""What a person may choose when a study is de-identified."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Options:
    """Choices of one de-identification; the defaults are what a teaching case needs.

    Attributes
    ----------
    find_text : bool or "auto"
        Look for text in pixels and blank it: in every image (True), in none (False: images that are
        known to show text are then refused), or in those at risk ("auto": ultrasound, secondary capture,
        fluoroscopy, projection radiographs, and whatever says that it has burned-in annotation).
    remove_faces : bool
        Remove the face from head volumes (CT and MR of single slices): what lies in front of and below the
        brain is blanked. Series in which a face can neither be found nor excluded are refused, and so are
        captured pictures, multi-frame volumes and contours of the skin, unless they are of a limb or trunk.
    keep_age : "band" or "cap"
        The age in steps of five years, or to the year; above 89 both say 090Y.
    shift_dates : bool
        Keep dates, moved by a number of days of the patient's own; otherwise they are emptied.
    """

    find_text: bool | Literal["auto"] = "auto"
    remove_faces: bool = False
    keep_age: Literal["band", "cap"] = "band"
    shift_dates: bool = True
