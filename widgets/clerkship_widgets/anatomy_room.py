"""The anatomy room: named structures in 3D, to turn, take apart and ask the name of."""

from __future__ import annotations

import math
from typing import Any

import anywidget
import traitlets

from clerkship_widgets.answers import task_spec
from clerkship_widgets.scene import Scene, SceneError, build_scene
from clerkship_widgets.serve import answer_engine_request, script
from clerkship_widgets.structure import Structure

__all__ = ["AnatomyRoom"]

VIEWS = ("anterior", "posterior", "left", "right", "superior", "inferior")
LOWEST_PX, HIGHEST_PX = 240, 2000


class AnatomyRoom(anywidget.AnyWidget):
    """Turn, take apart and name the structures of a scene.

    A click picks a structure: its id arrives here as `picked`, the place that was
    hit as `picked_point_lps_mm`.  What a student hides or makes transparent is kept
    in this object, so a reloaded page looks as it was left.

    Parameters
    ----------
    scene : str or Scene
        The name of a scene, for instance ``"brain"``, or one that you have built.
    task : str, optional
        A task of this module; its prompt is shown above the picture.
    height_px : int
        Height of the room, 240 to 2000.

    Attributes
    ----------
    picked : str
        Id of the structure picked last, ``""`` for none.  Setting it picks that structure.
    picked_point_lps_mm : list of float
        Where the click met the surface: x, y, z in DICOM patient millimetres; empty if nothing
        was clicked.
    view : str
        The side that the camera was last sent to, see `look_from`.

    Raises
    ------
    SceneError
        If there is no such scene, or it cannot be made.
    WidgetError
        If the module has no such task.

    Examples
    --------
    >>> room = AnatomyRoom("brain")                 # doctest: +SKIP
    >>> room.hide("left-cerebral-cortex")           # doctest: +SKIP
    >>> room.picked                                 # doctest: +SKIP
    'left-white-matter'
    """

    _esm = script("anatomy_room")

    scene = traitlets.Dict(read_only=True).tag(sync=True)  # names and descriptions; no meshes
    prompt = traitlets.Unicode("").tag(sync=True)
    height_px = traitlets.Int(560).tag(sync=True)
    hidden = traitlets.List(traitlets.Unicode()).tag(sync=True)
    opacities = traitlets.Dict(value_trait=traitlets.Float()).tag(sync=True)  # only those below 1
    picked = traitlets.Unicode("").tag(sync=True)
    picked_point_lps_mm = traitlets.List(traitlets.Float()).tag(sync=True)
    view = traitlets.Unicode("left").tag(sync=True)

    def __init__(
        self, scene: str | Scene = "brain", *, task: str | None = None, height_px: int = 560
    ) -> None:
        self._scene = scene if isinstance(scene, Scene) else build_scene(scene)
        prompt = "" if task is None else str(task_spec(task).get("prompt", ""))
        super().__init__(
            prompt=prompt,
            height_px=height_px,
            hidden=[structure.id for structure in self._scene.structures if not structure.visible],
        )
        self.set_trait("scene", self._scene.to_json())
        self.on_msg(self._on_message)

    @property
    def structures(self) -> tuple[Structure, ...]:
        """All structures of the scene, in the order of the list."""
        return self._scene.structures

    def hide(self, structure_id: str) -> None:
        """Hide a structure.

        Raises
        ------
        SceneError
            If the scene has no such structure; the message lists those that it has.
        """
        self._scene[structure_id]
        if structure_id not in self.hidden:
            self.hidden = [*self.hidden, structure_id]

    def show(self, structure_id: str) -> None:
        """Show a structure that was hidden.

        Raises
        ------
        SceneError
            If the scene has no such structure.
        """
        self._scene[structure_id]
        self.hidden = [hidden for hidden in self.hidden if hidden != structure_id]

    def isolate(self, structure_id: str) -> None:
        """Hide everything but one structure.

        Raises
        ------
        SceneError
            If the scene has no such structure.
        """
        self._scene[structure_id]
        self.hidden = [other.id for other in self.structures if other.id != structure_id]

    def set_opacity(self, structure_id: str, opacity: float) -> None:
        """Make a structure transparent.

        Parameters
        ----------
        structure_id : str
            Which.
        opacity : float
            From 0 (cannot be seen, nor picked) to 1 (solid).

        Raises
        ------
        SceneError
            If the scene has no such structure, or the opacity is not from 0 to 1.
        """
        self._scene[structure_id]
        if not 0.0 <= opacity <= 1.0:
            raise SceneError(
                f"Opacity {opacity} was given for {structure_id!r}; it goes from 0 (clear) to 1 (solid)."
            )
        others = {key: value for key, value in self.opacities.items() if key != structure_id}
        self.opacities = others if opacity == 1.0 else {**others, structure_id: float(opacity)}

    def look_from(self, side: str) -> None:
        """Send the camera to a side of the patient.

        Parameters
        ----------
        side : str
            ``"anterior"``, ``"posterior"``, ``"left"``, ``"right"``, ``"superior"`` or ``"inferior"``.

        Raises
        ------
        SceneError
            If it is none of these.
        """
        self.view = side

    @traitlets.validate("picked")
    def _picked_exists(self, proposal: dict[str, Any]) -> str:
        value = str(proposal["value"])
        if value:
            self._scene[value]
        return value

    @traitlets.validate("picked_point_lps_mm")
    def _point_is_a_point(self, proposal: dict[str, Any]) -> list[float]:
        value: list[float] = list(proposal["value"])
        if len(value) not in (0, 3) or not all(math.isfinite(number) for number in value):
            raise SceneError(
                f"{value} is not a point: give x, y and z in LPS millimetres, or nothing."
            )
        return value

    @traitlets.validate("height_px")
    def _height_is_sensible(self, proposal: dict[str, Any]) -> int:
        return min(max(int(proposal["value"]), LOWEST_PX), HIGHEST_PX)

    @traitlets.validate("view")
    def _view_is_a_side(self, proposal: dict[str, Any]) -> str:
        value = str(proposal["value"])
        if value not in VIEWS:
            raise SceneError(f"There is no view from {value!r}. Choose one of: {', '.join(VIEWS)}.")
        return value

    def _on_message(self, _widget: object, content: object, _buffers: object) -> None:
        """Answer the browser: the engine's script, or the meshes that it wants to draw."""
        if answer_engine_request(self, content) or not isinstance(content, dict):
            return
        wanted = content.get("meshes")
        if isinstance(wanted, list):
            for structure_id in wanted:
                packed = self._scene.packed.get(structure_id)
                if packed is not None:
                    self.send({"mesh": structure_id}, [packed.payload])
