"""Interpreting a plan: steps in order, independent ones at the same time.

Everything but tasks and servers happens on the calling thread: resolving, recording, events. Tasks
and servers run on worker threads, which hand their outcome back.
"""

from __future__ import annotations

import heapq
import queue
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from mlform.apply.events import (
    Event,
    Interrupted,
    StepFailed,
    StepFinished,
    StepProgress,
    StepSkipped,
    StepStarted,
)
from mlform.apply.making import Made, Making, make_artifact, make_server, make_value
from mlform.apply.ports import Ports, log_folder
from mlform.apply.record import Recorder
from mlform.apply.removing import remove
from mlform.diagnostics import ConfigurationError, Diagnostics
from mlform.errors import BackendError, MlformError
from mlform.graph.attributes import exposed, loaded
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import LocalNode, Node, OutputNode, ResourceNode
from mlform.lang.construct import object_of
from mlform.lang.encode import mark_paths
from mlform.lang.values import SENSITIVE, Value
from mlform.plan.changes import Action, Cause, Change, Plan
from mlform.plan.planner import ignoring_changes
from mlform.plan.recipes import plain_object
from mlform.plan.steps import Operation, Step
from mlform.resources.base import AnyKind
from mlform.state.snapshot import CURRENT, ResourceRecord
from mlform.tasks import TaskEvent

_REMOVING = {Operation.DELETE, Operation.FORGET}


