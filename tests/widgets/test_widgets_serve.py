"""How the browser gets its scripts: over HTTP where possible, else from the kernel."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from clerkship_widgets import serve
from clerkship_widgets.answers import WidgetError


class Recorder:
    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []

    def send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.sent.append((content, buffers))


@pytest.fixture
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "room.js").write_text("export default {}")
    (folder / "room_engine.js").write_text("export const answer = 42")
    (folder / "room_engine.js.gz").write_bytes(gzip.compress(b"export const answer = 42"))
    monkeypatch.setattr(serve, "STATIC", folder)
    return folder


@pytest.mark.usefixtures("static")
def test_engines_are_installed_where_jupyter_serves_them(tmp_path: Path) -> None:
    folder = serve.install_static(tmp_path / "env")
    assert folder == tmp_path / "env/share/jupyter/labextensions/@clerkship/widgets"
    assert [path.name for path in (folder / "static").iterdir()] == ["room_engine.js.gz"]
    description = json.loads((folder / "package.json").read_text())
    assert description["name"] == "@clerkship/widgets"
    assert "_build" not in description["jupyterlab"]  # Lab would look for a federated module


def test_installing_again_replaces_and_tidies(static: Path, tmp_path: Path) -> None:
    folder = serve.install_static(tmp_path)
    (folder / "static" / "old_engine.js.gz").write_bytes(b"old")
    (static / "room_engine.js.gz").write_bytes(b"newer")
    serve.install_static(tmp_path)
    assert {path.name: path.read_bytes() for path in (folder / "static").iterdir()} == {
        "room_engine.js.gz": b"newer"
    }


def test_nothing_built_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "STATIC", tmp_path)
    with pytest.raises(WidgetError, match=r"node build\.mjs"):
        serve.install_static(tmp_path)
    with pytest.raises(WidgetError, match="clerkship up"):
        serve.script("room")


@pytest.mark.usefixtures("static")
def test_the_kernel_sends_the_engine_when_asked() -> None:
    recorder = Recorder()
    assert serve.answer_engine_request(recorder, {"engine": "room_engine"})
    content, buffers = recorder.sent[0]
    assert content == {"engine": "room_engine"}
    assert gzip.decompress(buffers[0]) == b"export const answer = 42"


@pytest.mark.usefixtures("static")
@pytest.mark.parametrize("name", ["missing_engine", "../room_engine", "room", "/etc/passwd", ""])
def test_nothing_else_can_be_had_through_the_kernel(name: str) -> None:
    recorder = Recorder()
    assert serve.answer_engine_request(recorder, {"engine": name})
    content, buffers = recorder.sent[0]
    assert "not been built" in content["error"]
    assert buffers == []


@pytest.mark.parametrize("content", [None, "engine", {}, {"engine": 3}, {"get": {}}])
def test_other_messages_are_left_alone(content: object) -> None:
    recorder = Recorder()
    assert not serve.answer_engine_request(recorder, content)
    assert recorder.sent == []
