"""The blocks of a configuration, decoded but not resolved: values are still expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mlform.addresses import ModulePath, ResourceAddress, Target
from mlform.dataclass import dataclass, field
from mlform.diagnostics import SourceRange
from mlform.hcl.ast import Attribute, Body, Expression
from mlform.lang.references import Reference
from mlform.lang.types import Type


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendBlock:
    """`backend "type" { … }` inside `mlform`."""

    type: str
    body: Body
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyProviderBlock:
    """`key_provider "type" "name" { … }` inside `encryption`."""

    type: str
    name: str
    body: Body
    range: SourceRange

    @property
    def address(self) -> str:
        """As methods refer to it."""
        return f"key_provider.{self.type}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodBlock:
    """`method "type" "name" { … }` inside `encryption`; `keys` is None where it needs none."""

    type: str
    name: str
    keys: Reference | None
    range: SourceRange

    @property
    def address(self) -> str:
        """As what is encrypted refers to it."""
        return f"method.{self.type}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptedBlock:
    """`state { … }` or `plan { … }` inside `encryption`.

    Attributes:
        method: Seals what is written; None where that is said elsewhere.
        fallbacks: Open what was written before, in order.
        enforced: Whether plain text is refused: each place that says so.
        range: The header.
    """

    method: Reference | None
    fallbacks: tuple[Reference, ...] = ()
    enforced: tuple[Expression, ...] = ()
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class EncryptionBlock:
    """`encryption { … }` inside `mlform`; key providers and methods by address."""

    providers: Mapping[str, KeyProviderBlock]
    methods: Mapping[str, MethodBlock]
    state: EncryptedBlock | None
    plan: EncryptedBlock | None
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
        ephemeral: Whether its value is kept out of states and saved plans.
        deprecated: What those who set it are told, or empty.
        validations: May refer to anything in the module.
    """

    name: str
    type: Type
    untyped: bool = False
    default: Expression | None
    description: str = ""
    sensitive: bool = False
    nullable: bool = True
    ephemeral: bool = False
    deprecated: str = ""
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
    """`output "name" { … }`.

    Attributes:
        ephemeral: Whether its value is kept out of states and saved plans; not at the root.
        deprecated: What those who use it are told, or empty.
        preconditions: Checked before the value is used.
    """

    name: str
    value: Expression
    description: str = ""
    sensitive: bool = False
    ephemeral: bool = False
    deprecated: str = ""
    depends_on: tuple[Reference, ...] = ()
    preconditions: tuple[Condition, ...] = ()
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """`lifecycle { … }` of a resource.

    Attributes:
        create_before_destroy: As set, or None for the kind's own order.
        prevent_destroy: Refuse plans that destroy it.
        enabled: Whether there is an instance at all, or None where that is not said (OpenTofu's).
        destroy: Whether it is destroyed when it goes; otherwise it is forgotten (OpenTofu's).
        ignore_changes: Paths into the arguments whose changes are ignored, or `"all"`.
        replace_triggered_by: References whose change replaces it; keys may be `each.key` or
            `count.index`.
        preconditions: Checked before it is planned.
        postconditions: Checked on its planned and applied values.
    """

    create_before_destroy: bool | None = None
    prevent_destroy: bool = False
    enabled: Expression | None = None
    destroy: bool = True
    ignore_changes: tuple[tuple[str | int, ...], ...] | Literal["all"] = ()
    replace_triggered_by: tuple[Expression, ...] = ()
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
class ModuleCall:
    """`module "name" { … }`.

    Attributes:
        name: As the caller names it.
        path: Of the module it calls, from the root, without keys.
        source: Where the module is, as written.
        arguments: Values of the module's variables, by name.
        enabled: `lifecycle { enabled = … }`, or None.
        range: The header.
    """

    name: str
    path: ModulePath
    source: str = ""
    arguments: Mapping[str, Attribute] = field(default_factory=dict)
    count: Expression | None = None
    for_each: Expression | None = None
    enabled: Expression | None = None
    depends_on: tuple[Reference, ...] = ()
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedBlock:
    """`moved { from = … to = … }`; both as seen from the module that has the block.

    Attributes:
        module: Path of that module, without keys; it holds for each instance of it.
        source: What was there.
        target: What it is called now.
    """

    module: ModulePath = ()
    source: Target
    target: Target
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class RemovedBlock:
    """`removed { from = … }`.

    Attributes:
        target: What is not declared any more, from the root, without keys.
        destroy: Whether its objects are destroyed; otherwise they are forgotten.
    """

    target: Target
    destroy: bool = True
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportBlock:
    """`import { to = … id = … }`, in the root module only.

    Attributes:
        target: The reference to what it becomes; keys may be expressions with `each`.
        id: What it is known as in the world.
        for_each: Whether there are several, or None.
    """

    target: Expression
    id: Expression
    for_each: Expression | None = None
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBlock:
    """`check "name" { assert { … } }`: failed assertions are warnings."""

    name: str
    assertions: tuple[Condition, ...]
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """What one folder declares.

    Attributes:
        path: From the root module, without keys; empty for the root.
        folder: The folder, relative to the working folder; `.` for the root.
        required_versions: All of its `required_version` arguments.
        backend: Of the root module, or None.
        encryption: Of the root module, or None.
        runtimes: By `type.name`, in source order, like all mappings here.
    """

    path: ModulePath = ()
    folder: str
    required_versions: tuple[RequiredVersion, ...] = ()
    backend: BackendBlock | None = None
    encryption: EncryptionBlock | None = None
    runtimes: Mapping[str, RuntimeBlock] = field(default_factory=dict)
    variables: Mapping[str, VariableBlock] = field(default_factory=dict)
    locals: Mapping[str, LocalValue] = field(default_factory=dict)
    outputs: Mapping[str, OutputBlock] = field(default_factory=dict)
    resources: Mapping[ResourceAddress, ResourceBlock] = field(default_factory=dict)
    calls: Mapping[str, ModuleCall] = field(default_factory=dict)
    moved: tuple[MovedBlock, ...] = ()
    removed: tuple[RemovedBlock, ...] = ()
    imports: tuple[ImportBlock, ...] = ()
    checks: Mapping[str, CheckBlock] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole configuration.

    Attributes:
        modules: By path without keys; the root at `()`, callers before the called.
        files: Each file read, by path as shown.
    """

    modules: Mapping[ModulePath, Module]
    files: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def root(self) -> Module:
        """The root module."""
        return self.modules[()]

    def resource(self, block: ResourceAddress) -> ResourceBlock | None:
        """Return the block at an address without keys, or None."""
        module = self.modules.get(block.module)
        return None if module is None else module.resources.get(block)
