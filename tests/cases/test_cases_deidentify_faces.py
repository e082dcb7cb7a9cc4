"""What becomes of a head when its face is to go: no eyes, no nose, all of the brain."""

from __future__ import annotations

import os
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import numpy as np
import numpy.typing as npt
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    RLELossless,
    RTStructureSetStorage,
    SecondaryCaptureImageStorage,
    generate_uid,
)
from scipy.ndimage import distance_transform_edt, map_coordinates
from scipy.spatial.transform import Rotation

from clerkship_cases.deidentify import Options, Report, deidentify_files
from clerkship_cases.deidentify.pixels.faces import remove_face
from clerkship_cases.deidentify.pixels.head import holds_no_head, named_part

Floats = npt.NDArray[np.float64]
DATA = Path(
    os.environ.get("CLERKSHIP_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data"
)
STUDYFORREST = DATA / "studyforrest-t1" / "dicoms_384slices.zip"
COLIN = Path("/usr/share/mricron/templates/ch2.nii.gz")

AIR, SCALP, SKULL, FLUID, BRAIN, EYE, NOSE = range(7)
CT_HU = np.array([-1000, 40, 900, 8, 35, 15, 50])
#: Grey values of tissues in three kinds of image; air in MR has noise.
CONTRASTS = {
    "CT": CT_HU,
    "T1": np.array([0, 700, 60, 120, 500, 150, 400]),
    "T2": np.array([0, 400, 40, 900, 380, 950, 350]),
}


class Phantom(NamedTuple):
    """A head in MNI millimetres: labels on a grid of 2 mm, and the template's grey."""

    labels: npt.NDArray[np.int8]
    grey: Floats
    corner_ras_mm: Floats


@cache
def phantom() -> Phantom:
    """The ICBM152 brain in layers of fluid, skull and scalp, with a face, two eyes, a nose and a neck."""
    from nilearn.datasets import load_mni152_brain_mask, load_mni152_template

    image = load_mni152_brain_mask(resolution=2)
    pad = np.array([(16, 16), (16, 30), (45, 20)])
    brain = np.pad(np.asarray(image.dataobj) > 0, pad)
    template = np.asarray(load_mni152_template(resolution=2).dataobj, dtype=np.float64)
    grey = np.pad(template, pad)
    corner = image.affine[:3, 3] - 2.0 * pad[:, 0]
    x, y, z = (np.indices(brain.shape) * 2.0 + corner[:, None, None, None])[:3]
    away_mm = distance_transform_edt(~brain) * 2.0
    labels = np.zeros(brain.shape, dtype=np.int8)
    jaw = (x / 68) ** 2 + ((y - 35) / 52) ** 2 + ((z + 75) / 75) ** 2 < 1
    neck = (x / 55) ** 2 + ((y + 30) / 55) ** 2 < 1
    labels[jaw | (neck & (z < -30))] = SCALP
    labels[away_mm < 15] = SCALP
    labels[(away_mm < 9) & (z > -60)] = SKULL
    labels[away_mm < 3] = FLUID
    labels[brain] = BRAIN
    nose = (np.abs(x) < 12 * (1 - (z + 85) / 50)) & (y > 80) & (y < 115 - (z + 85)) & (z > -85)
    labels[nose & (z < -38)] = NOSE
    for side in (-33, 33):
        ball = (x - side) ** 2 + (y - 64) ** 2 + (z + 42) ** 2 < 12**2
        labels[ball & ~brain] = EYE
    return Phantom(labels, grey, corner)


PLANES = {"axial": (0, 1, 2), "sagittal": (1, 2, 0), "coronal": (0, 2, 1)}


def scan(
    contrast: str,
    plane: str,
    *,
    turn_deg: tuple[float, float, float] = (0, 0, 0),
    nod_deg: float = 0,
    size: float = 0.93,
    step_mm: float = 3.0,
    lowest_z_mm: float = -160.0,
    highest_z_mm: float = 115.0,
) -> tuple[list[Dataset], npt.NDArray[np.int8]]:
    """Scan the phantom; return the images, shuffled, and their labels (image, row, column), alike.

    `turn_deg` turns the stack against the patient, `nod_deg` the patient's head.
    """
    made = phantom()
    x, y, z = np.diag([1.0, 1.0, -1.0]) if plane != "axial" else np.eye(3)
    axes_lps = [np.array(one) for one in (x, y, z)]
    column, row, through = (axes_lps[n] for n in PLANES[plane])
    turn = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    column, row = turn @ column, turn @ row
    through = np.cross(column, row)
    pixels, pixel_mm = 140, 2.0
    span_mm = {"axial": highest_z_mm - lowest_z_mm, "sagittal": 200.0, "coronal": 270.0}[plane]
    count = int(span_mm / step_mm)
    middle = np.array([0, -5.0, -22.0 if plane != "axial" else (lowest_z_mm + highest_z_mm) / 2])
    nod = Rotation.from_euler("x", nod_deg, degrees=True).as_matrix()
    rows, columns = np.indices((pixels, pixels)) * pixel_mm
    rng = np.random.default_rng(7)
    images, truth = [], []
    series, study = generate_uid(), generate_uid()
    for n in range(count):
        corner = middle + through * (n - (count - 1) / 2) * step_mm
        corner = corner - (column + row) * pixel_mm * (pixels - 1) / 2
        lps = corner + rows[..., None] * row + columns[..., None] * column
        ras = (lps @ nod) / size * [-1, -1, 1]
        voxel = np.moveaxis((ras - made.corner_ras_mm) / 2.0, -1, 0)
        labels = map_coordinates(made.labels, voxel, order=0)
        values = CONTRASTS[contrast][labels].astype(np.float64)
        if contrast != "CT":
            grey = map_coordinates(made.grey, voxel, order=1)
            sign = 1 if contrast == "T1" else -1
            values += np.where(labels == BRAIN, sign * 300 * (grey - 0.7), 0)
        values = np.abs(values + rng.normal(0, 8, values.shape)) if contrast != "CT" else values
        images.append(_image(values, contrast, corner, column, row, pixel_mm, n, series, study))
        truth.append(labels)
    order = rng.permutation(count)
    return [images[n] for n in order], np.stack([truth[n] for n in order])


def _image(  # noqa: PLR0917
    values: Floats,
    contrast: str,
    corner: Floats,
    column: Floats,
    row: Floats,
    pixel_mm: float,
    number: int,
    series: str,
    study: str,
) -> Dataset:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID = CTImageStorage if contrast == "CT" else MRImageStorage
    dataset.SOPInstanceUID = generate_uid()
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = series, study
    dataset.FrameOfReferenceUID = study
    dataset.PatientName, dataset.PatientID = "Quandt^Rosalind", "MRN-7741902"
    dataset.Modality = "CT" if contrast == "CT" else "MR"
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.InstanceNumber = number + 1
    dataset.ImageOrientationPatient = [f"{value:.8f}" for value in (*column, *row)]
    dataset.ImagePositionPatient = [f"{value:.4f}" for value in corner]
    dataset.PixelSpacing = [pixel_mm, pixel_mm]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.PixelRepresentation = 0
    if contrast == "CT":
        dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
        values = values + 1024
    dataset.PixelData = np.clip(values.round(), 0, 4095).astype("<u2").tobytes()
    dataset["PixelData"].VR = "OW"
    return dataset


def stored(images: list[Dataset]) -> npt.NDArray[Any]:
    return np.stack([image.pixel_array for image in images])


SCANS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "CT axial": ("CT", "axial", {}),
    "CT axial, head on the chest": ("CT", "axial", {"nod_deg": -22}),
    "T1 sagittal": ("T1", "sagittal", {}),
    "T1 coronal, oblique, large": ("T1", "coronal", {"turn_deg": (14, 6, 9), "size": 1.0}),
    "T2 axial, thick, tilted": ("T2", "axial", {"turn_deg": (-18, 0, 4), "step_mm": 5.0}),
    "T2 sagittal, a child's head": ("T2", "sagittal", {"size": 0.8, "nod_deg": 15}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SCANS)
def test_eyes_and_nose_are_gone_and_the_brain_is_whole(name: str) -> None:
    contrast, plane, how = SCANS[name]
    images, labels = scan(contrast, plane, **how)
    before = stored(images)
    headers = [_without_pixels(image) for image in images]

    outcome = remove_face(images)

    assert outcome.reason_to_refuse is None
    assert outcome.changed
    assert outcome.method is not None
    assert outcome.method.value == "113102"
    after = stored(images)
    altered = after != before
    assert not altered[labels == BRAIN].any()
    background = 24 if contrast == "CT" else np.median(before[labels == AIR])
    for face in (EYE, NOSE):
        assert (labels == face).sum() > 100
        # a stored value may by chance be that of the background already
        assert np.abs(after[labels == face].astype(int) - background).max() <= 1
    assert altered.sum() <= outcome.voxels_blanked
    assert [_without_pixels(image) for image in images] == headers


def _without_pixels(image: Dataset) -> Dataset:
    return Dataset({element.tag: element for element in image if element.keyword != "PixelData"})


@pytest.mark.slow
def test_images_that_end_above_the_orbits_are_refused_and_not_altered() -> None:
    images, _ = scan("CT", "axial", lowest_z_mm=8)
    before = stored(images)
    outcome = remove_face(images)
    assert not outcome.changed
    # too little of the head to be sure that nothing of the face is there
    assert outcome.reason_to_refuse
    assert (stored(images) == before).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("a face without a braincase", {"highest_z_mm": -15.0}),
        ("no vertex", {"highest_z_mm": 40.0}),
    ],
)
def test_part_of_a_head_is_refused_and_not_altered(what: str, how: dict[str, Any]) -> None:
    images, _ = scan("T1", "axial", **how)
    before = stored(images)
    outcome = remove_face(images)
    assert outcome.reason_to_refuse, what
    assert outcome.method is None
    assert (stored(images) == before).all()


