"""Blocks of the files of one folder to the module they declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeVar

from mlform.addresses import ResourceAddress
from mlform.config.blocks import (
    BackendBlock,
    CheckBlock,
    EncryptionBlock,
    ImportBlock,
    LocalValue,
    Module,
    MovedBlock,
    OutputBlock,
    RemovedBlock,
    RequiredVersion,
    ResourceBlock,
    RuntimeBlock,
    VariableBlock,
)
from mlform.config.conditions import decode_check
from mlform.config.declarations import (
    decode_locals,
    decode_output,
    decode_runtime,
    decode_settings,
)
from mlform.config.decoding import Decoding
from mlform.config.module_blocks import CalledModule, decode_call
from mlform.config.moves import decode_import, decode_moved, decode_removed
from mlform.config.reading import Reader
from mlform.config.resource_blocks import decode_resource
from mlform.config.variable_blocks import decode_variable
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostics, SourceRange
from mlform.hcl.ast import Block


class _Ranged(Protocol):
    @property
    def range(self) -> SourceRange: ...


_Item = TypeVar("_Item", bound=_Ranged)
_Key = TypeVar("_Key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """What can be read of a module before anything is known.

    Attributes:
        folder: Relative to the working folder.
        blocks: Of all files, overrides applied.
        reader: Has read them.
        variables: As declared.
        locals: As declared.
    """

    folder: str
    blocks: tuple[Block, ...]
    reader: Reader
    variables: Mapping[str, VariableBlock]
    locals: Mapping[str, LocalValue]


def outline(folder: str, blocks: tuple[Block, ...], reader: Reader) -> Outline:
    """Read the variables and locals of a module, in whose terms all else may be written."""
    variables: dict[str, VariableBlock] = {}
    locals_: dict[str, LocalValue] = {}
    for block in blocks:
        if block.type == "variable":
            variable = decode_variable(block, reader)
            if variable is not None:
                _add(variables, variable.name, variable, _VARIABLE, reader.diagnostics)
        elif block.type == "locals":
            for local in decode_locals(block, reader):
                _add(locals_, local.name, local, _LOCAL, reader.diagnostics)
    return Outline(folder=folder, blocks=blocks, reader=reader, variables=variables, locals=locals_)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How a second declaration of a name is told of."""

    summary: str
    subject: str


_VARIABLE = _Kind(summary="Duplicate variable declaration", subject="A variable")
_LOCAL = _Kind(summary="Duplicate local value definition", subject="A local value")
_OUTPUT = _Kind(summary="Duplicate output definition", subject="An output")
_CALL = _Kind(summary="Duplicate module call", subject="A module call")
_CHECK = _Kind(summary="Duplicate check configuration", subject="A check")


def _add(
    items: dict[_Key, _Item], key: _Key, item: _Item, kind: _Kind, diagnostics: Diagnostics
) -> None:
    """Keep the first of each name and record a problem for each further one."""
    first = items.setdefault(key, item)
    if first is not item:
        name = key.name if isinstance(key, ResourceAddress) else str(key)
        diagnostics.error(
            kind.summary,
            f'{kind.subject} named "{name.rpartition(".")[2]}" was already declared at '
            f"{first.range}. Names must be unique here: rename or remove one of the two.",
            range=item.range,
        )


