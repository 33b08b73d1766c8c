"""Whatever an object store answers, people are told what is wrong, where, and how to mend it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlform.backends import object_settings
from mlform.backends.object_errors import Place, Unheard
from mlform.backends.object_settings import open_objects
from mlform.backends.objects import Object, Objects
from mlform.errors import BackendError, MlformError
from mlform.wiring import utc_now
from tests.certificates import Authority
from tests.ports import free_port
from tests.state_server import state_server

SECRET = "do-not-show-this-key"  # noqa: S105 - it is none


@dataclass
class Answers:
    """What a server answers to everything."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    first: list[int] = field(default_factory=list)
    asked: int = 0


def error(code: str, message: str = "Said the store.") -> str:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"


@contextmanager
def answering(answers: Answers) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def answer(self) -> None:
            answers.asked += 1
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(answers.first.pop(0) if answers.first else answers.status)
            for name, value in answers.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answers.body.encode())))
            self.end_headers()
            self.wfile.write(answers.body.encode())

        do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - called by these names

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_settings, "_RETRIES", 1)


def s3(endpoint: str, **arguments: object) -> Objects:
    given: dict[str, object] = {
        "url": "s3://bucket/project",
        "endpoint": endpoint,
        "access_key": "key",
        "secret_key": SECRET,
    }
    return open_objects({**given, **arguments}, variables={}, folder=Path())


def every_request(objects: Objects) -> Iterator[BackendError]:
    """Ask for everything; yields what was raised."""
    for request in (
        lambda: objects.get("k"),
        lambda: objects.put("k", b"1"),
        lambda: objects.swap("k", b"1", expected=""),
        lambda: objects.swap("k", b"1", expected='["\\"tag\\"", null]'),
        lambda: objects.delete(["k"]),
        lambda: list(objects.keys("folder")),
        lambda: objects.folders("folder"),
    ):
        with pytest.raises(BackendError) as caught:
            request()
        yield caught.value


@pytest.mark.parametrize(
    ("status", "code", "summary", "words"),
    [
        (404, "NoSuchBucket", "The bucket of the state is missing", 'no bucket "bucket" at http'),
        (403, "InvalidAccessKeyId", "does not accept the credentials", "AWS_ACCESS_KEY_ID"),
        (403, "SignatureDoesNotMatch", "does not accept the credentials", "secret"),
        (400, "ExpiredToken", "does not accept the credentials", "expired"),
        (401, "Unauthorized", "does not accept the credentials", "AWS_ACCESS_KEY_ID"),
        (403, "AccessDenied", "does not permit it", "must be allowed to list"),
        (301, "PermanentRedirect", "The bucket is in another region", "Set region"),
        (400, "AuthorizationHeaderMalformed", "The bucket is in another region", "AWS_REGION"),
        (501, "NotImplemented", "cannot keep two runs apart", "If-Match"),
        (400, "InvalidRequest", "The state cannot be", "Check url"),
    ],
)
def test_refusals(status: int, code: str, summary: str, words: str) -> None:
    answers = Answers(status=status, body=error(code, f"Said the store of secret {SECRET}."))
    with answering(answers) as endpoint:
        for problem in every_request(s3(endpoint)):
            assert summary in problem.summary
            assert words in problem.detail
            assert "s3://bucket/project" in problem.detail
            assert SECRET not in str(problem)
            assert "Debug source" not in str(problem)


@pytest.mark.parametrize(
    ("status", "code", "summary"),
    [
        (503, "SlowDown", "is asked too much"),
        (429, "TooManyRequests", "is asked too much"),
        (500, "InternalError", "cannot be reached"),
        (502, "", "cannot be reached"),
    ],
)
def test_failures_are_tried_again(status: int, code: str, summary: str) -> None:
    answers = Answers(status=status, body=error(code) if code else "<html>")
    with answering(answers) as endpoint, pytest.raises(Unheard, match=summary):
        s3(endpoint).get("k")
    assert answers.asked == 2


def test_what_succeeds_when_tried_again_is_no_failure() -> None:
    tag = {"ETag": '"tag"', "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"}
    answers = Answers(body="content", headers=tag, first=[503])
    with answering(answers) as endpoint:
        found = s3(endpoint).get("k")
    assert found == Object(content=b"content", version='["\\"tag\\"", null]')


def test_what_is_refused_although_nothing_changed_is_tried_again() -> None:
    tag = {"ETag": '"tag"', "Last-Modified": "Sun, 01 Mar 2026 12:00:00 GMT"}
    answers = Answers(body="as it was", headers=tag, first=[412, 200])
    with answering(answers) as endpoint:
        objects = s3(endpoint)
        assert objects.swap("k", b"new", expected='["\\"tag\\"", null]') is not None
        answers.first = [412, 200]
        assert objects.swap("k", b"new", expected='["\\"other\\"", null]') is None
        answers.first = [412, 200]
        assert objects.swap("k", b"as it was", expected='["\\"other\\"", null]') is not None