@pytest.mark.slow
@pytest.mark.parametrize("half_axes_mm", [(75, 95, 85), (60, 60, 130), (100, 100, 100)])
def test_what_is_no_head_is_refused_where_the_header_does_not_say(
    half_axes_mm: tuple[float, float, float],
) -> None:
    outcome = remove_face(_ellipsoid(half_axes_mm))
    assert outcome.reason_to_refuse
    assert not outcome.changed


def _ellipsoid(half_axes_mm: tuple[float, float, float], **changes: object) -> list[Dataset]:
    """A bottle of even contents, scanned by CT: 50 slices, 6 mm apart."""
    a, b, c = half_axes_mm
    y, x = (np.indices((100, 100)) - 49.5) * 4.0
    images = []
    series, study = generate_uid(), generate_uid()
    for n, z in enumerate((np.arange(50) - 24.5) * 6.0):
        values = np.where((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 < 1, 40.0, -1000.0)
        corner = np.array([-198.0, -198.0, z])
        image = _image(values, "CT", corner, np.eye(3)[0], np.eye(3)[1], 4.0, n, series, study)
        for keyword, value in changes.items():
            setattr(image, keyword, value)
        images.append(image)
    return images


def test_a_limb_is_left_as_it_is() -> None:
    images = _ellipsoid((60, 60, 400), BodyPartExamined="KNEE")
    outcome = remove_face(images)
    assert outcome.reason_to_refuse is None
    assert not outcome.changed
    assert outcome.method is None
    assert "KNEE" in outcome.note


def test_a_body_without_a_head_is_left_as_it_is_whatever_the_header_says() -> None:
    outcome = remove_face(_ellipsoid((190, 120, 400)))
    assert (outcome.changed, outcome.reason_to_refuse) == (False, None)
    assert "body" in outcome.note


def test_a_narrow_trunk_is_believed_if_nothing_closes_above_it() -> None:
    outcome = remove_face(_ellipsoid((90, 60, 900), BodyPartExamined="ABDOMEN"))
    assert (outcome.changed, outcome.reason_to_refuse) == (False, None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda images: images[:5], "5 slices"),
        (lambda images: images[:10] + images[14:], "evenly"),
        (
            lambda images: _set(images, 3, "ImageOrientationPatient", [0, 1, 0, 0, 0, -1]),
            "directions",
        ),
        (lambda images: _drop(images, 3, "ImagePositionPatient"), "Image Position"),
        (lambda images: _set(images, 3, "PixelSpacing", [0, 0]), "can't be true"),
        (lambda images: _set(images, 0, "Modality", "PT"), "CT and MR"),
        (lambda images: _set(images, 3, "PixelData", b"12"), "decoded"),
    ],
)
def test_what_makes_no_volume_is_refused(
    change: Callable[[list[Dataset]], list[Dataset]], reason: str
) -> None:
    outcome = remove_face(change(_ellipsoid((75, 95, 85))))
    assert reason in str(outcome.reason_to_refuse)


