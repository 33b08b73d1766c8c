"""A small server that speaks the part of Google Cloud Storage's XML API that `obstore` uses.

Objects of one bucket in memory, with generations, `x-goog-if-generation-match`, listing by prefix
and delimiter, and removal. It stands in for a service that has no emulator with conditional writes
on any package index; what Google's own servers do beyond its documentation it cannot show.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "bucket"
_PAGE = 100


@dataclass
class Bucket:
    """What the server holds.

    Attributes:
        objects: Content and generation, by name.
        generation: Given last.
        ignores_conditions: Whether it writes whatever is there, as some look-alikes do.
        is_out_of_reach: Whether it answers nothing, as where the network is cut.
    """

    objects: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    generation: int = 1_000
    ignores_conditions: bool = False
    is_out_of_reach: bool = False
    guard: threading.Lock = field(default_factory=threading.Lock)

    def put(self, name: str, content: bytes, expected: str | None) -> int | None:
        """Store an object; None where it has not the generation that is expected."""
        with self.guard:
            now = self.objects[name][1] if name in self.objects else 0
            if expected is not None and not self.ignores_conditions and int(expected) != now:
                return None
            self.generation += 1
            self.objects[name] = (content, self.generation)
            return self.generation


class _Handler(BaseHTTPRequestHandler):
    bucket: Bucket
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        name = self._name()
        if name is None:
            return
        generation = self.bucket.put(name, content, self.headers["x-goog-if-generation-match"])
        if generation is None:
            self._refuse(412, "PreconditionFailed")
        else:
            self._answer(200, b"", generation)

    def do_GET(self) -> None:
        name = self._name()
        if name is None:
            return
        if not name:
            self._list()
            return
        found = self.bucket.objects.get(name)
        if found is None:
            self._refuse(404, "NoSuchKey")
        else:
            self._answer(200, *found)

    def do_DELETE(self) -> None:
        name = self._name()
        if name is None:
            return
        with self.bucket.guard:
            found = self.bucket.objects.pop(name, None)
        if found is None:
            self._refuse(404, "NoSuchKey")
        else:
            self._answer(204, b"")

    def _name(self) -> str | None:
        """Return the name of the object, empty for the bucket; None where nothing is to be done."""
        if self.bucket.is_out_of_reach:
            self.close_connection = True
            return None
        path = unquote(urlsplit(self.path).path).lstrip("/")
        bucket, _, name = path.partition("/")
        if bucket != BUCKET:
            self._refuse(404, "NoSuchBucket")
            return None
        return name

    def _list(self) -> None:
        asked = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        prefix, after = asked.get("prefix", ""), asked.get("continuation-token", "")
        names, folders = [], set()
        for name in sorted(self.bucket.objects):
            if not name.startswith(prefix):
                continue
            folder, delimiter, _ = name[len(prefix) :].partition(asked.get("delimiter") or "\n")
            if delimiter:
                folders.add(f"{prefix}{folder}{delimiter}")
            else:
                names.append(name)
        rest = [name for name in names if name > after]
        page = rest[:_PAGE]
        parts = [self._listed(name) for name in page]
        parts += [
            f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>"
            for folder in sorted(folders)
        ]
        if len(rest) > _PAGE:
            token = escape(page[-1])
            parts.append(f"<NextContinuationToken>{token}</NextContinuationToken>")
        body = f"<ListBucketResult>{''.join(parts)}</ListBucketResult>"
        self._answer(200, body.encode())

    def _listed(self, name: str) -> str:
        content, generation = self.bucket.objects[name]
        return (
            f"<Contents><Key>{escape(name)}</Key><Size>{len(content)}</Size>"
            f"<LastModified>2026-03-01T12:00:00.000Z</LastModified>"
            f"<ETag>&quot;{generation}&quot;</ETag></Contents>"
        )

    def _refuse(self, status: int, code: str) -> None:
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code)
        self._answer(
            status, f"<Error><Code>{code}</Code><Message>{words}.</Message></Error>".encode()
        )

    def _answer(self, status: int, body: bytes, generation: int | None = None) -> None:
        self.send_response(status)
        if generation is not None:
            self.send_header("ETag", f'"{generation}"')
            self.send_header("x-goog-generation", str(generation))
            self.send_header("Last-Modified", "Sun, 01 Mar 2026 12:00:00 GMT")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving(bucket: Bucket) -> Iterator[str]:
    """Serve a bucket on the loopback address; gives the address."""
    handler = type("Handler", (_Handler,), {"bucket": bucket})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
