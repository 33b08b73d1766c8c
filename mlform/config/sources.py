"""Where a module comes from: the text of `source`, understood.

The forms are Terraform's, after https://developer.hashicorp.com/terraform/language/modules/sources:
a folder beside the calling module, a git repository, an archive behind a URL. `//` separates what
is fetched (the package) from the folder in it, and a query says which version of it is meant.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from typing import Final, TypeAlias
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from mlform.dataclass import dataclass
from mlform.diagnostics import did_you_mean

FORMS: Final = """\
A source is one of:
  ./FOLDER or ../FOLDER                     a folder beside the calling module
  git::https://HOST/REPOSITORY.git//FOLDER?ref=TAG   (also git::ssh:// and git::file://)
  git@HOST:ORGANISATION/REPOSITORY.git?ref=TAG
  github.com/ORGANISATION/REPOSITORY?ref=TAG         (also gitlab.com and bitbucket.org)
  https://HOST/FILE.zip                     (also .tar, .tar.gz, .tgz, .tar.xz, .tar.bz2)"""

ARCHIVE_FORMATS: Final[Mapping[str, str]] = {
    "tar.gz": "tar.gz",
    "tgz": "tar.gz",
    "tar.bz2": "tar.bz2",
    "tbz2": "tar.bz2",
    "tar.xz": "tar.xz",
    "txz": "tar.xz",
    "tar": "tar",
    "zip": "zip",
}
"""Endings of file names, and values of `?archive=`, with the format that each stands for."""

GIT_SCHEMES: Final = ("https", "http", "ssh", "git", "file")
"""Transports of git that a source may use; others can start programs."""

