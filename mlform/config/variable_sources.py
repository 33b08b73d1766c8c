"""Where values of variables come from, in the order in which they count.

Later ones win: the environment (`MLF_VAR_name`), `mlform.mlfvars.hcl`, `mlform.mlfvars.json`,
`*.auto.mlfvars.hcl` and `*.auto.mlfvars.json` by name, then `-var` and `-var-file` in the order
given. Defaults lie below all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from mlform.config.load import read_file
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics, Source
from mlform.hcl.ast import Attribute, Body
from mlform.hcl.json_syntax import parse_json
from mlform.hcl.json_tree import JsonProperty, json_problems, literal
from mlform.hcl.parser import decode_source, parse

ENVIRONMENT_PREFIX = "MLF_VAR_"
"""Before the name of a variable, in the environment."""
_DEFAULT_FILES = ("mlform.mlfvars.hcl", "mlform.mlfvars.json")
_AUTO_SUFFIXES = (".auto.mlfvars.hcl", ".auto.mlfvars.json")


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
    for name in _automatic_names(folder):
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


def _automatic_names(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    names = {each.name for each in folder.iterdir() if not each.name.startswith(".")}
    default = [name for name in _DEFAULT_FILES if name in names]
    return default + sorted(name for name in names if name.endswith(_AUTO_SUFFIXES))


def parse_values(shown: str, content: bytes, diagnostics: Diagnostics) -> FileValues:
    """Read the content of a file of values; the end of its name says in which syntax."""
    source, problems = decode_source(shown, content)
    if shown.endswith(".json"):
        diagnostics.extend(problems)
        return FileValues(body=_json_values(source, diagnostics))
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


def _json_values(source: Source, diagnostics: Diagnostics) -> Body:
    """Read values in JSON syntax, in which strings are no templates."""
    body, problems = parse_json(source)
    diagnostics.extend(problems)
    names = {each.name for each in body.attributes}
    diagnostics.extend(json_problems(body.attributes, no_templates=names))
    attributes = (
        Attribute(each.name, literal(each.value), each.range, each.name_range)
        for each in body.attributes
        if isinstance(each, JsonProperty)
    )
    return Body(tuple(attributes), (), body.range)