@dataclass(slots=True)
class Tally:
    """What an apply did so far."""

    added: int = 0
    changed: int = 0
    destroyed: int = 0
    skipped: int = 0
    failures: list[StepFailed] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a worker thread hands back; exactly one of the three is set, or none for a removal."""

    step: Step
    made: Made | None = None
    problem: Exception | None = None
    progress: TaskEvent | None = None


class Execution:
    """One run of a plan's steps."""

    def __init__(
        self,
        plan: Plan,
        evaluation: Evaluation,
        kinds: Mapping[str, AnyKind],
        recorder: Recorder,
        ports: Ports,
    ) -> None:
        self._plan = plan
        self._evaluation = evaluation
        self._kinds = kinds
        self._recorder = recorder
        self._ports = ports
        self._steps = {step.id: step for step in plan.steps}
        self._rank = {step.id: at for at, step in enumerate(plan.steps)}
        self._changes = {(change.address, change.deposed): change for change in plan.changes}
        self._missing = {step.id: len(step.needs) for step in plan.steps}
        self._followers = _followers(plan)
        self._ready: list[int] = []
        self._running: set[str] = set()
        self._identities: dict[str, str] = {}
        self._started: dict[str, float] = {}
        self._cpus: dict[str, int] = {}
        self._settled: set[str] = set()
        self._done_nodes: set[Node] = set()
        self._outcomes: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        self._announced = False
        self.tally = Tally()

    def run(self) -> None:
        """Run every step whose needs succeed; returns when nothing runs any more.

        Raises:
            BackendError: If the state cannot be written any more; what runs is stopped first.
        """
        self._record_untouched()
        for step in self._plan.steps:
            if not step.needs:
                heapq.heappush(self._ready, self._rank[step.id])
        with ThreadPoolExecutor(max_workers=max(1, self._ports.parallelism)) as pool:
            try:
                self._loop(pool)
            except BaseException:
                self._ports.stop.request_now()
                raise
        self._skip_rest()

    def _loop(self, pool: ThreadPoolExecutor) -> None:
        while True:
            self._start_ready(pool)
            if not self._running:
                if self._ready and not self._ports.stop.requested:
                    continue
                return
            self._take(self._wait())

    def _wait(self) -> _Outcome:
        while True:
            try:
                return self._outcomes.get(timeout=0.1)
            except queue.Empty:
                self._announce_stop()

    def _announce_stop(self) -> None:
        if self._ports.stop.requested and not self._announced:
            self._announced = True
            self._emit(Interrupted(now=self._ports.stop.now.is_set()))

    def _record_untouched(self) -> None:
        """Give the evaluation everything that no step will touch."""
        touched = {step.address for step in self._plan.steps if step.operation not in _REMOVING}
        for record in self._recorder.state.records:
            if record.address not in touched:
                self._evaluation.record(record.address, _value_of(record, self._kinds))

    # Starting

    def _start_ready(self, pool: ThreadPoolExecutor) -> None:
        waiting: list[int] = []
        while self._ready and not self._ports.stop.requested:
            rank = heapq.heappop(self._ready)
            step = self._plan.steps[rank]
            if self._is_inline(step):
                self._run_inline(step)
            elif self._fits():
                self._start(step, pool)
            else:
                waiting.append(rank)
                break
        for rank in waiting:
            heapq.heappush(self._ready, rank)
        self._recorder.flush()

    def _is_inline(self, step: Step) -> bool:
        kind = self._kinds[step.address.kind]
        if kind.sort == "value" or step.operation is Operation.FORGET:
            return True
        return kind.sort == "artifact" and step.operation is Operation.DELETE

    def _fits(self) -> bool:
        if not self._running:
            return True
        return (
            len(self._running) < self._ports.parallelism
            and sum(self._cpus.values()) < self._ports.cpus
        )

    def _run_inline(self, step: Step) -> None:
        self._announce(step)
        try:
            if step.operation in _REMOVING:
                self._recorder.removed(step.id, step.address, step.deposed)
                self._finished(step, None)
                return
            making = self._making(step, step.id)
            kind = self._kinds[step.address.kind]
            assert kind.sort == "value"  # noqa: S101 - all others run on a thread
            self._settle(step, make_value(kind, making, self._ports))
        except BackendError:
            raise
        except (MlformError, ConfigurationError) as problem:
            self._failed(step, problem)

    def _start(self, step: Step, pool: ThreadPoolExecutor) -> None:
        identity = self._ports.new_id()
        try:
            work = self._work(step, identity)
        except (MlformError, ConfigurationError) as problem:
            self._announce(step)
            self._failed(step, problem)
            return
        self._recorder.intend(identity, step.address, step.operation, self._change(step).runtime)
        self._announce(step)
        self._running.add(step.id)
        self._identities[step.id] = identity

        def run() -> None:
            try:
                made = work()
            except Exception as problem:  # noqa: BLE001 - handed to the main thread, which sorts it
                self._outcomes.put(_Outcome(step, problem=problem))
            else:
                self._outcomes.put(_Outcome(step, made=made))

        pool.submit(run)

    def _work(self, step: Step, identity: str) -> Callable[[], Made | None]:
        """Return what the worker thread does; everything it needs is resolved here."""
        ports = self._ports
        if step.operation is Operation.DELETE:
            record = self._recorder.state.objects[(step.address, step.deposed)]
            current = self._recorder.state.current(step.address) if step.deposed else None
            return lambda: remove(record, current, ports)
        kind = self._kinds[step.address.kind]
        making = self._making(step, identity)

        def on_progress(event: TaskEvent) -> None:
            self._outcomes.put(_Outcome(step, progress=event))

        if kind.sort == "artifact":
            self._cpus[step.id] = making.cpus
            return lambda: make_artifact(kind, making, ports, on_progress)
        assert kind.sort == "server"  # noqa: S101 - values run inline
        return lambda: make_server(kind, making, ports, on_progress)

    def _making(self, step: Step, identity: str) -> Making:
        change = self._change(step)
        block = self._evaluation.module.resources[step.address.block]
        node = ResourceNode(block.address)
        diagnostics = Diagnostics()
        self._prepare(node, diagnostics)
        if node not in self._done_nodes:
            self._evaluation.keys(block, diagnostics)
            self._done_nodes.add(node)
        desired = self._evaluation.desired(block, step.address.key, diagnostics)
        prior = self._recorder.state.current(step.address)
        desired = ignoring_changes(desired, prior, self._kinds[step.address.kind])
        diagnostics.raise_if_errors()
        return Making(
            desired=desired,
            prior=prior,
            step=identity,
            project=self._recorder.state.lineage,
            runtime=change.runtime,
            create_first=step.replaces or change.action is Action.CREATE_THEN_DELETE,
            forced=_is_forced(change),
            expected_recipe=change.recipe_digest,
            cpus=self._share(),
        )

    def _share(self) -> int:
        """Return how many cores a task may use now: what is free, shared with what is ready."""
        free = max(1, self._ports.cpus - sum(self._cpus.values()))
        waiting = 1 + sum(not self._is_inline(self._plan.steps[rank]) for rank in self._ready)
        return max(1, free // waiting)

    def _prepare(self, node: Node, diagnostics: Diagnostics) -> None:
        """Resolve the locals that a node refers to, once each."""
        for needed in self._evaluation.graph.dag.needs[node]:
            if isinstance(needed, LocalNode) and needed not in self._done_nodes:
                self._prepare(needed, diagnostics)
                self._evaluation.resolve_local(needed.name, diagnostics)
                self._done_nodes.add(needed)

    def prepare_output(self, name: str, diagnostics: Diagnostics) -> None:
        """Resolve the locals that an output refers to."""
        self._prepare(OutputNode(name), diagnostics)

    # Finishing

    def _take(self, outcome: _Outcome) -> None:
        step = outcome.step
        if outcome.progress is not None:
            self._emit(StepProgress(address=step.address, progress=outcome.progress))
            return
        self._running.remove(step.id)
        self._cpus.pop(step.id, None)
        if outcome.problem is not None:
            self._recorder.abandoned(self._identities[step.id])
            if not isinstance(outcome.problem, MlformError | ConfigurationError):
                raise outcome.problem
            self._failed(step, outcome.problem)
        elif outcome.made is not None:
            self._settle(step, outcome.made)
        else:
            self._recorder.removed(self._identities[step.id], step.address, step.deposed)
            self._finished(step, None)

    def _settle(self, step: Step, made: Made) -> None:
        """Record an object, then check what it promises."""
        kind = self._kinds[step.address.kind]
        identity = self._identities.get(step.id, step.id)
        set_aside = step.deposed if step.replaces else CURRENT
        self._recorder.recorded(identity, made.record, set_aside=set_aside)
        value = exposed(kind.schema, made.attributes)
        self._evaluation.record(step.address, value)
        diagnostics = Diagnostics()
        block = self._evaluation.module.resources[step.address.block]
        self._evaluation.check_postconditions(block, step.address.key, value, diagnostics)
        if diagnostics.has_errors:
            self._failed(step, ConfigurationError(tuple(diagnostics)))
            return
        if kind.sort == "artifact":
            failures = kind.failures(plain_object(object_of(made.attributes)))
            if failures:
                detail = "; ".join(problem.detail for problem in failures)
                self._count(step)
                self._failed(step, MlformError(failures[0].summary, detail))
                return
        self._finished(step, made)

    def _finished(self, step: Step, made: Made | None) -> None:
        self._count(step)
        self._settled.add(step.id)
        self._emit(
            StepFinished(
                address=step.address,
                operation=step.operation,
                seconds=self._elapsed(step),
                id="" if made is None else str(made.record.attributes.get("id", "")),
                reused=made is not None and made.reused,
                unchanged=made is not None and made.unchanged,
            )
        )
        for follower in self._followers.get(step.id, ()):
            self._missing[follower] -= 1
            if self._missing[follower] == 0:
                heapq.heappush(self._ready, self._rank[follower])

    def _count(self, step: Step) -> None:
        if step.operation is Operation.CREATE:
            self.tally.added += 1
        elif step.operation is Operation.DELETE:
            self.tally.destroyed += 1
        elif step.operation in {Operation.REBUILD, Operation.UPDATE}:
            self.tally.changed += 1

    def _failed(self, step: Step, problem: MlformError | ConfigurationError) -> None:
        self._settled.add(step.id)
        summary, detail = _described(problem)
        folder = log_folder(self._ports.data_folder, step.address)
        logs = sorted(folder.glob("*.log")) if folder.is_dir() else []
        failure = StepFailed(
            address=step.address,
            operation=step.operation,
            summary=summary,
            detail=detail,
            log=str(logs[-1]) if logs else "",
        )
        self.tally.failures.append(failure)
        self._emit(failure)

    def _skip_rest(self) -> None:
        self._announce_stop()
        for step in self._plan.steps:
            if step.id in self._settled:
                continue
            self.tally.skipped += 1
            blocked = [item for item in step.needs if item not in self._steps or self._broken(item)]
            because = f"{self._steps[blocked[0]].address} failed" if blocked else "interrupted"
            self._emit(StepSkipped(address=step.address, operation=step.operation, because=because))

    def _broken(self, step_id: str) -> bool:
        failed = {failure.address for failure in self.tally.failures}
        return self._steps[step_id].address in failed or step_id not in self._settled

    # Small things

    def _change(self, step: Step) -> Change:
        deposed = CURRENT if step.replaces else step.deposed
        return self._changes[(step.address, deposed)]

    def _announce(self, step: Step) -> None:
        change = self._change(step)
        self._started[step.id] = self._ports.now().timestamp()
        record = self._recorder.state.objects.get((step.address, step.deposed))
        identity = "" if record is None else str(record.attributes.get("id", ""))
        self._emit(
            StepStarted(
                address=step.address,
                operation=step.operation,
                id=identity,
                expected_seconds=change.expected_seconds,
            )
        )

    def _elapsed(self, step: Step) -> float:
        return self._ports.now().timestamp() - self._started[step.id]

    def _emit(self, event: Event) -> None:
        self._ports.on_event(event)


def _followers(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in plan.steps:
        for needed in step.needs:
            found.setdefault(needed, []).append(step.id)
    return found


def _is_forced(change: Change) -> bool:
    if change.action.is_replace:
        return True
    again = {Cause.REQUESTED, Cause.TAINTED}
    return any(reason.cause in again for reason in change.reasons)


def _described(problem: MlformError | ConfigurationError) -> tuple[str, str]:
    if isinstance(problem, ConfigurationError):
        first = problem.diagnostics[0]
        place = f" ({first.range})" if first.range is not None else ""
        return first.summary, f"{first.detail}{place}"
    return problem.summary, problem.detail


def _value_of(record: ResourceRecord, kinds: Mapping[str, AnyKind]) -> Value:
    schema = kinds[record.address.kind].schema
    attributes = mark_paths(
        object_of(loaded(schema, record.attributes)), record.sensitive, SENSITIVE
    ).payload
    assert isinstance(attributes, dict)  # noqa: S101 - an object was put in
    return exposed(schema, attributes)
