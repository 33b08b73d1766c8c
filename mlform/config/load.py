"""A folder of configuration files to a `Config`, with every problem of every file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from mlform.config.blocks import Config
from mlform.config.decode import check_runtimes, decode_module
from mlform.config.reading import Reader
from mlform.diagnostics import Diagnostic, Diagnostics
from mlform.hcl.ast import Body
from mlform.hcl.parser import decode_source, parse

SUFFIX = ".mlf.hcl"
"""Of configuration files in the native syntax."""
JSON_SUFFIX = ".mlf.json"
"""Of configuration files in HCL's JSON syntax."""

_NONE_FOUND = """The folder {folder} has no files that end in {suffix}.

To start, write a file main{suffix}, such as:

  resource "dataset" "titanic" {{
    source "file" {{
      path = "titanic.csv"
    }}
  }}

then run "mlform plan". If the files are in another folder, name it: mlform -chdir=FOLDER plan."""


def load_config(folder: Path, *, shown_folder: str = ".") -> tuple[Config, tuple[Diagnostic, ...]]:
    """Read and decode all configuration files of a folder.

    Args:
        folder: Where the files are.
        shown_folder: The folder as people are shown it, relative to the working folder.

    Returns:
        What could be read, and the problems of all files together, in order of file and place.
        The configuration is only to be used if no problem is an error.
    """
    diagnostics = Diagnostics()
    files = _read_files(folder, shown_folder, diagnostics)
    if not files and not diagnostics.has_errors:
        diagnostics.error(
            "No configuration files", _NONE_FOUND.format(folder=shown_folder, suffix=SUFFIX)
        )
    config, problems = decode_files(files, shown_folder=shown_folder)
    diagnostics.extend(problems)
    return config, _in_order(diagnostics, files)


def decode_files(
    files: dict[str, bytes], *, shown_folder: str = "."
) -> tuple[Config, tuple[Diagnostic, ...]]:
    """Decode configuration files that were read before, such as those in a saved plan.

    Args:
        files: Content by shown path.
        shown_folder: The folder as people are shown it.

    Returns:
        As `load_config`.
    """
    return _decoded(tuple(files.items()), shown_folder)


@lru_cache(maxsize=1)
def _decoded(
    content_by_name: tuple[tuple[str, bytes], ...], shown_folder: str
) -> tuple[Config, tuple[Diagnostic, ...]]:
    """Decode files; apply asks for those again that plan has just asked for."""
    files = dict(content_by_name)
    diagnostics = Diagnostics()
    bodies = [_parse(shown, content, diagnostics) for shown, content in files.items()]
    syntax_errors = tuple(each.range for each in diagnostics if each.range is not None)
    reader = Reader(diagnostics=diagnostics, syntax_errors=syntax_errors)
    root = decode_module(bodies, folder=shown_folder, reader=reader)
    if not syntax_errors:
        check_runtimes(root, reader)
    return Config(root=root, files=files), _in_order(diagnostics, files)


def _read_files(folder: Path, shown_folder: str, diagnostics: Diagnostics) -> dict[str, bytes]:
    try:
        names = sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))
    except OSError as error:
        diagnostics.error(
            "Failed to read configuration folder",
            f"The folder {shown_folder} cannot be listed: {error.strerror or error}. Check its "
            "name and that you may read it.",
        )
        return {}
    files: dict[str, bytes] = {}
    for name in names:
        shown = name if shown_folder == "." else f"{shown_folder}/{name}"
        if name.endswith(JSON_SUFFIX):
            diagnostics.error(
                "Unsupported configuration syntax",
                f"{shown} is in JSON syntax, which this version of mlform does not read. Write it "
                f"in the native syntax, as {name.removesuffix(JSON_SUFFIX)}{SUFFIX}.",
            )
        elif name.endswith(SUFFIX):
            content = read_file(folder / name, shown, diagnostics)
            if content is not None:
                files[shown] = content
    return files


def read_file(path: Path, shown: str, diagnostics: Diagnostics) -> bytes | None:
    """Return the content of a file, or None after recording that it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        diagnostics.error(
            "Failed to read file",
            f"The file {shown} could not be read: {error.strerror or error}. Check that it is a "
            "file and that you may read it.",
        )
        return None


def _parse(shown: str, content: bytes, diagnostics: Diagnostics) -> Body:
    source, problems = decode_source(shown, content)
    body, more = parse(source)
    diagnostics.extend((*problems, *more))
    return body


def _in_order(diagnostics: Diagnostics, files: dict[str, bytes]) -> tuple[Diagnostic, ...]:
    """Sort by file and place; what has no place comes first."""
    positions = {shown: position for position, shown in enumerate(files)}

    def place(diagnostic: Diagnostic) -> tuple[int, int]:
        if diagnostic.range is None:
            return (-1, 0)
        return (positions.get(diagnostic.range.filename, -1), diagnostic.range.start_offset)

    return tuple(sorted(diagnostics, key=place))
