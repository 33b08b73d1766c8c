"""Interpreting a plan: steps in order, independent ones at the same time.

Everything but tasks and servers happens on the calling thread: resolving, recording, events. Tasks
and servers run on threads of their own, which hand their outcome back.
"""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Mapping
from pathlib import Path

from mlform.addresses import ResourceAddress
from mlform.apply.attempt_logs import find_log, new_log
from mlform.apply.attempts import Attempt, next_attempt, unstoppable
from mlform.apply.events import (
    Event,
    Interrupted,
    StepFailed,
    StepFinished,
    StepProgress,
    StepSkipped,
    StepStarted,
)
from mlform.apply.failing import (
    Trouble,
    Unforeseen,
    broken_promise,
    failure_of,
    keep_traceback,
    trouble_of,
)
from mlform.apply.making import Made, make_value
from mlform.apply.needs import too_small
from mlform.apply.ports import Ports
from mlform.apply.preparing import Preparation
from mlform.apply.record import Recorder
from mlform.apply.recovery import clean
from mlform.apply.resolving import Resolver
from mlform.apply.scheduler import Scheduler
from mlform.apply.servers import devices_of, is_served
from mlform.apply.slots import Slots
from mlform.apply.untouched import record_untouched
from mlform.apply.workers import Outcome, Workers
from mlform.dataclass import dataclass, field
from mlform.diagnostics import ConfigurationError
from mlform.errors import BackendError, MlformError
from mlform.graph.attributes import exposed
from mlform.graph.evaluation import Evaluation
from mlform.lang.construct import object_of
from mlform.machine import shortage
from mlform.plan.changes import Plan
from mlform.plan.steps import Operation, Step
from mlform.resources.base import AnyKind, kind_of
from mlform.state.snapshot import CURRENT
from mlform.tasks import Requirements

_SAID_AT_ONCE = 100
"""Events of steps without effect on the world that are held back at most until they are durable."""
_QUEUED_AT_ONCE = 64
"""Steps whose needs are looked up before there is room for them."""
_LOOK = 0.1
"""Seconds between looks at the wish to stop, at pauses and at what runs too long."""

_REMOVING = {Operation.DELETE, Operation.FORGET}
_IMMEDIATE = {Operation.FORGET, Operation.AWAIT}


