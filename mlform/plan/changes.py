"""The plan as data: changes, their reasons, and what they were derived from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final

from mlform.addresses import ModulePath, ResourceAddress
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostic
from mlform.digests import Digest, Json, JsonObject
from mlform.graph.conditions import Verdict
from mlform.plan.steps import Step
from mlform.state.snapshot import CURRENT, Path, ResourceRecord


class Action(Enum):
    """What happens to one object; the value is the name in saved plans."""

    NO_OP = "no-op"
    CREATE = "create"
    REBUILD = "rebuild"
    """A new artifact is made; the old one stays in the store."""
    REUSE = "reuse"
    """As rebuild or create, but the result is in the store already and nothing runs."""
    UPDATE = "update"
    """In place; nothing runs."""
    DELETE_THEN_CREATE = "delete-create"
    CREATE_THEN_DELETE = "create-delete"
    DELETE = "delete"
    FORGET = "forget"
    """It stays in the world, and is not managed any more."""
    FORGET_THEN_CREATE = "forget-create"
    """As a replacement, but what is replaced stays in the world."""
    CREATE_THEN_FORGET = "create-forget"

    @property
    def terraform_actions(self) -> tuple[str, ...]:
        """The `actions` of Terraform's JSON plan."""
        return _TERRAFORM_ACTIONS[self]

    @property
    def is_replace(self) -> bool:
        """Whether one object takes the place of another."""
        return self in _REPLACING

    @property
    def creates_first(self) -> bool:
        """Whether the new object is made while the old one is still there."""
        return self in {Action.CREATE_THEN_DELETE, Action.CREATE_THEN_FORGET}

    @property
    def destroys(self) -> bool:
        """Whether an object is destroyed."""
        return "delete" in self.terraform_actions


_TERRAFORM_ACTIONS: Final[Mapping[Action, tuple[str, ...]]] = {
    Action.NO_OP: ("no-op",),
    Action.CREATE: ("create",),
    Action.REBUILD: ("update",),
    Action.REUSE: ("update",),
    Action.UPDATE: ("update",),
    Action.DELETE_THEN_CREATE: ("delete", "create"),
    Action.CREATE_THEN_DELETE: ("create", "delete"),
    Action.DELETE: ("delete",),
    Action.FORGET: ("forget",),
    Action.FORGET_THEN_CREATE: ("forget", "create"),
    Action.CREATE_THEN_FORGET: ("create", "forget"),
}
_REPLACING: Final = frozenset(
    {
        Action.DELETE_THEN_CREATE,
        Action.CREATE_THEN_DELETE,
        Action.FORGET_THEN_CREATE,
        Action.CREATE_THEN_FORGET,
    }
)


class Absence(Enum):
    """Why an object is not wanted; the value is the `action_reason` of Terraform's JSON plan."""

    NO_BLOCK = "delete_because_no_resource_config"
    NO_MODULE = "delete_because_no_module"
    NO_MOVE_TARGET = "delete_because_no_move_target"
    WRONG_REPETITION = "delete_because_wrong_repetition"
    COUNT_INDEX = "delete_because_count_index"
    EACH_KEY = "delete_because_each_key"


