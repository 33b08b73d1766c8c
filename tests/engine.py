"""A project in a folder with everything around it in memory: configuration in, what happened out.

The state, the store and the runtime are the in-memory adapters, the clock stands still and
identities count up, so that a test says with few words what it is about and is over at once. Work
is done by small functions of the text of the sources:

* `dataset` keeps the lines of its files that are no comments;
* `split` cuts them in two; `model` is their number of letters and its arguments;
* `evaluation` gives the metric `score`: the number behind `score=` in the data, or 1.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

from mlform.addresses import ResourceAddress, parse_address, parse_target
from mlform.apply.events import Event, StepFailed, StepFinished, StepSkipped
from mlform.apply.stop import Stop
from mlform.backends.base import StateBackend
from mlform.backends.memory import MemoryBackend, MemoryPlace, OneState
from mlform.config.variable_sources import OptionValue
from mlform.diagnostics import ConfigurationError, Diagnostic
from mlform.digests import Json, canonical_json
from mlform.fetching.memory import MemoryFetcher
from mlform.machine import Machine
from mlform.operations.apply import apply_plan
from mlform.operations.environment import BackendSettings, Environment, Settings
from mlform.operations.plan import make_plan
from mlform.operations.results import Applied, Planned, PlanOptions
from mlform.plan.changes import Action, Change, Mode, Plan
from mlform.plan.planfile import plan_from_json, plan_to_json
from mlform.plan.reality import Look
from mlform.runtimes.base import Runtime
from mlform.runtimes.memory import MemoryRuntime, MemoryWork, Work, WorkProblem
from mlform.state.journal import UNKNOWN_RUN
from mlform.state.snapshot import ResourceRecord, State
from mlform.store.base import ArtifactStore
from mlform.store.memory import MemoryStore
from mlform.tasks import PinnedImage, TaskProblem
from mlform.wiring import KindTable, cipher_maker

NO_VARIABLES: Mapping[str, str] = MappingProxyType({})
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PIPELINE = """
resource "dataset" "d" {
  source "file" {
    path = "data.csv"
  }
}

resource "split" "s" {
  dataset = dataset.d
  ratio {
    partitions = { train = 0.5, eval = 0.5 }
  }
}

resource "model" "m" {
  split  = split.s
  target = "y"
  algorithm "xgboost" {
    rounds = 10
  }
}

resource "evaluation" "e" {
  model     = model.m
  partition = "eval"
  metrics   = ["score"]
  gate {
    metric = "score"
    min    = 0.5
  }
}

resource "endpoint" "p" {
  model    = model.m
  requires = [evaluation.e]
  port     = 8080
}

