"""A wire to a server on the loopback that is cut at a chosen message."""

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
    """

    def __init__(self, server: int) -> None:
        self._server = server
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.lose: list[bytes] = []
        self.lost = 0

    def run(self) -> None:
        """Carry until closed."""
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
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


@contextlib.contextmanager
def wire_to(server: int) -> Iterator[Wire]:
    """Return a wire to a port of the loopback."""
    wire = Wire(server)
    thread = threading.Thread(target=wire.run, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        wire.close()
        thread.join(10)
