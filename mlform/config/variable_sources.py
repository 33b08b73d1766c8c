"""Where values of variables come from, in the order in which they count.

Later ones win: the environment (`MLF_VAR_name`), `mlform.mlfvars.hcl`, `*.auto.mlfvars.hcl` by
name, then `-var` and `-var-file` in the order given. Defaults lie below all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from mlform.config.load import read_file
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics
from mlform.hcl.ast import Body
from mlform.hcl.parser import decode_source, parse

ENVIRONMENT_PREFIX = "MLF_VAR_"
"""Before the name of a variable, in the environment."""
_DEFAULT_FILE = "mlform.mlfvars.hcl"
_AUTO_SUFFIX = ".auto.mlfvars.hcl"
_JSON_NAMES = ("mlform.mlfvars.json", ".auto.mlfvars.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentValues:
    """The whole environment; only names with the prefix are looked at."""

    values: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileValues:
    """A file of values, read; its arguments are the values."""

    body: Body


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionValue:
    """`-var NAME=VALUE`; `text` is what stands after `-var`."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionFile:
    """`-var-file PATH`, not read yet; `shown` is the path as given."""

    path: Path
    shown: str


VariableSource: TypeAlias = EnvironmentValues | FileValues | OptionValue
"""Something that gives values, with all of its text at hand."""


def gather_sources(
    folder: Path,
    *,
    environment: Mapping[str, str],
    options: Sequence[OptionValue | OptionFile],
    diagnostics: Diagnostics,
    shown_folder: str = ".",
) -> tuple[VariableSource, ...]:
    """Read all that gives values to variables.

    Args:
        folder: Of the root module.
        environment: The environment of the process.
        options: Of the command line, in the order given.
        diagnostics: Takes the problems of reading and parsing.
        shown_folder: The folder as people are shown it.

    Returns:
        The sources in the order in which they count, lowest first.
    """
    found: list[VariableSource] = [EnvironmentValues(values=environment)]
    for name in _automatic_names(folder, diagnostics):
        shown = name if shown_folder == "." else f"{shown_folder}/{name}"
        content = read_file(folder / name, shown, diagnostics)
        if content is not None:
            found.append(parse_values(shown, content, diagnostics))
    for option in options:
        if isinstance(option, OptionValue):
            found.append(option)
            continue
        if not option.path.exists():
            diagnostics.error(
                "Failed to read variables file",
                f"The variables file {option.shown} does not exist. Check the path given with "
                "-var-file; it is relative to the working folder.",
            )
            continue
        content = read_file(option.path, option.shown, diagnostics)
        if content is not None:
            found.append(parse_values(option.shown, content, diagnostics))
    return tuple(found)


def _automatic_names(folder: Path, diagnostics: Diagnostics) -> list[str]:
    if not folder.is_dir():
        return []
    names = sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))
    for name in names:
        if name.endswith(_JSON_NAMES):
            diagnostics.error(
                "Unsupported variables file",
                f"{name} is in JSON syntax, which this version of mlform does not read. Write it "
                f"as {name.removesuffix('.json')}.hcl, one line name = value each.",
            )
    default = [name for name in names if name == _DEFAULT_FILE]
    return default + [name for name in names if name.endswith(_AUTO_SUFFIX)]


def parse_values(shown: str, content: bytes, diagnostics: Diagnostics) -> FileValues:
    """Read the content of a file of values."""
    source, problems = decode_source(shown, content)
    body, more = parse(source)
    diagnostics.extend((*problems, *more))
    for block in body.blocks:
        if block.type == "variable":
            detail = (
                "This file gives values to variables and cannot declare them. Move the block to a "
                "file *.mlf.hcl; here write: name = value."
            )
        else:
            detail = (
                "Blocks are not allowed here: this file holds values of variables only, as "
                "name = value."
            )
        diagnostics.error(f'Unexpected "{block.type}" block', detail, range=block.type_range)
    return FileValues(body=body)
