"""Modules that call modules: from the root down, with what is wrong on the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mlform.addresses import ModulePath, print_path
from mlform.config.blocks import Config, Module, RuntimeBlock
from mlform.config.decode import Outline, decode_module, decode_runtimes, outline
from mlform.config.decoding import Decoding
from mlform.config.early import EarlyContext, EarlyScope
from mlform.config.file_reading import SUFFIX, file_names, read_blocks
from mlform.config.folders import ModuleFolders, RecordedFiles
from mlform.config.module_blocks import CalledModule
from mlform.config.sources import LocalSource, local_folder, parse_source
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.lang.values import Value

MODULES_FOLDER: Final = ".mlform/modules"
"""Where fetched modules are, relative to the working folder, unless `MLF_DATA_DIR` says else."""
NOT_INSTALLED: Final = "Module not installed"
"""Summary of the problem that a module was not found."""
_DEEPEST: Final = 50
"""Levels of modules; whoever has more has a module that fetches itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A call on the way to a module."""

    path: ModulePath
    folder: str
    place: SourceRange | None = None


@dataclass(slots=True, kw_only=True)
class ModuleTree:
    """A configuration while its modules are being loaded.

    Attributes:
        files: Reads the files of all modules.
        folders: Finds the modules whose sources are not local.
        context: What the expressions of all modules see.
        diagnostics: Takes every problem.
        modules_folder: Where fetched modules are, relative to the working folder.
        modules: Loaded so far.
    """

    files: RecordedFiles
    folders: ModuleFolders
    context: EarlyContext
    diagnostics: Diagnostics
    modules_folder: str = MODULES_FOLDER
    modules: dict[ModulePath, Module] = field(default_factory=dict)
    _runtimes: Mapping[str, RuntimeBlock] = field(default_factory=dict)
    _root_folder: str = "."
    _is_broken: bool = False

    def load(self, root: Outline, values: Mapping[str, Value]) -> Config:
        """Load the root module and all that it calls.

        Args:
            root: The outline of the root module.
            values: Of its variables; those without are unknown.
        """
        self._root_folder = root.folder
        self._is_broken = bool(root.reader.syntax_errors)
        scope = self._scope(root, ())
        scope.values = values
        decoding = Decoding(path=(), reader=root.reader, scope=scope)
        self._runtimes = decode_runtimes(root.blocks, decoding)
        self._load(root, decoding, (_Step(path=(), folder=root.folder),))
        return Config(modules=self.modules, files=self.files.content)

    def _scope(self, shape: Outline, path: ModulePath) -> EarlyScope:
        return EarlyScope(
            context=self.context,
            path=path,
            folder=shape.folder,
            root_folder=self._root_folder,
            variables=shape.variables,
            locals=shape.locals,
        )

    def _load(self, shape: Outline, decoding: Decoding, trail: tuple[_Step, ...]) -> None:
        # Where a file of the root module has syntax errors, a runtime may be missing for that.
        known = None if self._is_broken else tuple(self._runtimes)
        decoding = replace(decoding, runtimes=known)
        runtimes: Mapping[str, RuntimeBlock] = self._runtimes
        if decoding.path:
            runtimes = decode_runtimes(shape.blocks, decoding)
        module, calls = decode_module(shape, decoding, runtimes)
        self.modules[decoding.path] = module
        for called in calls:
            self._follow(called, decoding, trail)

    def _follow(self, called: CalledModule, decoding: Decoding, trail: tuple[_Step, ...]) -> None:
        """Load a called module."""
        folder = self._folder(called, trail)
        if folder is None:
            return
        call = called.call
        step = _Step(path=call.path, folder=folder, place=called.source_range)
        if not self._is_finite((*trail, step)):
            return
        names = self._names(folder, called)
        if not names:
            return
        blocks, reader = read_blocks(folder, names, self.files, self.diagnostics)
        shape = outline(folder, blocks, reader)
        self._check_arguments(called, shape)
        scope = self._scope(shape, call.path)
        scope.caller = (decoding.scope, call)
        inner = Decoding(path=call.path, reader=reader, scope=scope)
        self._load(shape, inner, (*trail, step))

    def _folder(self, called: CalledModule, trail: tuple[_Step, ...]) -> str | None:
        if called.source is None:
            return None
        path, place = called.call.path, called.source_range
        local: str | None = None
        try:
            source = parse_source(called.source)
            if isinstance(source, LocalSource):
                local = local_folder(trail[-1].folder, source, modules=self.modules_folder)
        except ValueError as error:
            self.diagnostics.error("Invalid module source", str(error), range=place)
            return None
        if called.version_range is not None:
            self._report_version(called, is_local=local is not None)
            return local
        if local is not None:
            return local
        folder = self.folders.find(path, called.source, called.version, place)
        if folder is None:
            self.diagnostics.error(
                NOT_INSTALLED,
                f"{print_path(path)} is not there yet, or its source or version was "
                'changed since it was fetched. Run "mlform init", or "mlform get" to fetch modules '
                "only.",
                range=called.source_range,
            )
        return folder

    def _report_version(self, called: CalledModule, *, is_local: bool) -> None:
        why = (
            "A local module has the version of the files that call it, so no other one can be "
            "asked for."
            if is_local
            else "Versions are for modules of a registry, and mlform has no registry yet; the "
            "version of a git source is in its address, as ?ref=TAG."
        )
        self.diagnostics.error(
            "Invalid module version",
            f'{why} Remove the argument "version".',
            range=called.version_range,
        )

    def _is_finite(self, trail: tuple[_Step, ...]) -> bool:
        """Check that a module does not call itself, directly or through others."""
        last = trail[-1]
        start = next((at for at, each in enumerate(trail) if each.folder == last.folder), 0)
        if trail[start] is not last:
            calls = [
                f"  {each.folder} is called as {print_path(each.path)} at {each.place}"
                for each in trail[start + 1 :]
            ]
            ring = " → ".join(each.folder for each in trail[start:])
            self.diagnostics.error(
                "Module cycle",
                f"A module that calls itself would never end: {ring}\n\n"
                + "\n".join(calls)
                + "\n\nRemove one of these calls.",
                range=last.place,
            )
            return False
        if len(trail) > _DEEPEST:
            self.diagnostics.error(
                "Modules nested too deeply",
                f"{print_path(last.path)} lies more than {_DEEPEST} modules deep, as if a fetched "
                "module called itself. Remove one of the calls on the way to it.",
                range=last.place,
            )
            return False
        return True

    def _names(self, folder: str, called: CalledModule) -> tuple[str, ...]:
        """Return the names of the configuration files in a folder, or none after a problem."""
        try:
            names = file_names(self.files.names(folder))
        except OSError as error:
            self.diagnostics.error(
                "Unreadable module folder",
                f"The folder {folder} of {print_path(called.call.path)} cannot be read: "
                f"{error.strerror or error}.{self._nearest(folder)} A local source is relative to "
                "the folder of the calling file.",
                range=called.source_range,
            )
            return ()
        if not names:
            self.diagnostics.error(
                "Module without configuration files",
                f"The folder {folder} has no files that end in {SUFFIX}, so it is no module. Check "
                "the source.",
                range=called.source_range,
            )
        return names

    def _nearest(self, folder: str) -> str:
        """Return a hint at a folder of a name like this one, or an empty string."""
        parent, _, name = folder.rpartition("/")
        try:
            return did_you_mean(name, self.files.names(parent or "."))
        except OSError:
            return ""

    def _check_arguments(self, called: CalledModule, shape: Outline) -> None:
        call, declared = called.call, shape.variables
        for argument in call.arguments.values():
            variable = declared.get(argument.name)
            if variable is None and not shape.reader.syntax_errors:
                missing = [name for name in declared if name not in call.arguments]
                listing = f" Variables of the module: {', '.join(sorted(declared))}."
                hint = did_you_mean(argument.name, missing) or did_you_mean(argument.name, declared)
                said = hint or (listing if declared else " The module has no variables.")
                self.diagnostics.error(
                    "Unsupported argument",
                    f'An argument named "{argument.name}" is not expected here: the module in '
                    f"{shape.folder} declares no variable of that name.{said}",
                    range=argument.name_range,
                )
            elif variable is not None and variable.deprecated:
                self.diagnostics.warning(
                    "Deprecated variable set",
                    f"The variable {variable.name} of {print_path(call.path)} is deprecated: "
                    f"{variable.deprecated}",
                    range=argument.name_range,
                )
        for variable in declared.values():
            if variable.default is None and variable.name not in call.arguments:
                self.diagnostics.error(
                    "Missing required argument",
                    f'The argument "{variable.name}" is required, because the variable declared at '
                    f"{variable.range} has no default, but it is not set here.",
                    range=call.range,
                )
