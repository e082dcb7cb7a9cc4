"""Files whose pixels carry identity, and what hides beside pixels: overlays, icons, spare bits, padding."""

from __future__ import annotations

import numpy as np
from deidentify.carriers import body, image, real, set_pixels
from deidentify.planted_headers import CT, GEOMETRY, MR, PIXELS, identity
from deidentify.planting import Planter, lettering
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    JPEGBaseline8Bit,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundMultiFrameImageStorage,
    XRayRadiofluoroscopicImageStorage,
)

SHAPE = ("Modality", "Rows", "Columns", "BitsStored", "PhotometricInterpretation")


def ultrasound(p: Planter) -> Dataset:
    """Return a real ultrasound screen with a name, a number and a day more on it."""
    dataset = real("US1_UNCR.dcm")
    values = dataset.pixel_array[None].copy()
    p.paint(values, p.forge.word(), at=(10, 20), height=14, shade=(255, 255, 255))
    p.paint(values, f"MRN {p.forge.number()}", at=(440, 20), height=12, shade=(255, 255, 0))
    p.paint(values, "12 Mar 1953", at=(300, 420), height=16, shade=(255, 255, 255))
    set_pixels(dataset, values)
    identity(dataset, p)
    p.keep(dataset, *SHAPE)
    p.key.areas[p.file] = [(0, 264, 330, 60, 390)]
    return dataset


def ultrasound_palette(p: Planter) -> Dataset:
    """Return a real ultrasound in palette colour, with a name among its indices."""
    dataset = real("OBXXXX1A.dcm")
    values = dataset.pixel_array[None].copy()
    p.paint(values, p.forge.word(), at=(560, 300), height=20, shade=int(values.max()))
    dataset.PixelData = values.tobytes()
    identity(dataset, p)
    p.keep(dataset, *SHAPE)
    p.key.areas[p.file] = [(0, 60, 100, 380, 460)]
    return dataset


def ultrasound_film(p: Planter) -> Dataset:
    """Return a film: a name that stays, a number that shows on two frames only."""
    noise = np.random.default_rng(5)
    values = np.zeros((12, 240, 320, 3), dtype=np.uint8)
    sector = body(240, 320, 10, 190, seed=6)
    for frame in range(12):
        moved = np.roll(sector, 2 * frame, axis=0) + noise.normal(0, 6, sector.shape)
        values[frame] = np.clip(moved, 0, 255).astype(np.uint8)[..., None]
    p.paint(
        values, p.forge.word(), at=(6, 8), height=14, shade=(250, 250, 250), frames=tuple(range(12))
    )
    p.paint(values, p.forge.number(), at=(215, 190), height=13, shade=(0, 255, 255), frames=(6, 7))
    dataset = image(UltrasoundMultiFrameImageStorage, "US", values)
    identity(dataset, p)
    p.keep(dataset, *SHAPE, "NumberOfFrames")
    p.key.areas[p.file] = [(frame, 100, 150, 100, 220) for frame in (0, 6, 11)]
    return dataset


def hand(p: Planter) -> Dataset:
    """Return a real radiograph, inverse grey scale, with a name and its lead letter R."""
    dataset = real("RG3_UNCR.dcm")
    values = dataset.pixel_array[None].copy()
    low, high = int(values.min()), int(values.max())
    p.paint(
        values,
        f"{p.forge.word()} {p.forge.word()}",
        at=(40, 60),
        height=22,
        shade=(low + high) // 2,
    )
    p.paint(values, p.forge.number(), at=(1700, 1300), height=12, shade=low)
    p.paint(values, p.forge.word(), at=(600, 1600), height=40, shade=high, turns=1)
    dataset.PixelData = values.tobytes()
    identity(dataset, p)
    p.keep(dataset, *SHAPE)
    # the lead letter, which is seen from behind
    p.key.areas[p.file] = [(0, 1370, 1500, 1130, 1240), (0, 700, 1000, 700, 1000)]
    return dataset


