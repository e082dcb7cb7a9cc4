"""Objects that are no images: segmentations, reports, structures, presentation states, documents."""

from __future__ import annotations

from deidentify.carriers import empty, real
from deidentify.planted_headers import identity
from deidentify.planting import Planter
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    BasicTextSRStorage,
    ComprehensiveSRStorage,
    CTImageStorage,
    EncapsulatedPDFStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    RTStructureSetStorage,
)


def code(value: str, scheme: str, meaning: str) -> Sequence:
    """Return a coded concept."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def segmentation(p: Planter) -> Dataset:
    """Return a real segmentation of a liver, drawn by somebody."""
    dataset = real("liver_1frame.dcm")
    identity(dataset, p)
    dataset.ContentCreatorName = p.person("ContentCreatorName")
    dataset.ContentDescription = p.word("ContentDescription", "text")
    segment = dataset.SegmentSequence[0]
    segment.SegmentDescription = f"Liver of {p.word('SegmentDescription', 'nested')}"
    segment.SegmentAlgorithmName = f"Tool {p.word('SegmentAlgorithmName', 'nested')}"
    segment.TrackingUID = p.uid("TrackingUID")
    p.keep(
        dataset,
        "Modality",
        "Rows",
        "Columns",
        "SegmentationType",
        "SegmentSequence[0].SegmentNumber",
        "SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0].CodeValue",
        "SegmentSequence[0].SegmentedPropertyCategoryCodeSequence[0].CodeValue",
        "SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing",
    )
    p.keep(dataset, "SegmentSequence[0].SegmentLabel", action="text_retained")
    return dataset


def _item(kind: str, name: Sequence | None, **values: object) -> Dataset:
    item = Dataset()
    item.RelationshipType = "CONTAINS"
    item.ValueType = kind
    if name is not None:
        item.ConceptNameCodeSequence = name
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def measured_report(p: Planter) -> Dataset:
    """Return a report with a measurement that teaching needs, and prose that names people."""
    dataset = empty(ComprehensiveSRStorage, "SR")
    identity(dataset, p)
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = code("126000", "DCM", "Imaging Measurement Report")
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "VERIFIED"
    observer = Dataset()
    observer.VerifyingObserverName = p.person("VerifyingObserverName", "report")
    observer.VerifyingOrganization = p.word("VerifyingOrganization", "report")
    observer.VerificationDateTime = p.day("VerificationDateTime") + "120000"
    dataset.VerifyingObserverSequence = Sequence([observer])
    measured = Dataset()
    measured.NumericValue = "23.5"
    measured.MeasurementUnitsCodeSequence = code("mm", "UCUM", "millimeter")
    number = _item(
        "NUM", code("410668003", "SCT", "Length"), MeasuredValueSequence=Sequence([measured])
    )
    number.ContentSequence = Sequence(
        [
            _item(
                "TEXT",
                code("121106", "DCM", "Comment"),
                TextValue=f"by {p.word('text below NUM', 'report')}",
            )
        ]
    )
    dataset.ContentSequence = Sequence(
        [
            _item(
                "PNAME",
                code("121008", "DCM", "Person Observer Name"),
                PersonName=p.person("PNAME", "report"),
            ),
            _item(
                "TEXT",
                code("121071", "DCM", "Finding"),
                TextValue=f"Mr {p.word('TEXT', 'report')} has a nodule",
            ),
            _item(
                "UIDREF", code("121018", "DCM", "Procedure Study Instance UID"), UID=p.uid("UIDREF")
            ),
            _item("DATE", code("111060", "DCM", "Study Date"), Date=p.day("DATE content item")),
            number,
        ]
    )
    p.keep(
        dataset,
        "Modality",
        "ContentSequence[4].MeasuredValueSequence[0].NumericValue",
        action="tag_retained",
    )
    p.key.kept.pop()  # its place may move when other items go: found by `same_number` instead
    p.keep(dataset, "ContentSequence", agrees=same_number)
    return dataset


def same_number(_expected: object, found: object) -> bool:
    """Whether the report still holds its measurement with its unit."""
    for item in found or ():  # type: ignore[attr-defined]
        for value in item.get("MeasuredValueSequence") or ():
            if float(value.NumericValue) == 23.5:
                return bool(value.MeasurementUnitsCodeSequence[0].CodeValue == "mm")
        if same_number(None, item.get("ContentSequence")):
            return True
    return False


def prose_report(p: Planter) -> Dataset:
    """Return a report that is prose only: without its text nothing is left."""
    dataset = empty(BasicTextSRStorage, "SR")
    identity(dataset, p)
    dataset.ValueType, dataset.ContinuityOfContent = "CONTAINER", "SEPARATE"
    dataset.ConceptNameCodeSequence = code("18748-4", "LN", "Diagnostic Imaging Report")
    dataset.CompletionFlag, dataset.VerificationFlag = "COMPLETE", "UNVERIFIED"
    text = (
        f"Dear Dr {p.word('prose', 'report')}, thank you for sending {p.word('prose', 'report')}."
    )
    dataset.ContentSequence = Sequence(
        [_item("TEXT", code("121071", "DCM", "Finding"), TextValue=text)]
    )
    p.key.may_be_refused.add(p.file)
    return dataset


def structures(p: Planter) -> Dataset:
    """Return contours of two organs."""
    dataset = empty(RTStructureSetStorage, "RTSTRUCT")
    identity(dataset, p)
    dataset.StructureSetLabel = p.word("StructureSetLabel", "text")[:16]
    dataset.StructureSetName = p.word("StructureSetName", "text")
    dataset.StructureSetDate = dataset.StudyDate
    frame = Dataset()
    frame.FrameOfReferenceUID = p.uid("ReferencedFrameOfReferenceSequence")
    dataset.ReferencedFrameOfReferenceSequence = Sequence([frame])
    rois, contours, observations = [], [], []
    for number, name in enumerate(("Liver", f"Liver {p.word('ROIName', 'nested')}"), start=1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName = number, name
        roi.ReferencedFrameOfReferenceUID = frame.FrameOfReferenceUID
        roi.ROIGenerationAlgorithm = "MANUAL"
        roi.ROIDescription = p.word("ROIDescription", "nested")
        rois.append(roi)
        contour = Dataset()
        contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", 3
        contour.ContourData = [0, 0, 10, 20.5, 0, 10, 0, 30.25, 10]
        drawn = Dataset()
        drawn.ReferencedROINumber, drawn.ROIDisplayColor = number, [255, 0, 0]
        drawn.ContourSequence = Sequence([contour])
        contours.append(drawn)
        seen = Dataset()
        seen.ObservationNumber = seen.ReferencedROINumber = number
        seen.RTROIInterpretedType = "ORGAN"
        seen.ROIInterpreter = p.person("ROIInterpreter", "nested")
        seen.ROIObservationLabel = p.word("ROIObservationLabel", "nested")[:16]
        observations.append(seen)
    dataset.StructureSetROISequence = Sequence(rois)
    dataset.ROIContourSequence = Sequence(contours)
    dataset.RTROIObservationsSequence = Sequence(observations)
    p.keep(
        dataset,
        "Modality",
        "ROIContourSequence[0].ContourSequence[0].ContourData",
        "ROIContourSequence[1].ContourSequence[0].ContourData",
        "ROIContourSequence[0].ContourSequence[0].ContourGeometricType",
        "StructureSetROISequence[0].ROINumber",
        "RTROIObservationsSequence[0].RTROIInterpretedType",
    )
    p.keep(dataset, "StructureSetROISequence[0].ROIName", action="text_retained")
    return dataset


def presentation(p: Planter) -> Dataset:
    """Return a presentation state whose arrows are labelled with names."""
    dataset = empty(GrayscaleSoftcopyPresentationStateStorage, "PR")
    identity(dataset, p)
    dataset.ContentLabel, dataset.ContentDescription = (
        "ARROWS",
        p.word("ContentDescription", "text"),
    )
    dataset.ContentCreatorName = p.person("ContentCreatorName")
    dataset.PresentationCreationDate, dataset.PresentationCreationTime = dataset.StudyDate, "101500"
    series, reference = Dataset(), Dataset()
    reference.ReferencedSOPClassUID = CTImageStorage
    reference.ReferencedSOPInstanceUID = p.uid("ReferencedImageSequence")
    series.SeriesInstanceUID = p.uid("ReferencedSeriesSequence")
    series.ReferencedImageSequence = Sequence([reference])
    dataset.ReferencedSeriesSequence = Sequence([series])
    text, shape, layer, annotation = Dataset(), Dataset(), Dataset(), Dataset()
    text.UnformattedTextValue = f"{p.word('UnformattedTextValue', 'nested')} 12 mm"
    text.AnchorPointAnnotationUnits, text.AnchorPoint = "PIXEL", [10, 10]
    text.AnchorPointVisibility = "Y"
    shape.GraphicAnnotationUnits, shape.GraphicDimensions = "PIXEL", 2
    shape.NumberOfGraphicPoints, shape.GraphicData = 2, [10, 10, 60.5, 42]
    shape.GraphicType, shape.GraphicFilled = "POLYLINE", "N"
    annotation.GraphicLayer = layer.GraphicLayer = "LAYER1"
    layer.GraphicLayerOrder, layer.GraphicLayerDescription = (
        1,
        p.word("GraphicLayerDescription", "nested"),
    )
    annotation.TextObjectSequence = Sequence([text])
    annotation.GraphicObjectSequence = Sequence([shape])
    dataset.GraphicAnnotationSequence = Sequence([annotation])
    dataset.GraphicLayerSequence = Sequence([layer])
    area = Dataset()
    area.DisplayedAreaTopLeftHandCorner, area.DisplayedAreaBottomRightHandCorner = (
        [1, 1],
        [512, 512],
    )
    area.PresentationSizeMode = "SCALE TO FIT"
    dataset.DisplayedAreaSelectionSequence = Sequence([area])
    p.keep(
        dataset,
        "Modality",
        "GraphicAnnotationSequence[0].GraphicObjectSequence[0].GraphicData",
        "DisplayedAreaSelectionSequence[0].DisplayedAreaBottomRightHandCorner",
    )
    return dataset


def document(p: Planter) -> Dataset:
    """Return a PDF in which the patient is named."""
    dataset = empty(EncapsulatedPDFStorage, "DOC")
    identity(dataset, p)
    dataset.DocumentTitle = p.word("DocumentTitle", "text")
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    text = f"BT /F1 12 Tf 72 700 Td (Report on {p.word('PDF text', 'document')}) Tj ET"
    pdf = f"%PDF-1.4\n1 0 obj<</Length {len(text)}>>stream\n{text}\nendstream endobj\n%%EOF\n".encode()
    dataset.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    p.key.may_be_refused.add(p.file)
    return dataset
