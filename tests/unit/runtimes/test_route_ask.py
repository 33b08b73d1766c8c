"""Asking a health route: what comes over the wire, as an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mlform.runtimes.route import Answer, ask


@contextmanager
def answering(*parts: bytes) -> Iterator[int]:
    """Answer one connection with these bytes, in as many packets; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                for part in parts:
                    connection.sendall(part)

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("parts", "answer"),
    [
        (
            (b"HTTP/1.1 200 OK\r\nMlform-Instance: a-1 \r\nX: y\r\n\r\n{}",),
            Answer(status=200, instance="a-1"),
        ),
        (
            (b"HTTP/1.1 503 Busy\r\ncontent-", b"length: 0\r\n\r\nmlform-instance: no"),
            Answer(status=503),
        ),
        ((b"SSH-2.0\r\n",), Answer(status=0, problem="what answers does not speak HTTP")),
        ((), Answer(status=0, problem="what answers does not speak HTTP")),
    ],
)
def test_answers(parts: tuple[bytes, ...], answer: Answer) -> None:
    with answering(*parts) as port:
        assert ask("127.0.0.1", port) == answer


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    answer = ask("", port)
    assert not answer.ready
    assert answer.problem
