"""A loopback server for tests: files with HTTP Range, transfers that break off, and S3's list of objects."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape


@dataclass
class FileServer:
    """What the server holds, how it misbehaves, and what it was asked.

    Attributes
    ----------
    files : dict
        Path (with leading slash) -> content.
    break_after : dict
        Path -> bytes after which the next transfer of it is cut; each entry is used once.
    busy : dict
        Path -> how many requests are answered with 503 first.
    can_resume : bool
        Whether Range is honoured.
    asked : list
        (path, Range header) of every request.
    page : int
        Objects on one page of a list.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    break_after: dict[str, int] = field(default_factory=dict)
    busy: Counter[str] = field(default_factory=Counter)
    can_resume: bool = True
    page: int = 1000
    asked: list[tuple[str, str]] = field(default_factory=list)
    sent: Counter[str] = field(default_factory=Counter)

    def start(self) -> None:
        """Serve on a free port of 127.0.0.1."""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def do_GET(self) -> None:
                outer.answer(self)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one GET."""
        asked = urlsplit(request.path)
        path, wanted = unquote(asked.path), request.headers.get("Range", "")
        if asked.query:
            page = self.list_page(asked.path.strip("/"), parse_qs(asked.query))
            return self.send(request, 200, page)
        self.asked.append((path, wanted))
        if self.busy[path] > 0:
            self.busy[path] -= 1
            return self.send(request, 503, b"busy")
        if path not in self.files:
            return self.send(request, 404, b"no such file")
        content, start = self.files[path], 0
        if wanted and self.can_resume:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(content) > 0:
            return self.send(request, 416, b"")
        headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
        return self.send(
            request, 206 if start else 200, content[start:], headers if start else {}, path
        )

    def send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        content: bytes,
        headers: dict[str, str] | None = None,
        path: str = "",
    ) -> None:
        """Send an answer, or the first part of it."""
        request.send_response(status)
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        cut = self.break_after.pop(path, None)
        request.wfile.write(content[:cut])
        self.sent[path] += len(content[:cut])
        if cut is not None:
            request.close_connection = True

    def list_page(self, bucket: str, query: dict[str, list[str]]) -> bytes:
        """Make a page of ListObjectsV2: one element per object, a token where there are more."""
        prefix = f"/{bucket}/{query['prefix'][0]}"
        keys = sorted(path for path in self.files if path.startswith(prefix))
        start = int(query.get("continuation-token", ["0"])[0])
        rows = "".join(
            f"<Contents><Key>{escape(key.removeprefix(f'/{bucket}/'))}</Key>"
            f"<ETag>&quot;{hashlib.md5(self.files[key]).hexdigest()}&quot;</ETag>"
            f"<Size>{len(self.files[key])}</Size></Contents>"
            for key in keys[start : start + self.page]
        )
        more = start + self.page < len(keys)
        token = (
            f"<NextContinuationToken>{start + self.page}</NextContinuationToken>" if more else ""
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{escape(bucket)}</Name><Prefix>{escape(prefix)}</Prefix>"
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
        ).encode()

    def url(self, path: str) -> str:
        """Address of a file."""
        return self.address + quote(path)
