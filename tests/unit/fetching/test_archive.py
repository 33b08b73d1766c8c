from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlform.config.sources import ArchiveSource, parse_source
from mlform.errors import ModuleChanged, ModuleError, ModuleRefused, ModuleUnavailable
from mlform.fetching.archive import ArchiveFetcher
from mlform.fetching.limits import DEFAULT_LIMITS, Limits
from tests.packages import Site, site, tar_of, zip_of

FILES = {"main.mlf.hcl": b"# one\n"}


@pytest.fixture
def served() -> Iterator[Site]:
    with site() as made:
        yield made


def fetch(text: str, folder: Path, limits: Limits = DEFAULT_LIMITS) -> str:
    source = parse_source(text)
    assert isinstance(source, ArchiveSource)
    folder.mkdir(exist_ok=True)
    return ArchiveFetcher(limits=limits).fetch(source, folder, pinned=None, say=print)


def test_the_pin_is_the_digest_of_the_bytes(served: Site, tmp_path: Path) -> None:
    content = zip_of(FILES)
    served.files["/x"] = content
    expected = hashlib.sha256(content).hexdigest()
    assert fetch(f"{served.url}/x?archive=zip&a=b", tmp_path / "a") == f"sha256:{expected}"
    assert served.asked == [("/x?a=b", None)]
    right = f"{served.url}/x?archive=zip&checksum=sha256:{expected}"
    assert fetch(right, tmp_path / "b") == f"sha256:{expected}"
    with pytest.raises(ModuleChanged, match="wrong checksum"):
        fetch(f"{served.url}/x?archive=zip&checksum=sha256:{'0' * 64}", tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []


def test_redirects_are_followed_without_the_password(served: Site, tmp_path: Path) -> None:
    with site() as other:
        other.files["/y.tar.gz"] = tar_of(FILES)
        served.redirects["/x.tar.gz"] = f"{other.url}/y.tar.gz"
        fetch(served.url.replace("//", "//me:p%40ss@") + "/x.tar.gz", tmp_path / "a")
        assert served.asked == [("/x.tar.gz", "Basic bWU6cEBzcw==")]
        assert other.asked == [("/y.tar.gz", None)]
    assert (tmp_path / "a" / "main.mlf.hcl").read_bytes() == b"# one\n"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://h/x", "/x.zip"])
def test_redirects_elsewhere_and_in_circles_are_refused(
    target: str, served: Site, tmp_path: Path
) -> None:
    served.redirects["/x.zip"] = target
    with pytest.raises(ModuleUnavailable):
        fetch(f"{served.url}/x.zip", tmp_path / "a")


def test_missing_files_are_told(served: Site, tmp_path: Path) -> None:
    with pytest.raises(ModuleUnavailable, match=r"404 Not Found\. Check the URL"):
        fetch(f"{served.url}/x.zip", tmp_path / "a")


def test_broken_connections_are_told(served: Site, tmp_path: Path) -> None:
    served.files["/x.zip"] = zip_of({"x": b"0123456789"})
    served.cut.add("/x.zip")
    with pytest.raises(ModuleUnavailable, match="broke after"):
        fetch(f"{served.url}/x.zip", tmp_path / "a")


def test_silent_servers_are_given_up(served: Site, tmp_path: Path) -> None:
    served.files["/x.zip"] = zip_of(FILES)
    served.silent.add("/x.zip")
    with pytest.raises(ModuleUnavailable, match="in time"):
        fetch(f"{served.url}/x.zip", tmp_path / "a", Limits(silence=0.2))


def test_large_downloads_are_refused(served: Site, tmp_path: Path) -> None:
    served.files["/x.tar"] = bytes(100_000)
    with pytest.raises(ModuleRefused, match=r"larger than 1,000 bytes"):
        fetch(f"{served.url}/x.tar", tmp_path / "a", Limits(download=1_000))


def test_unreachable_hosts_are_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(ModuleUnavailable, match="Connection refused"):
            fetch(f"http://127.0.0.1:{port}/x.zip", tmp_path / "a")
        with pytest.raises(ModuleUnavailable, match="cannot be fetched"):
            fetch(f"https://127.0.0.1:{port}/x.zip", tmp_path / "a")


def test_what_speaks_no_tls_is_told(served: Site, tmp_path: Path) -> None:
    with pytest.raises(ModuleUnavailable, match="cannot be fetched"):
        fetch(f"{served.url.replace('http:', 'https:')}/x.zip", tmp_path / "a")


def test_a_page_instead_of_an_archive_is_told(served: Site, tmp_path: Path) -> None:
    served.files["/x.zip"] = b"<html>Log in</html>"
    with pytest.raises(ModuleRefused, match="archive itself and not a page"):
        fetch(f"{served.url}/x.zip", tmp_path / "a")


def test_no_download_is_left_behind(served: Site, tmp_path: Path) -> None:
    served.files["/x.zip"] = zip_of({"../x": b""})
    with pytest.raises(ModuleError):
        fetch(f"{served.url}/x.zip", tmp_path / "a")
    assert [item.name for item in tmp_path.iterdir()] == ["a"]
