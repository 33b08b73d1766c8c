"""Objects in the state that are not wanted any more: why, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.addresses import ResourceAddress, covers, print_key, print_path
from mlform.config.blocks import Config
from mlform.diagnostics import Diagnostic, Severity
from mlform.graph.evaluation import Evaluation
from mlform.plan.changes import Absence, Action, Cause, Change, Reason
from mlform.plan.recorded import hidden_paths, recorded_document
from mlform.resources.base import AnyKind
from mlform.state.snapshot import ResourceRecord


def absence_of(address: ResourceAddress, evaluation: Evaluation) -> Absence:
    """Return why the configuration, resolved, has no such instance."""
    block = evaluation.config.resource(address.block)
    if block is None:
        return Absence.NO_BLOCK
    if address.module not in evaluation.module_instances(address.block.module):
        return Absence.NO_MODULE
    key = address.key
    if key is None:
        is_wrong = block.count is not None or block.for_each is not None
    elif isinstance(key, int):
        is_wrong = block.count is None
    else:
        is_wrong = block.for_each is None
    if is_wrong:
        return Absence.WRONG_REPETITION
    if key is None:
        return Absence.NO_BLOCK  # it is not enabled
    return Absence.COUNT_INDEX if isinstance(key, int) else Absence.EACH_KEY


def said_of(address: ResourceAddress, absence: Absence) -> str:
    """Return the reason as a clause."""
    match absence:
        case Absence.NO_BLOCK:
            return f"{address.block} is not in the configuration"
        case Absence.NO_MODULE:
            return f"{print_path(address.module)} is not in the configuration"
        case Absence.NO_MOVE_TARGET:
            return f"it moved to {address}, which is not in the configuration"
        case Absence.WRONG_REPETITION:
            return f"{address.block} does not use count or for_each as it did"
        case Absence.COUNT_INDEX:
            return f"index [{address.key}] is out of range for count"
        case Absence.EACH_KEY:
            return f"key {print_key(address.key)} is not in for_each map"


def removal(
    record: ResourceRecord,
    deposed: str,
    message: str,
    config: Config,
    kinds: Mapping[str, AnyKind],
    *,
    destroying: bool,
) -> Change:
    """Return the change that takes an object away.

    Args:
        record: The object.
        deposed: Its key if it was set aside, or empty.
        message: Why, as a clause.
        config: Says whether it is destroyed or stays in the world.
        kinds: By name.
        destroying: Whether everything is to be destroyed; `removed` blocks do not hold then.
    """
    stays = _stays(record, config, destroying=destroying)
    return Change(
        address=record.address,
        action=Action.FORGET if stays else Action.DELETE,
        deposed=deposed,
        before=recorded_document(record, kinds),
        after=None,
        before_sensitive=hidden_paths(record.sensitive, kinds[record.address.kind]),
        reasons=(Reason(cause=Cause.REMOVED, message=message),),
        runtime=str(record.handle.get("runtime") or ""),
    )


def _stays(record: ResourceRecord, config: Config, *, destroying: bool) -> bool:
    """Whether an object is forgotten instead of destroyed."""
    block = config.resource(record.address.block)
    if block is not None:
        return not block.lifecycle.destroy
    for module in () if destroying else config.modules.values():
        for removed in module.removed:
            if covers(removed.target, record.address):
                return not removed.destroy
    return record.stays


def leaving_warnings(changes: Iterable[Change]) -> tuple[Diagnostic, ...]:
    """Return a warning that names the objects which stay in the world and are forgotten."""
    leaving = [
        f"  {change.address}" for change in changes if "forget" in change.action.terraform_actions
    ]
    if not leaving:
        return ()
    return (
        Diagnostic(
            severity=Severity.WARNING,
            summary="Some objects will no longer be managed by mlform",
            detail="Apply will forget these objects and leave them as they are:\n"
            + "\n".join(leaving)
            + "\n\nWhatever they are made of and run on stays until somebody takes it away.",
        ),
    )
