"""A zip that nobody vouches for: what is unpacked, what is left out, what is refused."""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from clerkship_cases import CaseError
from clerkship_cases.importing.archive import gather_zip
from clerkship_cases.importing.gathering import Gathered, gather_folder, printable, unsafe_name
from clerkship_cases.importing.limits import Budget, Limits

TIGHT = Limits(files=20, file_bytes=200_000, total_bytes=500_000, ratio=20, free_bytes=1000)


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    folder = tmp_path / "unpacked"
    folder.mkdir()
    return folder


def zip_of(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members:
            archive.writestr(member, content)
    return path


def reasons(found: Gathered) -> dict[str, str]:
    return {skipped.name: skipped.reason for skipped in found.skipped}


def test_members_are_written_under_our_own_numbers(tmp_path: Path, unpacked: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", ("CD/IMAGES/I1", b"one"), ("CD/IMAGES/I2", b"two"))
    found = gather_zip(archive, unpacked, Limits())
    assert {name: path.read_bytes() for name, path in found.files.items()} == {
        "CD/IMAGES/I1": b"one",
        "CD/IMAGES/I2": b"two",
    }
    assert sorted(path.name for path in unpacked.iterdir()) == ["000001", "000002"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../outside.dcm", "leads out"),
        ("a/../../outside.dcm", "leads out"),
        ("..\\outside.dcm", "leads out"),
        ("/etc/outside.dcm", "absolute"),
        ("C:\\outside.dcm", "absolute"),
    ],
)
def test_a_name_that_leads_out_is_left_out(
    tmp_path: Path, unpacked: Path, name: str, why: str
) -> None:
    found = gather_zip(
        zip_of(tmp_path / "a.zip", (name, b"x"), ("in.dcm", b"y")), unpacked, Limits()
    )
    assert list(found.files) == ["in.dcm"]
    assert why in next(iter(reasons(found).values()))
    assert {path.name for path in tmp_path.rglob("*")} == {"a.zip", "unpacked", "000001"}


def test_a_link_is_left_out(tmp_path: Path, unpacked: Path) -> None:
    link = zipfile.ZipInfo("link.dcm")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    found = gather_zip(zip_of(tmp_path / "a.zip", (link, b"/etc/passwd")), unpacked, Limits())
    assert reasons(found) == {"link.dcm": "a link; links are not followed"}
    assert not list(unpacked.iterdir())


def test_of_two_members_with_one_name_the_first_counts(tmp_path: Path, unpacked: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        archive = zip_of(tmp_path / "a.zip", ("i.dcm", b"first"), ("i.dcm", b"second"))
    found = gather_zip(archive, unpacked, Limits())
    assert found.files["i.dcm"].read_bytes() == b"first"
    assert "twice" in reasons(found)["i.dcm"]


def test_an_archive_with_a_password_is_refused_with_advice(tmp_path: Path, unpacked: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", ("i.dcm", b"secret"))
    raw = bytearray(archive.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # general purpose flags
        raw[raw.index(mark) + offset] |= 1
    archive.write_bytes(raw)
    with pytest.raises(CaseError, match=r"a\.zip: is protected by a password\. Unpack it first"):
        gather_zip(archive, unpacked, Limits())


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path: Path, unpacked: Path) -> None:
    bomb = zip_of(tmp_path / "bomb.zip", ("i.dcm", bytes(150_000)))
    assert bomb.stat().st_size < 500
    with pytest.raises(CaseError, match=r"bomb\.zip: unpacks to more than 20 times its size"):
        gather_zip(bomb, unpacked, TIGHT)


def test_a_member_that_lies_about_its_size_is_counted_as_it_comes(
    tmp_path: Path, unpacked: Path
) -> None:
    archive = zip_of(tmp_path / "a.zip", ("liar.dcm", bytes(range(256)) * 4), ("good.dcm", b"fine"))
    raw = bytearray(archive.read_bytes())
    at = raw.index(b"PK\x01\x02")
    raw[at + 24 : at + 28] = struct.pack("<L", 10)  # uncompressed size in the central directory
    archive.write_bytes(raw)
    found = gather_zip(archive, unpacked, Limits())
    assert list(found.files) == ["good.dcm"]
    assert "damaged" in reasons(found)["liar.dcm"]
    assert [path.name for path in unpacked.iterdir()] == [found.files["good.dcm"].name]


def test_members_that_overlap_are_a_bomb(tmp_path: Path, unpacked: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", ("a", bytes(range(256))), ("b", bytes(range(256))))
    raw = bytearray(archive.read_bytes())
    first = raw.index(b"PK\x01\x02")
    for at in (first, raw.index(b"PK\x01\x02", first + 4)):
        raw[at + 20 : at + 24] = struct.pack("<L", len(raw))  # both claim the whole file
    archive.write_bytes(raw)
    with pytest.raises(CaseError, match="overlap"):
        gather_zip(archive, unpacked, Limits())


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([(f"{n}", b"x") for n in range(21)], "21 members"),
        ([("big", bytes(range(256)) * 800)], "larger than 195 kB"),
        ([(f"{n}", bytes(range(256)) * 700) for n in range(3)], "holds more than 488 kB"),
    ],
)
def test_count_size_and_sum_are_bounded(
    tmp_path: Path, unpacked: Path, members: list[tuple[str, bytes]], why: str
) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_STORED) as archive:
        for name, content in members:
            archive.writestr(name, content)
    with pytest.raises(CaseError, match=why):
        gather_zip(tmp_path / "a.zip", unpacked, TIGHT)


@pytest.mark.parametrize("cut", [0, 10, 60, -20])
def test_a_damaged_archive_is_one_sentence(tmp_path: Path, unpacked: Path, cut: int) -> None:
    whole = zip_of(tmp_path / "a.zip", ("i.dcm", b"x" * 100)).read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[:cut])
    with pytest.raises(CaseError, match=r"a\.zip: can't be opened as a zip file"):
        gather_zip(tmp_path / "a.zip", unpacked, Limits())


