"""The stream of JSON messages of `-json`: one object a line, with Terraform's field names."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Final, Literal, assert_never

from mlform.addresses import ResourceAddress
from mlform.apply.events import (
    Event,
    Interrupted,
    Recovered,
    StepFailed,
    StepFinished,
    StepProgress,
    StepRetrying,
    StepSkipped,
    StepStarted,
)
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic, Severity
from mlform.digests import Json, JsonObject
from mlform.plan.changes import Action, Cause, Change, Drift, Mode, OutputChange, Plan
from mlform.plan.reality import Look
from mlform.plan.steps import Operation
from mlform.state.snapshot import OutputRecord
from mlform.views.configuration import PROVIDER
from mlform.views.diagnostics import diagnostic_json
from mlform.views.documents import TERRAFORM_VERSION, module_address
from mlform.views.progress import Tracker, identity_text, progress_text, sentence
from mlform.views.report import imports, is_shown, plan_sentence, summary

UI_VERSION: Final = "1.2"
Level = Literal["info", "warn", "error"]

_ACTIONS: Final[Mapping[Operation, str]] = {
    Operation.CREATE: "create",
    Operation.REBUILD: "update",
    Operation.UPDATE: "update",
    Operation.DELETE: "delete",
    Operation.FORGET: "remove",
}


_LOOKS: Final = {
    False: ("refresh_start", "Refreshing state..."),
    True: ("refresh_complete", "Refresh complete"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What an operation did or will do, for a `change_summary` message."""

    add: int
    change: int
    remove: int
    operation: Literal["plan", "apply", "destroy"]
    imported: int = 0

    @property
    def sentence(self) -> str:
        """The same, for people."""
        if self.operation == "plan":
            return plan_sentence((self.add, self.change, self.remove), self.imported)
        if self.operation == "destroy":
            return f"Destroy complete! Resources: {self.remove} destroyed."
        figures = f"{self.add} added, {self.change} changed, {self.remove} destroyed."
        if self.imported:
            figures = f"{self.imported} imported, {figures}"
        return f"Apply complete! Resources: {figures}"