_HOSTS: Final = ("github.com", "gitlab.com", "bitbucket.org")
_FORCED: Final = r"(?s)(?P<getter>[A-Za-z0-9]+)::(?P<rest>.*)"
_SCP: Final = r"(?P<user>[\w.-]+)@(?P<host>[^/:@]+):(?!//)/?(?P<path>[^:]+)"
_REGISTRY: Final = (
    r"(?:(?P<host>[\w-]+(?:\.[\w-]+)+(?::\d+)?)/)?(?P<owner>[\w-]+)/(?P<name>[\w-]+)/[\w-]+"
    r"(?://.*)?"
)
_BARE: Final = r"[\w-]+(?:/[\w.-]+)*/?"
_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.-]*://"
_WINDOWS: Final = r"[A-Za-z]:[\\/]"
_INVISIBLE: Final = r"[\s\x00-\x1f\x7f]"
# What `git check-ref-format` forbids, and a leading dash, which would be read as an option.
_REF: Final = r"(?!-)(?!/)(?:(?!\.\.|@\{|//)[^\x00-\x20\x7f~^:?*\[\\])+(?<![./])"
_CHECKSUM: Final = r"(?:sha256:)?(?P<digits>[0-9a-fA-F]{64})"


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSource:
    """A folder beside the calling module.

    Attributes:
        path: From the folder of the caller, normalised: begins with `./` or `../`.
    """

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """A folder of a git repository.

    Attributes:
        url: Of the repository; its scheme is one of `GIT_SCHEMES`.
        folder: In the repository; empty for the whole.
        ref: A branch, a tag or a commit, or None for the default branch.
        depth: How many commits to fetch, or None for as few as will do.
    """

    url: str
    folder: str = ""
    ref: str | None = None
    depth: int | None = None

    @property
    def package(self) -> str:
        """What is fetched, in one form for all ways to write it; holds no password."""
        query = f"?ref={quote(self.ref, safe='/')}" if self.ref is not None else ""
        return f"git::{without_password(self.url)}{query}"

    @property
    def text(self) -> str:
        """The package with the folder in it; holds no password."""
        return _with_folder(self.package, self.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSource:
    """A folder of an archive behind a URL.

    Attributes:
        url: Of the archive, `http` or `https`.
        format: A value of `ARCHIVE_FORMATS`.
        folder: In the archive; empty for the whole.
        checksum: `sha256:…` that the archive must have, or None.
    """

    url: str
    format: str
    folder: str = ""
    checksum: str | None = None

    @property
    def package(self) -> str:
        """What is fetched, in one form for all ways to write it; holds no password."""
        url = without_password(self.url)
        path = urlsplit(url).path
        if _format_of(path) == self.format:
            return url
        return f"{url}{'&' if '?' in url else '?'}archive={self.format}"

    @property
    def text(self) -> str:
        """The package with the folder in it; holds no password."""
        return _with_folder(self.package, self.folder)


RemoteSource: TypeAlias = GitSource | ArchiveSource
Source: TypeAlias = LocalSource | RemoteSource


def parse_source(text: str) -> Source:
    """Understand the source of a module.

    Args:
        text: As written, without the quotes.

    Raises:
        ValueError: If it is no source; the message says what is wrong and which forms there are.
    """
    if text.startswith(("./", "../")):
        return _local(text)
    if not text or re.search(_INVISIBLE, text):
        what = "The source is empty." if not text else f'The source "{text}" has blanks in it.'
        raise _refused(what)
    forced = re.fullmatch(_FORCED, text)
    if forced is not None:
        if forced["getter"] != "git":
            what = f'mlform fetches no modules by "{forced["getter"]}::".'
            raise _refused(what)
        return _git(forced["rest"])
    if re.match(_SCP, text):
        return _git(text)
    host, _, _ = text.partition("/")
    if host in _HOSTS:
        return _hosted(text, host)
    if text.startswith(("https://", "http://")):
        return _archive(text)
    instead = _instead(without_secret(text))
    if instead:
        raise ValueError(instead)
    scheme = re.match(_SCHEME, text)
    what = f'"{without_secret(text)}" is no source.'
    if scheme is not None:
        what = f'mlform fetches no modules by "{scheme[0]}".'
    raise _refused(what)


def local_folder(caller: str, source: LocalSource, *, modules: str = ".mlform/modules") -> str:
    """Return the folder that a local source means, relative to the working folder.

    Args:
        caller: Folder of the calling module, relative to the working folder; `.` for the root.
        source: As the caller gives it.
        modules: Where fetched modules are, relative to the working folder.

    Raises:
        ValueError: If the caller was fetched and the source leads out of what was fetched.
    """
    folder = posixpath.normpath(posixpath.join(caller, source.path))
    if caller.startswith(f"{modules}/"):
        package = "/".join(caller.split("/")[: modules.count("/") + 2])
        if folder != package and not folder.startswith(f"{package}/"):
            message = (
                f'The source "{source.path}" leads out of what was fetched for this module. Local '
                "sources of a fetched module must stay in its package. Fetch a higher folder: put "
                'the "//" of the calling source further to the left.'
            )
            raise ValueError(message)
    return folder


def without_password(url: str) -> str:
    """Return a URL without the password it may hold."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}"))


def _refused(what: str) -> ValueError:
    return ValueError(f"{what}\n\n{FORMS}")


def _local(text: str) -> LocalSource:
    if "\\" in text or "\0" in text:
        what = f'The source "{text}" has a backslash in it. Write folders with "/".'
        raise ValueError(what)
    normal = posixpath.normpath(text)
    if normal == ".." or normal.startswith("../"):
        return LocalSource(path=normal)
    return LocalSource(path="./" if normal == "." else f"./{normal}")


def _instead(text: str) -> str:
    """Return what to write instead of a text that has none of the forms; empty if nobody knows."""
    registry = re.fullmatch(_REGISTRY, text)
    scheme = re.match(_SCHEME, text)
    if text in {".", ".."}:
        return f'Local sources begin with "./" or "../". Write "{text}/".'
    if text.startswith("/") or re.match(_WINDOWS, text):
        return (
            f'"{text}" is an absolute path, which means something else on every machine. Write the '
            'path from the calling module, with "./" or "../" at the start; a repository on this '
            "machine is git::file:///PATH."
        )
    if scheme is not None and scheme[0].removeprefix("git+")[:-3] in GIT_SCHEMES:
        return (
            f'To fetch a git repository, put "git::" in front: "git::{text.removeprefix("git+")}".'
        )
    if registry is not None:
        repository = f"github.com/{registry['owner']}/{registry['name']}"
        return (
            f'"{text}" is an address in a module registry, and mlform has no registry yet. Name '
            f'the repository of the module instead, such as "{repository}?ref=TAG"; a folder '
            f'beside this one is "./{text}".'
        )
    if re.fullmatch(_BARE, text):
        return f'"{text}" is no source. A folder beside the calling module is "./{text}".'
    return ""


def _git(text: str) -> GitSource:
    """Read what follows `git::`, or the short form of ssh."""
    address, folder, query = _split(text)
    short = None if re.match(_SCHEME, address) else re.fullmatch(_SCP, address)
    if short is not None:
        address = f"ssh://{short['user']}@{short['host']}/{short['path']}"
    parts = _url(address, text)
    if parts.scheme not in GIT_SCHEMES:
        what = (
            f"git::{parts.scheme}:// is not allowed in a source. Transports are "
            f"{', '.join(GIT_SCHEMES)}."
            if re.match(_SCHEME, address)
            else f'"{address}" after "git::" is no URL.'
        )
        raise _refused(what)
    if parts.scheme == "file" and (parts.netloc or not parts.path.startswith("/")):
        what = f'"{address}" names no absolute path. Write git::file:///PATH.'
        raise ValueError(what)
    options = _options(query, ("ref", "depth"), text)
    ref, depth = options.get("ref"), options.get("depth")
    if ref is not None and not re.fullmatch(_REF, ref):
        message = f'ref={ref} in "{text}" is not the name of a branch, a tag or a commit.'
        raise ValueError(message)
    if depth is not None and (not depth.isascii() or not depth.isdigit() or int(depth) < 1):
        message = f'depth={depth} in "{text}" is not a number of commits, at least 1.'
        raise ValueError(message)
    return GitSource(
        url=address, folder=folder, ref=ref, depth=None if depth is None else int(depth)
    )


def _hosted(text: str, host: str) -> GitSource:
    """Read `github.com/ORGANISATION/REPOSITORY//FOLDER?ref=…`."""
    address, folder, query = _split(text)
    names = address.rstrip("/").split("/")[1:]
    if len(names) < 2 or not all(names):  # noqa: PLR2004 - organisation and repository
        what = f'"{text}" names no repository. Write {host}/ORGANISATION/REPOSITORY.'
        raise ValueError(what)
    # Groups of gitlab.com may lie in groups; elsewhere what follows can only be a folder.
    if len(names) > 2 and host != "gitlab.com":  # noqa: PLR2004
        rest = "/".join(names[2:])
        what = (
            f'"{text}" has a folder after the repository. Separate it by "//": '
            f"{host}/{names[0]}/{names[1]}//{rest}"
        )
        raise ValueError(what)
    repository = "/".join(names).removesuffix(".git")
    folder_part = f"//{folder}" if folder else ""
    return _git(f"https://{host}/{repository}.git{folder_part}{f'?{query}' if query else ''}")


def _archive(text: str) -> ArchiveSource:
    address, folder, query = _split(text)
    parts = _url(address, text)
    # What is the server's stays as it is written: it may be signed.
    own: list[str] = []
    kept: list[str] = []
    for pair in query.split("&"):
        (own if pair.partition("=")[0] in {"archive", "checksum"} else kept).append(pair)
    options = _options("&".join(own), ("archive", "checksum"), text)
    named = options.get("archive")
    format_ = _format_of(parts.path) if named is None else ARCHIVE_FORMATS.get(named)
    if format_ is None:
        raise ValueError(_why_no_archive(without_secret(text), parts, named))
    checksum = options.get("checksum")
    if checksum is not None:
        digits = re.fullmatch(_CHECKSUM, checksum)
        if digits is None:
            message = (
                f'checksum={checksum} in "{text}" is none. Write checksum=sha256: and the 64 '
                'hexadecimal digits that "sha256sum FILE" prints.'
            )
            raise ValueError(message)
        checksum = f"sha256:{digits['digits'].lower()}"
    url = urlunsplit(parts._replace(query="&".join(kept)))
    return ArchiveSource(url=url, format=format_, folder=folder, checksum=checksum)


def _why_no_archive(text: str, parts: SplitResult, named: str | None) -> str:
    if named is not None:
        known = ", ".join(ARCHIVE_FORMATS)
        return (
            f"archive={named} is no format.{did_you_mean(named, ARCHIVE_FORMATS)} Known: {known}."
        )
    if parts.path.endswith(".git") or parts.hostname in _HOSTS:
        return f'To fetch a git repository, put "git::" in front: "git::{text}".'
    return (
        f'"{text}" does not end like an archive. If it is one, say which: add ?archive=tar.gz to '
        'it. To fetch a git repository, put "git::" in front.'
    )


def _format_of(path: str) -> str | None:
    name = path.rpartition("/")[2].lower()
    for ending, format_ in ARCHIVE_FORMATS.items():
        if name.endswith(f".{ending}"):
            return format_
    return None


def _split(text: str) -> tuple[str, str, str]:
    """Return address, folder and query of `ADDRESS//FOLDER?QUERY`.

    Raises:
        ValueError: If the folder leads out of the package, or there is a fragment.
    """
    if "#" in text:
        message = (
            f'"{text}" has a "#" in it, which has no meaning in a source. A version is '
            "?ref=TAG; inside a name write %23."
        )
        raise ValueError(message)
    head, _, query = text.partition("?")
    scheme = re.match(_SCHEME, head)
    start = scheme.end() if scheme else 0
    # A path such as file:///x begins with the third slash of the scheme's.
    at = head.find("//", start)
    if at < 0:
        return head, "", query
    folder = head[at + 2 :].strip("/")
    if ".." in folder.split("/") or "\\" in folder or "\0" in folder:
        message = (
            f'The folder "{folder}" in "{text}" leads out of what is fetched. After "//" stands a '
            'path from the top of the package, without "..".'
        )
        raise ValueError(message)
    return head[:at], "" if not folder else posixpath.normpath(folder), query


def _options(query: str, known: tuple[str, ...], text: str) -> dict[str, str]:
    """Return the options of a query.

    Raises:
        ValueError: If one is not known, or is there twice.
    """
    found: dict[str, str] = {}
    for pair in filter(None, query.split("&")):
        name, _, written = pair.partition("=")
        value = unquote(written)  # a "+" stands for itself: versions have some
        if name not in known:
            message = (
                f'"{text}" has the option {name}, which git sources do not have.'
                f"{did_you_mean(name, known)} Known: {', '.join(known)}."
            )
            raise ValueError(message)
        if name in found:
            message = f'"{text}" has the option {name} twice.'
            raise ValueError(message)
        found[name] = value
    return found


def _url(address: str, text: str) -> SplitResult:
    """Split a URL.

    Raises:
        ValueError: If it is none, or a program could take its host for an option.
    """
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        what = f'"{without_secret(text)}" holds no valid URL: {error}.'
        raise ValueError(what) from None
    needs_host = parts.scheme != "file" and bool(re.match(_SCHEME, address))
    if host.startswith("-") or (parts.username or "").startswith("-") or (needs_host and not host):
        what = f'"{without_secret(text)}" names no valid host.'
        raise _refused(what)
    return parts


def without_secret(text: str) -> str:
    """Return a source as written, without a password it may hold, for messages."""
    return re.sub(r"(://[^/@:]*):[^/@]*@", r"\1@", text)


def _with_folder(package: str, folder: str) -> str:
    if not folder:
        return package
    address, mark, query = package.partition("?")
    return f"{address}//{folder}{mark}{query}"