def chest(p: Planter) -> Dataset:
    """Return a 12-bit radiograph with large letters, and a name on its side."""
    values = body(1024, 1200, 100, 3800).astype(np.uint16)[None]
    p.paint(values, p.forge.word(), at=(300, 40), height=36, shade=4095, turns=1)
    p.paint(values, p.forge.word(), at=(860, 700), height=90, shade=4095)
    dataset = image(
        DigitalXRayImageStorageForPresentation,
        "DX",
        values,
        BitsStored=12,
        HighBit=11,
        BodyPartExamined="CHEST",
        ViewPosition="PA",
        PixelSpacing=[0.3, 0.3],
        ImageType=["DERIVED", "PRIMARY"],
        WindowCenter=2000,
        WindowWidth=4000,
    )
    identity(dataset, p)
    p.keep(
        dataset,
        *SHAPE,
        "BodyPartExamined",
        "ViewPosition",
        "PixelSpacing",
        "WindowCenter",
        "ImageType",
    )
    p.key.areas[p.file] = [(0, 400, 600, 500, 700)]
    return dataset


def mammogram(p: Planter) -> Dataset:
    """Return a mammogram: its view mark stays, the name beside it goes."""
    values = body(1200, 900, 20, 3000, seed=3).astype(np.uint16)[None]
    mark = lettering("RMLO", 44)
    values[0, 60 : 60 + mark.shape[0], 700 : 700 + mark.shape[1]][mark] = 4000
    p.paint(values, p.forge.word(), at=(1120, 600), height=24, shade=4000)
    dataset = image(
        DigitalMammographyXRayImageStorageForPresentation,
        "MG",
        values,
        BitsStored=12,
        HighBit=11,
        BodyPartExamined="BREAST",
        ViewPosition="MLO",
        ImageLaterality="R",
        ImagerPixelSpacing=[0.1, 0.1],
        PatientAge="058Y",
    )
    identity(dataset, p)
    p.keep(
        dataset, *SHAPE, "BodyPartExamined", "ViewPosition", "ImageLaterality", "ImagerPixelSpacing"
    )
    p.key.areas[p.file] = [(0, 55, 60 + mark.shape[0] + 5, 695, 700 + mark.shape[1] + 5)]
    return dataset


def radiograph_dark_text(p: Planter) -> Dataset:
    """Return an eight-bit radiograph with black letters on white."""
    values = (255 - body(700, 800, 0, 200, seed=8)).astype(np.uint8)[None]
    p.paint(values, f"{p.forge.word()}, {p.forge.word()}", at=(20, 30), height=15, shade=0)
    p.paint(values, p.forge.number(), at=(660, 520), height=18, shade=10, turns=2)
    dataset = image(
        ComputedRadiographyImageStorage,
        "CR",
        values,
        PhotometricInterpretation="MONOCHROME1",
        BodyPartExamined="KNEE",
        ViewPosition="AP",
        Laterality="L",
    )
    identity(dataset, p)
    p.keep(dataset, *SHAPE, "BodyPartExamined", "ViewPosition", "Laterality")
    p.key.areas[p.file] = [(0, 200, 500, 200, 600)]
    return dataset


def screen(p: Planter) -> Dataset:
    """Return a captured screen: a picture with a patient bar above it."""
    values = np.full((1, 480, 640, 3), 40, dtype=np.uint8)
    values[0, 60:460, 40:600] = body(400, 560, 0, 255, seed=9).astype(np.uint8)[..., None]
    for row, text in ((8, p.forge.word()), (28, p.forge.number())):
        p.paint(values, text, at=(row, 12), height=14, shade=(255, 255, 255))
    p.paint(values, p.forge.word(), at=(430, 360), height=18, shade=(255, 220, 90))
    dataset = image(
        SecondaryCaptureImageStorage,
        "OT",
        values,
        ConversionType="WSD",
        ImageType=["DERIVED", "SECONDARY", "SCREEN SAVE"],
    )
    identity(dataset, p)
    dataset.SecondaryCaptureDeviceID = p.number("SecondaryCaptureDeviceID")
    p.keep(dataset, *SHAPE, "ConversionType")
    p.key.areas[p.file] = [(0, 120, 360, 100, 560)]
    return dataset


