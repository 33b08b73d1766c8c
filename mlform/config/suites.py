"""What a file of tests declares, decoded but not resolved: values are still expressions.

A file is a *suite*; its `run` blocks are carried out in order. The format is that of Terraform's
test files, as of version 1.11, with resource kinds in place of providers.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Literal, TypeAlias

from mlform.addresses import ModulePath, ResourceAddress, Target
from mlform.config.blocks import Condition
from mlform.dataclass import dataclass, field
from mlform.diagnostics import SourceRange
from mlform.hcl.ast import Attribute, Expression

Phase: TypeAlias = Literal["plan", "apply"]
"""From when on made-up values are known."""


class Command(Enum):
    """What a run does; the value is the keyword in its block."""

    PLAN = "plan"
    APPLY = "apply"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """`plan_options { … }`.

    Attributes:
        refresh_only: Whether only the state is brought in line: `mode = refresh-only`.
        refresh: Whether to look at reality.
        replace: Addresses to make anew.
        targets: Addresses to limit the plan to; empty for all.
    """

    refresh_only: bool = False
    refresh: bool = True
    replace: tuple[ResourceAddress, ...] = ()
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceOverride:
    """`override_resource { … }`: an object that is not made, with given attributes.

    Attributes:
        target: The block or instance, from the root module of the run.
        values: Computed attributes, or None for made-up ones.
        during: From when on they are known.
        range: Where the target is named.
    """

    target: ResourceAddress
    values: Expression | None = None
    during: Phase = "apply"
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleOverride:
    """`override_module { … }`: a module of which nothing is made, with given outputs."""

    target: ModulePath
    outputs: Expression | None = None
    range: SourceRange


Override: TypeAlias = ResourceOverride | ModuleOverride


@dataclass(frozen=True, slots=True, kw_only=True)
class MockKind:
    """`mock_resource "KIND" { … }`: objects of a kind are not made.

    Attributes:
        kind: The kind.
        defaults: Computed attributes, or None for made-up ones.
        during: From when on they are known.
        range: The header.
    """

    kind: str
    defaults: Expression | None = None
    during: Phase = "apply"
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Mocks:
    """What of the world is made up in all runs of a suite.

    Attributes:
        every_kind: Whether objects of all kinds are: there is a `mock_provider "mlform"`.
        during: From when on their attributes are known, where nothing else is said.
        kinds: Settings by kind.
        overrides: Of single objects and modules.
    """

    every_kind: bool = False
    during: Phase = "apply"
    kinds: Mapping[str, MockKind] = field(default_factory=dict)
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AlternateModule:
    """`module { source = "./setup" }` of a run: another module than the one of the folder."""

    source: str
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedFailure:
    """One of `expect_failures`: something with conditions in the module under test.

    Attributes:
        name: `var.x`, `output.x`, `check.x`, or the address of a resource.
        resource: The block or instance, where it is a resource.
        range: Where it is named.
    """

    name: str
    resource: ResourceAddress | None = None
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class RunBlock:
    """`run "name" { … }`.

    Attributes:
        command: Plan or apply.
        settings: Of the plan.
        variables: Values by name; may refer to `var` and to outputs of earlier runs as `run`.
        module: The module under test, or None for the one of the working folder.
        assertions: Conditions on the outcome.
        expected: What has to fail.
        overrides: Besides those of the suite, and before them.
        state_key: Name of the state it works on, or None: one for each module under test.
        range: The header.
    """

    name: str
    command: Command = Command.APPLY
    settings: PlanSettings = field(default_factory=PlanSettings)
    variables: Mapping[str, Attribute] = field(default_factory=dict)
    module: AlternateModule | None = None
    assertions: tuple[Condition, ...] = ()
    expected: tuple[ExpectedFailure, ...] = ()
    overrides: tuple[Override, ...] = ()
    state_key: str | None = None
    range: SourceRange


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A file of tests.

    Attributes:
        path: The file, as shown to people.
        variables: Values for all runs, by name.
        runs: In order.
        mocks: What is made up in all runs.
    """

    path: str
    variables: Mapping[str, Attribute] = field(default_factory=dict)
    runs: tuple[RunBlock, ...] = ()
    mocks: Mocks = field(default_factory=Mocks)
