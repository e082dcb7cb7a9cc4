"""Build a presentation state; see :mod:`clerkship_cases.standards.presentation`.

A layer is made for each kind and label: its name begins with the kind, its description is the label. That is
how a kind, for which the standard has no place, comes back.
"""

from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import highdicom as hd
import numpy as np
from pydicom.sr.codedict import codes

from clerkship_cases.annotation import Annotation, Kind, new_uid
from clerkship_cases.case import Case
from clerkship_cases.display import Window
from clerkship_cases.errors import CaseError
from clerkship_cases.headers import stable_uid
from clerkship_cases.standards.image_place import Evidence, ImagePlaces
from clerkship_cases.standards.private import CORNER_PX, MANUFACTURER

_GRAPHIC: dict[Kind, str] = {
    "length": "POLYLINE",
    "angle": "POLYLINE",
    "arrow": "POLYLINE",
    "region": "POLYLINE",
    "ellipse": "ELLIPSE",
    "point": "POINT",
}


def build(case: Case, drawn: Sequence[Annotation], observer: str, window: Window | None) -> Any:
    """Build the object with highdicom; ``observer`` is a DICOM person name."""
    places = ImagePlaces(case)
    slices = [_slice_of(places, annotation) for annotation in drawn]
    evidence = Evidence(places, dict.fromkeys(slices))
    header_of = dict(zip(dict.fromkeys(slices), evidence.headers, strict=True))
    layers = _layers(drawn)
    common: dict[str, Any] = {
        "referenced_images": evidence.headers,
        "series_instance_uid": stable_uid(case.id, "presentation", observer),
        "series_number": 903,
        "sop_instance_uid": new_uid(),
        "instance_number": 1,
        "manufacturer": MANUFACTURER,
        "manufacturer_model_name": "clerkship_cases",
        "software_versions": version("clerkship"),
        "device_serial_number": "0",
        "content_label": "ANNOTATIONS",
        "content_description": f"Drawn on {case.id}"[:64],
        "content_creator_name": observer,
        "concept_name": codes.DCM.PresentationState,
        "graphic_layers": list(layers.values()),
        "graphic_annotations": [
            _graphic(case, annotation, header_of[k], layers[annotation.kind, annotation.label])
            for annotation, k in zip(drawn, slices, strict=True)
        ],
        "series_description": "Clerkship: annotations",
    }
    common["specific_character_set"] = "ISO_IR 192"
    if case.volume.is_colour:
        built: Any = hd.pr.ColorSoftcopyPresentationState(icc_profile=_srgb_profile(), **common)
    else:
        shown = window or case.volume.windows[0]
        voi = hd.pr.SoftcopyVOILUTTransformation(
            window_center=[shown.center],
            window_width=[shown.width],
            window_explanation=[shown.name[:64]],
        )
        built = hd.pr.GrayscaleSoftcopyPresentationState(
            voi_lut_transformations=[voi],
            # Values of the volume are after the modality LUT; the window above is in their unit.
            presentation_lut_transformation=hd.PresentationLUTTransformation(
                presentation_lut_shape="INVERSE" if case.volume.inverted else "IDENTITY"
            ),
            **common,
        )
    evidence.name_frames(built)
    return built


def _slice_of(places: ImagePlaces, annotation: Annotation) -> int:
    if annotation.slice_uid is not None:
        return places.slice_index(annotation.slice_uid, annotation.frame_number)
    k = places.slice_through(np.asarray(annotation.points_lps_mm))
    if k is None:
        raise CaseError(
            f"a {annotation.kind} lies on no slice of the case {places.case.id!r}; a presentation state draws "
            f"on images. Save a report or a structure set instead."
        )
    return k


def _layers(drawn: Sequence[Annotation]) -> dict[tuple[str, str], Any]:
    layers: dict[tuple[str, str], Any] = {}
    for annotation in drawn:
        key = (annotation.kind, annotation.label)
        if key not in layers:
            number = len(layers) + 1
            layers[key] = hd.pr.GraphicLayer(
                f"{annotation.kind.upper()}_{number}", number, annotation.label or None
            )
    return layers


def _graphic(case: Case, annotation: Annotation, header: Any, layer: Any) -> Any:
    points_px = case.volume.voxel_from_patient(annotation.points_lps_mm)[:, :2] + CORNER_PX
    rows, columns = case.volume.array.shape[1:3]
    uid = annotation.uid
    is_dicom_uid = uid.startswith("2.25.") and uid[5:].isdigit()
    closed = np.vstack([points_px, points_px[:1]]) if annotation.kind == "region" else points_px
    shape = hd.pr.GraphicObject(
        graphic_type=_GRAPHIC[annotation.kind],
        graphic_data=closed,
        units="PIXEL",
        tracking_id=uid,
        tracking_uid=uid if is_dicom_uid else stable_uid("annotation", uid),
    )
    texts = []
    if annotation.text:
        anchor = np.clip(points_px[0], 0, (columns, rows))
        texts.append(
            hd.pr.TextObject(
                text_value=annotation.text.replace("\n", "\r\n"),
                units="PIXEL",
                anchor_point=(float(anchor[0]), float(anchor[1])),
            )
        )
    return hd.pr.GraphicAnnotation(
        referenced_images=[header],
        graphic_layer=layer,
        graphic_objects=[shape],
        text_objects=texts or None,
    )


def _srgb_profile() -> bytes:
    """Return the profile of ordinary screen colours: the images of a case are sRGB.

    The standard asks for an input or a colour space profile (PS3.3 C.11.15); highdicom ships one.
    """
    profile = files("highdicom").joinpath("_icc_profiles", "sRGB_v4_ICC_preference.icc")
    return profile.read_bytes()