def _set(images: list[Dataset], n: int, keyword: str, value: object) -> list[Dataset]:
    setattr(images[n], keyword, value)
    return images


def _drop(images: list[Dataset], n: int, keyword: str) -> list[Dataset]:
    delattr(images[n], keyword)
    return images


def test_a_neck_above_shoulders_is_no_head_but_a_long_one_may_be() -> None:
    mask = np.zeros((100, 60, 80), dtype=bool)
    mask[10:90, 20:40, :50] = True  # 320 mm wide
    mask[35:65, 20:40, 50:60] = True  # 40 mm of neck
    assert holds_no_head(mask[:, :, :60], "")
    mask[35:65, 20:40, 60:80] = True
    assert not holds_no_head(mask, "")
    assert not holds_no_head(mask, "trunk") or mask[:, :, -1].any()


def test_arms_beside_a_head_do_not_make_it_a_body() -> None:
    mask = np.zeros((120, 60, 80), dtype=bool)
    mask[10:110, 20:40, :30] = True
    mask[40:80, 10:50, 30:75] = True
    mask[10:30, 20:40, 30:] = mask[90:110, 20:40, 30:] = True
    assert not holds_no_head(mask, "")


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Knee", "limb"),
        ("CHEST", "trunk"),
        ("HEAD", ""),
        ("HEADNECK", ""),
        ("CSPINE", ""),
        ("", ""),
    ],
)
def test_only_parts_far_from_the_head_are_believed(name: str, part: str) -> None:
    dataset = Dataset()
    dataset.BodyPartExamined = name.upper()
    assert named_part(dataset) == part


