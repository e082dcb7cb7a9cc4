"""The reading room: read a case, measure, mark, and find the marks again tomorrow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import anywidget
import traitlets

from clerkship_cases import Annotation, Case, CaseError
from clerkship_widgets.answer_marks import AnswerMarks, explain
from clerkship_widgets.answers import (
    WidgetError,
    answers_dir,
    is_self_study,
)
from clerkship_widgets.autosave import Autosave
from clerkship_widgets.planes import Plane, planes_of
from clerkship_widgets.reference_layer import ReferenceLayer, reference_layer
from clerkship_widgets.room_description import described_case, described_images, described_marks
from clerkship_widgets.room_setup import annotate_spec, checked_tools, opened_case
from clerkship_widgets.serve import answer_engine_request, script
from clerkship_widgets.slice_server import (
    PREVIEW_PX,
    describe,
    encode_slice,
    first_image,
    slice_answer,
)
from clerkship_widgets.strokes import AnnotationHistory

__all__ = ["ReadingRoom"]

_SMALLEST_ROOM_PX, _LARGEST_ROOM_PX = 240, 2000


class ReadingRoom(anywidget.AnyWidget):
    """A case on the screen, with the tools to read, measure and mark it.

    Parameters
    ----------
    case : str or Case, optional
        Which case to show; not needed with `task`.
    task : str, optional
        A task of kind ``annotate`` in the ``module.json`` beside the notebook. It says which case,
        tools and labels; annotations are saved to ``answers/<task>.sr.dcm`` and ``.seg.dcm`` after
        every stroke, and are there again when the room is opened anew.
    tools : sequence of str, optional
        Drawing tools on offer, of length, angle, ellipse, region, point and arrow; all by default.
    labels : sequence of str, optional
        Names that a mark can carry.
    height_px : int
        Height of the room on the page.

    Raises
    ------
    WidgetError
        If neither case nor task is given, or one of them does not exist.

    Examples
    --------
    >>> room = ReadingRoom("tibia-nof")            # doctest: +SKIP
    >>> room = ReadingRoom(task="mark-lesion")     # doctest: +SKIP
    >>> room.annotations                           # doctest: +SKIP
    [Annotation(uid='2.25.3…', kind='region', …)]
    """

    _esm = script("reading_room")

    # No pixels and nothing of a key: a student's browser can read every trait.
    case_id = traitlets.Unicode(read_only=True).tag(sync=True)
    task = traitlets.Unicode(None, allow_none=True, read_only=True).tag(sync=True)
    height_px = traitlets.Int(560).tag(sync=True)

    def __init__(
        self,
        case: str | Case | None = None,
        *,
        task: str | None = None,
        tools: Sequence[str] | None = None,
        labels: Sequence[str] | None = None,
        height_px: int = 560,
    ) -> None:
        spec = annotate_spec(task) if task is not None else {}
        self.case: Case = opened_case(spec.get("case") if case is None else case)
        self._prompt = str(spec.get("prompt") or "")
        self._tools = checked_tools(spec.get("tools") if tools is None else tools)
        self._labels = [
            str(label) for label in (spec.get("labels") if labels is None else labels) or []
        ]
        # The folder is fixed now: code in the notebook may change the current one later.
        saves = task is not None and not is_self_study()
        self._answer = AnswerMarks(answers_dir(), str(task), self.case) if saves else None
        self._name = task
        self._planes: dict[str, Plane] = {}
        self._state: dict[str, Any] = {"state": "idle"}
        self._history = AnnotationHistory()
        self._is_loaded = self._answer is None
        self._reference: ReferenceLayer | None = None
        self._load()
        self._autosave = Autosave(self._write, self._report, explain)
        self._loop: asyncio.AbstractEventLoop | None = None
        super().__init__(height_px=min(max(int(height_px), _SMALLEST_ROOM_PX), _LARGEST_ROOM_PX))
        self.set_trait("case_id", self.case.id)
        self.set_trait("task", task)
        self.on_msg(self._receive)

    # -- for notebooks ---------------------------------------------------------------------------

    @property
    def annotations(self) -> list[Annotation]:
        """What is marked on the case, oldest first, in patient LPS millimetres."""
        return list(self._history.now)

    def annotate(self, annotation: Annotation) -> None:
        """Add a mark, or replace the one with the same uid; it is saved like a drawn one."""
        if self._history.put(annotation):
            self._changed()

    def delete(self, uid: str) -> None:
        """Take the mark with this uid away (undo brings it back)."""
        if self._history.remove(uid):
            self._changed()

    def undo(self) -> None:
        """Take the last change back."""
        if self._history.undo():
            self._changed()

    def redo(self) -> None:
        """Do again what was taken back last."""
        if self._history.redo():
            self._changed()

    def save(self) -> list[Path]:
        """Write the marks now, without waiting for the autosave.

        Returns
        -------
        list of Path
            The answer files that exist now; none when nothing is marked.

        Raises
        ------
        WidgetError
            If there is no task to save for, or the files can't be written.
        """
        if self._answer is None:
            raise WidgetError(
                "Nothing is saved in self-study mode."
                if self._name is not None
                else "This room belongs to no task, so its marks are no answer. Open it with "
                "ReadingRoom(task=…) to answer a task; a teacher keeps marks with save_reference(…)."
            )
        self._autosave.request()
        self._autosave.flush()
        if self._state["state"] == "failed":
            raise WidgetError(self._state["message"])
        return self._answer.files

    # -- for teachers ----------------------------------------------------------------------------

    def save_reference(
        self,
        *,
        name: str,
        title: str,
        who: str,
        how: str,
        reviewed: str,
        reader: str,
        reviewed_by: str | None = None,
        label: str | None = None,
        replace: bool = False,
    ) -> Path:
        """Put what is marked into the key of the case, as one reader's reference.

        Parameters
        ----------
        name : str
            What tasks call the finding, for instance ``"nodule"``.
        title : str
            What it is, in the words of the feedback.
        who : {"metadata", "author", "clinician", "pathology"}
            What the statement rests on.
        how : str
            How the shape was made, for instance ``"outlined by hand in the reading room"``.
        reviewed : {"none", "self", "second reader", "panel", "pathology", "follow-up"}
            How it was checked afterwards.
        reader : str
            Pseudonym or role of who drew it. Other readers' references are kept beside it.
        reviewed_by : str, optional
            Who checked it; needed as soon as somebody else is said to have looked.
        label : str, optional
            Take only marks with this label; all marks by default.
        replace : bool
            Whether an earlier reading of this finding by the same reader may be replaced.

        Returns
        -------
        Path
            The key.

        Raises
        ------
        WidgetError
            If nothing is marked, a mark lies outside the images, a word is not one of those above, or
            keys can't be written from here (as on every student's server).
        """
        from clerkship_cases.reference import add_reference

        marks = [mark for mark in self._history.now if label in (None, mark.label)]
        if not marks:
            raise WidgetError(
                "Nothing is marked yet. Draw the finding in the room first, then save it."
                if label is None
                else f"No mark carries the label {label!r}. Label the marks, or leave label= out to save all."
            )
        try:
            path = add_reference(
                self.case,
                marks,
                name=name,
                title=title,
                who=cast(Any, who),  # checked against the words allowed, with the rest
                how=how,
                reviewed=cast(Any, reviewed),
                reader=reader,
                reviewed_by=reviewed_by,
                replace=replace,
            )
        except (CaseError, OSError) as error:
            raise WidgetError(f"The reference was not saved: {error}") from None
        self.send({"done": f"Saved to the key of this case: {name}, read by {reader}."})
        return path

    def show_reference(self, name: str, reader: str | None = None) -> None:
        """Lay a finding of the key over the images: dashed lines, a colour for each reader.

        Where several readers drew it, what some include and others do not is tinted.

        Parameters
        ----------
        name : str
            Of the finding.
        reader : str, optional
            Only this reader's.

        Raises
        ------
        WidgetError
            If keys can't be read from here (as on every student's server), or it is not in the key.
        """
        self._reference = reference_layer(self.case, name, reader)
        self.send({"reference": self._reference.to_json()})

    def hide_reference(self) -> None:
        """Take the reference off the images."""
        self._reference = None
        self.send({"reference": None})

    # -- files -----------------------------------------------------------------------------------

    def _load(self) -> None:
        """Read what was saved before, once the images are here: without them marks have no place."""
        if self._is_loaded or self._answer is None:
            return
        if self._answer.files:
            try:
                _ = self.case.images
            except CaseError:
                return  # said when the room is shown; the files stay as they are
        self._is_loaded = True
        try:
            loaded = self._answer.load()
        except WidgetError as error:
            self._state = {"state": "failed", "message": str(error)}
            return
        self._history = AnnotationHistory([*loaded, *self._history.now])
        self._state = {"state": "loaded" if loaded else "idle"}

    def _write(self) -> None:
        """Write the answer files as the marks stand; runs in the autosave thread."""
        if self._answer is None:
            return
        if not self._is_loaded:
            raise WidgetError("the images of this case are not here; your earlier marks are kept.")
        self._answer.save(self._history.now)

    def _changed(self) -> None:
        self._send_annotations()
        if self._answer is not None:
            self._autosave.request()

    def _report(self, state: dict[str, Any]) -> None:
        """Tell the browser how the saving goes; called from any thread."""
        self._state = state
        self._send_soon({"save": state})

    def _send_soon(self, content: dict[str, Any]) -> None:
        """Send from the kernel's own thread, which owns the sockets."""
        loop = self._loop
        if loop is not None and loop.is_running():
            loop.call_soon_threadsafe(self.send, content)

    # -- messages --------------------------------------------------------------------------------

    def _receive(self, _: object, content: Any, buffers: object) -> None:
        """Answer one message of the browser; a bad one gets a sentence, never a traceback."""
        self._loop = _running_loop()
        if not isinstance(content, dict) or answer_engine_request(self, content):
            return
        actions: dict[str, Callable[[Any], None]] = {
            "hello": lambda _: self._welcome(content),
            "get": self._send_slice,
            "votes": self._send_votes,
            "stroke": self._take_stroke,
            "delete": lambda uid: self.delete(str(uid)),
            "undo": lambda _: self.undo(),
            "redo": lambda _: self.redo(),
            "save": lambda _: self._autosave.request() if self._answer is not None else None,
        }
        for name in content.keys() & actions.keys():
            try:
                actions[name](content[name])
            except (CaseError, WidgetError) as error:
                self.send({"notice": str(error), "about": name, "uid": _uid_of(content[name])})

    def _welcome(self, content: dict[str, Any]) -> None:
        """Describe the room to a view that has just opened, with the first image of each plane."""
        described = described_case(self.case.record)
        try:
            volume, headers = self.case.volume, self.case.images
        except CaseError as error:
            closed = {"case": described, "reason": str(error)}
            self.send({"closed": closed, "to": content["hello"]})
            return
        self._load()
        orientation = headers[0].get("PatientOrientation") or ()
        self._planes = {
            plane.name: plane for plane in planes_of(volume, patient_orientation=orientation)
        }
        wanted_px = content.get("px")
        longest_px = min(max(wanted_px, 64), 2048) if isinstance(wanted_px, int) else PREVIEW_PX
        firsts = [
            first_image(volume, plane, plane.size[2] // 2, longest_px=longest_px)
            for plane in self._planes.values()
        ]
        room = {
            "case": described,
            "prompt": self._prompt,
            "tools": self._tools,
            "labels": self._labels,
            **described_images(self.case, self._planes.values()),
            "kept": "task" if self._answer else "self-study" if is_self_study() else "practice",
            "save": self._state,
            "first": [description for description, _ in firsts],
            "reference": self._reference.to_json() if self._reference else None,
            **self._drawn(),
        }
        self.send({"room": room, "to": content["hello"]}, [data for _, data in firsts])

    def _send_slice(self, asked: Any) -> None:
        answer = slice_answer(self.case.volume, self._planes, asked)
        if answer is not None:
            description, data = answer
            self.send({"slice": description}, [data])

    def _send_votes(self, asked: Any) -> None:
        """Answer ``{"plane": name, "index": n}`` with which readers of the reference include what."""
        if self._reference is None or not isinstance(asked, dict):
            return
        plane, index = self._planes.get(str(asked.get("plane"))), asked.get("index")
        if plane is None or type(index) is not int or not 0 <= index < plane.size[2]:
            return
        votes = self._reference.votes(plane, index)
        self.send({"votes": describe(plane, index, votes)}, [encode_slice(votes)])

    def _take_stroke(self, stroke: Any) -> None:
        """Add what was drawn; ``plane`` and ``index`` say on which image."""
        if not isinstance(stroke, dict):
            raise WidgetError(f"A mark must be an object, not {type(stroke).__name__}.")
        fields = {
            name: stroke[name]
            for name in ("uid", "kind", "points_lps_mm", "label", "text")
            if name in stroke
        }
        if fields.get("kind") not in self._tools:
            raise WidgetError(
                f"This room has no tool {fields.get('kind')!r}; it offers {', '.join(self._tools)}."
            )
        if fields.get("label") and fields["label"] not in self._labels:
            raise WidgetError(
                f"{fields['label']!r} is not a label of this task; choose from {', '.join(self._labels)}."
            )
        for words in ("label", "text"):  # DICOM drops blanks at the ends
            fields[words] = str(fields.get(words) or "").strip()
        self.annotate(Annotation.from_json(fields | self._image_of(stroke)))

    def _image_of(self, stroke: dict[str, Any]) -> dict[str, Any]:
        """Name the source image (and its frame, where it has several) that a mark lies in, if any."""
        plane, index = self._planes.get(str(stroke.get("plane"))), stroke.get("index")
        if plane is None or type(index) is not int or not 0 <= index < plane.size[2]:
            return {}
        source = plane.source_slice(index)
        if source is None:
            return {}
        uid = str(self.case.images[source].SOPInstanceUID)
        has_frames = sum(str(header.SOPInstanceUID) == uid for header in self.case.images) > 1
        frame = {"frame_number": self.case.frame_numbers[source]} if has_frames else {}
        return {"slice_uid": uid, **frame}

    def _drawn(self) -> dict[str, Any]:
        """Give the marks with their measurements, for the browser."""
        return {
            "annotations": described_marks(self._history.now, self.case),
            "can_undo": self._history.can_undo,
            "can_redo": self._history.can_redo,
        }

    def _send_annotations(self) -> None:
        if self._loop is None:
            self._loop = _running_loop()
        self.send(self._drawn())


def _uid_of(content: object) -> str | None:
    uid = content.get("uid") if isinstance(content, dict) else None
    return uid if isinstance(uid, str) else None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """Give the kernel's event loop, when called inside it."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
