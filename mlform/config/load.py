"""A folder of configuration files, and those of the modules it calls, to a `Config`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlform.config.blocks import BackendBlock, Config, EncryptionBlock, LocalValue, VariableBlock
from mlform.config.decode import Outline, decode_storage, outline
from mlform.config.decoding import Decoding
from mlform.config.early import EarlyContext, EarlyScope
from mlform.config.file_reading import (
    JSON_SUFFIX,
    SUFFIX,
    file_names,
    read_blocks,
    report_unreadable,
)
from mlform.config.folders import (
    ConfigFiles,
    DiskFiles,
    FindModules,
    NoModules,
    RecordedFiles,
)
from mlform.config.removals import check_removals
from mlform.config.tree import MODULES_FOLDER, ModuleTree
from mlform.dataclass import dataclass, replace
from mlform.diagnostics import Diagnostic, Diagnostics
from mlform.lang.values import Value

__all__ = ["JSON_SUFFIX", "SUFFIX", "RootModule", "load_config", "read_file", "read_root"]

_NONE_FOUND = """The folder {folder} has no files that end in {suffix}.

To start, write a file main{suffix}, such as:

  resource "dataset" "titanic" {{
    source "file" {{
      path = "titanic.csv"
    }}
  }}

then run "mlform plan". If the files are in another folder, name it: mlform -chdir=FOLDER plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RootModule:
    """The root module, read as far as can be without the values of its variables.

    Attributes:
        variables: That it declares.
        problems: Found so far, in order of file and place.
    """

    variables: Mapping[str, VariableBlock]
    problems: tuple[Diagnostic, ...]
    _shape: Outline
    _files: RecordedFiles

    @property
    def locals(self) -> Mapping[str, LocalValue]:
        """The local values that it declares."""
        return self._shape.locals

    @property
    def is_empty(self) -> bool:
        """Whether there are no configuration files."""
        return not self._files.content

    def load(
        self,
        values: Mapping[str, Value],
        *,
        context: EarlyContext | None = None,
        find_modules: FindModules = NoModules,
        modules_folder: str = MODULES_FOLDER,
    ) -> tuple[Config, tuple[Diagnostic, ...]]:
        """Read everything, and all modules that are called.

        Args:
            values: Of the variables; those without are unknown.
            context: What expressions see that are resolved while loading.
            find_modules: Makes what finds modules whose sources are not local.
            modules_folder: Where fetched modules are, relative to the working folder.

        Returns:
            What could be read, and all problems, with those found before, in order of file and
            place. The configuration is only to be used if no problem is an error.
        """
        diagnostics = Diagnostics()
        diagnostics.extend(self.problems)
        files = RecordedFiles(self._files.origin, dict(self._files.content))
        shape = _reporting_to(self._shape, diagnostics)
        tree = ModuleTree(
            files=files,
            folders=find_modules(files),
            context=context or EarlyContext(),
            diagnostics=diagnostics,
            modules_folder=modules_folder,
        )
        config = tree.load(shape, values)
        check_removals(config, diagnostics)
        return config, _in_order(diagnostics, files.content)

    def storage(
        self, values: Mapping[str, Value], *, context: EarlyContext
    ) -> tuple[BackendBlock | None, EncryptionBlock | None, tuple[Diagnostic, ...]]:
        """Read where and how the state is kept, and nothing else.

        Args:
            values: Of the variables; those without are unknown.
            context: What expressions see that are resolved while loading.

        Returns:
            The blocks, or None, and the problems of them with those found before.
        """
        diagnostics = Diagnostics()
        diagnostics.extend(self.problems)
        shape = _reporting_to(self._shape, diagnostics)
        scope = EarlyScope(
            context=context, variables=shape.variables, locals=shape.locals, values=values
        )
        decoding = Decoding(path=(), reader=shape.reader, scope=scope)
        backend, encryption = decode_storage(shape, decoding)
        return backend, encryption, _in_order(diagnostics, self._files.content)


def _reporting_to(shape: Outline, diagnostics: Diagnostics) -> Outline:
    return replace(shape, reader=replace(shape.reader, diagnostics=diagnostics))


def read_root(
    files: ConfigFiles,
    *,
    shown_folder: str = ".",
    without_files: str | None = "",
) -> RootModule:
    """Read the files of the root module.

    Args:
        files: Where they are.
        shown_folder: The folder as people are shown it, relative to the working folder.
        without_files: What else the error says where there are none; None if that is no error, but
            a configuration that asks for nothing.
    """
    diagnostics = Diagnostics()
    recorded = RecordedFiles(files)
    names = _names(recorded, shown_folder, diagnostics)
    if names is None:
        names = ()
        if without_files is not None:
            start = _NONE_FOUND.format(folder=shown_folder, suffix=SUFFIX)
            diagnostics.error(
                "No configuration files", "\n".join(filter(None, (start, without_files)))
            )
    blocks, reader = read_blocks(shown_folder, names, recorded, diagnostics)
    shape = outline(shown_folder, blocks, reader)
    return RootModule(
        variables=shape.variables,
        problems=_in_order(diagnostics, recorded.content),
        _shape=shape,
        _files=recorded,
    )


def load_config(
    folder: Path,
    *,
    shown_folder: str = ".",
    values: Mapping[str, Value] | None = None,
    context: EarlyContext | None = None,
    find_modules: FindModules = NoModules,
) -> tuple[Config, tuple[Diagnostic, ...]]:
    """Read and decode all configuration files of a folder, and the modules it calls.

    Args:
        folder: Where the files are.
        shown_folder: The folder as people are shown it, relative to the working folder.
        values: Of the variables; those without are unknown.
        context: What expressions see that are resolved while loading; by default variables may
            be without value.
        find_modules: Makes what finds modules whose sources are not local.

    Returns:
        As `RootModule.load`.
    """
    root = read_root(DiskFiles(folder, shown_folder), shown_folder=shown_folder)
    return root.load(
        values or {},
        context=context or EarlyContext(partial=True),
        find_modules=find_modules,
    )


def _names(files: ConfigFiles, folder: str, diagnostics: Diagnostics) -> tuple[str, ...] | None:
    """Return the names of the files; None if there are none, nothing if nobody can tell."""
    try:
        names = file_names(files.names(folder))
    except OSError as error:
        diagnostics.error(
            "Failed to read configuration folder",
            f"The folder {folder} cannot be listed: {error.strerror or error}. Check its "
            "name and that you may read it.",
        )
        return ()
    return names or None


def read_file(path: Path, shown: str, diagnostics: Diagnostics) -> bytes | None:
    """Return the content of a file, or None after recording that it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        report_unreadable(shown, error, diagnostics)
        return None


def _in_order(diagnostics: Diagnostics, files: Mapping[str, bytes]) -> tuple[Diagnostic, ...]:
    """Sort by file and place; what has no place comes first."""
    positions = {shown: position for position, shown in enumerate(files)}

    def place(diagnostic: Diagnostic) -> tuple[int, int]:
        if diagnostic.range is None:
            return (-1, 0)
        return (positions.get(diagnostic.range.filename, -1), diagnostic.range.start_offset)

    return tuple(sorted(diagnostics, key=place))
