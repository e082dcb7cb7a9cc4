"""A real PACS for tests: Debian's Orthanc with its DICOMweb plug-in, on loopback and nowhere else.

Orthanc 1.10 listens on every address of the machine. So it runs in a network namespace of its own, where
there is nothing but that namespace's loopback. A relay beside it accepts on two loopback ports of *this*
machine: a listening socket belongs to the namespace in which it was made, so the test makes them and the
relay inherits them. Tests then use ``127.0.0.1:port`` like anybody's PACS.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER, PASSWORD = "course", "course"
AE_TITLE = "LOCALPACS"
_INNER_HTTP, _INNER_DICOM = 8042, 4242


@dataclass(frozen=True)
class Orthanc:
    """A running PACS.

    Attributes
    ----------
    http_port, dicom_port : int
        On 127.0.0.1.
    process : Popen
        The relay, which holds Orthanc.
    """

    http_port: int
    dicom_port: int
    process: subprocess.Popen[bytes]

    @property
    def dicomweb(self) -> str:
        """Address of its DICOMweb services."""
        return f"http://127.0.0.1:{self.http_port}/dicom-web"

    @property
    def dicom(self) -> str:
        """Its address for classic DICOM."""
        return f"dicom://{AE_TITLE}@127.0.0.1:{self.dicom_port}"

    def store(self, paths: Iterable[Path]) -> None:
        """Push files by C-STORE, in the encoding that they have."""
        from pydicom import dcmread
        from pynetdicom import AE, evt

        files = list(paths)
        headers = [dcmread(path, stop_before_pixels=True) for path in files]
        entity = AE(ae_title="TESTS")
        pairs = {(header.SOPClassUID, header.file_meta.TransferSyntaxUID) for header in headers}
        for sop_class, syntax in sorted(pairs):
            entity.add_requested_context(sop_class, syntax)
        association = entity.associate(
            "127.0.0.1",
            self.dicom_port,
            ae_title=AE_TITLE,
            evt_handlers=[(evt.EVT_CONN_OPEN, _without_delay)],
        )
        assert association.is_established, "Orthanc did not accept the association"
        try:
            for path in files:
                status = association.send_c_store(path)
                assert status.Status == 0, f"{path.name}: {status}"
        finally:
            association.release()

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.process.kill()
        self.process.wait()


def lowest(folder: Path, count: int) -> list[Path]:
    """Return the lowest slices of a series: a part of it that is a stack of its own."""
    from pydicom import dcmread

    paths = list(folder.iterdir())
    heights = {
        path: float(dcmread(path, specific_tags=["ImagePositionPatient"]).ImagePositionPatient[2])
        for path in paths
    }
    return sorted(paths, key=heights.__getitem__)[:count]


def reason_to_skip() -> str | None:
    """Say why no Orthanc can run here, or None."""
    if shutil.which("Orthanc") is None:
        return "Orthanc is not installed (Debian: orthanc, orthanc-dicomweb)"
    if not PLUGIN.exists():
        return "Orthanc's DICOMweb plug-in is not installed (Debian: orthanc-dicomweb)"
    if _unshare() is None:
        return (
            "this account may not make a network namespace, and Orthanc must not be on the network"
        )
    return None


@pytest.fixture(scope="session")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """An empty PACS for the tests of one file; skipped, with the reason, where none can run."""
    if reason := reason_to_skip():
        pytest.skip(reason)
    with running(tmp_path_factory.mktemp("orthanc")) as pacs:
        yield pacs


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Orthanc]:
    """Run a PACS of its own in ``folder`` for as long as the block lasts.

    The caller has made sure that :func:`reason_to_skip` is None.
    """
    command = _unshare()
    assert command is not None
    config = folder / "orthanc.json"
    config.write_text(json.dumps(_config(folder / "db")), encoding="utf-8")
    with _listening() as http, _listening() as dicom, (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *command,
                sys.executable,
                __file__,
                str(config),
                str(http.fileno()),
                str(dicom.fileno()),
            ],
            pass_fds=(http.fileno(), dicom.fileno()),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        orthanc = Orthanc(http.getsockname()[1], dicom.getsockname()[1], process)
    try:
        _wait(orthanc, folder / "orthanc.log")
        yield orthanc
    finally:
        orthanc.kill()  # nothing of it is kept, and it takes Orthanc with it


def _without_delay(event: Any) -> None:
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _config(database: Path) -> dict[str, object]:
    return {
        "Name": AE_TITLE,
        "StorageDirectory": str(database),
        "IndexDirectory": str(database),
        "SyncStorageArea": False,  # nothing here has to outlive a power cut
        "HttpPort": _INNER_HTTP,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "DicomPort": _INNER_DICOM,
        "DicomAet": AE_TITLE,
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowEcho": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "DicomAlwaysAllowGet": True,
        "Plugins": [str(PLUGIN)],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }


def _unshare() -> list[str] | None:
    """How this account makes a network namespace, if it may."""
    for command in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
        with contextlib.suppress(OSError):
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
    return None


def _listening() -> socket.socket:
    made = socket.create_server(("127.0.0.1", 0))
    made.set_inheritable(True)
    return made


def _wait(orthanc: Orthanc, log: Path) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{orthanc.http_port}/system")
    end = time.monotonic() + 30
    while time.monotonic() < end and orthanc.process.poll() is None:
        try:
            urllib.request.urlopen(request, timeout=5).close()
        except urllib.error.HTTPError as answer:  # 401: it runs, and asks who we are
            answer.close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"Orthanc did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


# -- inside the namespace ----------------------------------------------------------


def _raise_loopback() -> None:
    """Switch the namespace's own loopback on (SIOCSIFFLAGS: IFF_UP | IFF_RUNNING)."""
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14s", b"lo", 0x41, b""))


async def _relay(config: str, http: int, dicom: int) -> None:
    """Run Orthanc, and pass on what arrives at the two inherited sockets."""
    orthanc = subprocess.Popen(["Orthanc", config], preexec_fn=_die_with_parent)  # noqa: PLW1509 - no threads here
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, done.set)
    servers = [
        await asyncio.start_server(_to(port), sock=socket.socket(fileno=handle))
        for handle, port in ((http, _INNER_HTTP), (dicom, _INNER_DICOM))
    ]
    while not done.is_set() and orthanc.poll() is None:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(done.wait(), 0.2)
    for server in servers:
        server.close()
    orthanc.terminate()
    orthanc.wait(10)


def _to(port: int):  # type: ignore[no-untyped-def]  # asyncio's own signature
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        await asyncio.gather(_pump(reader, inner_writer), _pump(inner_reader, writer))

    return serve


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(2**16):
            writer.write(piece)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()


if __name__ == "__main__":
    _die_with_parent()
    _raise_loopback()
    asyncio.run(_relay(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    os._exit(0)