def _deidentified(images: list[Dataset], folder: Path) -> Report:
    (folder / "in").mkdir()
    paths = []
    for n, image in enumerate(images):
        image.file_meta.MediaStorageSOPClassUID = image.SOPClassUID
        image.file_meta.MediaStorageSOPInstanceUID = image.SOPInstanceUID
        paths.append(folder / "in" / f"{n}.dcm")
        image.save_as(paths[-1], enforce_file_format=True)
    return deidentify_files(paths, folder / "out", options=Options(remove_faces=True))


@pytest.mark.slow
@pytest.mark.parametrize("compressed", [False, True])
def test_whole_files_say_that_the_face_was_removed(tmp_path: Path, compressed: bool) -> None:
    images, labels = scan("CT", "axial", step_mm=5.0)
    before = {image.InstanceNumber: image.pixel_array.copy() for image in images}
    truths = {image.InstanceNumber: truth for image, truth in zip(images, labels, strict=True)}
    if compressed:
        for image in images:
            image.compress(RLELossless, generate_instance_uid=False)
    report = _deidentified(images, tmp_path)
    assert report.refused == []
    assert len(report.files) == len(images)
    for file in report.files:
        assert "113102" in file.methods
        clean = dcmread(file.path)
        truth = truths[clean.InstanceNumber]
        face = (truth == EYE) | (truth == NOSE)
        altered = clean.pixel_array != before[clean.InstanceNumber]
        assert (clean.pixel_array[face] == 24).all()
        assert not altered[truth == BRAIN].any()


