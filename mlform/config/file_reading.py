"""The files of one folder to the blocks they hold, with every problem of every file."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from mlform.config.folders import ConfigFiles
from mlform.config.overrides import is_override, overridden
from mlform.config.reading import Reader, Shape
from mlform.diagnostics import Diagnostic, Diagnostics, SourceRange
from mlform.hcl.ast import Block, Body
from mlform.hcl.parser import decode_source, parse

SUFFIX: Final = ".mlf.hcl"
"""Of configuration files in the native syntax."""
JSON_SUFFIX: Final = ".mlf.json"
"""Of configuration files in HCL's JSON syntax."""

_FILE: Final = Shape(
    blocks={
        "mlform": (),
        "runtime": ("type", "name"),
        "variable": ("name",),
        "locals": (),
        "output": ("name",),
        "resource": ("kind", "name"),
        "module": ("name",),
        "moved": (),
        "removed": (),
        "import": (),
        "check": ("name",),
    },
    elsewhere={
        "terraform": "The settings of mlform stand in a block of its own name: write mlform { … }.",
        "provider": "mlform has no providers. Declare where tasks run: "
        'runtime "docker" "default" { … }.',
        "data": 'mlform has no data sources. Data is read by a resource "dataset" "NAME" { … }.',
        "ephemeral": "mlform has no ephemeral resources. Use a variable with ephemeral = true.",
    },
)


def file_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those names of files that are of configurations, overrides last."""
    found = [name for name in names if name.endswith((SUFFIX, JSON_SUFFIX))]
    return tuple(sorted(found, key=lambda name: is_override(_stem(name))))


def read_blocks(
    folder: str, names: tuple[str, ...], files: ConfigFiles, diagnostics: Diagnostics
) -> tuple[tuple[Block, ...], Reader]:
    """Read the blocks of all configuration files of a folder, with overrides applied.

    Args:
        folder: As shown.
        names: Of the configuration files in it.
        files: Reads them.
        diagnostics: Takes every problem.

    Returns:
        The blocks in order of files and places, and what reads on in them.
    """
    bodies: list[tuple[str, Body]] = []
    broken: list[SourceRange] = []
    for name in names:
        shown = shown_path(folder, name)
        try:
            content = files.read(shown)
        except OSError as error:
            report_unreadable(shown, error, diagnostics)
            continue
        body, problems = parsed(shown, content)
        diagnostics.extend(problems)
        broken.extend(each.range for each in problems if each.range is not None)
        bodies.append((name, body))
    reader = Reader(diagnostics=diagnostics, syntax_errors=tuple(broken))
    primary: list[Block] = []
    overrides: list[Block] = []
    for name, body in bodies:
        into = overrides if is_override(_stem(name)) else primary
        into.extend(reader.read(body, _FILE, body.range).blocks)
    return overridden(primary, overrides, reader) if overrides else tuple(primary), reader


def _stem(name: str) -> str:
    return name.removesuffix(SUFFIX).removesuffix(JSON_SUFFIX)


def shown_path(folder: str, name: str) -> str:
    """Return the path of a file as shown."""
    return name if folder == "." else f"{folder}/{name}"


@lru_cache(maxsize=512)
def parsed(shown: str, content: bytes) -> tuple[Body, tuple[Diagnostic, ...]]:
    """Parse a file by its suffix; apply asks for those again that plan has just asked for."""
    source, problems = decode_source(shown, content)
    if shown.endswith(".json"):
        from mlform.hcl.json_syntax import parse_json

        body, more = parse_json(source)
    else:
        body, more = parse(source)
    return body, (*problems, *more)


def report_unreadable(shown: str, error: OSError, diagnostics: Diagnostics) -> None:
    """Record that a file cannot be read."""
    diagnostics.error(
        "Failed to read file",
        f"The file {shown} could not be read: {error.strerror or error}. Check that it is a "
        "file and that you may read it.",
    )
