"""Fixtures with the object stores that tests talk to; a pytest plugin.

Each is started once in each process of pytest that asks for it, on the loopback address, and ended
with it: moto for S3, Azurite for Azure, a server of our own for Google Cloud Storage. Where Azurite
is not installed its tests are skipped with the reason, except where `CI=true` or
`MLF_TEST_REQUIRE_AZURITE=1` say that it must be there.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess  # noqa: TID251 - servers run beside the tests
import sys
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from secrets import token_hex

import pytest

from tests import gcs_server
from tests.ports import free_port
from tests.presence import absent
from tests.waiting import wait_until

BUCKET = gcs_server.BUCKET
AZURITE = "3.35.0"
"""The version that .ci/setup installs."""
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
"""Of Azurite; everybody knows it."""


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server with a bucket; its address."""
    log = tmp_path_factory.mktemp("moto") / "log"

    def command(port: int) -> Sequence[str]:
        return (sys.executable, str(Path(__file__).with_name("moto_server.py")), str(port))

    with _server(command, log) as port:
        endpoint = f"http://127.0.0.1:{port}"
        make_s3_bucket(endpoint, BUCKET)
        yield endpoint


def make_s3_bucket(endpoint: str, name: str) -> None:
    """Make a bucket; moto does not look at the signature, but for the region."""
    scope = "AWS4-HMAC-SHA256 Credential=key/20260301/us-east-1/s3/aws4_request"
    _put(
        f"{endpoint}/{name}", {"Authorization": f"{scope}, SignedHeaders=host, Signature=unchecked"}
    )


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An Azure server with a container; the address of the account."""
    node, program = shutil.which("node"), _azurite()
    if node is None or not program.exists():
        absent(
            f"Azurite {AZURITE} is not installed in {program.parents[5]}: run .ci/setup",
            required_by="MLF_TEST_REQUIRE_AZURITE",
        )
    folder = tmp_path_factory.mktemp("azurite")

    def command(port: int) -> Sequence[str]:
        options = ("--silent", "--disableTelemetry", "--skipApiVersionCheck")
        where = ("--inMemoryPersistence", "--blobHost", "127.0.0.1", "--blobPort", str(port))
        return (str(node), str(program), *options, *where)

    with _server(command, folder / "log") as port:
        address = f"http://127.0.0.1:{port}/{ACCOUNT}"
        _make_container(address, BUCKET)
        yield address


def s3_arguments(endpoint: str) -> dict[str, object]:
    """Return the arguments of a backend block for a fresh place on a server that speaks S3."""
    return {
        "url": f"s3://{BUCKET}/{fresh()}",
        "endpoint": endpoint,
        "access_key": "key",
        "secret_key": "secret-of-the-key",
    }


def azure_arguments(address: str) -> dict[str, object]:
    """Return the arguments of a backend block for a fresh place on Azurite."""
    return {
        "url": f"az://{BUCKET}/{fresh()}",
        "endpoint": address,
        "account": ACCOUNT,
        "account_key": ACCOUNT_KEY,
    }


def gcs_arguments(endpoint: str) -> dict[str, object]:
    """Return the arguments of a backend block for a fresh place on our server."""
    return {"url": f"gs://{BUCKET}/{fresh()}", "endpoint": endpoint, "token": "token-of-nobody"}


def fresh() -> str:
    """Return a name that no other test uses."""
    return f"tests/{token_hex(8)}"


def _azurite() -> Path:
    variables = os.environ  # noqa: TID251 - tests read their own settings
    cache = variables.get("MLFORM_CI_CACHE") or Path.home() / ".cache/mlform-ci"
    return Path(cache, f"azurite-{AZURITE}", "node_modules/azurite/dist/src/blob/main.js")


def _make_container(address: str, name: str) -> None:
    date, version = formatdate(usegmt=True), "2021-08-06"
    signed = (
        "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n"
        f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    )
    made = hmac.new(base64.b64decode(ACCOUNT_KEY), signed.encode(), hashlib.sha256).digest()
    _put(
        f"{address}/{name}?restype=container",
        {
            "x-ms-date": date,
            "x-ms-version": version,
            "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(made).decode()}",
        },
    )


def _put(url: str, headers: dict[str, str]) -> None:
    asked = urllib.request.Request(url, method="PUT", headers=headers)  # noqa: S310 - loopback
    with urllib.request.urlopen(asked, timeout=30):  # noqa: S310 - loopback
        pass


@pytest.fixture(scope="session")
def gcs_endpoint() -> Iterator[str]:
    """A server with a bucket that speaks as Google Cloud Storage does; its address."""
    with gcs_server.serving(gcs_server.Bucket()) as endpoint:
        yield endpoint


@contextmanager
def _server(command: Callable[[int], Sequence[str]], log: Path) -> Iterator[int]:
    """Start a server on a free port, wait until it listens, and end it afterwards."""
    port = free_port()
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - servers of ours
            command(port), cwd=log.parent, stdout=output, stderr=output
        )

    def listens() -> bool:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(listens, limit=60)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
