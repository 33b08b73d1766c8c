"""Packages from git repositories, by the `git` program.

Nothing that a source says can become an option or a command: transports are limited, names are
checked where the source is read, there is no shell, and git asks nobody anything. Submodules are
not fetched. Of the history as little is fetched as the server allows.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from mlform.config.sources import GIT_SCHEMES, GitSource, without_password, without_secret
from mlform.dataclass import dataclass, field
from mlform.diagnostics import did_you_mean
from mlform.errors import ModuleChanged, ModuleUnavailable
from mlform.fetching.links import check_links

TIME_LIMIT: Final = 900.0
"""Seconds that one run of git may take."""
_TELL_EVERY: Final = 10.0
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_COMMIT: Final = re.compile(r"[0-9a-f]{7,63}")
_INIT: Final = ("init", "--quiet", "--template=", "--initial-branch=main")
_FETCH: Final = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules")
_FETCHED: Final = "refs/mlform/module"
_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.autocrlf=false",
    "advice.detachedHead=false",
    "gc.auto=0",
)
# Those of `git rev-parse --local-env-vars` that name a repository: mlform may run in a git hook.
_OF_ANOTHER_REPOSITORY: Final = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_COMMON_DIR",
        "GIT_CONFIG",
        "GIT_DIR",
        "GIT_GRAFT_FILE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_INDEX_FILE",
        "GIT_NAMESPACE",
        "GIT_OBJECT_DIRECTORY",
        "GIT_PREFIX",
        "GIT_REPLACE_REF_BASE",
        "GIT_SHALLOW_FILE",
        "GIT_WORK_TREE",
    }
)
_HINTS: Final = (
    (
        (
            "could not resolve host|name or service not known|failed to connect|connection refused"
            "|connection timed out|network is unreachable|no route to host|couldn't connect"
        ),
        "Check the name of the host, the network, and the proxy if you use one.",
    ),
    (
        (
            "authentication failed|could not read username|could not read password"
            "|permission denied|terminal prompts disabled|host key verification|access denied"
            "|error: 403"
        ),
        (
            "git asks nobody for a password here. Let it know who you are beforehand: by a "
            "credential helper, an ssh agent or a token; and check that you may read the "
            "repository. A server that does not know you may also answer so where there is no such "
            "repository."
        ),
    ),
    (
        "not found|does not exist|does not appear to be a git repository|error: 404",
        "Check the URL of the repository, and that you may read it.",
    ),
    (
        "dubious ownership",
        "The repository belongs to another user; see git's setting safe.directory.",
    ),
    (
        "certificate|ssl",
        (
            "The certificate of the server is not trusted. If it is one of your own, tell git with "
            "http.sslCAInfo."
        ),
    ),
    ("no space left", "Free some space on the disk."),
)


class _GitFailed(Exception):
    """A run of git ended with an error; the message is what it printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Version:
    """What a source means.

    Attributes:
        commit: The commit, or empty if only a fetch can tell (a short commit).
        name: Full name of the branch or tag it was found by, or empty.
    """

    commit: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitFetcher:
    """Fetches by the git program.

    Attributes:
        variables: The process environment that git gets.
        time_limit: Seconds that one run of git may take.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    time_limit: float = TIME_LIMIT

    def fetch(
        self, source: GitSource, folder: Path, *, pinned: str | None, say: Callable[[str], None]
    ) -> str:
        """Fetch the package; see `ModuleFetcher.fetch`."""
        program = shutil.which("git", path=self.variables.get("PATH"))
        if program is None:
            detail = (
                f'The module comes from {source.package}, and there is no program "git" on the '
                "PATH. Install git, or name an archive of the module as its source."
            )
            raise ModuleUnavailable("The program git was not found", detail)
        run = _Run(
            program=program,
            environment=self._environment(),
            limit=self.time_limit,
            source=source,
            say=say,
        )
        version = _version(source, run.remote_refs())
        commit = _wanted(source, version, pinned)
        found = run.check_out(folder, commit, version.name if commit == version.commit else "")
        shutil.rmtree(folder / ".git")
        check_links(folder, source.package)
        return found

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in self.variables.items()
            if name not in _OF_ANOTHER_REPOSITORY
        }
        return {
            # Where these are set, somebody wants them so.
            "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=30",
            "GIT_HTTP_LOW_SPEED_LIMIT": "1",
            "GIT_HTTP_LOW_SPEED_TIME": "60",
            **kept,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": ":".join(GIT_SCHEMES),
            "GIT_PROTOCOL_FROM_USER": "0",
            "GCM_INTERACTIVE": "never",
            "LC_ALL": "C",
        }


def _version(source: GitSource, refs: Mapping[str, str]) -> _Version:
    """Find out which commit a source means among the refs of its repository.

    Raises:
        ModuleUnavailable: If there is no such ref.
    """
    if source.ref is None:
        if "HEAD" in refs:
            return _Version(commit=refs["HEAD"], name="HEAD")
        detail = f"{source.package} has no commits, or no default branch. Name one with ?ref=."
        raise ModuleUnavailable("The repository of a module is empty", detail)
    for name in (f"refs/tags/{source.ref}", f"refs/heads/{source.ref}", source.ref):
        if name in refs and name != "HEAD":
            # Of an annotated tag the second line is the commit it stands for.
            return _Version(commit=refs.get(f"{name}^{{}}", refs[name]), name=name)
    if _COMMIT.fullmatch(source.ref):
        return _Version(commit=source.ref)
    if _SHORT_COMMIT.fullmatch(source.ref):
        return _Version(commit="")
    raise _no_ref(source, refs)


def _no_ref(source: GitSource, refs: Mapping[str, str]) -> ModuleUnavailable:
    names = sorted(name.split("/", 2)[2] for name in refs if name.startswith("refs/"))
    known = [name for name in names if not name.endswith("^{}")]
    suggestion = did_you_mean(source.ref or "", known)
    shown = ", ".join(known[:_SHOWN_REFS]) + (", …" if len(known) > _SHOWN_REFS else "")
    detail = (
        f"{without_password(source.url)} has no branch, tag or commit "
        f'"{source.ref}".{suggestion} It has: {shown or "none at all"}.'
    )
    return ModuleUnavailable("The version of a module was not found", detail)


_SHOWN_REFS: Final = 12


def _wanted(source: GitSource, version: _Version, pinned: str | None) -> str:
    """Return the commit to check out; empty for the one that a short commit stands for.

    Raises:
        ModuleChanged: If a tag, or the commit itself, is not the pinned one.
    """
    if pinned is None:
        return version.commit
    is_fixed = version.name.startswith("refs/tags/") or not version.name
    differs = not pinned.startswith(version.commit or source.ref or "")
    if not is_fixed or not differs:
        return pinned
    what = "The tag was moved" if version.name else "The source names another commit"
    detail = (
        f"{source.package} is pinned to the commit {pinned} in .mlform.lock.hcl, and now it "
        f"means {version.commit or source.ref}. {what}: find out why before you trust it. To "
        'take what is there now, run "mlform init -upgrade".'
    )
    raise ModuleChanged("A module is not what was pinned", detail)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Runs git for one source."""

    program: str
    environment: Mapping[str, str]
    limit: float
    source: GitSource
    say: Callable[[str], None]

    def remote_refs(self) -> dict[str, str]:
        """Return the commit of every branch and tag, and of `HEAD`, by full name.

        Raises:
            ModuleUnavailable: If the repository cannot be reached.
        """
        try:
            listed = self._git("ls-remote", "--quiet", "--", self.source.url)
        except _GitFailed as error:
            raise self._unavailable(str(error)) from None
        found: dict[str, str] = {}
        for line in listed.splitlines():
            commit, _, name = line.partition("\t")
            if name == "HEAD" or name.startswith(("refs/heads/", "refs/tags/")):
                found[name] = commit
        return found

    def check_out(self, folder: Path, commit: str, name: str) -> str:
        """Fill a folder with a commit; return the commit.

        Args:
            folder: Empty.
            commit: Which one, or empty for what the ref of the source stands for.
            name: Of a branch or tag that is at this commit, or empty.

        Raises:
            ModuleUnavailable: If it cannot be fetched.
        """
        inside = ("-C", str(folder))
        try:
            if not self._fetched_alone(inside, commit, name):
                shutil.rmtree(folder / ".git")
                self._fetch_all(inside)
        except _GitFailed as error:
            raise self._unavailable(str(error)) from None
        wanted = commit or self.source.ref or ""
        try:
            found = self._git(
                *inside,
                "rev-parse",
                "--verify",
                "--quiet",
                "--end-of-options",
                f"{wanted}^{{commit}}",
            ).strip()
        except _GitFailed:
            raise self._no_commit(wanted) from None
        try:
            self._git(*inside, "checkout", "--quiet", "--detach", found)
        except _GitFailed as error:
            raise self._unavailable(str(error)) from None
        return found

    def _fetched_alone(self, inside: tuple[str, ...], commit: str, name: str) -> bool:
        """Fetch one commit with little history; tell whether that was possible."""
        self._git(*inside, *_INIT)
        if not commit:
            return False
        depth = f"--depth={self.source.depth or 1}"
        try:
            self._git(
                *inside, *_FETCH, depth, "--", self.source.url, f"+{name or commit}:{_FETCHED}"
            )
            # A branch may have moved on since it was looked up.
            self._git(*inside, "cat-file", "-e", f"{commit}^{{commit}}")
        except _GitFailed:
            # Servers may refuse to give single commits, or any without their history.
            return False
        return True

    def _fetch_all(self, inside: tuple[str, ...]) -> None:
        """Fetch all branches and tags."""
        names = ("+refs/heads/*:refs/remotes/*", "+refs/tags/*:refs/tags/*")
        self._git(*inside, *_INIT)
        self._git(*inside, *_FETCH, "--", self.source.url, *names)

    def _git(self, *words: str) -> str:
        """Run git and return what it printed.

        Raises:
            _GitFailed: If it ends with an error or takes too long.
        """
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        started = time.monotonic()
        with subprocess.Popen(
            [self.program, *settings, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(self.environment),
            text=True,
            encoding="utf-8",
            errors="replace",
            # What git starts (ssh, helpers) ends with it; Ctrl-C is ours to handle.
            start_new_session=True,
        ) as process:
            try:
                out, err = self._awaited(process, started)
            except BaseException:
                _stop(process)
                raise
        if process.returncode != 0:
            raise _GitFailed(err.strip() or f"git ended with status {process.returncode}")
        return out

    def _awaited(self, process: subprocess.Popen[str], started: float) -> tuple[str, str]:
        while True:
            try:
                return process.communicate(timeout=min(_TELL_EVERY, self.limit))
            except subprocess.TimeoutExpired:
                elapsed = time.monotonic() - started
                if elapsed >= self.limit:
                    message = f"git took longer than {self.limit:.0f} seconds and was stopped"
                    raise _GitFailed(message) from None
                self.say(f"Still downloading {self.source.package}... [{elapsed:.0f}s elapsed]")

    def _unavailable(self, said: str) -> ModuleUnavailable:
        said = without_secret(said)
        hint = next(
            (hint for pattern, hint in _HINTS if re.search(pattern, said, re.IGNORECASE)),
            "Try it by hand: git ls-remote URL.",
        )
        printed = "\n".join(f"    {line}" for line in said.splitlines()[-_SHOWN_LINES:])
        detail = f"{self.source.package} cannot be fetched. {hint}\n\ngit says:\n{printed}"
        return ModuleUnavailable("A module could not be downloaded", detail)

    def _no_commit(self, commit: str) -> ModuleUnavailable:
        detail = (
            f"{without_password(self.source.url)} has no commit {commit}, or no branch or tag that "
            "leads to it. If history was rewritten and you trust it, take what is there now with "
            '"mlform init -upgrade"; else name another version in ?ref=.'
        )
        return ModuleUnavailable("The version of a module was not found", detail)


_SHOWN_LINES: Final = 6


def _stop(process: subprocess.Popen[str]) -> None:
    """End git and what it started."""
    import signal

    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
    process.wait()
