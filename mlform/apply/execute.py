"""Interpreting a plan: steps in order, independent ones at the same time.

Everything but tasks and servers happens on the calling thread: resolving, recording, events. Tasks
and servers run on worker threads, which hand their outcome back.
"""

from __future__ import annotations

import contextlib
import heapq
import queue
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from mlform.addresses import ResourceAddress
from mlform.apply.events import (
    Event,
    Interrupted,
    StepFailed,
    StepFinished,
    StepProgress,
    StepSkipped,
    StepStarted,
)
from mlform.apply.failing import broken_promise, failure_of, trouble_of
from mlform.apply.making import Made, Making, make_artifact, make_server, make_value
from mlform.apply.ports import Ports
from mlform.apply.record import Recorder
from mlform.apply.recovery import clean
from mlform.apply.removing import remove
from mlform.apply.resolving import Resolver
from mlform.apply.servers import home_for
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import ConfigurationError, Diagnostics
from mlform.errors import BackendError, MlformError
from mlform.graph.attributes import exposed
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import ResourceNode
from mlform.plan.changes import Action, Cause, Change, Plan
from mlform.plan.lifecycle import create_first_blocks, ignoring_changes
from mlform.plan.recorded import recorded_value
from mlform.plan.steps import Operation, Step
from mlform.resources.base import AnyKind, kind_of
from mlform.state.snapshot import CURRENT, ResourceRecord
from mlform.tasks import TaskEvent

