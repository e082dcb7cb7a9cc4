"""Getting images: resumed, checked, stored once, from the net or from a mirror folder."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from s3_server import FileServer

from clerkship_cases import Case, CaseError, open_case
from clerkship_cases.fetching import Fetched, fetch_case, fetch_source
from clerkship_cases.record import CaseRecord
from clerkship_cases.sources import case_files
from clerkship_cases.sources.download import Line
from clerkship_cases.sources.kinds import IdcSource, UrlSource
from clerkship_cases.sources.manifest import Entry, manifest_text, read_manifest
from clerkship_cases.sources.stored import Remote
from clerkship_cases.store import FileStore

Get = Callable[[Remote], Fetched]
LARGE = np.random.default_rng(1).bytes(3_000_000)
SMALL = b"a small file"
SERIES = "1.3.6.1.4.1.14519.5.2.1.7009.2403.226151125820845824875394858561"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = FileServer({"/a/large.bin": LARGE, "/a/small file.bin": SMALL})
    server.start()
    yield server
    server.stop()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    monkeypatch.setenv("CLERKSHIP_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CLERKSHIP_MIRROR", raising=False)
    return FileStore()


@pytest.fixture
def line() -> Line:
    return Line(pause_s=0.001)


@pytest.fixture
def get(tmp_path: Path, store: FileStore, line: Line) -> Get:
    """Fetch a source of a case that lies in ``tmp_path``."""
    return lambda source: fetch_source(source, tmp_path, store=store, line=line)


def listed(folder: Path, server: FileServer, *paths: str) -> UrlSource:
    """Write the list that lies beside a case.yml."""
    entries = [
        Entry(server.url(path), hashlib.sha256(content).hexdigest(), len(content))
        for path, content in ((path, server.files[path]) for path in paths or server.files)
    ]
    (folder / "files.tsv").write_text(manifest_text(entries, "url"))
    return UrlSource(kind="url")


def test_files_come_whole_and_are_found_afterwards(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    source = listed(tmp_path, server)
    with pytest.raises(CaseError, match="clerkship cases get demo"):
        case_files("demo", source, tmp_path)
    fetched = fetch_source(source, tmp_path, store=store, line=line)
    assert (fetched.files, fetched.new_files) == (2, 2)
    assert [path.read_bytes() for path in case_files("demo", source, tmp_path)] == [LARGE, SMALL]
    assert list((store.root / "partial").iterdir()) == []


def test_a_second_get_asks_the_server_for_nothing(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    source = listed(tmp_path, server)
    fetch_source(source, tmp_path, store=store, line=line)
    server.asked.clear()
    assert fetch_source(source, tmp_path, store=store, line=line).new_files == 0
    assert server.asked == []


def test_a_transfer_that_breaks_off_goes_on_where_it_stopped(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    server.break_after = {"/a/large.bin": 1_000_000}
    fetch_source(listed(tmp_path, server, "/a/large.bin"), tmp_path, store=store, line=line)
    (_, first), (_, second) = server.asked
    assert first == ""
    assert second.startswith("bytes=")
    assert second != "bytes=0-"
    assert server.sent["/a/large.bin"] <= len(LARGE) + 1_000_000
    assert store.find(hashlib.sha256(LARGE).hexdigest()) is not None


def test_a_get_that_was_killed_is_resumed_by_the_next(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    source = listed(tmp_path, server, "/a/large.bin")
    sha256 = hashlib.sha256(LARGE).hexdigest()
    part = store.folder("partial") / f"{sha256}.part"
    part.write_bytes(LARGE[:2_000_000])  # what a killed process leaves
    seen: list[int] = []
    fetch_source(source, tmp_path, store=store, line=Line(advance=seen.append))
    assert server.asked == [("/a/large.bin", "bytes=2000000-")]
    assert server.sent["/a/large.bin"] == 1_000_000
    assert sum(seen) == len(LARGE)
    assert store.find(sha256) is not None


@pytest.mark.slow
def test_a_process_killed_half_way_leaves_a_part_and_no_half_file(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    source = listed(tmp_path, server, "/a/large.bin")
    program = (
        "import os, sys\nfrom pathlib import Path\n"
        "from clerkship_cases.fetching import fetch_source\n"
        "from clerkship_cases.sources.download import Line\n"
        "from clerkship_cases.sources.kinds import UrlSource\n"
        "seen = 0\n"
        "def advance(count):\n"
        "    global seen\n"
        "    seen += count\n"
        "    if seen > 1_000_000: os.kill(os.getpid(), 9)\n"
        "fetch_source(UrlSource(kind='url'), Path(sys.argv[1]), line=Line(advance=advance))\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], check=False, timeout=60)
    assert done.returncode == -9
    assert store.find(hashlib.sha256(LARGE).hexdigest()) is None
    (part,) = (store.root / "partial").iterdir()
    kept = part.stat().st_size
    assert 0 < kept < len(LARGE)
    server.asked.clear()
    fetch_source(source, tmp_path, store=store, line=line)
    assert server.asked == [("/a/large.bin", f"bytes={kept}-")]
    assert store.find(hashlib.sha256(LARGE).hexdigest()) is not None


def test_a_server_that_can_not_resume_is_read_from_the_start(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    server.can_resume = False
    server.break_after = {"/a/large.bin": 1_000_000}
    fetch_source(listed(tmp_path, server, "/a/large.bin"), tmp_path, store=store, line=line)
    assert store.find(hashlib.sha256(LARGE).hexdigest()) is not None


def test_a_busy_server_is_asked_again(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    server.busy["/a/small file.bin"] = 2
    fetch_source(listed(tmp_path, server, "/a/small file.bin"), tmp_path, store=store, line=line)
    assert len(server.asked) == 3


def test_a_server_that_stays_busy_ends_in_a_sentence(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    server.busy["/a/small file.bin"] = 99
    source = listed(tmp_path, server, "/a/small file.bin")
    with pytest.raises(CaseError, match=r"can't be reached.*CLERKSHIP_MIRROR"):
        fetch_source(source, tmp_path, store=store, line=line)
    assert len(server.asked) < 10


def test_a_file_that_is_not_there_is_not_asked_for_twice(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    source = listed(tmp_path, server, "/a/small file.bin")
    del server.files["/a/small file.bin"]
    with pytest.raises(CaseError, match="404"):
        fetch_source(source, tmp_path, store=store, line=line)
    assert len(server.asked) == 1


def test_another_file_than_the_listed_one_is_thrown_away(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    source = listed(tmp_path, server, "/a/small file.bin")
    server.files["/a/small file.bin"] = SMALL.upper()
    with pytest.raises(CaseError, match="is not the file that is meant"):
        fetch_source(source, tmp_path, store=store, line=line)
    assert list((store.root / "partial").iterdir()) == []


def test_a_server_that_sends_without_end_is_cut_off(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    source = listed(tmp_path, server, "/a/small file.bin")
    server.files["/a/small file.bin"] = LARGE
    with pytest.raises(CaseError, match="sends more than the 12 bytes"):
        fetch_source(source, tmp_path, store=store, line=line)


def test_without_a_network_the_message_names_the_mirror(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    entry = Entry("http://127.0.0.1:9/x.dcm", "0" * 64, 10)
    (tmp_path / "files.tsv").write_text(manifest_text([entry], "url"))
    with pytest.raises(CaseError, match=r"127\.0\.0\.1:9 can't be reached.*CLERKSHIP_MIRROR"):
        fetch_source(UrlSource(kind="url"), tmp_path, store=store, line=line)


@pytest.mark.slow
def test_two_processes_that_get_the_same_case_share_the_work(
    tmp_path: Path, server: FileServer, store: FileStore
) -> None:
    source = listed(tmp_path, server)
    program = (
        "import sys\nfrom pathlib import Path\nfrom clerkship_cases.fetching import fetch_source\n"
        "from clerkship_cases.sources.kinds import UrlSource\n"
        "fetch_source(UrlSource(kind='url'), Path(sys.argv[1]))\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", program, tmp_path]) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert server.sent["/a/large.bin"] == len(LARGE)  # one of them fetched it, the other waited
    assert len(case_files("demo", source, tmp_path)) == 2
    assert list((store.root / "partial").iterdir()) == []


# -- mirrors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place", ["{sha256}", "{sha256[0]}{sha256[1]}/{sha256}", "127.0.0.1/a/small file.bin", "a/small file.bin", "small file.bin"]
)  # fmt: skip
def test_a_mirror_may_hold_a_file_under_several_names(
    tmp_path: Path, server: FileServer, get: Get, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = listed(tmp_path, server, "/a/small file.bin")
    mirrored = tmp_path / "mirror" / place.format(sha256=hashlib.sha256(SMALL).hexdigest())
    mirrored.parent.mkdir(parents=True)
    mirrored.write_bytes(SMALL)
    monkeypatch.setenv("CLERKSHIP_MIRROR", f"{tmp_path / 'empty'}{os.pathsep}{tmp_path / 'mirror'}")
    get(source)
    assert server.asked == []
    assert case_files("demo", source, tmp_path)[0].read_bytes() == SMALL


def test_a_wrong_file_in_a_mirror_is_passed_over(
    tmp_path: Path,
    server: FileServer,
    store: FileStore,
    line: Line,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "small file.bin").write_bytes(SMALL.upper())
    monkeypatch.setenv("CLERKSHIP_MIRROR", str(tmp_path))
    fetch_source(listed(tmp_path, server, "/a/small file.bin"), tmp_path, store=store, line=line)
    assert len(server.asked) == 1


# -- the Imaging Data Commons -----------------------------------------------------------------

UUID = "542f7440-0b6a-461f-b7dd-e1a1212c26be"


@pytest.fixture
def series(test_data: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch) -> IdcSource:
    """Five real images of a series, served as the bucket serves them."""
    for path in sorted((test_data / "acrin-nsclc-042" / "ct").glob("*.dcm"))[:5]:
        server.files[f"/idc-open-data-two/{UUID}/{path.name}"] = path.read_bytes()
    monkeypatch.setenv("CLERKSHIP_IDC_ENDPOINT", f"{server.address}/{{bucket}}")
    return IdcSource(
        kind="idc", collection="acrin_nsclc_fdg_pet", series_uid=SERIES, crdc_series_uuid=UUID,
        bucket="idc-open-data-two", instances=5,
    )  # fmt: skip


def test_a_series_comes_from_its_bucket_page_by_page(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line, series: IdcSource
) -> None:
    server.page = 2
    with pytest.raises(CaseError, match="not on this machine yet"):
        case_files("demo", series, tmp_path)
    assert fetch_source(series, tmp_path, store=store, line=line).new_files == 5
    files = case_files("demo", series, tmp_path)
    assert sorted(path.read_bytes() for path in files) == sorted(
        content for path, content in server.files.items() if path.startswith("/idc")
    )


@pytest.mark.slow
def test_two_processes_that_get_the_same_series_share_the_work(
    tmp_path: Path, server: FileServer, store: FileStore, series: IdcSource
) -> None:
    program = (
        "import sys\nfrom pathlib import Path\nfrom clerkship_cases.fetching import fetch_source\n"
        "from clerkship_cases.sources.kinds import IdcSource\n"
        "fetch_source(IdcSource.model_validate_json(sys.argv[1]), Path())\n"
    )
    command = [sys.executable, "-c", program, series.model_dump_json()]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(case_files("demo", series, tmp_path)) == 5
    assert all(
        server.sent[path] == len(server.files[path]) for path in server.files if "idc" in path
    )


def test_a_broken_object_is_refused_and_nothing_is_listed(
    server: FileServer,
    store: FileStore,
    get: Get,
    series: IdcSource,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = server.list_page
    first = min(path for path in server.files if path.startswith("/idc"))

    def list_then_damage(bucket: str, query: dict[str, list[str]]) -> bytes:
        listed = page(bucket, query)
        server.files[first] = server.files[first][:-1] + b"?"
        return listed

    monkeypatch.setattr(server, "list_page", list_then_damage)
    with pytest.raises(CaseError, match="damaged"):
        get(series)
    assert not (store.root / "fetched").exists()


def test_a_series_with_images_missing_or_of_another_series_is_refused(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line, series: IdcSource
) -> None:
    with pytest.raises(CaseError, match="should have 6 images, and 5 were found"):
        fetch_source(series.model_copy(update={"instances": 6}), tmp_path, store=store, line=line)
    with pytest.raises(CaseError, match="belongs to the series"):
        fetch_source(
            series.model_copy(update={"series_uid": "1.2.3"}), tmp_path, store=store, line=line
        )


def test_an_answer_that_is_no_list_of_objects_is_a_sentence(
    server: FileServer, get: Get, series: IdcSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for page in (b"<html>welcome", b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>', b"\x00"):
        monkeypatch.setattr(server, "list_page", lambda *_, page=page: page)
        with pytest.raises(CaseError, match="no list of objects"):
            get(series)


# -- real cases from a mirror of real data ----------------------------------------------------


@pytest.fixture
def mirror(
    test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: FileStore
) -> Path:
    """A mirror made of the real series that the tests have."""
    folder = tmp_path / "mirror"
    (folder / "data" / "segmentations").mkdir(parents=True)
    (folder / "data" / "segmentations" / "ct-3slice").symlink_to(
        test_data / "dcmqi-ct3-liver-seg" / "ct"
    )
    (folder / UUID).symlink_to(test_data / "acrin-nsclc-042" / "ct")
    (folder / "1.3.6.1.4.1.14519.5.2.1.7009.2403.879445243400782656317561081015").symlink_to(
        test_data / "acrin-nsclc-042" / "pet_ac"
    )
    monkeypatch.setenv("CLERKSHIP_MIRROR", str(folder))
    return folder


def test_a_case_is_got_from_a_mirror_and_opens(mirror: Path) -> None:
    case = open_case("liver-ct-dcmqi")
    with pytest.raises(CaseError, match="clerkship cases get liver-ct-dcmqi"):
        case.volume  # noqa: B018
    assert fetch_case(case).new_files == 3
    volume = open_case("liver-ct-dcmqi").volume
    assert volume.array.shape == (3, 512, 512)
    assert volume.spacing_mm == pytest.approx((0.810547, 0.810547, 1.0), abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("case_id", "shape", "spacing_mm"),
    [
        ("chest-ct-acrin-042", (135, 512, 512), (0.976562, 0.976562, 3.27)),
        ("chest-pet-acrin-042", (135, 128, 128), (4.6875, 4.6875, 3.27)),
    ],
)
def test_a_series_of_the_commons_is_got_from_a_mirror_and_opens(
    mirror: Path, case_id: str, shape: tuple[int, ...], spacing_mm: tuple[float, ...]
) -> None:
    assert fetch_case(open_case(case_id)).new_files == 135
    volume = open_case(case_id).volume
    assert volume.array.shape == shape
    assert volume.spacing_mm == pytest.approx(spacing_mm, abs=2e-3)


@pytest.mark.slow
def test_the_volunteers_brain_is_got_from_a_mirror_and_opens(mirror: Path, test_data: Path) -> None:
    with zipfile.ZipFile(test_data / "studyforrest-t1" / "dicoms_384slices.zip") as archive:
        archive.extractall(mirror)
    assert fetch_case(open_case("brain-t1-studyforrest")).new_files == 384
    assert open_case("brain-t1-studyforrest").volume.array.shape == (384, 384, 274)


# -- what may not be got ----------------------------------------------------------------------


def test_a_non_commercial_case_is_refused_unless_asked_for_by_name(
    tmp_path: Path, server: FileServer, store: FileStore, line: Line
) -> None:
    record = open_case("liver-ct-dcmqi").record.model_dump()
    record |= {"licence_code": "CC-BY-NC-4.0"}
    listed(tmp_path, server)
    case = Case(CaseRecord.model_validate(record), tmp_path)
    with pytest.raises(CaseError, match=r"CC-BY-NC-4\.0, which forbids commercial use.*--allow-nc"):
        fetch_case(case, store=store, line=line)
    assert server.asked == []
    assert fetch_case(case, store=store, line=line, allow_nc=True).new_files == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", ":1: expected the columns"),
        ("url\tsha256\tbytes\n", "the list is empty"),
        ("url\tsha256\tbytes\nhttp://x/y\tabc\t1\n", ":2: 'abc' is no SHA-256"),
        (f"url\tsha256\tbytes\nhttp://x/y\t{'0' * 64}\t-1\n", ":2: '-1' is not a size"),
        (f"url\tsha256\tbytes\nhttp://x/y\t{'0' * 64}\n", ":2: expected 3 fields"),
        (f"url\tsha256\tbytes\n{('http://x/y' + chr(9) + '0' * 64 + chr(9) + '1' + chr(10)) * 2}", "listed twice"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_list_of_files_is_named_with_its_line(
    tmp_path: Path, text: str, complaint: str
) -> None:
    (tmp_path / "files.tsv").write_text(text)
    with pytest.raises(CaseError, match=complaint):
        read_manifest(tmp_path / "files.tsv", "url")