@dataclass(slots=True)
class _Draft:
    """A module while its blocks are being read."""

    decoding: Decoding
    required_versions: list[RequiredVersion] = field(default_factory=list)
    backend: BackendBlock | None = None
    encryption: EncryptionBlock | None = None
    outputs: dict[str, OutputBlock] = field(default_factory=dict)
    resources: dict[ResourceAddress, ResourceBlock] = field(default_factory=dict)
    calls: dict[str, _Call] = field(default_factory=dict)
    moved: list[MovedBlock] = field(default_factory=list)
    removed: list[RemovedBlock] = field(default_factory=list)
    imports: list[ImportBlock] = field(default_factory=list)
    checks: dict[str, CheckBlock] = field(default_factory=dict)

    def read(self, block: Block) -> None:
        """Read any block but those of the outline and runtimes."""
        decoding, diagnostics = self.decoding, self.decoding.diagnostics
        match block.type:
            case "mlform":
                self._settings(block)
            case "output":
                output = decode_output(block, decoding)
                if output is not None:
                    _add(self.outputs, output.name, output, _OUTPUT, diagnostics)
            case "resource":
                self._resource(block)
            case "module":
                called = decode_call(block, decoding)
                if called is not None:
                    item = _Call(called)
                    _add(self.calls, called.call.name, item, _CALL, diagnostics)
            case "check":
                check = decode_check(block, decoding.reader)
                if check is not None:
                    _add(self.checks, check.name, check, _CHECK, diagnostics)
            case _:
                self._move(block)

    def _move(self, block: Block) -> None:
        match block.type:
            case "moved":
                self.moved.extend(_found(decode_moved(block, self.decoding)))
            case "removed":
                self.removed.extend(_found(decode_removed(block, self.decoding)))
            case "import":
                self.imports.extend(_found(decode_import(block, self.decoding)))
            case _:  # what the outline has, and runtimes
                pass

    def _resource(self, block: Block) -> None:
        resource = decode_resource(block, self.decoding)
        if resource is not None:
            kind = resource.address.kind
            said = _Kind(
                summary=f'Duplicate resource "{kind}" configuration', subject=f"A {kind} resource"
            )
            diagnostics = self.decoding.diagnostics
            _add(self.resources, resource.address, resource, said, diagnostics)

    def _settings(self, block: Block) -> None:
        settings = decode_settings(block, self.decoding)
        if settings.required is not None:
            self.required_versions.append(settings.required)
        self.backend = self._only(self.backend, settings.backends, "backend")
        self.encryption = self._only(self.encryption, settings.encryptions, "encryption")

    def _only(self, first: _Item | None, more: Iterable[_Item], what: str) -> _Item | None:
        """Return the first of what there may be only one of; record a problem for others."""
        for each in more:
            if first is None:
                first = each
                continue
            self.decoding.diagnostics.error(
                f"Duplicate {what} configuration",
                f"A configuration may have only one {what}. It was declared before at "
                f"{first.range}. Remove one of the two.",
                range=each.range,
            )
        return first


@dataclass(frozen=True, slots=True)
class _Call:
    called: CalledModule

    @property
    def range(self) -> SourceRange:
        return self.called.call.range


def _found(item: _Item | None) -> tuple[_Item, ...]:
    return () if item is None else (item,)


def decode_runtimes(blocks: Iterable[Block], decoding: Decoding) -> Mapping[str, RuntimeBlock]:
    """Read the `runtime` blocks of a module, by `type.name`."""
    found: dict[str, RuntimeBlock] = {}
    default: RuntimeBlock | None = None
    for block in blocks:
        runtime = decode_runtime(block, decoding) if block.type == "runtime" else None
        if runtime is None:
            continue
        said = _Kind(
            summary=f'Duplicate runtime "{runtime.type}" configuration',
            subject=f"A {runtime.type} runtime",
        )
        known = runtime.address in found
        _add(found, runtime.address, runtime, said, decoding.diagnostics)
        if runtime.name != "default" or known:
            continue
        if default is not None:
            decoding.diagnostics.error(
                "Duplicate default runtime",
                f"The runtime {default.address} at {default.range} is the default already, the one "
                "for resources that name none. Give one of the two another name.",
                range=runtime.range,
            )
        default = runtime
    return found


def decode_module(
    shape: Outline, decoding: Decoding, runtimes: Mapping[str, RuntimeBlock]
) -> tuple[Module, tuple[CalledModule, ...]]:
    """Return what the files of one folder declare together, and where the modules it calls are.

    Args:
        shape: The outline of the module.
        decoding: Of the module; knows the runtimes that may be named.
        runtimes: That the module declares.
    """
    draft = _Draft(decoding)
    for block in shape.blocks:
        draft.read(block)
    calls = {name: item.called for name, item in draft.calls.items()}
    module = Module(
        path=decoding.path,
        folder=shape.folder,
        required_versions=tuple(draft.required_versions),
        backend=draft.backend,
        encryption=draft.encryption,
        runtimes=runtimes,
        variables=shape.variables,
        locals=shape.locals,
        outputs=draft.outputs,
        resources=draft.resources,
        calls={name: called.call for name, called in calls.items()},
        moved=tuple(draft.moved),
        removed=tuple(draft.removed),
        imports=tuple(draft.imports),
        checks=draft.checks,
    )
    return module, tuple(calls.values())


def decode_storage(
    shape: Outline, decoding: Decoding
) -> tuple[BackendBlock | None, EncryptionBlock | None]:
    """Return where and how the root module keeps state, without reading more of it."""
    draft = _Draft(decoding)
    for block in shape.blocks:
        if block.type == "mlform":
            draft.read(block)
    return draft.backend, draft.encryption