_SAID_AT_ONCE = 100
"""Events of steps without effect on the world that are held back at most until they are durable."""

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
    problem: BaseException | None = None
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
        self._rank = {step.id: at for at, step in enumerate(plan.steps)}
        self._changes = {(change.address, change.deposed): change for change in plan.changes}
        self._missing = {step.id: len(step.needs) for step in plan.steps}
        self._followers = _followers(plan)
        self._ready: list[int] = []
        self._running: set[str] = set()
        self._identities: dict[str, str] = {}
        self._started: dict[str, float] = {}
        self._cpus: dict[str, int] = {}
        self._succeeded: set[str] = set()
        self._failures: set[str] = set()
        self._outcomes: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
        self._announced: set[bool] = set()
        self._unsaid: list[Event] = []
        self._create_first = create_first_blocks(evaluation.config, evaluation.graph, kinds)
        self.resolver = Resolver(evaluation)
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
        try:
            self._run_all()
        except BackendError:
            self._leave_nothing()
            raise
        self._skip_rest()
        self._keep()

    def _run_all(self) -> None:
        with ThreadPoolExecutor(max_workers=max(1, self._ports.parallelism)) as pool:
            try:
                self._loop(pool)
            except BaseException:
                self._ports.stop.request_now()
                raise

    def _leave_nothing(self) -> None:
        """Remove what unfinished steps started: the state that cannot be written lacks it."""
        for intent in self._recorder.state.intents:
            if intent.runtime:
                with contextlib.suppress(MlformError):
                    clean(intent, self._recorder, self._ports)

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
        stop = self._ports.stop
        now = stop.now.is_set()
        if stop.requested and now not in self._announced:
            self._announced.add(now)
            self._ports.on_event(Interrupted(now=now))

    def _record_untouched(self) -> None:
        """Give the evaluation everything that no step will touch."""
        touched = {step.address for step in self._plan.steps}
        unchanged = {item.address for item in self._plan.changes if item.action is Action.NO_OP}
        for record in self._recorder.state.records:
            if record.address not in touched:
                kind = kind_of(self._kinds, record.address)
                self._evaluation.record(record.address, recorded_value(record, kind))
            if record.address in unchanged:
                self._refresh_dependencies(record)

    def _refresh_dependencies(self, record: ResourceRecord) -> None:
        """Keep in the state what the block of an object says now, where nothing else changes."""
        block = self._evaluation.config.resource(record.address.block)
        if block is None:
            return
        needs = self._evaluation.graph.resource_needs(ResourceNode(block.address))
        current = replace(
            record,
            dependencies=tuple(str(item) for item in needs),
            stays=not block.lifecycle.destroy,
        )
        if current != record:
            self._recorder.recorded(f"keep {record.address}", current)

    # Starting

    def _start_ready(self, pool: ThreadPoolExecutor) -> None:
        waiting: list[int] = []
        while self._ready and not self._ports.stop.requested:
            rank = heapq.heappop(self._ready)
            step = self._plan.steps[rank]
            if self._is_inline(step):
                self._run_inline(step)
                if len(self._unsaid) >= _SAID_AT_ONCE:
                    self._keep()
            elif self._fits():
                self._start(step, pool)
            else:
                waiting.append(rank)
                break
        for rank in waiting:
            heapq.heappush(self._ready, rank)
        self._keep()

    def _keep(self) -> None:
        """Make everything recorded durable, and only then tell of it."""
        self._recorder.flush()
        unsaid, self._unsaid = self._unsaid, []
        for event in unsaid:
            self._ports.on_event(event)

    def _is_inline(self, step: Step) -> bool:
        kind = kind_of(self._kinds, step.address)
        if kind.sort == "value" or step.operation is Operation.FORGET or self._has_vanished(step):
            return True
        return kind.sort == "artifact" and step.operation is Operation.DELETE

    def _has_vanished(self, step: Step) -> bool:
        """Whether there is no predecessor to destroy, because it did not have to be replaced."""
        return (
            step.operation is Operation.DELETE
            and step.replaces
            and (step.address, step.deposed) not in self._recorder.objects
        )

    def _fits(self) -> bool:
        if not self._running:
            return True
        return (
            len(self._running) < self._ports.parallelism
            and sum(self._cpus.values()) < self._ports.cpus
        )

    def _run_inline(self, step: Step) -> None:
        if self._has_vanished(step):
            self._succeed(step)
            return
        self._announce(step)
        try:
            if step.operation in _REMOVING:
                self._recorder.removed(step.id, step.address, step.deposed)
                self._count(step)
                self._finished(step, None)
                return
            making = self._making(step, step.id)
            kind = kind_of(self._kinds, step.address)
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
        self._keep()
        self._running.add(step.id)
        self._identities[step.id] = identity

        def run() -> None:
            try:
                made = work()
            except BaseException as problem:  # noqa: BLE001 - handed to the main thread
                self._outcomes.put(_Outcome(step, problem=problem))
            else:
                self._outcomes.put(_Outcome(step, made=made))

        pool.submit(run)

    def _work(self, step: Step, identity: str) -> Callable[[], Made | None]:
        """Return what the worker thread does; everything it needs is resolved here."""
        ports = self._ports
        if step.operation is Operation.DELETE:
            record = self._recorder.objects[(step.address, step.deposed)]
            current = self._recorder.current(step.address) if step.deposed else None
            return lambda: remove(record, current, ports)
        kind = kind_of(self._kinds, step.address)
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
        diagnostics = Diagnostics()
        desired = self.resolver.desired(step.address, diagnostics)
        prior = self._recorder.current(step.address)
        kind = kind_of(self._kinds, step.address)
        if kind.sort != "value" or not change.action.is_replace:
            desired = ignoring_changes(desired, prior, kind)
        diagnostics.raise_if_errors()
        served = (item for item in self._recorder.objects.values() if item.handle.get("spec"))
        return Making(
            desired=desired,
            prior=prior,
            step=identity,
            project=self._recorder.lineage,
            runtime=change.runtime,
            create_first=step.address.block in self._create_first,
            forced=_is_forced(change),
            expected_recipe=change.recipe_digest,
            expected_sources=change.sources,
            cpus=1 if self._is_inline(step) else self._share(),
            home=home_for(step.address, prior, served) if kind.sort == "server" else "",
        )

    def _share(self) -> int:
        """Return how many cores a task may use now: what is free, shared with what is ready."""
        free = max(1, self._ports.cpus - sum(self._cpus.values()))
        waiting = 1 + sum(not self._is_inline(self._plan.steps[rank]) for rank in self._ready)
        return max(1, free // waiting)

    # Finishing

    def _take(self, outcome: _Outcome) -> None:
        step = outcome.step
        if outcome.progress is not None:
            self._emit(StepProgress(address=step.address, progress=outcome.progress))
            return
        self._running.remove(step.id)
        self._cpus.pop(step.id, None)
        if outcome.problem is not None:
            trouble = trouble_of(outcome.problem)
            if trouble is None:
                raise outcome.problem
            self._recorder.abandoned(self._identities[step.id])
            self._failed(step, trouble)
        elif outcome.made is not None:
            self._settle(step, outcome.made)
        else:
            self._recorder.removed(self._identities[step.id], step.address, step.deposed)
            self._count(step)
            self._finished(step, None)

    def _settle(self, step: Step, made: Made) -> None:
        """Record an object, then check what it promises."""
        kind = kind_of(self._kinds, step.address)
        identity = self._identities.get(step.id, step.id)
        prior = self._recorder.current(step.address)
        cut_off = (
            self._change(step).conditional
            and prior is not None
            and prior.recipe_digest == made.record.recipe_digest
        )
        set_aside = step.deposed if step.replaces and not cut_off else CURRENT
        self._recorder.recorded(identity, made.record, set_aside=set_aside)
        value = exposed(kind.schema, made.attributes)
        self._evaluation.record(step.address, value)
        if not cut_off:
            self._count(step)
        problem = broken_promise(self._evaluation, kind, made, value)
        if problem is not None:
            self._failed(step, problem)
            return
        self._finished(step, made)

    def _finished(self, step: Step, made: Made | None) -> None:
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
        self._succeed(step)

    def _succeed(self, step: Step) -> None:
        self._succeeded.add(step.id)
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
        self._failures.add(step.id)
        failure = failure_of(
            step,
            problem,
            change=self._change(step),
            kind=kind_of(self._kinds, step.address),
            block=self._evaluation.config.resource(step.address.block),
            data_folder=self._ports.data_folder,
        )
        self.tally.failures.append(failure)
        self._emit(failure)

    def _skip_rest(self) -> None:
        self._announce_stop()
        causes: dict[str, str] = {}
        for step in self._plan.steps:
            if step.id in self._failures:
                causes[step.id] = f"{step.address} failed"
            elif step.id not in self._succeeded:
                found = [causes[item] for item in step.needs if item in causes]
                because = causes[step.id] = found[0] if found else "interrupted"
                self.tally.skipped += 1
                self._emit(
                    StepSkipped(address=step.address, operation=step.operation, because=because)
                )

    @property
    def unfinished(self) -> frozenset[ResourceAddress]:
        """The blocks of which a step failed or was skipped."""
        return frozenset(
            step.address.block for step in self._plan.steps if step.id not in self._succeeded
        )

    # Small things

    def _change(self, step: Step) -> Change:
        deposed = CURRENT if step.replaces else step.deposed
        return self._changes[(step.address, deposed)]

    def _announce(self, step: Step) -> None:
        change = self._change(step)
        self._started[step.id] = self._ports.now().timestamp()
        record = self._recorder.objects.get((step.address, step.deposed))
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
        self._unsaid.append(event)


def _followers(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in plan.steps:
        for needed in step.needs:
            found.setdefault(needed, []).append(step.id)
    return found


def _is_forced(change: Change) -> bool:
    """Whether an object is made anew whatever it is made from; not if early cut-off may hold."""
    if change.action.is_replace:
        return not change.conditional
    again = {Cause.REQUESTED, Cause.TAINTED}
    return any(reason.cause in again for reason in change.reasons)