class Cause(Enum):
    """Why something changes."""

    CONFIG = "config"
    DRIFT = "drift"
    UPSTREAM = "upstream"
    ENVIRONMENT = "environment"
    CODE = "code"
    REQUESTED = "requested"
    TAINTED = "tainted"
    NEW = "new"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason of a change.

    Attributes:
        cause: The kind of reason.
        message: One clause for people, such as `max_depth changed from 4 to 6`.
        path: Into the arguments, where an argument is the reason.
        upstream: Address of the change it follows from, for `UPSTREAM`.
    """

    cause: Cause
    message: str
    path: Path = ()
    upstream: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """Why one attribute changes.

    Attributes:
        path: Of the attribute, or of what changes inside of it.
        causes: An edit or what is upstream, or for what follows from all arguments all causes.
        upstream: Addresses of the changes it follows from.
    """

    path: Path
    causes: tuple[Cause, ...]
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What happens to one object.

    `before` and `after` are plain JSON; at the paths in `after_unknown` `after` holds null and the
    value is known only after apply.

    Attributes:
        address: Its instance address.
        action: What happens.
        deposed: Deposed key, or empty for the current object.
        before: Attributes in the state, or None.
        after: Attributes once applied, or None.
        after_unknown: Paths into `after`.
        before_sensitive: Paths into `before` that are hidden from people.
        after_sensitive: Paths into `after` that are hidden from people.
        replace_paths: Arguments that force the replacement.
        reasons: Why, most telling first; empty for a no-op.
        attributions: Why each attribute changes of an object that is there already.
        conditional: Whether it happens only if the artifact of an upstream change turns out new
            (early cut-off); the reasons then name that upstream.
        reused: For `CREATE` and replacements as well: the result comes from the store.
        expected_seconds: Duration of the last run of the same object, or None.
        runtime: `type.name` of its runtime, or empty.
        recipe_digest: Of the recipe it will be made from, where that is known; apply refuses
            another one.
        sources: Digest of each source it will be made from; apply refuses other ones.
        previous_address: What it is called in the state, where it moved.
        importing: What it is known as in the world, where it is imported.
        absence: Why it is not wanted, where it goes for that.
    """

    address: ResourceAddress
    action: Action
    deposed: str = CURRENT
    before: JsonObject | None
    after: JsonObject | None
    after_unknown: tuple[Path, ...] = ()
    before_sensitive: tuple[Path, ...] = ()
    after_sensitive: tuple[Path, ...] = ()
    replace_paths: tuple[Path, ...] = ()
    reasons: tuple[Reason, ...] = ()
    attributions: tuple[Attribution, ...] = ()
    conditional: bool = False
    reused: bool = False
    expected_seconds: float | None = None
    runtime: str = ""
    recipe_digest: Digest | None = None
    sources: Mapping[str, Digest] = field(default_factory=dict)
    previous_address: ResourceAddress | None = None
    importing: str | None = None
    absence: Absence | None = None

    @property
    def is_triggered(self) -> bool:
        """Whether a change named in `replace_triggered_by` asks for it."""
        return any(item.cause is Cause.REQUESTED and item.upstream for item in self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An object that is called differently from now on, with all that was set aside for it."""

    source: ResourceAddress
    target: ResourceAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputChange:
    """What happens to a root output; `action` is create, update, delete or no-op.

    At the paths in `after_unknown` `after` holds null, and the value is known only after apply.
    `type` is that of `after` as JSON, null where there is no value.
    """

    name: str
    action: Action
    before: Json
    after: Json
    after_unknown: tuple[Path, ...] = ()
    type: Json = None
    sensitive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """An object that is not as the state says: somebody or something outside changed it.

    Attributes:
        address: Its instance address.
        deposed: Deposed key, or empty for the current object.
        problems: One sentence each, such as `container 4f2a… was entered at 10:02`; none where it
            is only called differently.
        before: What the state says of it.
        after: What the state says once it took note, or None if the object is gone.
        previous_address: What it is called in the state, where it moved: only in refresh-only
            plans, which have no changes that tell of it.
    """

    address: ResourceAddress
    deposed: str = CURRENT
    problems: tuple[str, ...] = ()
    before: ResourceRecord
    after: ResourceRecord | None
    previous_address: ResourceAddress | None = None

    @property
    def action(self) -> Action:
        """What happened to the object."""
        if self.after is None:
            return Action.DELETE
        return Action.NO_OP if self.after == self.before else Action.UPDATE


class Mode(Enum):
    """What kind of plan it is."""

    NORMAL = "normal"
    DESTROY = "destroy"
    REFRESH_ONLY = "refresh-only"
    """Takes what changed outside into the state, and touches nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a plan was made from; apply refuses when any of it moved.

    Attributes:
        lineage: Of the state.
        serial: Of the state.
        config_digest: Of configuration files and variable values.
        lock_digest: Of the pinned images.
        planned_at: When it was made, in RFC 3339, UTC; what `plantimestamp` gives.
        workspace: In which it was made.
    """

    lineage: str
    serial: int
    config_digest: Digest
    lock_digest: Digest
    planned_at: str = ""
    workspace: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything apply will do, and nothing else.

    Attributes:
        mode: What kind of plan it is.
        changes: One for each object in configuration or state, no-ops included, in apply order.
        outputs: Root outputs by name.
        drift: Differences found between state and reality; what a refresh-only plan records.
        steps: The step graph, in a valid order.
        basis: What it was made from.
        environments: Description of each runtime in use, by `type.name`.
        expected_seconds: Sum of what is expected along the critical path, or None when no
            duration is known.
        critical_path: Addresses along it.
        warnings: Problems that do not stop it.
        moves: Objects to be called differently, before anything else.
        imports: Objects to be taken into the state, after that.
        checks: How the conditions stand.
        module_outputs: Outputs of instances of modules that have a value, if it is complete.
        complete: Whether it is about everything, and not limited to targets.
    """

    mode: Mode
    changes: tuple[Change, ...]
    outputs: Mapping[str, OutputChange] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()
    steps: tuple[Step, ...] = ()
    basis: Basis
    environments: Mapping[str, str] = field(default_factory=dict)
    expected_seconds: float | None = None
    critical_path: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    moves: tuple[Move, ...] = ()
    imports: tuple[ResourceRecord, ...] = ()
    checks: tuple[Verdict, ...] = ()
    module_outputs: tuple[tuple[ModulePath, str], ...] = ()
    complete: bool = True

    @property
    def has_changes(self) -> bool:
        """Whether applying it would do anything, outputs included."""
        if self.moves or self.imports or (self.mode is Mode.REFRESH_ONLY and self.drift):
            return True
        return any(self.active) or any(
            output.action is not Action.NO_OP for output in self.outputs.values()
        )

    @property
    def active(self) -> Iterator[Change]:
        """The changes that do something."""
        return (change for change in self.changes if change.action is not Action.NO_OP)

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many objects are to add, to change, to destroy; a replacement adds and destroys."""
        add = change = destroy = 0
        for item in self.changes:
            actions = item.action.terraform_actions
            add += "create" in actions
            change += "update" in actions
            destroy += "delete" in actions
        return add, change, destroy