@dataclass(slots=True)
class Tally:
    """What an apply did so far."""

    added: int = 0
    changed: int = 0
    destroyed: int = 0
    skipped: int = 0
    failures: list[StepFailed] = field(default_factory=list)


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
        self._missing = {step.id: len(step.needs) for step in plan.steps}
        self._followers = _followers(plan)
        self._inline: list[int] = []
        self._ready: list[int] = []
        self._scheduler = Scheduler(Slots(ports.machine), max(1, ports.parallelism))
        self._workers = Workers()
        self._attempts: dict[str, Attempt] = {}
        self._running: dict[str, Attempt] = {}
        self._started: dict[str, float] = {}
        self._succeeded: set[str] = set()
        self._failures: set[str] = set()
        self._announced: set[bool] = set()
        self._stopping_since: float | None = None
        self._unsaid: list[Event] = []
        self._preparation = Preparation(plan, evaluation, kinds, recorder, ports)
        self.tally = Tally()

    def run(self) -> None:
        """Run every step whose needs succeed; returns when nothing runs any more.

        Raises:
            BackendError: If the state cannot be written any more; what runs is stopped first.
        """
        record_untouched(self._plan, self._evaluation, self._kinds, self._recorder)
        self._hold_devices()
        for step in self._plan.steps:
            if not step.needs:
                self._queue(step)
        try:
            self._loop()
        except BackendError:
            self._stop_all()
            self._leave_nothing()
            raise
        except BaseException as problem:
            self._stop_all()
            if isinstance(problem, Exception):
                self._save_finished()
            raise
        self._skip_rest()
        self._keep()

    def _stop_all(self) -> None:
        self._ports.stop.request_now()
        self._workers.join(self._ports.patience)

    def _leave_nothing(self) -> None:
        """Remove what unfinished steps started: the state that cannot be written lacks it."""
        for intent in self._recorder.state.intents:
            with contextlib.suppress(MlformError, OSError):
                clean(intent, self._recorder, self._kinds, self._ports)

    def _save_finished(self) -> None:
        """Record what was finished when something went wrong that nobody foresaw."""
        while (outcome := self._workers.next_outcome(0)) is not None:
            attempt = self._running.get(outcome.attempt)
            if attempt is not None and outcome.made is not None:
                made, step = outcome.made, attempt.step
                self._recorder.recorded(
                    attempt.identity, made.record, set_aside=self._set_aside(step, made)
                )
        with contextlib.suppress(BackendError):
            self._keep()

    def _loop(self) -> None:
        while True:
            self._start_ready()
            if self._scheduler.running:
                self._take(self._wait())
            elif self._ports.stop.requested or self._scheduler.is_idle:
                return
            elif (stuck := self._scheduler.stuck()) is not None:
                self._refuse(self._attempts[stuck])
            else:
                self._wait()

    def _wait(self) -> Outcome | None:
        outcome = self._workers.next_outcome(_LOOK)
        self._announce_stop()
        self._give_up()
        return outcome

    def _announce_stop(self) -> None:
        stop = self._ports.stop
        now = stop.now.is_set()
        if now and self._stopping_since is None:
            self._stopping_since = self._ports.monotonic()
        if stop.requested and now not in self._announced:
            self._announced.add(now)
            self._ports.on_event(Interrupted(now=now))

    def _give_up(self) -> None:
        """Fail what ought to have been stopped by its runtime long ago."""
        since, ports = self._stopping_since, self._ports
        if since is None or ports.monotonic() - since <= ports.patience:
            return
        for attempt in list(self._running.values()):
            del self._running[attempt.identity]
            self._scheduler.lose(attempt.step.id)
            # Its intent stays: whoever comes next finds out what became of it.
            self._failed(attempt.step, unstoppable())

    def _hold_devices(self) -> None:
        """Know which GPUs servers have."""
        served = (item for item in self._recorder.objects.values() if is_served(item))
        self._scheduler.slots.hold(name for item in served for name in devices_of(item))

    # Starting

    def _queue(self, step: Step) -> None:
        """Note that a step may begin."""
        heapq.heappush(self._inline if self._is_inline(step) else self._ready, self._rank[step.id])

    def _start_ready(self) -> None:
        scheduler = self._scheduler
        if not scheduler.is_idle:
            scheduler.wake(self._ports.monotonic())
        while not self._ports.stop.requested:
            if self._inline:
                self._run_inline(self._plan.steps[heapq.heappop(self._inline)])
                if len(self._unsaid) >= _SAID_AT_ONCE:
                    self._keep()
            elif self._ready and scheduler.waiting < _QUEUED_AT_ONCE:
                self._prepare(self._plan.steps[heapq.heappop(self._ready)])
            elif (begun := scheduler.begin_next()) is not None:
                self._start(self._attempts[begun[0]], begun[1])
            else:
                break
        self._keep()

    def _keep(self) -> None:
        """Make everything recorded durable, and only then tell of it."""
        self._recorder.flush()
        unsaid, self._unsaid = self._unsaid, []
        for event in unsaid:
            self._ports.on_event(event)

    def _is_inline(self, step: Step) -> bool:
        kind = kind_of(self._kinds, step.address)
        if kind.sort == "value" or step.operation in _IMMEDIATE or self._has_vanished(step):
            return True
        return kind.sort == "artifact" and step.operation is Operation.DELETE

    def _has_vanished(self, step: Step) -> bool:
        """Whether there is no predecessor to destroy, because it did not have to be replaced."""
        return (
            step.operation is Operation.DELETE
            and step.replaces
            and (step.address, step.deposed) not in self._recorder.objects
        )

    def _run_inline(self, step: Step) -> None:
        if step.operation is Operation.AWAIT or self._has_vanished(step):
            self._succeed(step)
            return
        if step.operation in _REMOVING:
            self._announce(step)
            self._recorder.removed(step.id, step.address, step.deposed)
            self._count(step)
            self._finished(step, None)
            return
        kind = kind_of(self._kinds, step.address)
        assert kind.sort == "value"  # noqa: S101 - all others run on a thread
        try:
            made = make_value(kind, self._preparation.making(step), self._ports)
        except (MlformError, ConfigurationError) as problem:
            self._announce(step)
            self._failed(step, problem)
            return
        if not made.idle:
            self._announce(step)
        self._settle(step, step.id, made)

    def _prepare(self, step: Step) -> None:
        """Find out what a step needs of the machine, and queue it for that."""
        attempt = self._attempts[step.id] = Attempt(step=step)
        if step.operation is not Operation.DELETE:
            try:
                self._preparation.fill(attempt, lambda: self._scheduler.slots.machine)
            except (MlformError, ConfigurationError) as problem:
                self._announce(step)
                self._failed(step, problem)
                return
        self._scheduler.add(step.id, self._rank[step.id], attempt.needs)

    def _refuse(self, attempt: Attempt) -> None:
        """Fail a step for which there will be no room: something that goes on has what it needs."""
        slots = self._scheduler.slots
        short = shortage(attempt.needs.wanted, slots.machine, slots.held)
        assert short is not None  # noqa: S101 - nothing runs, so only servers have anything
        self._announce(attempt.step)
        self._failed(attempt.step, too_small(attempt.step.address, short))

    def _start(self, attempt: Attempt, granted: Requirements) -> None:
        step, runtime = attempt.step, self._preparation.change(attempt.step).runtime
        attempt.begin(self._ports.new_id())
        self._recorder.intend(attempt.identity, step.address, step.operation, runtime)
        self._announce(step, attempt.number)
        self._keep()
        self._running[attempt.identity] = attempt
        work = self._preparation.work(attempt, granted)
        self._workers.start(attempt.identity, work, self._preparation.cleaner(attempt))

    # Finishing

    def _take(self, outcome: Outcome | None) -> None:
        attempt = None if outcome is None else self._running.get(outcome.attempt)
        if outcome is None or attempt is None:
            return  # nothing happened, or nobody waited for it any more
        step = attempt.step
        if outcome.progress is not None:
            self._emit(StepProgress(address=step.address, progress=outcome.progress))
            return
        del self._running[attempt.identity]
        self._scheduler.end(step.id)
        if outcome.problem is not None:
            self._take_problem(attempt, outcome.problem, left_behind=outcome.left_behind)
            return
        if outcome.made is not None:
            self._settle(step, attempt.identity, outcome.made)
        else:
            self._recorder.removed(attempt.identity, step.address, step.deposed)
            self._count(step)
            self._finished(step, None)
        if kind_of(self._kinds, step.address).sort == "server":
            self._hold_devices()

    def _take_problem(self, attempt: Attempt, problem: BaseException, *, left_behind: bool) -> None:
        step, ports = attempt.step, self._ports
        trouble = trouble_of(problem, ports.data_folder)
        if trouble is None:
            raise problem
        if isinstance(trouble, Unforeseen):
            folder = ports.data_folder
            keep_traceback(problem, new_log(folder, step.address, attempt.identity, ports.now()))
        attempt.trouble = trouble
        if not left_behind:
            self._recorder.abandoned(attempt.identity)
            again = None if ports.stop.requested else next_attempt(attempt, self._log_of(attempt))
            if again is not None:
                self._emit(again)
                due = ports.monotonic() + again.seconds
                self._scheduler.pause(step.id, self._rank[step.id], attempt.needs, due)
                return
        self._failed(step, trouble)

    def _settle(self, step: Step, identity: str, made: Made) -> None:
        """Record an object, then check what it promises."""
        kind = kind_of(self._kinds, step.address)
        cut_off = self._is_cut_off(step, made)
        self._recorder.recorded(identity, made.record, set_aside=self._set_aside(step, made))
        self._evaluation.record(
            step.address, lambda: exposed(kind.schema, object_of(made.attributes))
        )
        if not (cut_off or made.idle):
            self._count(step)
        problem = broken_promise(self._evaluation, kind, made)
        if problem is not None:
            self._failed(step, problem)
            return
        if made.idle and kind.sort == "value":
            self._succeed(step)  # as if it had not been planned: it was not announced either
        else:
            self._finished(step, made)

    def _is_cut_off(self, step: Step, made: Made) -> bool:
        """Whether an object is the one that there was, because nothing upstream turned out new."""
        prior = self._recorder.current(step.address)
        return (
            self._preparation.change(step).conditional
            and prior is not None
            and prior.recipe_digest == made.record.recipe_digest
        )

    def _set_aside(self, step: Step, made: Made) -> str:
        return step.deposed if step.replaces and not self._is_cut_off(step, made) else CURRENT

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
                self._queue(self._plan.steps[self._rank[follower]])

    def _count(self, step: Step) -> None:
        if step.operation is Operation.CREATE:
            self.tally.added += 1
        elif step.operation is Operation.DELETE:
            self.tally.destroyed += 1
        elif step.operation in {Operation.REBUILD, Operation.UPDATE}:
            self.tally.changed += 1

    def _log_of(self, attempt: Attempt | None) -> Path | None:
        """Return the log of the newest attempt at a step, if it has one."""
        if attempt is None or not attempt.identity:
            return None
        return find_log(self._ports.data_folder, attempt.step.address, attempt.identity)

    def _failed(self, step: Step, problem: Trouble) -> None:
        self._failures.add(step.id)
        failure = failure_of(
            step,
            problem,
            change=self._preparation.change(step),
            kind=kind_of(self._kinds, step.address),
            block=self._evaluation.config.resource(step.address.block),
            log=self._log_of(self._attempts.get(step.id)),
        )
        self.tally.failures.append(failure)
        self._emit(failure)

    def _skip_rest(self) -> None:
        self._announce_stop()
        for paused in self._scheduler.paused:
            attempt = self._attempts[paused]
            assert attempt.trouble is not None  # noqa: S101 - that is what it pauses for
            self._failed(attempt.step, attempt.trouble)
        causes: dict[str, str] = {}
        for step in self._plan.steps:
            if step.id in self._failures:
                causes[step.id] = f"{step.address} failed"
            elif step.id not in self._succeeded:
                found = [causes[item] for item in step.needs if item in causes]
                because = causes[step.id] = found[0] if found else "interrupted"
                if step.operation is Operation.AWAIT:
                    continue
                self.tally.skipped += 1
                self._emit(
                    StepSkipped(address=step.address, operation=step.operation, because=because)
                )

    @property
    def resolver(self) -> Resolver:
        """What resolves values with everything that is known by now."""
        return self._preparation.resolver

    @property
    def unfinished(self) -> frozenset[ResourceAddress]:
        """The blocks of which a step failed or was skipped."""
        return frozenset(
            step.address.block for step in self._plan.steps if step.id not in self._succeeded
        )

    # Small things

    def _announce(self, step: Step, attempt: int = 1) -> None:
        change = self._preparation.change(step)
        self._started[step.id] = self._ports.monotonic()
        record = self._recorder.objects.get((step.address, step.deposed))
        identity = "" if record is None else str(record.attributes.get("id", ""))
        self._emit(
            StepStarted(
                address=step.address,
                operation=step.operation,
                id=identity,
                expected_seconds=change.expected_seconds,
                attempt=attempt,
            )
        )

    def _elapsed(self, step: Step) -> float:
        return self._ports.monotonic() - self._started[step.id]

    def _emit(self, event: Event) -> None:
        self._unsaid.append(event)


def _followers(plan: Plan) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in plan.steps:
        for needed in step.needs:
            found.setdefault(needed, []).append(step.id)
    return found
