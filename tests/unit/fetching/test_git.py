from __future__ import annotations

import os
import socket
import subprocess  # noqa: TID251 - git's own server is a program
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from mlform.config.sources import GitSource, parse_source
from mlform.errors import ModuleChanged, ModuleRefused, ModuleUnavailable
from mlform.fetching.git import GitFetcher
from tests.packages import Repository

VARIABLES = dict(os.environ)  # noqa: TID251


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "repository")
    made.commit({"main.mlf.hcl": "one"})
    return made


def fetch(
    text: str,
    folder: Path,
    *,
    pinned: str | None = None,
    fetcher: GitFetcher | None = None,
) -> str:
    source = parse_source(text)
    assert isinstance(source, GitSource)
    folder.mkdir()
    chosen = fetcher or GitFetcher(variables=VARIABLES)
    return chosen.fetch(source, folder, pinned=pinned, say=print)


def content(folder: Path) -> str:
    return (folder / "main.mlf.hcl").read_text()


def test_branches_tags_and_commits(repository: Repository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "light")
    repository.git("tag", "--annotate", "--message=x", "annotated")
    repository.git("checkout", "--quiet", "-b", "feature/x")
    second = repository.commit({"main.mlf.hcl": "two"})
    repository.git("checkout", "--quiet", "main")
    third = repository.commit({"main.mlf.hcl": "three"})
    expected = {
        "": ("three", third),
        "?ref=main": ("three", third),
        "?ref=light": ("one", first),
        "?ref=annotated": ("one", first),
        "?ref=refs/tags/annotated": ("one", first),
        "?ref=feature/x": ("two", second),
        f"?ref={second}": ("two", second),
        f"?ref={first[:8]}": ("one", first),
        "?ref=main&depth=2": ("three", third),
    }
    for number, (query, (text, commit)) in enumerate(expected.items()):
        folder = tmp_path / str(number)
        assert fetch(repository.source + query, folder) == commit, query
        assert content(folder) == text
        assert not (folder / ".git").exists()