@pytest.mark.slow
def test_what_would_show_the_face_again_is_refused(tmp_path: Path) -> None:
    images, _ = scan("CT", "axial", step_mm=5.0)
    capture = deepcopy(images[0])
    capture.SOPClassUID, capture.Modality = SecondaryCaptureImageStorage, "OT"
    capture.SeriesInstanceUID, capture.SOPInstanceUID = generate_uid(), generate_uid()
    contours = Dataset()
    contours.PatientID, contours.StudyInstanceUID = "MRN-7741902", images[0].StudyInstanceUID
    contours.file_meta = FileMetaDataset()
    contours.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    contours.SOPClassUID, contours.Modality = RTStructureSetStorage, "RTSTRUCT"
    contours.SeriesInstanceUID, contours.SOPInstanceUID = generate_uid(), generate_uid()
    observed = Dataset()
    observed.RTROIInterpretedType = "EXTERNAL"
    contours.RTROIObservationsSequence = Sequence([observed])
    report = _deidentified([*images, capture, contours], tmp_path)
    reasons = sorted(refusal.reason for refusal in report.refused)
    assert len(reasons) == 2
    assert "captured picture" in reasons[0]
    assert "outline of the patient" in reasons[1]
    assert len(report.files) == len(images)


@pytest.mark.slow
def test_a_limb_keeps_its_pixels_and_claims_nothing(tmp_path: Path) -> None:
    report = _deidentified(_ellipsoid((60, 60, 400), BodyPartExamined="KNEE"), tmp_path)
    assert report.refused == []
    assert all("113102" not in file.methods for file in report.files)


@pytest.mark.slow
@pytest.mark.skipif(not STUDYFORREST.exists(), reason="the studyforrest T1 is not in the test data")
def test_a_real_head_that_was_defaced_before_keeps_its_brain(tmp_path: Path) -> None:
    with ZipFile(STUDYFORREST) as archive:
        names = [name for name in archive.namelist() if name.endswith(".dcm")]
        images: list[Dataset] = [dcmread(BytesIO(archive.read(name))) for name in names]
    before = stored(images)
    outcome = remove_face(images)
    assert outcome.reason_to_refuse is None
    altered = stored(images) != before
    # the upper part of the brain, and the forehead
    superior_mm = np.array([float(image.ImagePositionPatient[2]) for image in images])
    assert outcome.changed
    assert not altered[superior_mm > superior_mm.max() - 60].any()


@pytest.mark.slow
@pytest.mark.skipif(not COLIN.exists(), reason="Debian's mricron-data (Colin27) is not installed")
@pytest.mark.parametrize("nod_deg", [-20, 0, 20])
def test_a_real_face_is_gone_and_the_brain_is_whole(nod_deg: float) -> None:
    import nibabel

    image: Any = nibabel.load(COLIN)
    stripped: Any = nibabel.load(COLIN.with_name("ch2bet.nii.gz"))
    values = np.asarray(image.dataobj).astype(np.float64)
    brain = np.asarray(stripped.dataobj) > 0
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("x", nod_deg, degrees=True).as_matrix()
    affine = np.diag([-1.0, -1, 1, 1]) @ turn @ image.affine
    images = [
        _image(
            values[n].T,
            "T1",
            (affine @ [n, 0, 0, 1])[:3],
            affine[:3, 1],
            affine[:3, 2],
            1.0,
            n,
            "1.2.3",
            "1.2.4",
        )
        for n in range(values.shape[0])
    ]
    before = stored(images)
    outcome = remove_face(images)
    assert outcome.reason_to_refuse is None
    altered = np.moveaxis(stored(images) != before, 1, 2)
    ras = np.moveaxis(np.indices(values.shape), 0, -1) + image.affine[:3, 3]
    for side in (-33, 33):
        # the globes of Colin27 lie here (seen in the images)
        globe = np.linalg.norm(ras - [side, 63, -37], axis=-1) < 11
        assert altered[globe & (values > 0)].all()
    # the published mask has a block of what is no brain below the chiasm, cut off straight
    below_chiasm = (np.abs(ras[..., 0]) < 20) & (ras[..., 2] < -23) & (ras[..., 1] > -10)
    inner = brain & ~below_chiasm
    assert not altered[inner].any()