class MessageStream:
    """Writes messages; also a `ProgressView` that turns events of an apply into them."""

    def __init__(
        self,
        write: Callable[[str], None],
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        version: str,
    ) -> None:
        """Make the stream and write its first message, the version.

        Args:
            write: Takes one line of JSON with its line break.
            now: The time in UTC.
            clock: Seconds of a clock that never goes back.
            version: Of mlform.
        """
        self._write = write
        self._now = now
        self._tracker = Tracker(clock)
        versions = {"terraform": TERRAFORM_VERSION, "mlform": version, "ui": UI_VERSION}
        self.message("version", f"mlform {version}", versions)

    def message(self, type_: str, text: str, fields: JsonObject, *, level: Level = "info") -> None:
        """Write one message."""
        document: dict[str, Json] = {
            "@level": level,
            "@message": text,
            "@module": "mlform.ui",
            "@timestamp": self._now().isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "type": type_,
            **fields,
        }
        self._write(json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n")

    def diagnostics(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Write a message for each problem."""
        for item in diagnostics:
            error = item.severity is Severity.ERROR
            text = f"{'Error' if error else 'Warning'}: {item.summary}"
            fields: JsonObject = {"diagnostic": diagnostic_json(item)}
            self.message("diagnostic", text, fields, level="error" if error else "warn")

    def looked(self, look: Look) -> None:
        """Write that an object is looked at, or was."""
        hook: dict[str, Json] = {"resource": _resource(look.address)}
        if look.id:
            hook |= {"id_key": "id", "id_value": look.id}
        type_, text = _LOOKS[look.over]
        text = f"{look.address}: {text}{identity_text(look.id)}"
        self.message(type_, text, {"hook": hook})

    def plan(self, plan: Plan) -> None:
        """Write drift, planned changes, the summary and the changes of outputs."""
        for drift in plan.drift:
            self._drifted(drift)
        self.planned(change for change in plan.changes if is_shown(change))
        add, changed, remove = plan.counts
        totals = Totals(
            add=add, change=changed, remove=remove, operation="plan", imported=imports(plan)
        )
        self.summary(totals, text=summary(plan))
        outputs: JsonObject = {
            name: {
                "sensitive": item.sensitive,
                "action": "noop" if item.action is Action.NO_OP else item.action.value,
                **_shown_value(item),
            }
            for name, item in sorted(plan.outputs.items())
        }
        if outputs:
            self.message("outputs", f"Outputs: {len(outputs)}", {"outputs": outputs})

    def _drifted(self, drift: Drift) -> None:
        action = "move" if drift.action is Action.NO_OP else drift.action.terraform_actions[0]
        document: dict[str, Json] = {"resource": _resource(drift.address), "action": action}
        if drift.previous_address is not None:
            document["previous_resource"] = _resource(drift.previous_address)
        fields: JsonObject = {"change": document, "problems": drift.problems}
        self.message("resource_drift", f"{drift.address}: Drift detected ({action})", fields)

    def planned(self, changes: Iterable[Change]) -> None:
        """Write a message for each change."""
        for change in changes:
            self._planned(change)

    def _planned(self, change: Change) -> None:
        action = _planned_action(change)
        document: dict[str, Json] = {"resource": _resource(change.address), "action": action}
        if change.previous_address is not None:
            document["previous_resource"] = _resource(change.previous_address)
        if change.importing is not None:
            document["importing"] = {"id": change.importing}
        reason = _reason(change)
        if reason:
            document["reason"] = reason
        because = [{"cause": item.cause.value, "message": item.message} for item in change.reasons]
        fields: JsonObject = {
            "change": document,
            "mlform_action": change.action.value,
            "reasons": because,
        }
        self.message("planned_change", f"{change.address}: Plan to {action}", fields)

    def summary(self, totals: Totals, *, text: str = "") -> None:
        """Write how many objects are, or were, added, changed and removed."""
        changes: JsonObject = {
            "add": totals.add,
            "change": totals.change,
            "import": totals.imported,
            "remove": totals.remove,
            "operation": totals.operation,
        }
        self.message("change_summary", text or totals.sentence, {"changes": changes})

    def outputs(self, outputs: Mapping[str, OutputRecord]) -> None:
        """Write the root outputs after an apply; sensitive ones without their value."""
        document: JsonObject = {
            name: {
                "sensitive": record.sensitive,
                "type": record.type,
                **({} if record.sensitive else {"value": record.value}),
            }
            for name, record in sorted(outputs.items())
        }
        self.message("outputs", f"Outputs: {len(outputs)}", {"outputs": document})

    def handle(self, event: Event) -> None:
        """Write the message of an event."""
        elapsed = self._tracker.follow(event)
        said = sentence(event, elapsed)
        text = said.text if said else ""
        match event:
            case StepStarted():
                self.message("apply_start", text, {"hook": _hook(event)})
            case StepProgress():
                self._progress(event)
            case StepFinished():
                hook = _hook(event) | {"elapsed_seconds": round(event.seconds)}
                hook |= {"reused": event.reused, "unchanged": event.unchanged}
                self.message("apply_complete", text, {"hook": hook})
            case StepFailed():
                hook = _hook(event) | {"elapsed_seconds": round(elapsed), "log": event.log}
                hook |= {"log_tail": list(event.tail)}
                self.message("apply_errored", text, {"hook": hook}, level="error")
            case StepRetrying():
                hook = _hook(event) | {"attempt": event.attempt, "attempts": event.attempts}
                hook |= {"delay_seconds": event.seconds, "log": event.log}
                hook |= {"problem": {"summary": event.summary, "detail": event.detail}}
                self.message("apply_retrying", text, {"hook": hook}, level="warn")
            case StepSkipped():
                hook = _hook(event) | {"because": event.because}
                self.message("apply_skipped", text, {"hook": hook}, level="warn")
            case Recovered():
                fields: JsonObject = {"resource": _resource(event.address)}
                self.message("recovered", text, fields, level="warn")
            case Interrupted():
                self.message("interrupted", text, {"now": event.now}, level="warn")
            case _:
                assert_never(event)

    def _progress(self, event: StepProgress) -> None:
        step = self._tracker.running.get(event.address)
        hook: dict[str, Json] = {"resource": _resource(event.address)}
        if step is not None:
            hook |= {"action": _ACTIONS[step.operation]}
            hook |= {"elapsed_seconds": round(self._tracker.clock() - step.since)}
        hook["progress"] = event.progress.to_json()
        text = f"{event.address}: {progress_text(event.progress)}"
        level: Level = "warn" if event.progress.lasting else "info"
        self.message("apply_progress", text, {"hook": hook}, level=level)

    def tick(self) -> None:
        """Write a message for each step that goes on, every ten seconds."""
        for step, elapsed in self._tracker.due():
            hook: JsonObject = {
                "resource": _resource(step.address),
                "action": _ACTIONS[step.operation],
                "elapsed_seconds": round(elapsed),
            }
            text = f"{step.address}: Still {step.operation.value}... [{elapsed:.0f}s elapsed]"
            self.message("apply_progress", text, {"hook": hook})

    def close(self) -> None:
        """Nothing is left to do."""


def _shown_value(output: OutputChange) -> JsonObject:
    """Return `value`, the new one of an output, unless it is gone, not known or not to be seen."""
    if output.sensitive or output.after_unknown or output.action is Action.DELETE:
        return {}
    return {"value": output.after}


def message_totals(counts: tuple[int, int, int], mode: Mode, *, imported: int = 0) -> Totals:
    """Return the totals of an apply from objects added, changed and destroyed, and imported."""
    added, changed, destroyed = counts
    operation: Literal["apply", "destroy"] = "destroy" if mode is Mode.DESTROY else "apply"
    return Totals(
        add=added, change=changed, remove=destroyed, operation=operation, imported=imported
    )


def _hook(
    event: StepStarted | StepFinished | StepRetrying | StepFailed | StepSkipped,
) -> dict[str, Json]:
    hook: dict[str, Json] = {
        "resource": _resource(event.address),
        "action": _ACTIONS[event.operation],
    }
    if isinstance(event, StepStarted) and event.attempt > 1:
        hook["attempt"] = event.attempt
    if isinstance(event, StepStarted | StepFinished) and event.id:
        hook |= {"id_key": "id", "id_value": event.id}
    return hook


def _resource(address: ResourceAddress) -> JsonObject:
    local = str(ResourceAddress(address.kind, address.name, address.key))
    return {
        "addr": str(address),
        "module": module_address(address.module),
        "resource": local,
        "implied_provider": PROVIDER,
        "resource_type": address.kind,
        "resource_name": address.name,
        "resource_key": address.key,
    }


def _planned_action(change: Change) -> str:
    if change.action.is_replace:
        return "replace"
    if change.action is Action.NO_OP:
        return "move" if change.importing is None else "import"
    return "remove" if change.action is Action.FORGET else change.action.terraform_actions[0]


_REASONS: Final[Mapping[Cause, str]] = {Cause.TAINTED: "tainted", Cause.REQUESTED: "requested"}


def _reason(change: Change) -> str:
    causes = {reason.cause for reason in change.reasons}
    if change.action.is_replace:
        if change.is_triggered:
            return "replace_triggered_by"
        return next((word for cause, word in _REASONS.items() if cause in causes), "cannot_update")
    if change.action in {Action.DELETE, Action.FORGET} and change.absence is not None:
        return change.absence.value
    return ""
