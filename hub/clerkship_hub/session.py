"""Use a running Clerkship over HTTP as a browser does: sign in, answer, hand in, grade.

The demonstration and the tests go this way, so that they meet the same doors as a person:
form and cookie, cross-site tokens, the hub's sign-on to each server, the kernel's websocket.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests
import websocket

from clerkship_hub.errors import HubError

START_S = 180
CELL_S = 180
POLL_S = 0.2


class Visitor:
    """One person's browser.

    Parameters
    ----------
    url : str
        Public address of the hub, with a slash at the end.
    name, password : str
        The account.
    """

    def __init__(self, url: str, name: str, password: str) -> None:
        self.url = url
        self.name = name
        self._password = password
        self.http = requests.Session()
        self.http.trust_env = False

    @property
    def server(self) -> str:
        """Path of the person's own Jupyter server."""
        return f"user/{self.name}/"

    def sign_in(self) -> None:
        """Fill in the sign-in form.

        Raises
        ------
        HubError
            If the hub does not accept the account.
        """
        self.get("hub/login")
        form = {
            "username": self.name,
            "password": self._password,
            "_xsrf": self._token("/hub/"),
        }
        answer = self.http.post(
            f"{self.url}hub/login", data=form, allow_redirects=False, timeout=60
        )
        if answer.status_code != requests.codes.found:
            raise HubError(f"{self.name} could not sign in: the hub answered {answer.status_code}.")

    def start_server(self) -> None:
        """Start the person's Jupyter server and wait until its JupyterLab page opens.

        Raises
        ------
        HubError
            If it does not.
        """
        self.get(f"hub/spawn/{self.name}")
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            page = self.get(f"{self.server}lab")
            if page.ok and page.url.startswith(f"{self.url}{self.server}lab"):
                return
            time.sleep(POLL_S)
        raise HubError(f"The server of {self.name} did not start within {START_S} s.")

    def stop_server(self) -> None:
        """Stop the person's Jupyter server and wait until it is gone."""
        headers = {"X-XSRFToken": self._token("/hub/")}
        path = f"{self.url}hub/api/users/{self.name}/server"
        self.http.delete(path, headers=headers, timeout=60)
        while self.http.delete(path, headers=headers, timeout=60).status_code == 202:
            time.sleep(POLL_S)

    def get(self, path: str) -> requests.Response:
        """Open a page, following redirects."""
        return self.http.get(f"{self.url}{path}", timeout=120)

    def call(
        self, method: str, path: str, *, base: str | None = None, **more: Any
    ) -> requests.Response:
        """Call the API of the person's own server, or of the one at `base`."""
        base = base or self.server
        headers = {"X-XSRFToken": self._token(f"/{base}")}
        return self.http.request(
            method, f"{self.url}{base}{path}", headers=headers, timeout=300, **more
        )

    def json(self, method: str, path: str, *, base: str | None = None, **more: Any) -> Any:
        """Call an API and return its answer.

        Raises
        ------
        HubError
            If the answer is not a success.
        """
        answer = self.call(method, path, base=base, **more)
        if not answer.ok:
            raise HubError(
                f"{self.name}: {method} {path} was answered with {answer.status_code}: "
                f"{answer.text[:300]}"
            )
        return answer.json() if answer.content else None

    def _token(self, path: str) -> str:
        """Return the cross-site token of a server: there is one cookie for each path."""
        tokens = {
            cookie.path: cookie.value for cookie in self.http.cookies if cookie.name == "_xsrf"
        }
        return tokens.get(path) or tokens.get("/hub/") or ""

    # -- assignments (nbgrader's list) ---------------------------------------------------
    def assignments(self, course: str) -> list[dict[str, Any]]:
        """Return what nbgrader's assignment list shows."""
        return self._assignments("GET", "assignments", params={"course_id": course})

    def assignment(self, act: str, course: str, module: str) -> list[dict[str, Any]]:
        """``fetch``, ``submit`` or ``fetch_feedback`` a module; return the list afterwards."""
        what = {"course_id": course, "assignment_id": module}
        return self._assignments("POST", f"assignments/{act}", data=what)

    def _assignments(self, method: str, path: str, **more: Any) -> list[dict[str, Any]]:
        answer = self.json(method, path, **more)
        if not answer["success"]:
            raise HubError(f"{self.name}: {path} failed: {answer['value']}")
        return list(answer["value"])

    # -- files and kernels -----------------------------------------------------------------
    def read_notebook(self, path: str) -> dict[str, Any]:
        """Return the content of a notebook in the person's home."""
        return dict(
            self.json("GET", f"api/contents/{quote(path)}", params={"content": 1})["content"]
        )

    def write_notebook(self, path: str, content: dict[str, Any]) -> None:
        """Save a notebook, as JupyterLab does."""
        body = {"type": "notebook", "format": "json", "content": content}
        self.json("PUT", f"api/contents/{quote(path)}", json=body)

    def has_file(self, path: str) -> bool:
        """Tell whether the person's home holds a file."""
        return self.call("GET", f"api/contents/{quote(path)}", params={"content": 0}).ok

    @contextlib.contextmanager
    def kernel(self, notebook: str) -> Iterator[Kernel]:
        """Open a notebook's kernel, in the notebook's folder, for the length of the block."""
        body = {
            "path": notebook,
            "type": "notebook",
            "name": notebook,
            "kernel": {"name": "python3"},
        }
        session = self.json("POST", "api/sessions", json=body)
        kernel_id = session["kernel"]["id"]
        cookies = "; ".join(
            f"{cookie.name}={cookie.value}"
            for cookie in self.http.cookies
            if f"/{self.server}".startswith(cookie.path)
        )
        path = f"{self.server}api/kernels/{kernel_id}/channels?session_id={uuid.uuid4().hex}"
        channel = websocket.create_connection(
            f"{self.url.replace('http', 'ws', 1)}{path}&_xsrf={self._token(f'/{self.server}')}",
            cookie=cookies,
            origin=self.url.rstrip("/"),
            timeout=CELL_S,
            http_no_proxy=["127.0.0.1"],
        )
        try:
            yield Kernel(channel)
        finally:
            channel.close()
            with contextlib.suppress(requests.ConnectionError):  # the hub may be gone by now
                self.call("DELETE", f"api/sessions/{session['id']}")


