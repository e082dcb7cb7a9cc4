"""The planted set: files of fifteen modalities with known identifiers in every place we could think of.

python planted.py FOLDER        writes the files there, and counts what was planted
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from deidentify import planted_headers as headers
from deidentify import planted_objects as objects
from deidentify import planted_pictures as pictures
from deidentify.answers import AnswerKey
from deidentify.planting import Planter
from deidentify.tokens import Forge
from pydicom import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian

SCRIPTS = {
    "mr-utf8": ("ISO_IR 192", "utf-8", "Ковальчук^Оксана", "родом з Борисполя"),
    "mr-japanese": (["", "ISO 2022 IR 87"], "iso2022_jp", "黒柳^節子", "霧島温泉病院"),
    "mr-korean": (["", "ISO 2022 IR 149"], "euc_kr", "황보^슬기", "달서구에서"),
    "mr-greek": ("ISO_IR 126", "iso8859-7", "Παπαδιαμάντη^Ελπίδα", "Καλλιθέα"),
    "mr-latin1": ("ISO_IR 100", "latin-1", "Grünwaldmüller^Zoë", "Straße in Überlingen"),
}
"""file -> character set (PS3.3 C.12.1.1.2), Python's name for it, a person, a comment."""

PLAIN: dict[str, Callable[[Planter], Dataset]] = {
    "ct-private": headers.private_ct,
    "ct-nested": headers.nested_ct,
    "ct-burned-in": pictures.burned_ct,
    "ct-spare-bits": pictures.spare_bits_ct,
    "ct-icon": pictures.icon_ct,
    "ct-padding-and-meta": pictures.padded_ct,
    "mr-free-text": headers.free_text_mr,
    "mr-copies": headers.copies_mr,
    "mr-implicit": headers.implicit_mr,
    "mr-big-endian": headers.big_endian_mr,
    "mr-overlay": pictures.overlay_mr,
    "mr-curve": pictures.curve_mr,
    "mr-enhanced": pictures.enhanced_mr,
    "mr-enhanced-jpeg-ls": pictures.compressed_mr,
    "pt-slice": pictures.pet,
    "nm-bone-scan": pictures.bone_scan,
    "us-screen": pictures.ultrasound,
    "us-palette": pictures.ultrasound_palette,
    "us-film": pictures.ultrasound_film,
    "cr-leg": pictures.hand,
    "cr-dark-letters": pictures.radiograph_dark_text,
    "dx-chest": pictures.chest,
    "mg-mlo": pictures.mammogram,
    "rf-run": pictures.fluoroscopy,
    "ot-screen": pictures.screen,
    "ot-jpeg": pictures.jpeg_with_comment,
    "seg-liver": objects.segmentation,
    "sr-measured": objects.measured_report,
    "sr-prose": objects.prose_report,
    "rtstruct": objects.structures,
    "pr-arrows": objects.presentation,
    "doc-pdf": objects.document,
}


def plant(folder: Path) -> AnswerKey:
    """Write the planted set into a folder and return its answer key.

    The same files come out every time. A file's name is a token too where it holds a name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    key, forge = AnswerKey(), Forge()
    shared: dict[str, str] = {}

    first = Planter(key, forge, "ct-standard.dcm")
    dataset = headers.standard_ct(first, shared)
    shared["first"] = str(dataset.SOPInstanceUID)
    _save(dataset, folder / first.file)
    second = Planter(key, forge, "ct-follow-up.dcm")
    _save(headers.follow_up_ct(second, shared), folder / second.file)

    for name, build in PLAIN.items():
        planter = Planter(key, forge, f"{name}.dcm")
        _save(build(planter), folder / planter.file)
    for name, (charset, encoding, person, comment) in SCRIPTS.items():
        planter = Planter(key, forge, f"{name}.dcm")
        dataset = headers.in_script(planter, charset, encoding, person, comment)
        _save(dataset, folder / planter.file)

    word = forge.word()
    named = Planter(key, forge, f"mr-{word.lower()}-deflated.dcm")
    named.text(word, "file name", "filename")
    dataset = headers.free_text_mr(named)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    _save(dataset, folder / named.file)
    return key


def _save(dataset: Dataset, path: Path) -> None:
    dataset.save_as(path, enforce_file_format=True)


def main(folder: Path) -> None:
    """Write the set and print what it holds."""
    key = plant(folder)
    print(f"{len(key.files)} files, {len(key.tokens)} tokens, {len(key.kept)} attributes to keep")
    for kind, count in sorted(Counter(token.kind for token in key.tokens).items()):
        print(f"{count:5}  {kind}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
