"""Paths, ports and environments."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from clerkship_hub.errors import HubError
from clerkship_hub.settings import (
    Accounts,
    Ports,
    Settings,
    choose_ports,
    clean_environment,
    free_ports,
)


def test_what_is_saved_is_what_other_processes_read(tmp_path: Path) -> None:
    settings = Settings(
        home=tmp_path,
        ports=Ports(public=8000, hub=1, proxy_api=2, apps=3, graders=(4, 5)),
        accounts=Accounts(students=("ana",), teachers=("bo", "cy")),
        courses=("a-course", "b-course"),
    )
    settings.state.mkdir()
    assert Settings.load(settings.save()) == settings


@pytest.mark.parametrize("content", [None, "", "[]", '{"home": "/x"}'])
def test_a_damaged_settings_file_is_named(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "settings.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(HubError, match=r"settings\.json: not a settings file"):
        Settings.load(file)


def test_a_taken_port_is_one_sentence_with_a_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(HubError, match=rf"Port {port} is already taken: .* --port \d+"):
            choose_ports(port, graders=1)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(HubError, match="not a port"):
        choose_ports(port, graders=0)


def test_every_part_gets_a_port_of_its_own() -> None:
    public = free_ports(1)[0]
    ports = choose_ports(public, graders=3)
    everybody = [ports.public, ports.hub, ports.proxy_api, ports.apps, *ports.graders]
    assert ports.public == public
    assert len(set(everybody)) == 7


def test_children_inherit_no_secret_of_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret")
    monkeypatch.setenv("CLERKSHIP_KEYS", "/somewhere")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    environment = clean_environment({"OURS": "1"})
    assert not {"JUPYTERHUB_API_TOKEN", "CLERKSHIP_KEYS", "PYTHONPATH"} & set(environment)
    assert environment["OURS"] == "1"