def test_nobody_answers() -> None:
    endpoint = f"http://127.0.0.1:{free_port()}"
    for problem in every_request(s3(endpoint)):
        assert problem.summary == "The object store cannot be reached"
        assert f"no useful answer at {endpoint} (Connection refused)" in problem.detail
        assert "Check the network" in problem.detail


def test_a_server_without_tls_is_named() -> None:
    with answering(Answers()) as endpoint:
        objects = s3(endpoint.replace("http:", "https:"))
        with pytest.raises(Unheard, match="it does not speak TLS there"):
            objects.get("k")


def test_a_certificate_of_nobody_known_is_named(tmp_path: Path) -> None:
    tls = Authority(utc_now()).server(tmp_path, asks_clients=False)
    with state_server(tls) as server:
        objects = s3(server.url)
        with pytest.raises(Unheard, match="certificate is not to be trusted: UnknownIssuer"):
            objects.get("k")


def test_a_server_that_takes_a_connection_and_says_nothing_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(object_settings, "_REQUEST", timedelta(seconds=0.2))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        objects = s3(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(Unheard, match="it does not answer in time"):
            objects.get("k")


def test_nobody_has_credentials() -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    arguments = {
        "access_key": None,
        "secret_key": None,
        "options": {"metadata_endpoint": nowhere},
    }
    with pytest.raises(BackendError, match="no credentials for the object store") as caught:
        s3(nowhere, **arguments).get("k")
    assert "profile in the backend block" in caught.value.detail


def test_other_providers_say_what_they_need() -> None:
    answers = Answers(status=404, body=error("ContainerNotFound"))
    arguments = {"url": "az://box/project", "account": "lab", "account_key": "c2VjcmV0"}
    with answering(answers) as endpoint:
        objects = open_objects(
            {**arguments, "endpoint": f"{endpoint}/lab"}, variables={}, folder=Path()
        )
        with pytest.raises(BackendError, match="The container of the state is missing"):
            objects.get("k")
        answers.status, answers.body = 403, error("AuthenticationFailed")
        with pytest.raises(BackendError, match="AZURE_STORAGE_ACCOUNT_KEY"):
            objects.get("k")
        answers.status, answers.body = 401, error("AuthenticationRequired")
        objects = open_objects(
            {"url": "gs://bucket/project", "token": SECRET, "endpoint": endpoint},
            variables={},
            folder=Path(),
        )
        with pytest.raises(BackendError, match="GOOGLE_APPLICATION_CREDENTIALS") as caught:
            objects.get("k")
        assert SECRET not in str(caught.value)


def test_secrets_are_cut_out_of_what_comes_from_outside() -> None:
    place = Place(url="az://box", provider="azure", secrets=(SECRET, ""))
    text = f"GET https://lab/box?sv=1&sig=abc%3D&se=2 with {SECRET} said X-Amz-Signature=12ab"
    assert place.without_secrets(text) == (
        "GET https://lab/box?sv=1&sig=(hidden)&se=2 with (hidden) said X-Amz-Signature=(hidden)"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "Set url"),
        ({"url": ""}, "Set url"),
        ({"url": "bucket/project"}, "give s3://bucket/prefix"),
        ({"url": "file:///tmp/x"}, "give s3://bucket/prefix"),
        ({"url": "https://example.com/x"}, "give s3://bucket/prefix"),
        ({"url": f"s3://key:{SECRET}@bucket/x"}, "more than an address"),
        ({"url": f"https://lab.blob.core.windows.net/box?sig={SECRET}"}, "sas_token"),
        ({"url": "s3://bucket", "account": "lab"}, "account: not of S3"),
        ({"url": "az://box", "profile": "lab"}, "profile: not of Azure Blob Storage"),
        ({"url": "az://box"}, "Account must be specified"),
        ({"url": "s3://bucket", "options": {"nonsense": SECRET}}, "nonsense"),
        ({"url": "s3://bucket", "options": {"skip_signature": SECRET}}, "boolean"),
        ({"url": "gs://bucket", "credentials": "absent.json"}, "absent.json"),
        ({"url": "gs://bucket", "credentials": '{"private": "' + SECRET + '"}'}, "private_key"),
        ({"url": "az://box", "account": "lab", "account_key": SECRET}, "Access Key"),
    ],
)
def test_what_cannot_be_used_as_configured_is_said(
    arguments: dict[str, object], words: str, tmp_path: Path
) -> None:
    with pytest.raises(MlformError, match="(?s)" + words.replace("(", r"\(")) as caught:
        open_objects(arguments, variables={}, folder=tmp_path)
    assert SECRET not in str(caught.value)
    assert "Debug source" not in str(caught.value)
