"""DICOMweb: a real series from a real Orthanc, and servers that are wrong, gone, slow or lying."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydicom import dcmread

from clerkship_cases import CaseError
from clerkship_cases.dicom import read_series
from clerkship_cases.importing import Limits, remote_source, scan
from clerkship_cases.importing.limits import Budget
from clerkship_cases.importing.multipart import write_parts
from clerkship_cases.sources.dicomweb import DicomWebServer

sys.path.insert(0, str(Path(__file__).parents[1]))
from orthanc import PASSWORD, USER, Orthanc, lowest, orthanc, running

# Real servers and real waiting.
pytestmark = pytest.mark.slow

__all__ = ["orthanc"]  # a fixture

STUDY, SERIES = "1.2.3", "1.2.3.4"
ONE_SERIES = json.dumps(
    [
        {
            "0020000D": {"vr": "UI", "Value": [STUDY]},
            "0020000E": {"vr": "UI", "Value": [SERIES]},
            "00080060": {"vr": "CS", "Value": ["CT"]},
            "00201209": {"vr": "IS", "Value": [2]},
        }
    ]
).encode()


@pytest.fixture(scope="module")
def ct(test_data: Path) -> list[Path]:
    """Part of a real CT, stored with JPEG-LS."""
    return lowest(test_data / "acrin-nsclc-042" / "ct", 8)


@pytest.fixture(scope="module")
def pacs(orthanc: Orthanc, ct: list[Path], test_data: Path) -> Orthanc:
    """An Orthanc that holds a part of a CT, and a study with segmentations."""
    orthanc.store([*ct, *sorted((test_data / "dcmqi-ct3-liver-seg").rglob("*.dcm"))])
    return orthanc


@pytest.fixture
def server(pacs: Orthanc) -> DicomWebServer:
    return DicomWebServer(pacs.dicomweb, USER, PASSWORD)


@pytest.mark.slow
def test_studies_are_found_by_patient_and_by_nothing(server: DicomWebServer) -> None:
    assert len(server.find_studies()) == 2
    (study,) = server.find_studies(PatientID="99000")
    assert (study.modalities, study.instances, study.date) == ("CT, SEG", 5, "20030417")
    assert server.find_studies(PatientID="nobody") == []


@pytest.mark.slow
def test_a_series_comes_over_as_it_is_stored(
    server: DicomWebServer, ct: list[Path], tmp_path: Path
) -> None:
    header = dcmread(ct[0], stop_before_pixels=True)
    files = server.fetch_series(header.StudyInstanceUID, header.SeriesInstanceUID, tmp_path / "s")
    before, after = read_series(ct), read_series(files)
    assert (before.volume.array == after.volume.array).all()
    assert (before.volume.affine_lps_mm == after.volume.affine_lps_mm).all()
    assert {dcmread(path).file_meta.TransferSyntaxUID.name for path in files} == {
        "JPEG-LS Lossless Image Compression"
    }
    by_uid = {dcmread(path).SOPInstanceUID: dcmread(path).PixelData for path in files}
    assert by_uid == {dcmread(path).SOPInstanceUID: dcmread(path).PixelData for path in ct}


@pytest.mark.slow
def test_an_address_is_scanned_like_a_folder(
    pacs: Orthanc, ct: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLERKSHIP_PACS_USER", USER)
    monkeypatch.setenv("CLERKSHIP_PACS_PASSWORD", PASSWORD)
    found = scan(pacs.dicomweb)
    assert sorted((one.modality, one.kind, one.count) for one in found.series) == [
        ("CT", "image", 3),
        ("CT", "image", 8),
        ("SEG", "segmentation", 1),
        ("SEG", "segmentation", 1),
    ]
    study = dcmread(ct[0], stop_before_pixels=True).StudyInstanceUID
    assert scan(f"{pacs.dicomweb}/studies/{study}").image_series().count == 8
    empty = scan(f"{pacs.dicomweb}/studies/1.2.3")
    assert "has no study 1.2.3" in empty.notes[0]


@pytest.mark.slow
def test_a_wrong_password_is_said(pacs: Orthanc) -> None:
    wrong = DicomWebServer(pacs.dicomweb, USER, "guess")
    with pytest.raises(CaseError, match=r"refused to answer \(401\), asked as 'course'") as refusal:
        wrong.find_studies()
    assert "guess" not in str(refusal.value)
    assert "guess" not in repr(wrong)
    with pytest.raises(CaseError, match=r"asked without a user name\. Set CLERKSHIP_PACS_USER"):
        DicomWebServer(pacs.dicomweb).find_studies()


@pytest.mark.slow
def test_a_wrong_address_on_a_real_server(pacs: Orthanc, tmp_path: Path) -> None:
    root = pacs.dicomweb.removesuffix("/dicom-web")
    with pytest.raises(CaseError, match=r"there is nothing at .*/nothing/studies \(404\)"):
        DicomWebServer(root + "/nothing", USER, PASSWORD).find_studies()
    with pytest.raises(CaseError, match=r"has no series 1\.2\.4 in the study 1\.2\.3"):
        DicomWebServer(pacs.dicomweb, USER, PASSWORD).fetch_series("1.2.3", "1.2.4", tmp_path)


@pytest.mark.slow
def test_a_server_that_is_killed_half_way(ct: list[Path], tmp_path: Path) -> None:
    if not ct:
        pytest.skip("no series")
    from orthanc import reason_to_skip

    if reason := reason_to_skip():
        pytest.skip(reason)
    (tmp_path / "pacs").mkdir()
    with running(tmp_path / "pacs") as own:
        own.store(ct[:2])
        server = DicomWebServer(own.dicomweb, USER, PASSWORD)
        header = dcmread(ct[0], stop_before_pixels=True)
        assert server.find_studies()
        own.kill()
        before = time.monotonic()
        with pytest.raises(CaseError, match="no server answers there, or it hung up"):
            server.fetch_series(
                header.StudyInstanceUID, header.SeriesInstanceUID, tmp_path / "series"
            )
        assert time.monotonic() - before < 5


# -- servers that lie ---------------------------------------------------------------


Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def lying(answer: Answer, limits: Limits) -> Iterator[DicomWebServer]:
    """A server that lists one series and then does what the test wants."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                if self.path.startswith(f"/studies/{STUDY}/series?"):
                    send(self, "application/dicom+json", ONE_SERIES)
                else:
                    answer(self)
            except OSError:  # the client hung up, as it should
                pass

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield DicomWebServer(f"http://127.0.0.1:{http.server_address[1]}", limits=limits)
        http.shutdown()