def fluoroscopy(p: Planter) -> Dataset:
    """Return a fluoroscopic run with a name on every frame."""
    picture = body(512, 512, 10, 900, seed=12)
    values = np.stack([np.roll(picture, 3 * frame, axis=1) for frame in range(4)]).astype(np.uint16)
    p.paint(values, p.forge.word(), at=(490, 20), height=13, shade=1023, frames=(0, 1, 2, 3))
    dataset = image(
        XRayRadiofluoroscopicImageStorage,
        "RF",
        values,
        BitsStored=10,
        HighBit=9,
        KVP="80",
        NumberOfFrames=4,
    )
    identity(dataset, p)
    p.keep(dataset, *SHAPE, "NumberOfFrames", "KVP")
    p.key.areas[p.file] = [(frame, 100, 400, 100, 400) for frame in range(4)]
    return dataset


def burned_ct(p: Planter) -> Dataset:
    """Return a real CT slice, of the ordinary class, on which a workstation has written."""
    dataset = real("693_UNCI.dcm")
    values = dataset.pixel_array[None].copy()
    greatest = int(values.max())
    p.paint(values, p.forge.word(), at=(12, 10), height=14, shade=greatest)
    p.paint(values, p.forge.number(), at=(250, 220), height=16, shade=greatest)
    dataset.PixelData = values.tobytes()
    identity(dataset, p)
    p.keep(dataset, *CT, *GEOMETRY, *PIXELS)
    p.key.areas[p.file] = [(0, 300, 400, 200, 350)]
    return dataset


def pet(p: Planter) -> Dataset:
    """Return a PET slice, whose uptake values need the tracer's times and dose."""
    values = body(128, 128, 0, 12000, seed=4).astype(np.uint16)[None]
    tracer = Dataset()
    tracer.RadionuclideTotalDose, tracer.RadionuclideHalfLife = "370000000", "6586.2"
    tracer.RadiopharmaceuticalStartTime = "093000"
    tracer.Radiopharmaceutical = f"FDG {p.word('Radiopharmaceutical', 'nested')}"
    tracer.RadiopharmaceuticalStartDateTime = p.day("RadiopharmaceuticalStartDateTime") + "093000"
    dataset = image(
        PositronEmissionTomographyImageStorage,
        "PT",
        values,
        PixelSpacing=[4, 4],
        SliceThickness="3.27",
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ImagePositionPatient=[-256, -256, 40],
        RescaleSlope="0.5",
        RescaleIntercept="0",
        Units="BQML",
        DecayCorrection="START",
        CorrectedImage=["DECY", "ATTN"],
        SeriesTime="103000",
        PatientWeight="71.5",
        PatientSize="1.74",
    )
    dataset.RadiopharmaceuticalInformationSequence = Sequence([tracer])
    identity(dataset, p)
    p.keep(
        dataset,
        "Modality",
        *GEOMETRY,
        "RescaleSlope",
        "Units",
        "DecayCorrection",
        "CorrectedImage",
        "PatientWeight",
        "RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose",
        "RadiopharmaceuticalInformationSequence[0].RadionuclideHalfLife",
    )
    return dataset


def bone_scan(p: Planter) -> Dataset:
    """Return a scintigram with a name at its foot."""
    values = body(512, 256, 0, 500, seed=7).astype(np.uint16)[None]
    p.paint(values, p.forge.word(), at=(490, 30), height=13, shade=600)
    dataset = image(
        NuclearMedicineImageStorage,
        "NM",
        values,
        PixelSpacing=[2, 2],
        ImageType=["ORIGINAL", "PRIMARY", "WHOLE BODY", "EMISSION"],
        NumberOfFrames=1,
    )
    identity(dataset, p)
    p.keep(dataset, *SHAPE, "PixelSpacing", "ImageType")
    p.key.areas[p.file] = [(0, 100, 400, 60, 200)]
    return dataset


def overlay_mr(p: Planter) -> Dataset:
    """Return a real MR with an overlay on which a name is drawn, and one that names itself."""
    dataset = real("MR-SIEMENS-DICOM-WithOverlays.dcm")
    identity(dataset, p)
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    plane = np.zeros((rows, columns), dtype=bool)
    text = p.forge.word()
    letters = lettering(text, 30)
    plane[20 : 20 + letters.shape[0], 20 : 20 + letters.shape[1]] = letters
    packed = np.packbits(plane.ravel(), bitorder="little").tobytes()
    p.text(f"overlay plane of {text}", "OverlayData", "overlay")
    p.key.tokens[-1] = type(p.key.tokens[-1])(
        p.file, "OverlayData", "overlay", text, (packed[:2000],)
    )
    for element, vr, value in (
        (0x0010, "US", rows),
        (0x0011, "US", columns),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
        (0x3000, "OW", packed),
        (0x0022, "LO", p.word("OverlayDescription", "overlay")),
        (0x1500, "LO", p.word("OverlayLabel", "overlay")),
        (0x4000, "LT", p.word("OverlayComments", "overlay")),
    ):
        dataset.add_new((0x6002 << 16) + element, vr, value)
    p.keep(dataset, *MR, *GEOMETRY)
    return dataset


