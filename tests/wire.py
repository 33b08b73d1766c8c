"""A wire to a server on the loopback that is cut at a chosen message, and a proxy."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator


class Wire:
    """Carries bytes both ways, and loses the answer to the message that is to be lost.

    Attributes:
        port: To connect to instead of the server's.
        lose: A message with these bytes still reaches the server, but no answer comes back: the
            connection is closed. Each is lost once.
        lost: How many answers were lost.
        connections: How many were made.
        tunnels: What was asked for, where it is a proxy: the lines of `CONNECT` with their headers.
    """

    def __init__(self, server: int, *, is_proxy: bool = False) -> None:
        self._server = server
        self._is_proxy = is_proxy
        self.tunnels: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.lose: list[bytes] = []
        self.lost = 0
        self.connections = 0

    def run(self) -> None:
        """Carry until closed."""
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            self.connections += 1
            if self._is_proxy:
                self.tunnels.append(_head(client))
                client.sendall(b"HTTP/1.1 200 Here you are\r\n\r\n")
            server = socket.create_connection(("127.0.0.1", self._server))
            cut = threading.Event()
            for work in ((self._forth, client, server, cut), (self._back, server, client, cut)):
                threading.Thread(target=work[0], args=work[1:], daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        # Closing alone does not wake up who waits for one.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _forth(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while content := client.recv(1 << 16):
                found = [message for message in self.lose if message in content]
                if found:
                    self.lose.remove(found[0])
                    cut.set()
                server.sendall(content)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _back(self, server: socket.socket, client: socket.socket, cut: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while content := server.recv(1 << 16):
                if cut.is_set():  # the server is done
                    self.lost += 1
                    break
                client.sendall(content)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _head(client: socket.socket) -> bytes:
    content = b""
    while not content.endswith(b"\r\n\r\n"):
        content += client.recv(1)
    return content


@contextlib.contextmanager
def wire_to(server: int, *, is_proxy: bool = False) -> Iterator[Wire]:
    """Return a wire to a port of the loopback; a proxy connects to it whatever it is asked for."""
    wire = Wire(server, is_proxy=is_proxy)
    thread = threading.Thread(target=wire.run, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        wire.close()
        thread.join(10)