def send(handler: BaseHTTPRequestHandler, kind: str, body: bytes, status: int = 200) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


MULTIPART = 'multipart/related; type="application/dicom"; boundary=cut'
PART = b"\r\n--cut\r\nContent-Type: application/dicom\r\n\r\n"


def forever(piece: bytes, start: bytes = b"", pause: float = 0) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", MULTIPART)
        handler.end_headers()
        handler.wfile.write(start)
        while True:
            handler.wfile.write(piece)
            time.sleep(pause)

    return answer


def once(kind: str, body: bytes, status: int = 200) -> Answer:
    return lambda handler: send(handler, kind, body, status)


def moved(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(302)
    handler.send_header("Location", "http://elsewhere.invalid/")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


SMALL = Limits(files=50, file_bytes=2_000_000, total_bytes=5_000_000, seconds=1, quiet_seconds=0.4)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (once("text/html", b"<h1>Welcome</h1>"), "answered with text/html; expected multipart/rel"),
        (once("multipart/related", b""), "names no usable boundary"),
        (once(MULTIPART, b""), "broke off after 0 complete files"),
        (once(MULTIPART, b"x" * 100_000), "not divided as its header says"),
        (once(MULTIPART, PART + b"half an im"), "broke off after 0 complete files"),
        (once(MULTIPART, PART + b"one" + PART + b"half"), "broke off after 1 complete files"),
        (once(MULTIPART, PART + b"one\r\n--cut--"), "sent 1 of 2 images"),
        (once(MULTIPART, b"\r\n--cut\r\n" + b"h" * 99_999), "header of part 1 has no end"),
        (forever(bytes(2**16), PART), "file 1 is larger than 1.91 MB"),
        (forever(PART + b"x"), "has more than 50 files"),
        (forever(PART + bytes(500_000)), "holds more than 4.77 MB"),
        (forever(b"x", PART, pause=0.01), "was not finished after 1 s"),
        (forever(b"", PART, pause=30), "fell silent for 0.4 s"),
        (once("text/plain", b"out of paint", 500), "answered 500"),
        (once("text/plain", b"no", 403), r"refused to answer \(403\)"),
        (moved, r"points to http://elsewhere\.invalid/ instead"),
    ],
)
def test_a_server_that_lies_is_one_sentence_soon(
    answer: Answer, sentence: str, tmp_path: Path
) -> None:
    began = time.monotonic()
    with lying(answer, SMALL) as server, pytest.raises(CaseError, match=sentence):
        server.fetch_series(STUDY, SERIES, tmp_path / "series")
    assert time.monotonic() - began < 4
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.dcm")) <= SMALL.total_bytes


