"""The examples that mlform ships, and copies of them to start from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mlform.config.load import JSON_SUFFIX, SUFFIX
from mlform.dataclass import dataclass
from mlform.diagnostics import did_you_mean
from mlform.errors import MlformError, UsageError

_PACKAGE: Final = Path(__file__).resolve().parent.parent
_LEFT_OUT: Final = re.compile(r"\..*|__pycache__|mlform\.mlfstate.*")
"""Names of what runs of an example leave behind."""
_WRITTEN: Final = frozenset({"data", "docker.mlf.hcl", "rows.csv"})
"""What people write into an example's folder as its README says; `examples/.gitignore` has them."""
_OUTSIDE: Final = re.compile(r'(?m)^(\s*source\s*=\s*)"((?:\.\./)+([\w./-]+))"')
"""Source of a module in a folder beside the example."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedExample:
    """A copy of an example.

    Attributes:
        name: Of the example.
        title: First heading of its README.
        files: Paths in the working folder, sorted.
    """

    name: str
    title: str
    files: tuple[str, ...]


def examples_folder() -> Path:
    """Return the folder of the examples: in the installed package, or beside it in a checkout."""
    inside = _PACKAGE / "examples"
    return inside if inside.is_dir() else _PACKAGE.parent / "examples"


def example_names(folder: Path) -> tuple[str, ...]:
    """Return the names of the examples in a folder, sorted."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(item.name for item in folder.iterdir() if any(item.glob(f"*{SUFFIX}"))))


def copy_example(name: str, target: Path, *, examples: Path | None = None) -> CopiedExample:
    """Copy an example to a folder without configuration.

    A module that the example takes from a folder beside it comes along, in `modules/`.

    Args:
        name: Of the example.
        target: The folder.
        examples: Where the examples are, instead of where mlform has them.

    Raises:
        UsageError: If there is no such example, or the folder has files of these names or
            configuration already; nothing was copied then.
        MlformError: If a file cannot be written.
    """
    folder = examples or examples_folder()
    known = example_names(folder)
    if name not in known:
        detail = (
            f'mlform has no example "{name}".{did_you_mean(name, known)} '
            f"There are: {', '.join(known) or 'none in this installation'}."
        )
        raise UsageError("Unknown example", detail)
    contents = _contents(folder / name)
    _check_free(target, contents)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            place = target / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
    except OSError as error:
        detail = f"{error.filename or target} cannot be written: {error.strerror or error}."
        raise MlformError("Failed to copy the example", detail) from error
    return CopiedExample(
        name=name, title=_title(contents.get("README.md", b"")), files=tuple(sorted(contents))
    )


def _check_free(target: Path, contents: dict[str, bytes]) -> None:
    present = [item.name for item in target.iterdir()] if target.is_dir() else []
    configuration = sorted(item for item in present if item.endswith((SUFFIX, JSON_SUFFIX)))
    taken = sorted(path for path in contents if (target / path).exists())
    if configuration or taken:
        what = "configuration" if configuration else "a file of the example's"
        detail = (
            f"The folder has {what} already: {(configuration or taken)[0]}. Make an empty folder "
            "and run the command there, such as with mlform -chdir=FOLDER init."
        )
        raise UsageError("The folder is not empty", detail)


def _contents(example: Path) -> dict[str, bytes]:
    """Return the files of an example by path, with the modules it takes from outside of it."""
    found: dict[str, bytes] = {}
    for path, file in _files(example):
        if path.partition("/")[0] in _WRITTEN:
            continue
        content = file.read_bytes()
        if not file.name.endswith(SUFFIX):
            found[path] = content
            continue
        text = content.decode()
        for match in _OUTSIDE.finditer(text):
            module = (file.parent / match[2]).resolve()
            for inner, part in _files(module):
                found[f"modules/{module.name}/{inner}"] = part.read_bytes()
        found[path] = _OUTSIDE.sub(_moved, text).encode()
    return found


def _moved(match: re.Match[str]) -> str:
    return f'{match[1]}"./modules/{match[3].rpartition("/")[2]}"'


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Return the files of a folder with their relative paths; what runs left behind is not told."""
    for item in sorted(folder.iterdir()):
        if _LEFT_OUT.fullmatch(item.name):
            continue
        if item.is_dir():
            for path, file in _files(item):
                yield f"{item.name}/{path}", file
        else:
            yield item.name, item


def _title(readme: bytes) -> str:
    first = readme.decode(errors="replace").partition("\n")[0]
    return first.removeprefix("#").strip()
