"""Requests: again where they fail, by proxies and TLS, and never with a secret for others."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from mlform.backends.http_client import HttpClient, HttpSettings, shown
from mlform.errors import BackendError
from mlform.wiring import utc_now
from tests.certificates import Authority
from tests.state_server import Fault, StateServer, state_server
from tests.wire import wire_to

QUICK = HttpSettings(wait_min=0.01, wait_max=0.02, silence=10)


@pytest.mark.parametrize(
    "fault", [Fault.UNAVAILABLE, Fault.BROKEN, Fault.SILENT, Fault.SILENT_AFTER]
)
def test_a_failure_that_passes_is_got_over(http_states: StateServer, fault: Fault) -> None:
    http_states.faults["GET"] = [fault, fault]
    assert HttpClient(QUICK).request("GET", f"{http_states.url}/a").status == 204
    assert http_states.methods() == ["GET"] * 3


def test_a_failure_that_stays_is_given_up(http_states: StateServer) -> None:
    http_states.faults["GET"] = [Fault.BROKEN] * 4 + [Fault.SILENT] * 4
    four = replace(QUICK, retries=3)
    assert HttpClient(four).request("GET", f"{http_states.url}/a").status == 500
    with pytest.raises(BackendError, match="closed the connection without an answer"):
        HttpClient(four).request("GET", f"{http_states.url}/a")
    assert http_states.methods() == ["GET"] * 8


def test_a_refusal_is_not_asked_again(http_states: StateServer) -> None:
    http_states.faults["GET"] = [Fault.FORBIDDEN]
    assert HttpClient(QUICK).request("GET", f"{http_states.url}/a").status == 403
    assert http_states.methods() == ["GET"]


def test_a_server_that_does_not_answer_is_given_up(http_states: StateServer) -> None:
    http_states.slowness = 0.5
    http_states.faults["GET"] = [Fault.SLOW]
    client = HttpClient(replace(QUICK, silence=0.1, retries=0))
    with pytest.raises(BackendError, match="does not answer"):
        client.request("GET", f"{http_states.url}/a")


def test_one_connection_serves_many_requests(http_states: StateServer) -> None:
    with wire_to(http_states.port) as wire:
        client = HttpClient(QUICK)
        for _ in range(5):
            client.request("POST", f"http://127.0.0.1:{wire.port}/a", b'{"serial":1}')
        assert wire.connections == 1
        client.close()
        client.request("GET", f"http://127.0.0.1:{wire.port}/a")
        assert wire.connections == 2


def test_what_is_sent(http_states: StateServer) -> None:
    settings = replace(QUICK, username="ada", password="p:w", headers={"X-Token": "t"})  # noqa: S106
    HttpClient(settings).request("LOCK", f"{http_states.url}/a?x=1", b'{"ID":"i"}')
    (request,) = http_states.requests
    assert (request.method, request.path, request.query) == ("LOCK", "/a", {"x": ["1"]})
    assert request.headers["authorization"] == f"Basic {base64.b64encode(b'ada:p:w').decode()}"
    assert request.headers["content-md5"] == "JUHVpYFis482ek6mKEmXBQ=="
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-token"] == "t"


def test_credentials_may_stand_in_the_address(http_states: StateServer) -> None:
    http_states.credentials = "ada:p/w"
    url = f"{http_states.url}/a".replace("://", "://ada:p%2Fw@")
    assert HttpClient(QUICK).request("GET", url).status == 204
    assert shown(f"{url}?token=secret") == f"{http_states.url}/a"


def test_a_move_takes_method_and_body_along(http_states: StateServer) -> None:
    http_states.faults["POST"] = [Fault.MOVED]
    answer = HttpClient(QUICK).request("POST", f"{http_states.url}/a", b'{"serial":1}')
    assert answer.status == 200
    assert [request.body for request in http_states.requests] == [b'{"serial":1}'] * 2


def test_a_post_is_not_sent_to_a_page(http_states: StateServer) -> None:
    http_states.faults["POST"] = [Fault.SIGN_IN]
    answer = HttpClient(QUICK).request("POST", f"{http_states.url}/a", b'{"serial":1}')
    assert (answer.status, answer.is_done) == (302, False)


def test_another_server_gets_no_credentials(http_states: StateServer) -> None:
    with state_server() as other:
        http_states.moved_to = other.url
        http_states.faults["GET"] = [Fault.MOVED]
        settings = replace(QUICK, username="ada", password="p", headers={"X-Token": "t"})  # noqa: S106
        HttpClient(settings).request("GET", f"{http_states.url}/a")
        (request,) = other.requests
        assert not {"authorization", "x-token"} & set(request.headers)


def test_no_move_to_less_safety(tmp_path: Path, http_states: StateServer) -> None:
    authority = Authority(utc_now())
    with state_server(authority.server(tmp_path, asks_clients=False)) as server:
        server.moved_to = http_states.url
        server.faults["GET"] = [Fault.MOVED] * 3
        with pytest.raises(BackendError, match="less safe"):
            HttpClient(replace(QUICK, ca_pem=authority.pem)).request("GET", f"{server.url}/a")
    assert not http_states.requests


def test_certificates(tmp_path: Path) -> None:
    authority, ada = Authority(utc_now()), Authority(utc_now()).sign("ada")
    known = authority.sign("ada")
    with state_server(authority.server(tmp_path, asks_clients=True)) as server:
        url = f"{server.url}/a"
        right = replace(
            QUICK,
            ca_pem=authority.pem,
            certificate_pem=known.certificate,
            key_pem=known.key,
            retries=0,
        )
        assert HttpClient(right).request("GET", url).status == 204
        unchecked = replace(right, ca_pem="", verify=False)
        assert HttpClient(unchecked).request("GET", url).status == 204
        with pytest.raises(BackendError, match="certificate is not to be trusted"):
            HttpClient(replace(right, ca_pem="")).request("GET", url)
        stranger = replace(right, certificate_pem=ada.certificate, key_pem=ada.key)
        with pytest.raises(BackendError):
            HttpClient(stranger).request("GET", url)
        for wrong in (
            replace(right, certificate_pem="/home/ada/client.pem"),
            replace(right, key_pem=ada.key),
            replace(right, ca_pem="/etc/ca.pem"),
        ):
            with pytest.raises(BackendError, match=r"use file\(\)") as caught:
                HttpClient(wrong).request("GET", url)
            assert "PRIVATE KEY" not in str(caught.value)


def test_a_server_without_tls_is_named(http_states: StateServer) -> None:
    with pytest.raises(BackendError, match="it does not speak TLS there"):
        HttpClient(QUICK).request("GET", f"{http_states.url.replace('http:', 'https:')}/a")


def test_a_proxy_of_the_environment_is_used(http_states: StateServer) -> None:
    proxy = f"http://p:q%2Fr@127.0.0.1:{http_states.port}"
    settings = replace(QUICK, variables={"http_proxy": proxy, "NO_PROXY": "lab, .lan.test"})
    client = HttpClient(settings)
    assert client.request("GET", "http://states.test/a").status == 204
    (request,) = http_states.requests
    assert request.headers["host"] == "states.test"
    assert request.headers["proxy-authorization"] == f"Basic {base64.b64encode(b'p:q/r').decode()}"
    for direct in ("http://lab:1/a", "http://a.lan.test:1/a", "http://lan.test:1/a"):
        with pytest.raises(BackendError):
            HttpClient(replace(settings, retries=0, silence=2)).request("GET", direct)
    assert len(http_states.requests) == 1


def test_a_proxy_passes_tls_on(tmp_path: Path) -> None:
    authority = Authority(utc_now())
    with (
        state_server(authority.server(tmp_path, asks_clients=False)) as server,
        wire_to(server.port, is_proxy=True) as wire,
    ):
        variables = {"HTTPS_PROXY": f"http://p:q@127.0.0.1:{wire.port}"}
        settings = replace(QUICK, ca_pem=authority.pem, variables=variables, username="ada")
        assert HttpClient(settings).request("GET", "https://127.0.0.1:9/a").status == 204
        (head,) = wire.tunnels
        assert head.startswith(b"CONNECT 127.0.0.1:9 ")
        assert b"Proxy-Authorization: Basic cDpx\r\n" in head
        assert b"\r\nAuthorization" not in head
        (request,) = server.requests
        assert "proxy-authorization" not in request.headers