def spare_bits_ct(p: Planter) -> Dataset:
    """Return a CT whose four spare bits hold a drawn name, as overlays once did."""
    values = body(256, 256, 0, 4000, seed=13).astype(np.uint16)[None]
    clean = values.copy()
    letters = lettering(p.forge.word(), 24)
    marked = values[0, 30 : 30 + letters.shape[0], 30 : 30 + letters.shape[1]]
    marked[letters] |= 0x1000
    token = p.text("bits 12 to 15 of the pixels", "pixels, spare bits", "pixels")
    row = values[0, 40].tobytes()
    p.key.tokens[-1] = type(p.key.tokens[-1])(p.file, token, "pixels", token, (row,))
    dataset = image(
        CTImageStorage,
        "CT",
        values,
        BitsStored=12,
        HighBit=11,
        PixelSpacing=[1, 1],
        KVP="120",
        SliceThickness="2",
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        ImagePositionPatient=[0, 0, 0],
        RescaleIntercept="-1024",
        RescaleSlope="1",
    )
    assert not np.array_equal(clean, values)
    for element, vr, value in (
        (0x0010, "US", 256),
        (0x0011, "US", 256),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", 16),
        (0x0102, "US", 12),
    ):
        dataset.add_new((0x6000 << 16) + element, vr, value)
    identity(dataset, p)
    p.keep(dataset, *CT, *GEOMETRY)
    return dataset


def icon_ct(p: Planter) -> Dataset:
    """Return a CT with a thumbnail on which the name can be read, and one within a reference."""
    dataset = real("CT_small.dcm")
    identity(dataset, p)
    picture = np.zeros((64, 128), dtype=np.uint8)
    text = p.forge.word()
    letters = lettering(text, 16)
    picture[20 : 20 + letters.shape[0], 4 : 4 + letters.shape[1]][letters[:, :124]] = 255
    needle = picture[20 : 20 + letters.shape[0]].tobytes()
    p.text(text, "IconImageSequence", "icon")
    p.key.tokens[-1] = type(p.key.tokens[-1])(p.file, "IconImageSequence", "icon", text, (needle,))
    icon = image(CTImageStorage, "CT", picture[None])
    del icon.file_meta, icon.SOPClassUID, icon.Modality, icon.PatientSex
    icon.ImageComments = p.word("IconImageSequence > ImageComments", "icon")
    dataset.IconImageSequence = Sequence([icon])
    p.keep(dataset, *CT, *GEOMETRY, *PIXELS)
    return dataset


def curve_mr(p: Planter) -> Dataset:
    """Return an MR with a curve of the retired group 50xx that names the patient."""
    dataset = real("MR_small.dcm")
    identity(dataset, p)
    dataset.add_new(0x50000005, "US", 1)
    dataset.add_new(0x50000022, "LO", p.word("CurveDescription", "curve"))
    dataset.add_new(0x50002500, "LO", p.word("CurveLabel", "curve"))
    dataset.add_new(0x50003000, "OB", p.word("CurveData", "curve").encode())
    p.keep(dataset, *MR, *GEOMETRY)
    return dataset


