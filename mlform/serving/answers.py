"""What a request is answered with, and how an answer is an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from mlform.dataclass import dataclass

JSON: Final = b"application/json"
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer.

    Attributes:
        status: HTTP status.
        body: Bytes of the body.
        content_type: Of the body.
        headers: More headers.
    """

    status: int = 200
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Refusal(Exception):
    """A request that is not answered with what it asked for.

    Attributes:
        status: HTTP status.
        summary: What is wrong, in a fixed sentence.
        detail: Where, and how to fix it.
        headers: Headers the status asks for.
    """

    def __init__(
        self,
        status: int,
        summary: str,
        detail: str,
        headers: tuple[tuple[bytes, bytes], ...] = (),
    ) -> None:
        super().__init__(f"{summary}: {detail}")
        self.status = status
        self.summary = summary
        self.detail = detail
        self.headers = headers

    def plain(self) -> Answer:
        """Return the error in mlform's own shape."""
        document = {"error": {"summary": self.summary, "detail": self.detail}}
        return json_answer(document, status=self.status, headers=self.headers)

    def open_inference(self) -> Answer:
        """Return the error in the shape of the Open Inference Protocol."""
        document = {"error": f"{self.summary}: {self.detail}"}
        return json_answer(document, status=self.status, headers=self.headers)


def json_answer(
    document: Mapping[str, object],
    *,
    status: int = 200,
    headers: tuple[tuple[bytes, bytes], ...] = (),
) -> Answer:
    """Return a document as an answer; numbers that are not finite become null."""
    return Answer(status=status, body=_ENCODER.encode(document), headers=headers)


def decode_json(body: bytes) -> object:
    """Return the document in a body.

    Raises:
        Refusal: If it is not JSON.
    """
    try:
        document: object = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as failure:
        raise Refusal(400, "The body is not JSON", f"{failure}.") from failure
    return document
