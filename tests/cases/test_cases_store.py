"""The store: files by their content, complete or absent, readable by all and changed by nobody."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest

from clerkship_cases import CaseError
from clerkship_cases.store import FileStore, cache_root

WORDS = b"the quick brown fox" * 1000
SHA256 = hashlib.sha256(WORDS).hexdigest()


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "cache")


def as_another_user(check: Callable[[], None]) -> None:
    """Run a check as an account without rights, in a process of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            check()
            code = 0
        except BaseException as problem:
            print(f"as another user: {problem!r}", file=sys.stderr)
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_what_was_put_is_found_by_its_content(store: FileStore) -> None:
    kept = store.put(io.BytesIO(WORDS))
    assert (kept.sha256, kept.bytes) == (SHA256, len(WORDS))
    assert store.find(SHA256) == kept.path
    assert kept.path.read_bytes() == WORDS


def test_a_file_is_kept_once_however_often_it_comes(store: FileStore, tmp_path: Path) -> None:
    source = tmp_path / "fox.bin"
    source.write_bytes(WORDS)
    first = store.put(source, SHA256)
    again = store.put(io.BytesIO(WORDS))
    assert first == again
    assert [path for path in (store.root / "files").rglob("*") if path.is_file()] == [first.path]
    assert list((store.root / "partial").iterdir()) == []


def test_nothing_is_found_before_it_was_put(store: FileStore) -> None:
    assert store.find(SHA256) is None
    assert not store.root.exists()


def test_another_file_than_the_one_meant_is_refused_and_not_kept(store: FileStore) -> None:
    with pytest.raises(CaseError, match="is not the file that is meant"):
        store.put(io.BytesIO(b"something else"), SHA256)
    assert not (store.root / "files").exists()
    assert list((store.root / "partial").iterdir()) == []


def test_a_damaged_file_is_not_found_and_can_be_put_again(store: FileStore) -> None:
    path = store.put(io.BytesIO(WORDS)).path
    path.chmod(0o644)
    path.write_bytes(WORDS[:-1])
    assert store.find(SHA256) is None
    assert store.find(store.put(io.BytesIO(WORDS)).sha256) == path


def test_a_link_in_the_store_is_no_file_of_the_store(store: FileStore, tmp_path: Path) -> None:
    elsewhere = tmp_path / "fox.bin"
    elsewhere.write_bytes(WORDS)
    path = store.path_of(SHA256)
    path.parent.mkdir(parents=True)
    path.symlink_to(elsewhere)
    assert store.find(SHA256) is None


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, SHA256[:-1], SHA256 + "0"])
def test_only_a_sha256_names_a_file(store: FileStore, name: str) -> None:
    with pytest.raises(CaseError, match="is no SHA-256"):
        store.find(name)


def test_everybody_may_read_and_nobody_may_write_whatever_the_umask(store: FileStore) -> None:
    before = os.umask(0o077)
    try:
        kept = store.put(io.BytesIO(WORDS))
    finally:
        os.umask(before)
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o444
    for folder in (kept.path.parent, store.root / "files", store.root):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o755


def test_another_account_reads_the_store_and_can_not_change_it(
    store: FileStore, tmp_path: Path
) -> None:
    path = store.put(io.BytesIO(WORDS)).path
    for folder in tmp_path.parents:  # pytest keeps its folders to itself
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    tmp_path.chmod(0o755)

    def check() -> None:
        assert FileStore(store.root).find(SHA256) == path
        for attempt in (
            lambda: path.open("r+b"),
            path.unlink,
            lambda: path.parent.joinpath("x").touch(),
            lambda: path.chmod(0o666),
        ):
            with pytest.raises(PermissionError):
                attempt()
        with pytest.raises(CaseError, match=r"can't be written.*CLERKSHIP_CACHE"):
            FileStore(store.root).put(io.BytesIO(b"new"))

    as_another_user(check)


def _put(root: Path, sha256: str) -> str:
    return str(FileStore(root).put(io.BytesIO(WORDS), sha256).path)


@pytest.mark.slow
def test_several_processes_may_put_the_same_file_at_once(store: FileStore) -> None:
    with get_context("spawn").Pool(4) as pool:
        paths = pool.starmap(_put, [(store.root, SHA256)] * 12)
    assert set(paths) == {str(store.path_of(SHA256))}
    assert store.find(SHA256) is not None
    assert list((store.root / "partial").iterdir()) == []


def test_the_cache_is_where_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLERKSHIP_CACHE", str(tmp_path))
    assert cache_root() == tmp_path
    monkeypatch.delenv("CLERKSHIP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "clerkship"
