"""The home: private, one user at a time, and plain words when it can't be."""

from __future__ import annotations

import errno
import re
import stat
from pathlib import Path

import pytest

from clerkship_hub import home
from clerkship_hub.errors import HubError
from clerkship_hub.settings import Accounts, Settings


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_folder_is_private(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    home.prepare(settings)
    folders = [settings.home, *(p for p in settings.home.rglob("*") if p.is_dir())]
    assert len(folders) > 10
    assert {mode(folder) for folder in folders} == {0o700}


def test_a_second_start_finds_everything_as_it_was(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    home.prepare(settings)
    kept = settings.user_home("student1") / "notes.txt"
    kept.write_text("mine")
    secrets = home.passwords(settings)
    home.prepare(settings)
    assert kept.read_text() == "mine"
    assert home.passwords(settings) == secrets


def test_a_full_disk_is_said_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(HubError, match=r"MB free on this disk, .* needed"):
        home.prepare(Settings(home=tmp_path / "home"), needed_bytes=10**18)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(HubError, match="is in the way, a folder is needed"):
        home.prepare(Settings(home=tmp_path / "home"))


def test_a_read_only_place_is_named() -> None:
    with pytest.raises(HubError, match=r"/proc/.*--home DIR|/proc/"):
        home.prepare(Settings(home=Path("/proc/clerkship-home")))


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "can't be written"), (errno.EROFS, "written")],
)
def test_errors_of_the_system_become_one_sentence(number: int, words: str) -> None:
    sentence = home.say_os_error(OSError(number, "raw", "/some/file"))
    assert words in sentence
    assert "/some/file" in sentence
    assert "--home DIR" in sentence


def test_sockets_have_a_short_private_folder_however_long_the_home(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / ("long" * 40))
    kernel = settings.sockets / "kernel-01234567-89ab-cdef-0123-456789abcdef-ipc-5"
    assert len(str(kernel)) < 104, "the least that a system allows (macOS)"
    with home.sockets(settings):
        assert mode(settings.sockets) == 0o700
    assert not settings.sockets.exists()


def test_a_folder_of_sockets_that_is_a_link_is_refused(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    settings.sockets.symlink_to(tmp_path)
    try:
        with pytest.raises(HubError, match="somebody else"), home.sockets(settings):
            pass
    finally:
        settings.sockets.unlink()


def test_two_at_once_on_the_same_home_are_refused(tmp_path: Path) -> None:
    taken = pytest.raises(HubError, match=r"in use .* \(process \d+\)")
    with home.sole_use(tmp_path), taken, home.sole_use(tmp_path):
        pass
    with home.sole_use(tmp_path):
        pass  # free again


def test_passwords_are_private_random_and_speakable(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, accounts=Accounts(("s1", "s2", "s3"), ("t1",)))
    home.prepare(settings)
    secrets = home.passwords(settings)
    assert set(secrets) == {"s1", "s2", "s3", "t1"}
    assert len(set(secrets.values())) == 4
    assert all(re.fullmatch(r"[a-z]{4}-[a-z]{4}-[a-z]{4}", secret) for secret in secrets.values())
    assert mode(settings.state / "passwords.json") == 0o600


def test_a_new_account_gets_a_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    before = Settings(home=tmp_path, accounts=Accounts(("s1",), ()))
    home.prepare(before)
    first = home.passwords(before)["s1"]
    after = home.passwords(Settings(home=tmp_path, accounts=Accounts(("s1", "s2"), ())))
    assert after["s1"] == first
    assert after["s2"]
