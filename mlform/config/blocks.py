"""The blocks of a configuration, decoded but not resolved: values are still expressions."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.addresses import ModulePath, ResourceAddress
from mlform.dataclass import dataclass, field
from mlform.diagnostics import SourceRange
from mlform.hcl.ast import Body, Expression
from mlform.lang.references import Reference
from mlform.lang.types import Type


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendBlock:
    """`backend "type" { … }` inside `mlform`."""

    type: str
    body: Body
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class RequiredVersion:
    """`required_version = ">= 0.1"` inside `mlform`, with its place."""

    constraint: str
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeBlock:
    """`runtime "type" "name" { … }`; the one named `default` serves nodes that name none."""

    type: str
    name: str
    body: Body
    range: SourceRange

    @property
    def address(self) -> str:
        """`type.name`, as state and lock file name it."""
        return f"{self.type}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A `validation`, `precondition` or `postcondition` block."""

    condition: Expression
    error_message: Expression
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableBlock:
    """`variable "name" { … }`.

    Attributes:
        untyped: Whether no type is declared; values given as text are then strings, as in
            Terraform, while `type = any` reads them as expressions.
    """

    name: str
    type: Type
    untyped: bool = False
    default: Expression | None
    description: str = ""
    sensitive: bool = False
    nullable: bool = True
    validations: tuple[Condition, ...] = ()
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalValue:
    """One argument of a `locals` block."""

    name: str
    expression: Expression
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputBlock:
    """`output "name" { … }`."""

    name: str
    value: Expression
    description: str = ""
    sensitive: bool = False
    depends_on: tuple[Reference, ...] = ()
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """`lifecycle { … }` of a resource.

    Attributes:
        create_before_destroy: As set, or None for the kind's own order.
        prevent_destroy: Refuse plans that destroy it.
        ignore_changes: Names of arguments whose changes are ignored; `("all",)` for all.
        replace_triggered_by: References whose change replaces it.
        preconditions: Checked before it is planned.
        postconditions: Checked on its planned and applied values.
    """

    create_before_destroy: bool | None = None
    prevent_destroy: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_triggered_by: tuple[Reference, ...] = ()
    preconditions: tuple[Condition, ...] = ()
    postconditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceBlock:
    """`resource "kind" "name" { … }`.

    Attributes:
        address: Of the block (no instance key).
        body: Its arguments and blocks without the ones below, which every kind has.
        runtime: `type.name` of the runtime it names, or None.
        runtime_range: Where it names it.
        range: The header.
    """

    address: ResourceAddress
    body: Body
    count: Expression | None = None
    for_each: Expression | None = None
    depends_on: tuple[Reference, ...] = ()
    lifecycle: Lifecycle = field(default_factory=Lifecycle)
    runtime: str | None = None
    runtime_range: SourceRange | None = None
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What one folder declares.

    Attributes:
        path: From the root module; empty for the root.
        folder: The folder, relative to the working folder; `.` for the root.
        required_versions: All of its `required_version` arguments.
        backend: Of the root module, or None.
        runtimes: By `type.name`, in source order, like all mappings here.
    """

    path: ModulePath = ()
    folder: str
    required_versions: tuple[RequiredVersion, ...] = ()
    backend: BackendBlock | None = None
    runtimes: Mapping[str, RuntimeBlock] = field(default_factory=dict)
    variables: Mapping[str, VariableBlock] = field(default_factory=dict)
    locals: Mapping[str, LocalValue] = field(default_factory=dict)
    outputs: Mapping[str, OutputBlock] = field(default_factory=dict)
    resources: Mapping[ResourceAddress, ResourceBlock] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration; `files` holds each file read, by shown path."""

    root: Module
    files: Mapping[str, bytes] = field(default_factory=dict)
