"""A plan as rows and sentences, shared by every view of plans that people read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from mlform.addresses import ResourceAddress
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic
from mlform.plan.changes import Action, Cause, Change, Drift, Mode, OutputChange, Plan, Reason
from mlform.schema import BlockSchema
from mlform.state.snapshot import CURRENT, ResourceRecord
from mlform.views.attributes import plain_attributes
from mlform.views.diff import body_rows, resting_rows, value_rows
from mlform.views.paper import Ink, Piece, columns, duration
from mlform.views.rows import ADD, CHANGE, FORGET, REMOVE, Marks, Row
from mlform.views.values import key_text, quoted, visible

SYMBOLS: Final[Mapping[Action, str]] = {
    Action.NO_OP: "",
    Action.CREATE: ADD,
    Action.REBUILD: CHANGE,
    Action.REUSE: CHANGE,
    Action.UPDATE: CHANGE,
    Action.DELETE_THEN_CREATE: "-/+",
    Action.CREATE_THEN_DELETE: "+/-",
    Action.DELETE: REMOVE,
    Action.FORGET: FORGET,
    Action.FORGET_THEN_CREATE: "./+",
    Action.CREATE_THEN_FORGET: "+/.",
}
LEGEND: Final = (
    (Action.CREATE, ADD, "create"),
    (Action.REBUILD, CHANGE, "rebuild or update in place"),
    (Action.DELETE, REMOVE, "destroy"),
    (Action.DELETE_THEN_CREATE, "-/+", "destroy and then create replacement"),
    (Action.CREATE_THEN_DELETE, "+/-", "create replacement and then destroy"),
    (Action.FORGET, FORGET, "forget: no longer managed, not destroyed"),
    (Action.FORGET_THEN_CREATE, "./+", "forget and then create replacement"),
    (Action.CREATE_THEN_FORGET, "+/.", "create replacement and then forget"),
)
_TAGS: Final[Mapping[Cause, str]] = {
    **{cause: cause.value for cause in Cause},
    Cause.CONFIG: "edit",
}
"""In one word why an attribute changes."""
_VERBS: Final[Mapping[Action, str]] = {
    Action.CREATE: "create",
    Action.REBUILD: "rebuild",
    Action.REUSE: "reuse",
    Action.UPDATE: "update",
    Action.DELETE: "destroy",
    Action.FORGET: "forget",
}
"""What happens in one word; everything else is `replace`."""
_MAX_REASONS: Final = 5
_LONGEST_WAY: Final = 8
_TELLING: Final = 0.1
"""Seconds below which it is no use to say how long something takes."""
_WITHOUT_WORK: Final = frozenset({Action.NO_OP, Action.UPDATE, Action.DELETE, Action.FORGET})


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRows:
    """One change as people see it.

    Attributes:
        name: Its address, and which deposed object it is.
        sign: Symbol of the action, or empty.
        verb: The action in one word.
        why: The most telling reason, one clause; may be empty.
        takes: How long it is expected to take, or empty if that is not known.
        reused: Whether the result is in the store already.
        headline: Such as `model.survival will be rebuilt`.
        notes: Why, where and how long, one clause each.
        rows: The resource block with its differences.
    """

    name: str
    sign: str
    verb: str
    why: str
    takes: str
    reused: bool
    headline: tuple[Piece, ...]
    notes: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftRows:
    """One object that changed outside of mlform, as people see it.

    Attributes:
        headline: Such as `endpoint.survival` and `has changed`.
        problems: What is different, one sentence each.
        rows: The resource block with its differences; none where the object is gone.
    """

    headline: tuple[str, str]
    problems: tuple[str, ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A plan as people see it.

    Attributes:
        mode: What kind of plan it is.
        has_changes: Whether applying it would do anything.
        environments: `runtime.docker.default: …` for each runtime in use.
        legend: Symbol and meaning of each kind of action that occurs.
        drift: What changed outside of mlform.
        changes: In apply order; no-ops left out that are neither moved nor imported.
        outputs: Changed root outputs.
        summary: `Plan: 1 to add, 2 to change, 0 to destroy.`, or empty if only outputs change.
        expectation: What it will take, or empty if nothing is known.
        warnings: Problems that do not stop it.
    """

    mode: Mode
    has_changes: bool
    environments: tuple[str, ...] = ()
    legend: tuple[tuple[str, str], ...] = ()
    drift: tuple[DriftRows, ...] = ()
    changes: tuple[ChangeRows, ...] = ()
    outputs: tuple[Row, ...] = ()
    summary: str = ""
    expectation: str = ""
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def has_more(self) -> bool:
        """Whether there is more to it than drift."""
        return bool(self.changes or self.outputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verdict:
    text: str
    ink: Ink = Ink.PLAIN
    after: str = ""


_VERDICTS: Final[Mapping[Action, _Verdict]] = {
    Action.NO_OP: _Verdict(text="has no changes"),
    Action.CREATE: _Verdict(text="will be created"),
    Action.REBUILD: _Verdict(text="will be rebuilt"),
    Action.REUSE: _Verdict(text="will be rebuilt"),
    Action.UPDATE: _Verdict(text="will be updated in-place"),
    Action.DELETE_THEN_CREATE: _Verdict(text="must be", ink=Ink.ALARM, after="replaced"),
    Action.CREATE_THEN_DELETE: _Verdict(text="must be", ink=Ink.ALARM, after="replaced"),
    Action.DELETE: _Verdict(text="will be", ink=Ink.ALARM, after="destroyed"),
    Action.FORGET: _Verdict(text="will no longer be managed by mlform, but will not be destroyed"),
    Action.FORGET_THEN_CREATE: _Verdict(text="must be", ink=Ink.ALARM, after="replaced"),
    Action.CREATE_THEN_FORGET: _Verdict(text="must be", ink=Ink.ALARM, after="replaced"),
}


def make_report(plan: Plan, schemas: Mapping[str, BlockSchema] | None = None) -> Report:
    """Return what people see of a plan.

    Args:
        plan: The plan.
        schemas: Schema of the body of each kind, to tell blocks from values.
    """
    changes = [change for change in plan.changes if is_shown(change)]
    several = len(plan.environments) > 1
    signs = {SYMBOLS[change.action] for change in changes}
    return Report(
        mode=plan.mode,
        has_changes=plan.has_changes,
        environments=tuple(
            f"runtime.{name}: {text}" for name, text in sorted(plan.environments.items())
        ),
        legend=tuple((sign, meaning) for _, sign, meaning in LEGEND if sign in signs),
        drift=tuple(
            _drift_rows(item, (schemas or {}).get(item.address.kind)) for item in plan.drift
        ),
        changes=tuple(
            _change_rows(change, (schemas or {}).get(change.address.kind), several=several)
            for change in changes
        ),
        outputs=tuple(output_rows(plan.outputs)),
        summary=summary(plan) if changes else "",
        expectation=_expectation(plan),
        warnings=plan.warnings,
    )


def _drift_rows(drift: Drift, schema: BlockSchema | None) -> DriftRows:
    name = _name(drift)
    verb = {Action.DELETE: "has been deleted", Action.UPDATE: "has changed"}.get(drift.action)
    if verb is None:
        name, verb = str(drift.previous_address), f"has moved to {name}"
    rows: list[Row] = []
    if drift.after is not None and drift.after != drift.before:
        rows = _rows_between(drift.address, drift.before, drift.after, schema)
    return DriftRows(headline=(name, verb), problems=drift.problems, rows=tuple(rows))


def _rows_between(
    address: ResourceAddress,
    before: ResourceRecord,
    after: ResourceRecord,
    schema: BlockSchema | None,
) -> list[Row]:
    old = plain_attributes(before.attributes, schema)
    new = plain_attributes(after.attributes, schema)
    marks = Marks(
        hidden=frozenset((*before.sensitive, *after.sensitive)),
        tags={(name,): _TAGS[Cause.DRIFT] for name in new if new[name] != old.get(name)},
    )
    return _block_rows(address, CHANGE, body_rows(old, new, marks=marks, schema=schema))


def is_shown(change: Change) -> bool:
    """Whether people are told of a change: something happens to it, or to how it is called."""
    return (
        change.action is not Action.NO_OP
        or change.previous_address is not None
        or change.importing is not None
    )


def imports(plan: Plan) -> int:
    """Return how many objects are to be imported."""
    return sum(change.importing is not None for change in plan.changes)


def summary(plan: Plan) -> str:
    """Return Terraform's sentence, such as `Plan: 1 to add, 2 to change, 0 to destroy.`."""
    return plan_sentence(plan.counts, imports(plan))


def plan_sentence(counts: tuple[int, int, int], imported: int = 0) -> str:
    """Return Terraform's sentence of what is to be done.

    Args:
        counts: Objects to add, to change and to destroy.
        imported: Objects to import; not mentioned where there are none.
    """
    add, change, destroy = counts
    first = f"{imported} to import, " if imported else ""
    return f"Plan: {first}{add} to add, {change} to change, {destroy} to destroy."


def change_reasons(change: Change) -> tuple[str, ...]:
    """Return the reasons of a change as clauses, `because` first."""
    told = [reason for reason in change.reasons if not _is_in_headline(reason, change)]
    if change.conditional:
        told = [reason for reason in told if reason.cause is not Cause.UPSTREAM]
    clauses = [
        f"{'and' if index else 'because'} {reason.message}"
        for index, reason in enumerate(told[:_MAX_REASONS])
    ]
    more = len(told) - _MAX_REASONS
    return (*clauses, *((f"and for {more} more reasons",) if more > 0 else ()))


def _is_in_headline(reason: Reason, change: Change) -> bool:
    """Whether the headline says so already: what is new, tainted, or replaced as requested."""
    if reason.cause is Cause.NEW:
        return True
    if not change.action.is_replace or reason.upstream is not None:
        return False
    return reason.cause in {Cause.TAINTED, Cause.REQUESTED}


def _upstreams(reasons: Iterable[Reason]) -> str:
    names = dict.fromkeys(reason.upstream for reason in reasons if reason.upstream)
    return " or ".join(name for name in names if name)


def _headline(change: Change) -> tuple[Piece, ...]:
    if change.action is Action.NO_OP:
        return (Piece(_resting(change), Ink.BOLD),)
    name = _name(change)
    verdict = _VERDICTS[change.action]
    causes = {reason.cause for reason in change.reasons}
    text, after, ink = verdict.text, verdict.after, verdict.ink
    if change.action.is_replace and change.is_triggered:
        text, after, ink = "will be", "replaced due to changes in replace_triggered_by", Ink.PLAIN
    elif change.action.is_replace and Cause.TAINTED in causes:
        text = "is tainted, so must be"
    elif change.action.is_replace and Cause.REQUESTED in causes:
        text, after, ink = "will be", "replaced, as requested", Ink.PLAIN
    tail = " (from cache)" if _is_reused(change) else ""
    if change.conditional:
        tail += f" {_condition(change)}"
    pieces = (
        Piece(f"{name} {text}", Ink.BOLD),
        Piece(f" {after}" if after else "", ink),
        Piece(tail, Ink.BOLD),
    )
    return tuple(piece for piece in pieces if piece.text)


def _name(item: Change | Drift) -> str:
    name = str(item.address)
    return name if item.deposed == CURRENT else f"{name} (deposed object {item.deposed})"


def _is_reused(change: Change) -> bool:
    return change.reused or change.action is Action.REUSE


def _condition(change: Change) -> str:
    return f"if {_upstreams(change.reasons) or 'what it depends on'} changes"


def _verb(change: Change) -> str:
    if change.action is not Action.NO_OP:
        return _VERBS.get(change.action, "replace")
    return "import" if change.importing is not None else "move"


def _why(change: Change) -> str:
    """Return the most telling reason as one clause."""
    if change.conditional:
        return _condition(change)
    if change.action is Action.NO_OP and change.importing is None:
        return f"moved from {change.previous_address}"
    reason = next((item.message for item in change.reasons), "")
    return reason or (f"imported from {quoted(change.importing)}" if change.importing else "")


def _resting(change: Change) -> str:
    """Return what happens to an object that itself stays as it is."""
    if change.importing is not None:
        return f"{change.address} will be imported"
    if change.previous_address is not None:
        return f"{change.previous_address} has moved to {change.address}"
    return f"{change.address} has no changes"


def _origins(change: Change) -> tuple[str, ...]:
    """Return where an object comes from that is changed besides, and what is lost."""
    if change.action is Action.FORGET:
        return ("(destroy = false is set in the configuration)",)
    notes = []
    if change.importing is not None and change.action is not Action.NO_OP:
        notes.append(f"(imported from {quoted(change.importing)})")
        if change.action.destroys:
            notes.append("Warning: this will destroy the imported resource")
    moved = change.action is not Action.NO_OP or change.importing is not None
    if change.previous_address is not None and moved:
        notes.append(f"(moved from {change.previous_address})")
    return tuple(notes)


def _change_rows(change: Change, schema: BlockSchema | None, *, several: bool) -> ChangeRows:
    return ChangeRows(
        name=_name(change),
        sign=SYMBOLS[change.action],
        verb=_verb(change),
        why=visible(_why(change)),
        takes=_takes(change),
        reused=_is_reused(change),
        headline=_headline(change),
        notes=(
            *_origins(change),
            *change_reasons(change),
            *_whereabouts(change, several=several),
        ),
        rows=tuple(_resource_rows(change, schema)),
    )


def _whereabouts(change: Change, *, several: bool) -> tuple[str, ...]:
    """Return where it runs, if there are several places, and how long that took last time."""
    if _is_reused(change):
        return ("nothing runs: the result is in the store already",)
    if change.action in _WITHOUT_WORK:
        return ()
    parts = []
    if change.runtime and several:
        parts.append(f"runs on runtime.{change.runtime}")
    if took := _takes(change):
        parts.append(
            f"about {took}, as last time" if parts else f"takes about {took}, as last time"
        )
    return (", ".join(parts),) if parts else ()


def _takes(change: Change) -> str:
    """Return how long it took last time, or nothing where no task runs or nobody knows."""
    seconds = change.expected_seconds
    if _is_reused(change) or change.action in _WITHOUT_WORK or (seconds or 0.0) < _TELLING:
        return ""
    return duration(seconds or 0.0)


def _resource_rows(change: Change, schema: BlockSchema | None) -> list[Row]:
    marks = Marks(
        unknown=frozenset(change.after_unknown),
        hidden=frozenset((*change.before_sensitive, *change.after_sensitive)),
        forcing=frozenset(change.replace_paths),
        tags={
            item.path: ", ".join(_TAGS[cause] for cause in item.causes)
            for item in change.attributions
        },
    )
    if change.action in {Action.NO_OP, Action.FORGET}:
        shown = _telling(change, schema) if change.importing is not None else frozenset({"id"})
        body = resting_rows(change.before or {}, marks=marks, schema=schema, shown=shown)
    else:
        body = body_rows(change.before, change.after, marks=marks, schema=schema)
    return _block_rows(change.address, SYMBOLS[change.action], body)


def _block_rows(address: ResourceAddress, sign: str, body: Iterable[Row]) -> list[Row]:
    title = f"resource {quoted(address.kind)} {quoted(address.name)} {{"
    return [Row(0, sign, (Piece(title),)), *body, Row(0, "", (Piece("}"),))]


def _telling(change: Change, schema: BlockSchema | None) -> frozenset[str]:
    """Return the names of what tells an object from others: all but long results of a task."""
    attributes = change.before or {}
    long = {
        item.name
        for item in (schema.attributes if schema else ())
        if item.computed and isinstance(attributes.get(item.name), Mapping | list | tuple)
    }
    return frozenset(attributes) - long


def output_rows(outputs: Mapping[str, OutputChange]) -> list[Row]:
    """Return the rows of the root outputs that change."""
    shown = sorted(
        (item for item in outputs.values() if item.action is not Action.NO_OP),
        key=lambda item: item.name,
    )
    pad = max((columns(key_text(item.name)) for item in shown), default=0)
    return [row for item in shown for row in _output_rows(item, pad)]


def _output_rows(item: OutputChange, pad: int) -> list[Row]:
    marks = Marks(
        unknown=frozenset((item.name, *path) for path in item.after_unknown),
        hidden=frozenset({(item.name,)}) if item.sensitive else frozenset(),
    )
    rows = value_rows(item.name, item.before, item.after, marks=marks, pad=pad)
    if rows or not item.sensitive:
        return rows
    return value_rows(item.name, None, item.after, marks=marks, pad=pad)


def _expectation(plan: Plan) -> str:
    if (plan.expected_seconds or 0.0) < _TELLING or not any(
        change.action is not Action.NO_OP for change in plan.changes
    ):
        return ""
    path = visible(", then ".join(_way(plan.critical_path)))
    tail = f": {path}" if path else ""
    return f"Expected: about {duration(plan.expected_seconds or 0.0)}{tail}."


def _way(addresses: Sequence[str]) -> list[str]:
    """Return the addresses along a way; of a long one the beginning and the end."""
    if len(addresses) <= _LONGEST_WAY:
        return list(addresses)
    missing = len(addresses) - _LONGEST_WAY + 1
    return [*addresses[: _LONGEST_WAY - 2], f"{missing} more", addresses[-1]]


def state_rows(record: ResourceRecord, schema: BlockSchema | None) -> list[Row]:
    """Return the attributes of an object that exists, without signs."""
    marks = Marks(hidden=frozenset(record.sensitive))
    attributes = plain_attributes(record.attributes, schema)
    names = frozenset(attributes)
    return resting_rows(attributes, marks=marks, schema=schema, shown=names, depth=0)
