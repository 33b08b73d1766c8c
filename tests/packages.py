"""What modules come from, made for a test: real git repositories, archives, a server for them."""

from __future__ import annotations

import io
import os
import subprocess  # noqa: TID251 - the repositories are made by git itself
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Repository:
    """A git repository with one branch, `main`, to begin with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")

    @property
    def source(self) -> str:
        """The repository as the source of a module."""
        return f"git::{self.folder.as_uri()}"

    def commit(self, files: Mapping[str, str]) -> str:
        """Write files and commit them; return the commit."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=x")
        return self.git("rev-parse", "HEAD")

    def git(self, *words: str) -> str:
        """Run git in the repository; return what it printed."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}  # noqa: TID251
        done = subprocess.run(  # noqa: S603
            ["git", *words],  # noqa: S607
            cwd=self.folder,
            env={
                **kept,
                "GIT_CONFIG_GLOBAL": "/dev/null",
                "GIT_AUTHOR_NAME": "a",
                "GIT_AUTHOR_EMAIL": "a@example.com",
                "GIT_COMMITTER_NAME": "a",
                "GIT_COMMITTER_EMAIL": "a@example.com",
            },
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()


def zip_of(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def tar_of(files: Mapping[str, bytes], *, mode: str = "w:gz") -> bytes:
    """Return a tar archive of files."""
    entries: list[tuple[tarfile.TarInfo, bytes]] = []
    for name, content in files.items():
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        entries.append((entry, content))
    return tar_of_entries(entries, mode=mode)


def tar_of_entries(
    entries: Sequence[tuple[tarfile.TarInfo, bytes]], *, mode: str = "w:gz"
) -> bytes:
    """Return a tar archive of any entries."""
    target = io.BytesIO()
    # The modes of a text differ per overload: those used here are all known.
    with tarfile.open(fileobj=target, mode=mode) as archive:  # type: ignore[call-overload]
        for entry, content in entries:
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


@dataclass
class Site:
    """What a server on this machine answers.

    Attributes:
        url: Its address, without a slash at the end.
        files: Content by path.
        redirects: Addresses by path.
        cut: Paths whose answers break off half-way.
        silent: Paths that are never answered.
        asked: Paths that were asked for, with the credentials given.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, str | None]] = field(default_factory=list)


@contextmanager
def site() -> Iterator[Site]:
    """Serve files on a free port."""
    content = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content.asked.append((self.path, self.headers.get("Authorization")))
            path = self.path.partition("?")[0]
            if path in content.silent:
                time.sleep(5)
            if path in content.redirects:
                self.send_response(302)
                self.send_header("Location", content.redirects[path])
                self.end_headers()
                return
            body = content.files.get(path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):  # who asked may be gone
                self.wfile.write(body[: len(body) // 2] if path in content.cut else body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    content.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield content
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