@pytest.mark.parametrize(
    ("body", "kind", "sentence"),
    [
        (b"<html>", "text/html", "answered with text/html; expected json"),
        (b"not json", "application/json", "not DICOM JSON"),
        (b'{"error": 1}', "application/json", "not DICOM JSON"),
        (b'[{"0020000D": 7}]', "application/json", "not DICOM JSON"),
        (b"[" * 100_000, "application/json", "not DICOM JSON"),
        (b"[]" + b" " * 40_000_000, "application/json", "larger than 32 MB"),
    ],
)
def test_a_search_that_is_answered_with_something_else(
    body: bytes, kind: str, sentence: str
) -> None:
    with lying(once(kind, body), Limits()) as server, pytest.raises(CaseError, match=sentence):
        server.find_studies()


def test_no_server_at_all() -> None:
    began = time.monotonic()
    with pytest.raises(CaseError, match=r"127\.0\.0\.1:9: no server answers there"):
        DicomWebServer("http://127.0.0.1:9").find_studies()
    assert time.monotonic() - began < 3


def test_nothing_reaches_a_request_that_is_no_uid(tmp_path: Path) -> None:
    server = DicomWebServer("http://127.0.0.1:9")
    for wrong in ("../../etc", "1.2/../3", "", "1" * 65, "1.2.x"):
        with pytest.raises(CaseError, match="is no Study Instance UID"):
            server.fetch_series(wrong, "1.2", tmp_path)
    with pytest.raises(CaseError, match="'Patient' is no DICOM keyword"):
        server.find_studies(Patient="x")


def test_addresses() -> None:
    assert remote_source(Path("folder")) is None
    assert remote_source("folder/file.zip") is None
    web = remote_source("https://host:8443/dicom-web/studies/1.2/series/1.3")
    assert web is not None
    assert (web.name, web.study_uid, web.series_uid) == (
        "https://host:8443/dicom-web",
        "1.2",
        "1.3",
    )
    with pytest.raises(CaseError, match="must not hold a password") as refusal:
        remote_source("https://me:secret@host/dicom-web")
    assert "secret" not in str(refusal.value)
    for wrong in (
        "ftp://host/x",
        "http://",
        "dicom://",
        "http://host:99999/x",
        "https://h/studies/x",
    ):
        with pytest.raises(CaseError):
            remote_source(wrong)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_a_body_may_be_cut_anywhere(tmp_path: Path, size: int) -> None:
    files = [b"", b"\r\n", b"--cut", b"a\r\n--cu", bytes(range(256)) * 3]
    body = b"preamble" + b"".join(PART + content for content in files) + b"\r\n--cut--\r\nafter"
    pieces = (body[n : n + size] for n in range(0, len(body), size))
    written = list(write_parts(pieces, b"cut", tmp_path, Budget(Limits(), "server")))
    assert [path.read_bytes() for path in written] == files