def test_a_pinned_branch_is_fetched_as_it_was(repository: Repository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.commit({"main.mlf.hcl": "two"})
    assert fetch(f"{repository.source}?ref=main", tmp_path / "a", pinned=first) == first
    assert content(tmp_path / "a") == "one"
    assert fetch(repository.source, tmp_path / "b", pinned=first) == first


def test_servers_that_give_no_single_commits(repository: Repository, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.commit({"main.mlf.hcl": "two"})
    variables = {
        **VARIABLES,
        # The old protocol asks the server's leave for what is no branch or tag.
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "protocol.version",
        "GIT_CONFIG_VALUE_0": "0",
    }
    fetcher = GitFetcher(variables=variables)
    assert fetch(f"{repository.source}?ref={first}", tmp_path / "a", fetcher=fetcher) == first
    assert content(tmp_path / "a") == "one"


def test_a_moved_tag_is_refused(repository: Repository, tmp_path: Path) -> None:
    repository.git("tag", "v1")
    first = repository.git("rev-parse", "HEAD")
    second = repository.commit({"main.mlf.hcl": "two"})
    repository.git("tag", "--force", "v1")
    with pytest.raises(ModuleChanged) as caught:
        fetch(f"{repository.source}?ref=v1", tmp_path / "a", pinned=first)
    assert f"pinned to the commit {first}" in caught.value.detail
    assert second in caught.value.detail
    assert '"mlform init -upgrade"' in caught.value.detail


def test_a_commit_that_differs_from_its_pin_is_refused(
    repository: Repository, tmp_path: Path
) -> None:
    first = repository.git("rev-parse", "HEAD")
    for ref in (first, first[:8]):
        with pytest.raises(ModuleChanged, match="names another commit"):
            fetch(f"{repository.source}?ref={ref}", tmp_path / ref, pinned="0" * 40)


def test_rewritten_history_is_told(repository: Repository, tmp_path: Path) -> None:
    with pytest.raises(ModuleUnavailable, match=f"has no commit {'0' * 40}"):
        fetch(f"{repository.source}?ref=main", tmp_path / "a", pinned="0" * 40)


def test_unknown_versions_are_told_with_those_there_are(
    repository: Repository, tmp_path: Path
) -> None:
    repository.git("tag", "v1.0")
    with pytest.raises(ModuleUnavailable) as caught:
        fetch(f"{repository.source}?ref=v1.9", tmp_path / "a")
    assert 'Did you mean "v1.0"?' in caught.value.detail
    assert "It has: main, v1.0." in caught.value.detail
    with pytest.raises(ModuleUnavailable, match="has no commit"):
        fetch(f"{repository.source}?ref=abcdef0", tmp_path / "b")


def test_an_empty_repository_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModuleUnavailable, match="has no commits"):
        fetch(Repository(tmp_path / "empty").source, tmp_path / "a")


def test_unreachable_hosts_are_told(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        port = taken.getsockname()[1]
        with pytest.raises(ModuleUnavailable) as caught:
            fetch(f"git::http://me:s3cret@127.0.0.1:{port}/x.git", tmp_path / "a")
    assert "Check the name of the host" in caught.value.detail
    assert "git says:" in caught.value.detail
    assert "s3cret" not in caught.value.detail


def test_a_silent_host_is_given_up(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = silent.getsockname()[1]
        started = time.monotonic()
        fetcher = GitFetcher(variables=VARIABLES, time_limit=0.5)
        with pytest.raises(ModuleUnavailable, match="took longer than"):
            fetch(f"git::git://127.0.0.1:{port}/x.git", tmp_path / "a", fetcher=fetcher)
    assert time.monotonic() - started < 10


def test_without_git_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModuleUnavailable, match="git was not found"):
        fetch("git::https://h/x.git", tmp_path / "a", fetcher=GitFetcher(variables={"PATH": ""}))


def test_links_out_of_the_repository_are_refused(repository: Repository, tmp_path: Path) -> None:
    (repository.folder / "bad").symlink_to("/etc/passwd")
    repository.commit({})
    with pytest.raises(ModuleRefused, match='"bad" is a link to "/etc/passwd"'):
        fetch(repository.source, tmp_path / "a")


def test_a_git_hook_that_runs_mlform_does_no_harm(repository: Repository, tmp_path: Path) -> None:
    other = Repository(tmp_path / "other")
    before = other.commit({"main.mlf.hcl": "other"})
    variables = {
        **VARIABLES,
        "GIT_DIR": str(other.folder / ".git"),
        "GIT_INDEX_FILE": str(other.folder / ".git" / "index"),
        "GIT_WORK_TREE": str(other.folder),
    }
    fetch(repository.source, tmp_path / "a", fetcher=GitFetcher(variables=variables))
    assert content(tmp_path / "a") == "one"
    assert other.git("rev-parse", "HEAD") == before
    assert other.git("status", "--porcelain") == ""


def test_submodules_and_hooks_start_nothing(repository: Repository, tmp_path: Path) -> None:
    repository.commit({".gitmodules": '[submodule "x"]\n\tpath = x\n\turl = ext::sh -c true\n'})
    fetch(repository.source, tmp_path / "a")
    assert sorted(item.name for item in (tmp_path / "a").iterdir()) == [
        ".gitmodules",
        "main.mlf.hcl",
    ]


class GitSite(BaseHTTPRequestHandler):
    """git's own HTTP server; who gives no password is asked for one."""

    root = ""
    wanted = ""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def _answer(self, body: bytes) -> None:
        if self.wanted and self.headers.get("Authorization") != self.wanted:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        done = subprocess.run(
            ["git", "http-backend"],  # noqa: S607
            input=body,
            env={
                "PATH": VARIABLES["PATH"],
                "GIT_PROJECT_ROOT": self.root,
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": self.command,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "safe.directory",
                "GIT_CONFIG_VALUE_0": "*",
            },
            capture_output=True,
            check=True,
        )
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(headers.pop("Status", "200").split(" ")[0]))
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    GitSite.root, GitSite.wanted = str(tmp_path), ""
    with ThreadingHTTPServer(("127.0.0.1", 0), GitSite) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_over_http(repository: Repository, address: str, tmp_path: Path) -> None:
    first = repository.git("rev-parse", "HEAD")
    second = repository.commit({"main.mlf.hcl": "two"})
    source = f"git::http://{address}/repository/.git"
    assert fetch(source, tmp_path / "a") == second
    assert fetch(f"{source}?ref=main", tmp_path / "b", pinned=first) == first
    assert content(tmp_path / "b") == "one"
    with pytest.raises(ModuleUnavailable, match="Check the URL"):
        fetch(f"git::http://{address}/none.git", tmp_path / "c")


def test_who_is_not_known_is_not_asked(
    repository: Repository, address: str, tmp_path: Path
) -> None:
    GitSite.wanted = "Basic bWU6czNjcmV0"
    commit = repository.git("rev-parse", "HEAD")
    with pytest.raises(ModuleUnavailable, match="Let it know who you are"):
        fetch(f"git::http://{address}/repository/.git", tmp_path / "a")
    known = f"git::http://me:s3cret@{address}/repository/.git"
    assert fetch(known, tmp_path / "b") == commit
