"""Functions on paths and files; files are read through the ports of the context."""

from __future__ import annotations

import base64
import posixpath
from collections.abc import Callable
from typing import Final

from mlform.dataclass import dataclass
from mlform.lang.construct import set_of, string_value, text
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.context import FunctionContext
from mlform.lang.functions.hashing import HASHES
from mlform.lang.types import BOOL, STRING, SetType
from mlform.lang.values import Value, boolean

_PATH: Final = Parameter(name="path", type=STRING)
_NO_FILES: Final = "files cannot be read here"


def expanded(path: str, context: FunctionContext) -> str:
    """Return a path with `~` replaced by the home folder."""
    if path != "~" and not path.startswith("~/"):
        return path
    if context.home_folder is None:
        raise ArgumentError(0, "the home folder is not known here; write the whole path")
    return context.home_folder + path[1:]


def read(path: str, context: FunctionContext) -> bytes:
    """Return the content of a file named by a function's argument.

    Raises:
        ArgumentError: If it cannot be read.
    """
    if context.read_file is None:
        raise FunctionError(_NO_FILES)
    try:
        return context.read_file(located(path, context))
    except FileNotFoundError as error:
        raise ArgumentError(
            0,
            f'no file exists at "{path}"; this function works only with files that are distributed '
            "as part of the configuration source code, so if this file will be created by a "
            "resource in this configuration you must instead obtain this result from an attribute "
            "of that resource",
        ) from error
    except OSError as error:
        raise ArgumentError(0, f'failed to read "{path}": {error.strerror or error}') from error


def read_text(path: str, context: FunctionContext) -> str:
    """Return the content of a text file named by a function's argument.

    Raises:
        ArgumentError: If it cannot be read or is not UTF-8.
    """
    try:
        return read(path, context).decode()
    except UnicodeDecodeError as error:
        raise ArgumentError(
            0, f'contents of "{path}" are not valid UTF-8; use the filebase64 function instead'
        ) from error


def located(path: str, context: FunctionContext) -> str:
    """Return a path named by a function's argument as the ports take it."""
    return posixpath.normpath(posixpath.join(context.base_folder, expanded(path, context)))


def _basename(path: Value) -> Value:
    content = text(path)
    if not content:
        return string_value(".")
    return string_value(posixpath.basename(content.rstrip("/")) or "/")


def _dirname(path: Value) -> Value:
    folder = posixpath.normpath(posixpath.dirname(text(path)) or ".")
    return string_value("/" if folder == "//" else folder)


PURE: Final = (
    Function(
        name="basename",
        description="The last part of a path.",
        parameters=(_PATH,),
        returns=STRING,
        implementation=_basename,
    ),
    Function(
        name="dirname",
        description="The path without its last part.",
        parameters=(_PATH,),
        returns=STRING,
        implementation=_dirname,
    ),
)


@dataclass(frozen=True, slots=True)
class _Files:
    """The implementations that see files through a context."""

    context: FunctionContext

    def abspath(self, path: Value) -> Value:
        folder = self.context.working_folder
        if folder is None and not text(path).startswith("/"):
            raise FunctionError("the working folder is not known here")
        return string_value(posixpath.normpath(posixpath.join(folder or "/", text(path))))

    def pathexpand(self, path: Value) -> Value:
        return string_value(expanded(text(path), self.context))

    def file(self, path: Value) -> Value:
        return string_value(read_text(text(path), self.context))

    def filebase64(self, path: Value) -> Value:
        return string_value(base64.b64encode(read(text(path), self.context)).decode())

    def hashed(self, hash_: Callable[[bytes], str]) -> Callable[[Value], Value]:
        def hashed(path: Value) -> Value:
            try:
                return string_value(hash_(read(text(path), self.context)))
            except ArgumentError as error:
                raise FunctionError(str(error)) from error

        return hashed

    def fileexists(self, path: Value) -> Value:
        if self.context.file_exists is None:
            raise FunctionError(_NO_FILES)
        try:
            return boolean(self.context.file_exists(located(text(path), self.context)))
        except OSError as error:
            raise FunctionError(f'"{text(path)}" is a folder, not a file') from error

    def fileset(self, path: Value, pattern: Value) -> Value:
        if self.context.fileset is None:
            raise FunctionError(_NO_FILES)
        try:
            found = self.context.fileset(located(text(path), self.context), text(pattern))
        except (OSError, ValueError) as error:
            raise FunctionError(f"failed to list files: {error}") from error
        return set_of([string_value(each) for each in found], STRING)


def _of_path(name: str, description: str, implementation: Callable[[Value], Value]) -> Function:
    return Function(
        name=name,
        description=description,
        parameters=(_PATH,),
        returns=STRING,
        implementation=implementation,
    )


def file_functions(context: FunctionContext) -> tuple[Function, ...]:
    """Return the functions that see files through a context."""
    files = _Files(context)
    expand = "The path with a leading ~ replaced by the home folder."
    return (
        _of_path("abspath", "The absolute path of a path.", files.abspath),
        _of_path("pathexpand", expand, files.pathexpand),
        _of_path("file", "The content of a text file.", files.file),
        _of_path("filebase64", "The content of a file in base64.", files.filebase64),
        *(
            _of_path(f"file{name}", f"The {what} of a file.", files.hashed(hash_))
            for name, (hash_, what) in HASHES.items()
        ),
        Function(
            name="fileexists",
            description="Whether a path is a file.",
            parameters=(_PATH,),
            returns=BOOL,
            implementation=files.fileexists,
        ),
        Function(
            name="fileset",
            description="The files in a folder that match a pattern.",
            parameters=(_PATH, Parameter(name="pattern", type=STRING)),
            returns=SetType(STRING),
            implementation=files.fileset,
        ),
    )
