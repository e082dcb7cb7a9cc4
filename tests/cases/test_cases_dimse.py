"""Classic DICOM: a real series from a real Orthanc by C-FIND and C-GET, and peers that misbehave."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from pydicom import dcmread

from clerkship_cases import CaseError
from clerkship_cases.dicom import read_series
from clerkship_cases.importing import Limits, remote_source, scan
from clerkship_cases.sources.dimse import Pacs

sys.path.insert(0, str(Path(__file__).parents[1]))
from orthanc import AE_TITLE, Orthanc, lowest, orthanc

# Real associations and real waiting.
pytestmark = pytest.mark.slow

__all__ = ["orthanc"]  # a fixture

QUICK = Limits(seconds=2.0, quiet_seconds=0.5)


@pytest.fixture(scope="module")
def ct(test_data: Path) -> list[Path]:
    """Part of a real CT, stored with JPEG-LS."""
    return lowest(test_data / "acrin-nsclc-042" / "ct", 8)


@pytest.fixture(scope="module")
def pacs(orthanc: Orthanc, ct: list[Path], test_data: Path) -> Pacs:
    """A PACS that holds a part of a CT, and a CT of another kind with segmentations."""
    orthanc.store([*ct, *sorted((test_data / "dcmqi-ct3-liver-seg").rglob("*.dcm"))])
    return Pacs("127.0.0.1", orthanc.dicom_port, called=AE_TITLE)


def ids(path: Path) -> tuple[str, str]:
    header = dcmread(path, stop_before_pixels=True)
    return header.StudyInstanceUID, header.SeriesInstanceUID


@pytest.mark.slow
def test_studies_are_found_by_patient_and_by_nothing(pacs: Pacs) -> None:
    assert len(pacs.find_studies()) == 2
    (study,) = pacs.find_studies(PatientID="99000")
    assert (study.modalities, study.instances) == ("CT, SEG", 5)
    assert sorted(one.modality for one in pacs.find_series(study.study_uid)) == ["CT", "SEG", "SEG"]
    assert pacs.find_studies(PatientID="nobody") == []


@pytest.mark.slow
def test_a_series_comes_over_as_it_is_stored(pacs: Pacs, ct: list[Path], tmp_path: Path) -> None:
    files = pacs.get_series(*ids(ct[0]), tmp_path / "series")
    before, after = read_series(ct), read_series(files)
    assert (before.volume.array == after.volume.array).all()
    assert (before.volume.affine_lps_mm == after.volume.affine_lps_mm).all()
    by_uid = {dcmread(path).SOPInstanceUID: dcmread(path).PixelData for path in files}
    assert by_uid == {dcmread(path).SOPInstanceUID: dcmread(path).PixelData for path in ct}
    assert {dcmread(path).file_meta.TransferSyntaxUID for path in files} == {
        dcmread(path).file_meta.TransferSyntaxUID for path in ct
    }


@pytest.mark.slow
def test_an_uncompressed_series_comes_over_too(pacs: Pacs, test_data: Path, tmp_path: Path) -> None:
    original = sorted((test_data / "dcmqi-ct3-liver-seg" / "ct").iterdir())
    files = pacs.get_series(*ids(original[0]), tmp_path / "series")
    assert (read_series(files).volume.array == read_series(original).volume.array).all()


@pytest.mark.slow
def test_an_address_is_scanned_like_a_folder(pacs: Pacs, ct: list[Path]) -> None:
    address = f"dicom://{AE_TITLE}@127.0.0.1:{pacs.port}"
    assert sorted(one.count for one in scan(address).images) == [3, 8]
    assert scan(f"{address}/studies/{ids(ct[0])[0]}").image_series().count == 8
    assert scan(f"{address}/studies?PatientID=99000").image_series().count == 3
    assert remote_source(f"{address}?calling=OTHER").server.ae_title == "OTHER"  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_series_that_is_not_there(pacs: Pacs, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match=r"has no series 1\.2\.4 in the study 1\.2\.3"):
        pacs.get_series("1.2.3", "1.2.4", tmp_path)


@pytest.mark.slow
def test_a_pacs_that_does_not_know_the_name_it_is_called(pacs: Pacs) -> None:
    other = Pacs("127.0.0.1", pacs.port, called="SOMEBODY")
    with pytest.raises(CaseError, match=r"refused the connection \(.*[Cc]alled AE title"):
        other.find_studies()


@pytest.mark.slow
def test_a_series_larger_than_the_limits(pacs: Pacs, ct: list[Path], tmp_path: Path) -> None:
    small = pacs.within(Limits(total_bytes=300_000))
    with pytest.raises(CaseError, match="holds more than 293 kB"):
        small.get_series(*ids(ct[0]), tmp_path / "series")
    assert sum(path.stat().st_size for path in (tmp_path / "series").iterdir()) < 600_000


def test_no_pacs_at_all() -> None:
    began = time.monotonic()
    with pytest.raises(CaseError, match=r"no PACS answers there \(Connection refused\)"):
        Pacs("127.0.0.1", 9).find_studies()
    assert time.monotonic() - began < 3


# -- peers that misbehave --------------------------------------------------------------


@contextmanager
def peer(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """A listener that does what the test wants with each connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = listener.accept()
                    with line, suppress(OSError):
                        behave(line)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


