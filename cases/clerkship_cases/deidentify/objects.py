"""Which kinds of objects can be made safe, and why the others can't."""

from pydicom._uid_dict import UID_dictionary

#: Beginnings of the storage classes whose attributes the allow-list covers (PS3.4 Annex B).
_ROOT = "1.2.840.10008.5.1.4.1.1."
_IMAGES = frozenset(
    _ROOT + end
    for end in [
        "1",
        "1.1",
        "1.1.1",
        "1.2",
        "1.2.1",
        "1.3",
        "1.3.1",
        "2",
        "2.1",
        "2.2",
        "3",
        "3.1",
        "4",
        "4.1",
        "4.3",
        "4.4",
        "6",
        "6.1",
        "6.2",
        "7",
        "7.1",
        "7.2",
        "7.3",
        "7.4",
        "12.1",
        "12.1.1",
        "12.2",
        "12.2.1",
        "13.1.1",
        "13.1.2",
        "13.1.3",
        "13.1.4",
        "13.1.5",
        "20",
        "30",
        "77.1.1",
        "128",
        "128.1",
        "130",
    ]
)
_REPORTS = frozenset(
    _ROOT + end
    for end in [
        "88.11",
        "88.22",
        "88.33",
        "88.34",
        "88.35",
        "88.50",
        "88.59",
        "88.65",
        "88.67",
        "88.68",
        "88.69",
        "88.76",
    ]
)
_STRUCTURES = frozenset(
    _ROOT + end
    for end in [
        "66.1",
        "66.3",
        "66.4",
        "66.5",
        "66.7",
        "481.2",
        "481.3",
        "11.1",
        "11.2",
        "11.3",
        "11.4",
        "11.8",
    ]
)
_REASONS = {
    _ROOT + "104.1": "it is a PDF document, and text in a document can't be made safe",
    _ROOT + "104.2": "it is a CDA document, and text in a document can't be made safe",
    _ROOT + "104.3": "it is a 3D print file with a file of another kind inside",
    _ROOT + "66": "it is raw data in a form that only its maker knows",
    _ROOT + "4.2": "it is spectroscopy, which is raw data rather than an image",
    _ROOT + "77.1.1.1": "it is a video, and text or a face in a video can't be searched for here",
    _ROOT + "77.1.2.1": "it is a video, and text or a face in a video can't be searched for here",
    _ROOT + "77.1.4.1": "it is a video, and text or a face in a video can't be searched for here",
    _ROOT + "77.1.4": "it is a photograph, which may show a person",
    "1.2.840.10008.1.3.10": "it is a DICOMDIR, a list of files with the patient's name in it",
}
#: Uncompressed syntaxes, and the compressed ones for still images (PS3.5 Annex A).
_UNCOMPRESSED = frozenset(f"1.2.840.10008.1.2{end}" for end in ("", ".1", ".2", ".1.99"))
_COMPRESSED = frozenset(
    f"1.2.840.10008.1.2.{end}"
    for end in (
        [
            "4.50",
            "4.51",
            "4.57",
            "4.70",
            "4.80",
            "4.81",
            "4.90",
            "4.91",
            "4.110",
            "4.111",
            "4.112",
            "4.201",
            "4.202",
            "4.203",
            "5",
        ]
    )
)


def reason_to_refuse_object(sop_class_uid: str, transfer_syntax_uid: str) -> str | None:
    """Say why an object can't be de-identified, or None when it can.

    Parameters
    ----------
    sop_class_uid : str
        What the object is, (0008,0016).
    transfer_syntax_uid : str
        How it is encoded, (0002,0010).
    """
    if not sop_class_uid:
        return "it does not say what it is: (0008,0016) SOP Class UID is missing"
    if sop_class_uid in _REASONS:
        return _REASONS[sop_class_uid]
    if sop_class_uid not in _IMAGES | _REPORTS | _STRUCTURES:
        if sop_class_uid not in UID_dictionary:
            return (
                "it is of a kind that only its maker knows: (0008,0016) is no UID of the standard"
            )
        name = UID_dictionary[sop_class_uid][0]
        return f"it is a kind of object that is not handled yet ({name})"
    if transfer_syntax_uid not in _UNCOMPRESSED | _COMPRESSED:
        name = UID_dictionary.get(transfer_syntax_uid, ("a private encoding",))[0]
        return f"its pixels are encoded in a way that can't be examined ({name})"
    return None


def is_image(sop_class_uid: str) -> bool:
    """Whether the class holds pixels of a patient."""
    return sop_class_uid in _IMAGES


def is_report(sop_class_uid: str) -> bool:
    """Whether the class is a structured report."""
    return sop_class_uid in _REPORTS


def is_compressed(transfer_syntax_uid: str) -> bool:
    """Whether pixels are stored as compressed streams."""
    return transfer_syntax_uid in _COMPRESSED