def test_a_damaged_member_does_not_spoil_the_others(tmp_path: Path, unpacked: Path) -> None:
    archive = zip_of(tmp_path / "a.zip", ("bad.dcm", bytes(range(256)) * 9), ("good.dcm", b"fine"))
    raw = bytearray(archive.read_bytes())
    raw[60:70] = bytes(10)
    archive.write_bytes(raw)
    found = gather_zip(archive, unpacked, Limits())
    assert found.files["good.dcm"].read_bytes() == b"fine"
    assert "damaged" in reasons(found)["bad.dcm"]


def test_random_damage_never_raises_anything_else(tmp_path: Path) -> None:
    import random

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(4):
            archive.writestr(f"folder/{n}.dcm", bytes(range(256)) * (n + 1))
    whole, choose = content.getvalue(), random.Random(7)
    for n in range(300):
        raw = bytearray(whole)
        for _ in range(choose.randint(1, 8)):
            raw[choose.randrange(len(raw))] = choose.randrange(256)
        path, folder = tmp_path / f"{n}.zip", tmp_path / f"out-{n}"
        path.write_bytes(raw)
        folder.mkdir()
        with contextlib.suppress(CaseError):
            found = gather_zip(path, folder, TIGHT)
            assert {p.parent for p in found.files.values()} <= {folder}


def test_a_folder_is_walked_without_following_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "private.dcm").write_bytes(b"x")
    study = tmp_path / "study"
    (study / "deep" / "er").mkdir(parents=True)
    (study / "deep" / "er" / "I0001").write_bytes(b"x")
    (study / "folder-link").symlink_to(outside)
    (study / "file-link").symlink_to(outside / "private.dcm")
    (study / "ring").symlink_to(study)
    found = gather_folder(study, Limits())
    assert list(found.files) == ["deep/er/I0001"]
    assert set(reasons(found)) == {"folder-link", "file-link", "ring"}


def test_a_folder_of_too_many_files_is_refused(tmp_path: Path) -> None:
    for n in range(21):
        (tmp_path / f"{n}").touch()
    with pytest.raises(CaseError, match="more than 20 files"):
        gather_folder(tmp_path, TIGHT)


def test_names_are_made_printable_and_short() -> None:
    assert printable("a\x1b[31m\nb") == "a?[31m?b"
    assert len(printable("x" * 500)) == 120
    assert unsafe_name("CD/IMAGES/I1") is None
    assert unsafe_name("") is not None


def test_a_budget_says_what_it_ran_out_of() -> None:
    late = Budget(Limits(seconds=-1.0), "pacs")
    with pytest.raises(CaseError, match=r"pacs: was not finished after -1 s \(0 files, 0 bytes\)"):
        late.check_time()