def silent(line: socket.socket) -> None:
    time.sleep(3)


def hanging_up(line: socket.socket) -> None:
    line.recv(10)


def speaking_http(line: socket.socket) -> None:
    line.recv(10)
    line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def announcing_4_gb(line: socket.socket) -> None:
    line.recv(10)
    line.sendall(b"\x02\x00\xff\xff\xff\xff")
    while True:
        line.sendall(bytes(2**16))


@pytest.mark.parametrize("behave", [silent, hanging_up, speaking_http, announcing_4_gb])
def test_a_peer_that_is_no_pacs(behave: Callable[[socket.socket], None]) -> None:
    began = time.monotonic()
    with (
        peer(behave) as port,
        pytest.raises(CaseError, match="hung up, or answered with something"),
    ):
        Pacs("127.0.0.1", port, limits=QUICK).find_studies()
    assert time.monotonic() - began < 5


def test_a_pacs_without_the_service() -> None:
    from pynetdicom import AE

    entity = AE(ae_title="ECHO")
    entity.add_supported_context("1.2.840.10008.1.1")  # verification, and nothing else
    server = entity.start_server(("127.0.0.1", 0), block=False)
    try:
        with pytest.raises(
            CaseError, match=r"refused the connection|does not offer C-FIND|hung up"
        ):
            Pacs("127.0.0.1", server.socket.getsockname()[1], called="ECHO").find_studies()
    finally:
        server.shutdown()


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        ("cut", r"the connection broke after 3 images|fell silent"),
        ("stall", r"fell silent for 0\.5 s, after 3 images"),
        ("refuse", r"sent 3 of 8 images .*status"),
    ],
)
def test_a_pacs_that_stops_half_way(
    trouble: str, sentence: str, ct: list[Path], tmp_path: Path
) -> None:
    from pynetdicom import AE, evt

    find, get = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.5.1.4.1.2.2.3"
    entity = AE(ae_title="HALF")
    entity.add_supported_context(find)
    entity.add_supported_context(get)
    first = dcmread(ct[0], stop_before_pixels=True)
    entity.add_supported_context(
        first.SOPClassUID, first.file_meta.TransferSyntaxUID, scu_role=True, scp_role=True
    )
    datasets = [dcmread(path) for path in ct]

    def answer_find(event: evt.Event):  # type: ignore[no-untyped-def]
        for dataset in datasets:
            found = event.identifier
            found.SOPInstanceUID, found.SOPClassUID = dataset.SOPInstanceUID, dataset.SOPClassUID
            yield 0xFF00, found
        yield 0x0000, None

    def answer_get(event: evt.Event):  # type: ignore[no-untyped-def]
        yield len(datasets)
        for number, dataset in enumerate(datasets):
            if number == 3:
                if trouble == "cut":
                    event.assoc.dul.socket.socket.shutdown(socket.SHUT_RDWR)
                    return
                if trouble == "refuse":
                    yield 0xA702, None
                    return
                time.sleep(1.5)
            yield 0xFF00, dataset

    server = entity.start_server(
        ("127.0.0.1", 0),
        block=False,
        evt_handlers=[(evt.EVT_C_FIND, answer_find), (evt.EVT_C_GET, answer_get)],
    )
    try:
        half = Pacs("127.0.0.1", server.socket.getsockname()[1], called="HALF", limits=QUICK)
        began = time.monotonic()
        with pytest.raises(CaseError, match=sentence):
            half.get_series(first.StudyInstanceUID, first.SeriesInstanceUID, tmp_path / "series")
        assert time.monotonic() - began < 5
    finally:
        server.shutdown()


def test_names_that_dicom_does_not_allow() -> None:
    with pytest.raises(CaseError, match="can't be an AE title"):
        Pacs("127.0.0.1", 9, ae_title="far too long a title for DICOM").find_studies()