def padded_ct(p: Planter) -> Dataset:
    """Return a CT with names behind its pixels, in padding and in a group length's place."""
    dataset = real("CT_small.dcm")
    identity(dataset, p)
    behind = p.word("behind the last pixel", "padding").encode()
    dataset.PixelData = dataset.PixelData + behind + b"\0" * (len(behind) % 2)
    padding = b"\0" * 10 + p.word("DataSetTrailingPadding", "padding").encode()
    dataset.add_new(0xFFFCFFFC, "OB", padding + b"\0" * (len(padding) % 2))
    dataset.add_new(0x00090000, "UL", 1234)
    dataset.file_meta.SourceApplicationEntityTitle = p.word("SourceApplicationEntityTitle", "meta")
    dataset.file_meta.SendingApplicationEntityTitle = p.word(
        "SendingApplicationEntityTitle", "meta"
    )
    dataset.file_meta.ImplementationVersionName = p.word("ImplementationVersionName", "meta")[:16]
    dataset.file_meta.PrivateInformationCreatorUID = p.uid("PrivateInformationCreatorUID")
    dataset.file_meta.PrivateInformation = p.word("PrivateInformation", "meta").encode() + b"\0"
    dataset.preamble = p.word("preamble", "meta").encode().ljust(128, b"\0")
    p.keep(dataset, *CT, *GEOMETRY, *PIXELS)
    return dataset


def jpeg_with_comment(p: Planter) -> Dataset:
    """Return a photograph-like capture in JPEG whose stream bears a comment and camera data."""
    import io

    from PIL import Image

    picture = np.repeat(body(240, 320, 0, 220, seed=15).astype(np.uint8)[..., None], 3, axis=-1)
    stream = io.BytesIO()
    Image.fromarray(picture).save(
        stream,
        "JPEG",
        quality=92,
        subsampling=0,
        comment=p.word("JPEG comment", "padding").encode(),
    )
    segment = b"Exif\0\0" + p.word("JPEG application data", "padding").encode()
    data = stream.getvalue()
    data = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]
    dataset = image(SecondaryCaptureImageStorage, "OT", picture[None], ConversionType="DF")
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PhotometricInterpretation = "YBR_FULL"
    dataset.LossyImageCompression = "01"
    dataset.PixelData = encapsulate([data])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    identity(dataset, p)
    p.keep(dataset, "Modality", "Rows", "Columns", "ConversionType", "LossyImageCompression")
    return dataset


def compressed_mr(p: Planter) -> Dataset:
    """Return an enhanced MR in JPEG-LS, with names in its functional groups."""
    dataset = real("emri_small_jpeg_ls_lossless.dcm")
    identity(dataset, p)
    enhanced(dataset, p)
    return dataset


def enhanced_mr(p: Planter) -> Dataset:
    """Return an enhanced MR with names in its functional groups."""
    dataset = real("emri_small.dcm")
    identity(dataset, p)
    enhanced(dataset, p)
    return dataset


def enhanced(dataset: Dataset, p: Planter) -> None:
    """Plant in functional groups, where many programs do not look."""
    shared, frames = _functional_groups(int(dataset.NumberOfFrames))
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    dataset.PerFrameFunctionalGroupsSequence = Sequence(frames)
    content = frames[0].FrameContentSequence[0]
    content.FrameComments = p.word("FrameComments", "nested")
    content.FrameLabel = p.word("FrameLabel", "nested")
    content.FrameAcquisitionDateTime = p.day("FrameAcquisitionDateTime") + "101010"
    reference = Dataset()
    reference.ReferencedSOPClassUID = dataset.SOPClassUID
    reference.ReferencedSOPInstanceUID = p.uid("functional group reference")
    shared.ReferencedImageSequence = Sequence([reference])
    p.keep(dataset, "Modality", "Rows", "Columns", "NumberOfFrames")
    p.keep(
        dataset,
        "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing",
        "SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient",
        "PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0].ImagePositionPatient",
        "PerFrameFunctionalGroupsSequence[9].PlanePositionSequence[0].ImagePositionPatient",
        "PerFrameFunctionalGroupsSequence[9].FrameContentSequence[0].InStackPositionNumber",
    )


def _functional_groups(count: int) -> tuple[Dataset, list[Dataset]]:
    """Return the geometry of a stack: what its frames share, and what each has of its own."""
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = [3.5, 3.5], "5"
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence = Sequence([measures])
    shared.PlaneOrientationSequence = Sequence([orientation])
    frames = []
    for number in range(count):
        frame, content, position = Dataset(), Dataset(), Dataset()
        content.StackID, content.InStackPositionNumber = "1", number + 1
        position.ImagePositionPatient = [-112, -112, 5.0 * number]
        frame.FrameContentSequence = Sequence([content])
        frame.PlanePositionSequence = Sequence([position])
        frames.append(frame)
    return shared, frames
