"""Syntax trees of the files of one folder to the module they declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlform.addresses import ModulePath, ResourceAddress
from mlform.config.blocks import (
    BackendBlock,
    LocalValue,
    Module,
    OutputBlock,
    RequiredVersion,
    ResourceBlock,
    RuntimeBlock,
    VariableBlock,
)
from mlform.config.declarations import (
    decode_locals,
    decode_output,
    decode_runtime,
    decode_settings,
    decode_variable,
)
from mlform.config.reading import Reader, Shape
from mlform.config.resource_blocks import decode_resource
from mlform.dataclass import dataclass, field
from mlform.diagnostics import SourceRange, did_you_mean
from mlform.hcl.ast import Block, Body

_LATER = "blocks are not supported by this version of mlform."
_FILE = Shape(
    blocks={
        "mlform": (),
        "runtime": ("type", "name"),
        "variable": ("name",),
        "locals": (),
        "output": ("name",),
        "resource": ("kind", "name"),
    },
    elsewhere={
        "terraform": "The settings of mlform stand in a block of its own name: write mlform { … }.",
        "provider": "mlform has no providers. Declare where tasks run: "
        'runtime "docker" "default" { … }.',
        "data": 'mlform has no data sources. Data is read by a resource "dataset" "NAME" { … }.',
        "module": f'"module" {_LATER} Put the resources into this folder.',
        "moved": f'"moved" {_LATER} Without it a renamed resource is made anew; what its recipe '
        "built before is taken from the cache.",
        "removed": f'"removed" {_LATER} To forget a resource use "mlform state rm".',
        "import": f'"import" {_LATER} Remove it: apply makes the resource.',
        "check": f'"check" {_LATER} Put a precondition or postcondition into the lifecycle '
        "block of a resource.",
        "ephemeral": f'"ephemeral" {_LATER} Use a variable with sensitive = true.',
    },
)


@dataclass(slots=True)
class _Draft:
    """A module while its blocks are being read."""

    path: ModulePath
    reader: Reader
    required_versions: list[RequiredVersion] = field(default_factory=list)
    backend: BackendBlock | None = None
    runtimes: dict[str, RuntimeBlock] = field(default_factory=dict)
    variables: dict[str, VariableBlock] = field(default_factory=dict)
    locals: dict[str, LocalValue] = field(default_factory=dict)
    outputs: dict[str, OutputBlock] = field(default_factory=dict)
    resources: dict[ResourceAddress, ResourceBlock] = field(default_factory=dict)

    def settings(self, block: Block) -> None:
        required, backends = decode_settings(block, self.reader)
        if required is not None:
            self.required_versions.append(required)
        for backend in backends:
            if self.backend is None:
                self.backend = backend
                continue
            self.reader.diagnostics.error(
                "Duplicate backend configuration",
                "A configuration may have only one backend. It was declared before at "
                f"{self.backend.range}. Remove one of the two.",
                range=backend.range,
            )

    def runtime(self, block: Block) -> None:
        runtime = decode_runtime(block, self.reader)
        if runtime is None:
            return
        first = self.runtimes.setdefault(runtime.address, runtime)
        if first is not runtime:
            self._duplicate(
                f'Duplicate runtime "{runtime.type}" configuration',
                f'A {runtime.type} runtime named "{runtime.name}"',
                first.range,
                runtime.range,
            )
            return
        other = next(
            (
                each
                for each in self.runtimes.values()
                if each is not runtime and each.name == runtime.name == "default"
            ),
            None,
        )
        if other is not None:
            self.reader.diagnostics.error(
                "Duplicate default runtime",
                f"The runtime {other.address} at {other.range} is the default already, the one for "
                "resources that name none. Give one of the two another name.",
                range=runtime.range,
            )

    def variable(self, block: Block) -> None:
        variable = decode_variable(block, self.reader)
        if variable is None:
            return
        first = self.variables.setdefault(variable.name, variable)
        if first is not variable:
            self._duplicate(
                "Duplicate variable declaration",
                f'A variable named "{variable.name}"',
                first.range,
                variable.range,
            )

    def local_values(self, block: Block) -> None:
        for local in decode_locals(block, self.reader):
            first = self.locals.setdefault(local.name, local)
            if first is not local:
                self._duplicate(
                    "Duplicate local value definition",
                    f'A local value named "{local.name}"',
                    first.range,
                    local.range,
                )

    def output(self, block: Block) -> None:
        output = decode_output(block, self.reader)
        if output is None:
            return
        first = self.outputs.setdefault(output.name, output)
        if first is not output:
            self._duplicate(
                "Duplicate output definition",
                f'An output named "{output.name}"',
                first.range,
                output.range,
            )

    def resource(self, block: Block) -> None:
        resource = decode_resource(block, self.path, self.reader)
        if resource is None:
            return
        first = self.resources.setdefault(resource.address, resource)
        if first is not resource:
            kind = resource.address.kind
            self._duplicate(
                f'Duplicate resource "{kind}" configuration',
                f'A {kind} resource named "{resource.address.name}"',
                first.range,
                resource.range,
            )

    def _duplicate(
        self, summary: str, subject: str, first: SourceRange, second: SourceRange
    ) -> None:
        self.reader.diagnostics.error(
            summary,
            f"{subject} was already declared at {first}. Names must be unique here: rename or "
            "remove one of the two.",
            range=second,
        )


def decode_module(
    bodies: Iterable[Body], *, folder: str, reader: Reader, path: ModulePath = ()
) -> Module:
    """Return what the files of one folder declare together.

    Args:
        bodies: One per file, in the order of their names.
        folder: Relative to the working folder, to be kept in the module.
        reader: Collects the problems.
        path: Of the module, from the root.
    """
    draft = _Draft(path, reader)
    decoders: Mapping[str, Callable[[Block], None]] = {
        "mlform": draft.settings,
        "runtime": draft.runtime,
        "variable": draft.variable,
        "locals": draft.local_values,
        "output": draft.output,
        "resource": draft.resource,
    }
    for body in bodies:
        for block in reader.read(body, _FILE, body.range).blocks:
            decoders[block.type](block)
    return Module(
        path=path,
        folder=folder,
        required_versions=tuple(draft.required_versions),
        backend=draft.backend,
        runtimes=draft.runtimes,
        variables=draft.variables,
        locals=draft.locals,
        outputs=draft.outputs,
        resources=draft.resources,
    )


def check_runtimes(root: Module, reader: Reader) -> None:
    """Record an error for each resource that names a runtime which is not declared."""
    for resource in root.resources.values():
        wanted = resource.runtime
        if wanted is None or wanted in root.runtimes:
            continue
        kind, _, name = wanted.partition(".")
        reader.diagnostics.error(
            "Reference to undeclared runtime",
            f'There is no block runtime "{kind}" "{name}".{did_you_mean(wanted, root.runtimes)} '
            "Declare it, or name another one.",
            range=resource.runtime_range or resource.range,
            address=str(resource.address),
        )