output "score" {
  value = evaluation.e.metrics.score
}
"""
DATA = "x,y\n1,0\n2,1\n"


def _text(folder: Path) -> str:
    return "".join(path.read_text() for path in sorted(folder.rglob("*")) if path.is_file())


def make_dataset(work: MemoryWork) -> Mapping[str, Json]:
    """Keep what is no comment."""
    files = work.document.arguments["files"]
    assert isinstance(files, list)
    text = "".join((work.input_folder("source") / str(name)).read_text() for name in files)
    kept = [line for line in text.splitlines() if not line.startswith("#")]
    (work.artifact / "rows.txt").write_text("\n".join(kept))
    return {"rows": len(kept) - 1, "columns": kept[0].split(",")}


def make_split(work: MemoryWork) -> Mapping[str, Json]:
    """Keep the text, and how it is cut."""
    text = _text(work.input_folder("dataset"))
    (work.artifact / "parts.txt").write_text(text + json.dumps(work.document.arguments["strategy"]))
    return {
        "features": text.splitlines()[0].split(","),
        "partitions": {"train": {"rows": 1}, "eval": {"rows": 1}},
    }


def make_model(work: MemoryWork) -> Mapping[str, Json]:
    """Remember data and arguments; a depth of 99 fails, one of 98 makes the same as 97."""
    arguments = work.document.arguments
    algorithm = arguments["algorithm"]
    assert isinstance(algorithm, Mapping)
    params = algorithm.get("params")
    depth = params.get("depth") if isinstance(params, Mapping) else None
    if depth == 99:
        work.print("out of depth")
        raise WorkProblem(TaskProblem(summary="Too deep", detail="A depth of 99 is too much."))
    text = _text(work.input_folder("split"))
    code = _text(work.input_folder("code")) if "code" in work.document.inputs else ""
    (work.artifact / "model.txt").write_text(
        json.dumps([97 if depth == 98 else depth, algorithm.get("rounds"), text, code])
    )
    return {"task": "binary", "training": {"rounds": 10}}


def make_evaluation(work: MemoryWork) -> Mapping[str, Json]:
    """Find the score in the data."""
    text = _text(work.input_folder("split"))
    found = [line for line in text.splitlines() if line.startswith("score=")]
    score = float(found[0].removeprefix("score=").split(",")[0]) if found else 1.0
    (work.artifact / "metrics.json").write_text(json.dumps({"score": score}))
    return {"metrics": {"score": score}, "rows": 1}


WORK: Mapping[str, Work] = {
    "dataset": make_dataset,
    "split": make_split,
    "model": make_model,
    "evaluation": make_evaluation,
}


class Clock:
    """A clock that goes on by a second with every look at it."""

    def __init__(self) -> None:
        self._looks = 0

    def __call__(self) -> datetime:
        self._looks += 1
        return START + timedelta(seconds=self._looks)


class Looks:
    """A clock on which two seconds pass with every look that one thread has at it."""

    def __init__(self) -> None:
        self._thread = threading.local()

    def __call__(self) -> float:
        looks: int = getattr(self._thread, "looks", 0) + 1
        self._thread.looks = looks
        return 2.0 * looks


class Identities:
    """Identities that count up."""

    def __init__(self) -> None:
        self._given = 0

    def __call__(self) -> str:
        self._given += 1
        return f"id-{self._given}"


@dataclass(slots=True, kw_only=True)
class Ran:
    """A plan that was carried out: how it went and what was told."""

    planned: Planned
    applied: Applied
    events: list[Event]

    @property
    def finished(self) -> dict[str, StepFinished]:
        """Finished steps by operation and address."""
        return {
            f"{event.operation.value} {event.address}": event
            for event in self.events
            if isinstance(event, StepFinished)
        }

    @property
    def ran(self) -> list[str]:
        """Addresses of artifacts whose task ran and servers that were started, sorted."""
        return sorted(
            str(event.address)
            for event in self.events
            if isinstance(event, StepFinished)
            and event.operation.value in {"create", "rebuild"}
            and not event.reused
            and not event.unchanged
        )

    @property
    def failed(self) -> dict[str, StepFailed]:
        """Failed steps by address."""
        return {str(event.address): event for event in self.events if isinstance(event, StepFailed)}

    @property
    def skipped(self) -> dict[str, str]:
        """Why steps were skipped, by address."""
        return {
            str(event.address): event.because
            for event in self.events
            if isinstance(event, StepSkipped)
        }

    @property
    def counts(self) -> tuple[int, int, int]:
        """Added, changed, destroyed."""
        return (self.applied.added, self.applied.changed, self.applied.destroyed)


@dataclass(slots=True)
class Engine:
    """A project.

    Attributes:
        folder: Its folder.
        hcl: Its configuration; written to the folder before each plan.
        place: Where the state is.
        work: What does the tasks.
        packages: Versions that make up the runtime's environment.
        wrap_backend: Put around the backend, for faults.
        wrap_store: Put around the store, for faults.
        wrap_runtime: Put around the runtime, for faults.
        machine: What there is for tasks; by default a core for each step that may run.
    """

    folder: Path
    hcl: str = ""
    place: MemoryPlace = field(default_factory=MemoryPlace)
    work: dict[str, Work] = field(default_factory=lambda: dict(WORK))
    packages: dict[str, str] = field(default_factory=dict)
    wrap_backend: Callable[[StateBackend], StateBackend] = lambda inner: inner
    wrap_store: Callable[[ArtifactStore], ArtifactStore] = lambda inner: inner
    wrap_runtime: Callable[[Runtime], Runtime] = lambda inner: inner
    now: Callable[[], datetime] = field(default_factory=Clock)
    monotonic: Callable[[], float] = time.monotonic
    machine: Machine | None = None
    new_id: Callable[[], str] = field(default_factory=Identities)
    on_event: Callable[[Event], None] = lambda event: None  # noqa: ARG005
    on_look: Callable[[Look], None] | None = None
    parallelism: int = 1
    patience: float = 60.0
    _store: MemoryStore | None = None
    _runtime: MemoryRuntime | None = None

    @property
    def store(self) -> MemoryStore:
        """The store; the same for all runs."""
        if self._store is None:
            self._store = MemoryStore(self.folder / "checkouts")
        return self._store

    @property
    def runtime(self) -> MemoryRuntime:
        """The runtime; its servers go on between runs."""
        if self._runtime is None:
            self._runtime = MemoryRuntime(self.work, packages=self.packages)
        return self._runtime

    def use(self, runtime: MemoryRuntime) -> None:
        """Use a runtime of the test's own."""
        self._runtime = runtime

    def rework(self, kind: str, work: Work) -> None:
        """Let other work be done for a kind from now on."""
        self.work[kind] = work
        self.runtime.take_work(self.work)

    def share(self, other: Engine) -> None:
        """Use the store and runtime of another one, as the next process does."""
        self._store, self._runtime = other.store, other.runtime

    def with_pipeline(self, data: str = DATA) -> Engine:
        """Take the small pipeline as configuration."""
        self.hcl = PIPELINE
        return self.file("data.csv", data)

    def file(self, name: str, content: str) -> Engine:
        """Write a file of the project."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return self

    def edit(self, old: str, new: str) -> Engine:
        """Change a text that occurs exactly once in the configuration."""
        assert self.hcl.count(old) == 1, f"{old!r} occurs {self.hcl.count(old)} times"
        self.hcl = self.hcl.replace(old, new)
        return self

    def environment(self, events: list[Event]) -> Environment:
        """The world of one run."""

        def told(event: Event) -> None:
            events.append(event)
            self.on_event(event)

        return Environment(
            settings=Settings(
                folder=self.folder,
                data_folder=self.folder / ".mlform",
                parallelism=self.parallelism,
                patience=self.patience,
            ),
            now=self.now,
            monotonic=self.monotonic,
            machine=lambda: self.machine or Machine(cpus=self.parallelism),
            new_id=self.new_id,
            who="somebody@somewhere",
            pid=1,
            kinds=KindTable(),
            open_backend=lambda backend: OneState(self.wrap_backend(self._backend(backend))),
            make_cipher=cipher_maker(),
            open_store=lambda: self.wrap_store(self.store),
            open_runtime=lambda type_, arguments: self.wrap_runtime(self.runtime),  # noqa: ARG005
            resolve_image=_no_image,
            fetcher=lambda: MemoryFetcher({}),
            build_image=lambda base, tag, say: _no_image(base),  # noqa: ARG005
            on_event=told,
            on_look=self.on_look,
        )

    def _backend(self, settings: BackendSettings) -> StateBackend:
        return MemoryBackend(self.place, cipher=settings.cipher)

    def plan(
        self,
        *,
        targets: tuple[str, ...] = (),
        excluded: tuple[str, ...] = (),
        replaced: tuple[str, ...] = (),
        mode: Mode = Mode.NORMAL,
        refresh: bool = True,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> Planned:
        """Plan."""
        self.file("main.mlf.hcl", self.hcl)
        options = PlanOptions(
            mode=mode,
            refresh=refresh,
            targets=tuple(map(parse_target, targets)),
            excluded=tuple(map(parse_target, excluded)),
            replace=tuple(map(parse_address, replaced)),
            variables=tuple(OptionValue(text=f"{name}={text}") for name, text in variables.items()),
        )
        return make_plan(self.environment([]), options)

    def carry_out(self, planned: Planned, stop: Stop | None = None) -> Ran:
        """Do what a plan says."""
        events: list[Event] = []
        applied = apply_plan(self.environment(events), planned, stop or Stop())
        return Ran(planned=planned, applied=applied, events=events)

    def apply(
        self,
        *,
        targets: tuple[str, ...] = (),
        excluded: tuple[str, ...] = (),
        replaced: tuple[str, ...] = (),
        mode: Mode = Mode.NORMAL,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> Ran:
        """Plan and do it."""
        return self.carry_out(
            self.plan(
                targets=targets,
                excluded=excluded,
                replaced=replaced,
                mode=mode,
                variables=variables,
            )
        )

    def ok(self, variables: Mapping[str, str] = NO_VARIABLES) -> Ran:
        """Plan and do it, and expect that all of it is done."""
        ran = self.apply(variables=variables)
        assert not ran.failed, ran.failed
        assert not ran.skipped, ran.skipped
        return ran

    def problems(
        self,
        *,
        targets: tuple[str, ...] = (),
        mode: Mode = Mode.NORMAL,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> tuple[Diagnostic, ...]:
        """What is wrong in the configuration; nothing if it can be planned."""
        try:
            self.plan(targets=targets, mode=mode, variables=variables)
        except ConfigurationError as error:
            return error.diagnostics
        return ()

    def problem(
        self,
        *,
        targets: tuple[str, ...] = (),
        mode: Mode = Mode.NORMAL,
        variables: Mapping[str, str] = NO_VARIABLES,
    ) -> Diagnostic:
        """The one thing that is wrong."""
        found = self.problems(targets=targets, mode=mode, variables=variables)
        assert len(found) == 1, found
        return found[0]

    @property
    def state(self) -> State:
        """The state as it is stored."""
        found = MemoryBackend(self.place).read()
        assert found is not None
        return found

    def record(self, address: str) -> ResourceRecord:
        """A recorded object."""
        found = self.state.current(parse_address(address))
        assert found is not None, f"{address} is not in the state"
        return found

    def outputs(self) -> dict[str, Json]:
        """Values of the recorded outputs."""
        return {name: item.value for name, item in self.state.outputs.items()}

    def taint(self, address: str) -> None:
        """Mark an object as made only half-way."""
        state, key = self.state, (parse_address(address), "")
        tainted = {**state.objects, key: replace(state.objects[key], tainted=True)}
        self.write(replace(state, objects=tainted))

    def write_without(self, *addresses: str) -> None:
        """Forget objects, as if somebody else had never made them."""
        gone = {parse_address(address) for address in addresses}
        kept = {key: each for key, each in self.state.objects.items() if key[0] not in gone}
        self.write(replace(self.state, objects=kept))

    def write(self, state: State) -> None:
        """Replace the state."""
        backend = MemoryBackend(self.place)
        backend.begin(self.state, UNKNOWN_RUN)
        changed = replace(state, serial=state.serial + 1)
        backend.write(changed, expected_serial=state.serial)


def _no_image(name: str) -> PinnedImage:
    message = f"the image {name} was asked for"
    raise AssertionError(message)


def actions(plan: Plan) -> dict[str, str]:
    """The action of each object by address, deposed ones with their key; no no-ops."""
    return {
        str(change.address) + (f" {change.deposed}" if change.deposed else ""): change.action.value
        for change in plan.changes
        if change.action is not Action.NO_OP
    }


def read_back(plan: Plan) -> Plan:
    """The plan as it comes out of a file."""
    return plan_from_json(json.loads(canonical_json(plan_to_json(plan))))


def change_of(planned: Planned, address: str) -> Change:
    """The change of an object."""
    wanted: ResourceAddress = parse_address(address)
    return next(
        item for item in planned.plan.changes if item.address == wanted and not item.deposed
    )


def causes(change: Change) -> list[str]:
    """The causes of a change."""
    return [reason.cause.value for reason in change.reasons]


class Gate:
    """Holds work back until it is opened."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()

    def open(self) -> None:
        """Let the work go on."""
        self._open.set()

    def before(self, work: Work) -> Work:
        """Work that waits at the gate, and ends if it is cancelled there."""

        def waiting(given: MemoryWork) -> Mapping[str, Json]:
            self.reached.set()
            while not self._open.wait(0.005):
                given.pass_time(0.001)
            return work(given)

        return waiting