class Kernel:
    """A Jupyter kernel at the other end of a websocket."""

    def __init__(self, channel: websocket.WebSocket) -> None:
        self._channel = channel

    def send(self, kind: str, content: dict[str, Any]) -> str:
        """Send a message on the shell channel; return its id."""
        identifier = uuid.uuid4().hex
        header = {
            "msg_id": identifier,
            "msg_type": kind,
            "username": "",
            "session": uuid.uuid4().hex,
            "version": "5.3",
            "date": "",
        }
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content}
        self._channel.send(json.dumps(message | {"channel": "shell", "buffers": []}))
        return identifier

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """Return the next message, or None when there is none in time; buffers are skipped."""
        self._channel.settimeout(timeout_s)
        try:
            received = self._channel.recv()
        except websocket.WebSocketTimeoutException:
            return None
        if isinstance(received, bytes):
            received = _without_buffers(received)
        return dict(json.loads(received)) if received else None

    def run(self, source: str) -> str:
        """Run a cell and return what it printed.

        Raises
        ------
        HubError
            If the cell fails, or does not end in time.
        """
        asked = self.send(
            "execute_request",
            {"code": source, "silent": False, "store_history": True, "stop_on_error": True},
        )
        printed: list[str] = []
        deadline = time.monotonic() + CELL_S
        while time.monotonic() < deadline:
            message = self.receive(deadline - time.monotonic())
            if message is None or message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            kind = message["header"]["msg_type"]
            if kind == "stream":
                printed.append(content["text"])
            elif kind == "error":
                raise HubError(f"{content['ename']}: {content['evalue']} in the cell:\n{source}")
            elif kind == "status" and content["execution_state"] == "idle":
                return "".join(printed)
        raise HubError(f"A cell did not end within {CELL_S} s:\n{source}")


def _without_buffers(frame: bytes) -> str:
    """Return the JSON of a binary websocket message (a widget's images follow it).

    Source: Jupyter's legacy websocket format: number of parts, their offsets, JSON, buffers;
    big-endian 32-bit integers.
    """
    parts = int.from_bytes(frame[:4], "big")
    offsets = [int.from_bytes(frame[4 * (i + 1) : 4 * (i + 2)], "big") for i in range(parts)]
    end = offsets[1] if parts > 1 else len(frame)
    return frame[offsets[0] : end].decode()
