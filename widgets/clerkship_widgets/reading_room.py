"""The reading room: read a case, measure, mark, and find the marks again tomorrow."""

from __future__ import annotations

import asyncio
import getpass
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from clerkship_cases import (
    Annotation,
    Case,
    CaseError,
    measure,
    open_case,
    read_sr,
    write_seg,
    write_sr,
)
from clerkship_widgets.answers import (
    WidgetError,
    answers_dir,
    check_name,
    is_self_study,
    task_spec,
)
from clerkship_widgets.autosave import Autosave
from clerkship_widgets.planes import Plane, planes_of
from clerkship_widgets.serve import answer_engine_request, script
from clerkship_widgets.slice_server import PREVIEW_PX, first_image, slice_answer
from clerkship_widgets.strokes import AnnotationHistory, measurement_lines

__all__ = ["ReadingRoom"]

DRAWING_TOOLS = ("length", "angle", "ellipse", "region", "arrow")

#: A stroke comes in one message of at most this many points (clerkship_cases has the same limit).
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
        Drawing tools on offer, of length, angle, ellipse, region and arrow; all by default.
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
        spec = _annotate_spec(task) if task is not None else {}
        self.case: Case = _opened(spec.get("case") if case is None else case)
        self._prompt = str(spec.get("prompt") or "")
        self._tools = _checked_tools(spec.get("tools") if tools is None else tools)
        self._labels = [
            str(label) for label in (spec.get("labels") if labels is None else labels) or []
        ]
        # The folder is fixed now: code in the notebook may change the current one later.
        self._folder = answers_dir() if task is not None and not is_self_study() else None
        self._name = task
        self._planes: dict[str, Plane] = {}
        self._state: dict[str, Any] = {"state": "idle"}
        self._unreadable: Path | None = None
        self._history = AnnotationHistory(self._load())
        self._autosave = Autosave(self._write, self._report, _explain)
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
        if self._folder is None:
            raise WidgetError(
                "Nothing is saved in self-study mode."
                if self._name is not None
                else "This room belongs to no task, so its marks are not saved. Open it with ReadingRoom(task=…)."
            )
        self._autosave.request()
        self._autosave.flush()
        if self._state["state"] == "failed":
            raise WidgetError(self._state["message"])
        return [path for path in self._files() if path.exists()]

    # -- files -----------------------------------------------------------------------------------

    def _files(self) -> tuple[Path, Path]:
        assert self._folder is not None  # noqa: S101  # only called where there is a task
        return self._folder / f"{self._name}.sr.dcm", self._folder / f"{self._name}.seg.dcm"

    def _load(self) -> list[Annotation]:
        """Read what was saved before; a file that can't be read is kept, and said so."""
        if self._folder is None:
            return []
        report, _ = self._files()
        if not report.exists():
            return []
        try:
            annotations = read_sr(report, self.case)
        except (CaseError, OSError) as error:
            self._unreadable = report
            self._state = {
                "state": "failed",
                "message": f"Your earlier marks in {report.name} could not be read ({error}). "
                "The file is kept; new marks are saved beside it.",
            }
            return []
        self._state = {"state": "loaded" if annotations else "idle"}
        return annotations

    def _write(self) -> None:
        """Write the answer files as the marks stand; runs in the autosave thread."""
        annotations = list(self._history.now)
        report, segments = self._files()
        if self._unreadable is not None and self._unreadable.exists():
            self._unreadable.replace(_unused(self._unreadable))
            self._unreadable = None
        report.parent.mkdir(parents=True, exist_ok=True)
        observer = os.environ.get("JUPYTERHUB_USER") or getpass.getuser()
        if annotations:
            write_sr(report, self.case, annotations, observer=observer)
        else:
            report.unlink(missing_ok=True)
        if any(annotation.kind in ("ellipse", "region") for annotation in annotations):
            write_seg(segments, self.case, annotations, observer=observer)
        else:
            segments.unlink(missing_ok=True)

    def _changed(self) -> None:
        self._send_annotations()
        if self._folder is not None:
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
            "stroke": self._take_stroke,
            "delete": lambda uid: self.delete(str(uid)),
            "undo": lambda _: self.undo(),
            "redo": lambda _: self.redo(),
            "save": lambda _: self._autosave.request() if self._folder is not None else None,
        }
        for name in content.keys() & actions.keys():
            try:
                actions[name](content[name])
            except (CaseError, WidgetError) as error:
                self.send({"notice": str(error), "about": name, "uid": _uid_of(content[name])})

    def _welcome(self, content: dict[str, Any]) -> None:
        """Describe the room to a view that has just opened, with the first image of each plane."""
        volume = self.case.volume
        orientation = self.case.images[0].get("PatientOrientation") or ()
        self._planes = {
            plane.name: plane for plane in planes_of(volume, patient_orientation=orientation)
        }
        record = self.case.record
        wanted_px = content.get("px")
        longest_px = min(max(wanted_px, 64), 2048) if isinstance(wanted_px, int) else PREVIEW_PX
        firsts = [
            first_image(volume, plane, plane.size[2] // 2, longest_px=longest_px)
            for plane in self._planes.values()
        ]
        room = {
            "case": {
                "id": record.id,
                "title": record.title,
                "modality": record.modality,
                "view": record.view,
                "history": record.history,
                "attribution": record.attribution,
                "licence": record.licence,
            },
            "prompt": self._prompt,
            "tools": self._tools,
            "labels": self._labels,
            "planes": [plane.to_json() for plane in self._planes.values()],
            "windows": [
                {"name": window.name, "center": window.center, "width": window.width}
                for window in volume.windows
            ],
            "inverted": volume.inverted,
            "calibrated": volume.is_calibrated,
            "unit": volume.unit,
            "kept": "task" if self._folder else "self-study" if is_self_study() else "practice",
            "save": self._state,
            "first": [description for description, _ in firsts],
            **self._drawn(),
        }
        self.send({"room": room, "to": content["hello"]}, [data for _, data in firsts])

    def _send_slice(self, asked: Any) -> None:
        answer = slice_answer(self.case.volume, self._planes, asked)
        if answer is not None:
            description, data = answer
            self.send({"slice": description}, [data])

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
        self.annotate(Annotation.from_json(fields | {"slice_uid": self._slice_uid(stroke)}))

    def _slice_uid(self, stroke: dict[str, Any]) -> str | None:
        """SOPInstanceUID of the source slice that a mark lies in, if it lies in one."""
        plane, index = self._planes.get(str(stroke.get("plane"))), stroke.get("index")
        if plane is None or not isinstance(index, int) or not 0 <= index < plane.size[2]:
            return None
        source = plane.source_slice(index)
        return None if source is None else str(self.case.images[source].SOPInstanceUID)

    def _drawn(self) -> dict[str, Any]:
        """Give the marks with their measurements, for the browser."""
        return {
            "annotations": [
                annotation.to_json() | {"lines": self._measured(annotation)}
                for annotation in self._history.now
            ],
            "can_undo": self._history.can_undo,
            "can_redo": self._history.can_redo,
        }

    def _measured(self, annotation: Annotation) -> list[str]:
        try:
            return measurement_lines(annotation, measure(annotation, self.case.volume))
        except CaseError:
            return []  # a mark that can't be measured is still a mark

    def _send_annotations(self) -> None:
        if self._loop is None:
            self._loop = _running_loop()
        self.send(self._drawn())


def _annotate_spec(task: str) -> dict[str, Any]:
    """Read a task's description; refuse a task of another kind."""
    check_name(task)
    spec = task_spec(task)
    if spec.get("kind") != "annotate":
        raise WidgetError(
            f"Task {task!r} is of kind {spec.get('kind')!r}; a reading room needs one of kind 'annotate'."
        )
    return spec


def _opened(case: object) -> Case:
    """Open a case by its id, or take one that is open."""
    if isinstance(case, Case):
        return case
    if not isinstance(case, str):
        raise WidgetError(
            "Say which case to read: ReadingRoom('tibia-nof'), or a task: ReadingRoom(task='mark-lesion')."
        )
    try:
        return open_case(case)
    except CaseError as error:
        raise WidgetError(str(error)) from None


def _checked_tools(tools: Sequence[str] | None) -> list[str]:
    """Keep the order of the toolbar; refuse what is not a tool."""
    if tools is None:
        return list(DRAWING_TOOLS)
    if isinstance(tools, str) or set(tools) - set(DRAWING_TOOLS):
        raise WidgetError(
            f"tools={tools!r} was given; it must be a list of {', '.join(DRAWING_TOOLS)}."
        )
    return [tool for tool in DRAWING_TOOLS if tool in tools]


def _explain(error: Exception) -> str:
    """Say why saving failed, in words for a student."""
    if isinstance(error, CaseError | WidgetError):
        return f"Not saved: {error}"
    if isinstance(error, OSError):
        return f"Not saved: the files could not be written ({error.strerror or error}). Your marks are still here."
    return f"Not saved: {type(error).__name__}: {error}. Your marks are still here; please tell your teacher."


def _unused(path: Path) -> Path:
    """Find a name beside a file that nothing has yet."""
    candidates = (
        path.with_name(f"{path.stem}.unreadable-{n}{path.suffix}") for n in range(1, 1000)
    )
    return next(candidate for candidate in candidates if not candidate.exists())


def _uid_of(content: object) -> str | None:
    uid = content.get("uid") if isinstance(content, dict) else None
    return uid if isinstance(uid, str) else None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """Give the kernel's event loop, when called inside it."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
