"""Carrying out the runs of one file of tests."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlform.apply.events import Event
from mlform.apply.stop import Stop
from mlform.backends.base import StateBackend
from mlform.config.blocks import VariableBlock
from mlform.config.suites import Command, PlanSettings, RunBlock, Suite
from mlform.config.variable_sources import VariableSource
from mlform.dataclass import dataclass, field
from mlform.diagnostics import ConfigurationError, Diagnostic, Diagnostics, Severity
from mlform.errors import MlformError
from mlform.graph.evaluation import Evaluation
from mlform.graph.nodes import OutputNode
from mlform.lang.construct import object_of
from mlform.lang.values import Value
from mlform.operations.bench import Bench
from mlform.operations.environment import Environment
from mlform.operations.results import Planned
from mlform.operations.suite_assertions import judge
from mlform.operations.suite_engine import (
    Subject,
    SubjectLoader,
    apply_subject,
    folder_of,
    plan_subject,
    problem_of,
    replayed,
)
from mlform.operations.suite_expectations import Expectations
from mlform.operations.suite_mocking import pretence_of
from mlform.operations.suite_outcomes import Leftover, RunOutcome, Status
from mlform.operations.suite_values import Stage
from mlform.plan.changes import Mode
from mlform.state.snapshot import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a run worked with: the module under test, in the world made for it."""

    run: str
    subject: Subject
    environment: Environment


@dataclass(slots=True, kw_only=True)
class Place:
    """A state that runs work on, and what worked on it last."""

    backend: StateBackend
    scene: Scene | None = None


@dataclass(slots=True, kw_only=True)
class _Draft:
    """What comes out of a run, while it is put together."""

    expectations: Expectations
    problems: list[Diagnostic] = field(default_factory=list)
    planned: Planned | None = None
    state: State | None = None
    evaluation: Evaluation | None = None
    failed: int = 0
    undecided: int = 0

    @property
    def errors(self) -> int:
        """How many problems are errors, failed assertions included."""
        return sum(item.severity is Severity.ERROR for item in self.problems)

    @property
    def status(self) -> Status:
        """How the run went so far."""
        if self.undecided or self.errors > self.failed:
            return Status.ERROR
        return Status.FAIL if self.failed else Status.PASS


@dataclass(slots=True, kw_only=True)
class SuiteRunner:
    """Carries out the runs of one file; states and outputs are handed from run to run.

    Attributes:
        environment: The real world.
        bench: What tests run on instead.
        loader: Loads modules under test.
        suite: The file.
        sources: What gives values to variables from outside, lowest first.
        root_variables: Declared by the module of the working folder.
        stop: The wish to stop.
        places: States by their key.
        outputs: Of the runs so far, by name.
        told: Warnings of mocks that were told already: they would come with every run.
    """

    environment: Environment
    bench: Bench
    loader: SubjectLoader
    suite: Suite
    sources: Sequence[VariableSource]
    root_variables: dict[str, VariableBlock]
    stop: Stop
    places: dict[str, Place] = field(default_factory=dict)
    outputs: dict[str, Value] = field(default_factory=dict)
    told: set[Diagnostic] = field(default_factory=set)

    def run(self, block: RunBlock) -> RunOutcome:
        """Carry out one run."""
        began = self.environment.now()
        draft = _Draft(expectations=Expectations(expected=block.expected))
        try:
            self._carry_out(block, draft)
        except ConfigurationError as error:
            draft.problems += draft.expectations.sort(error.diagnostics)
        except MlformError as error:
            draft.problems.append(problem_of(error))
        return RunOutcome(
            name=block.name,
            status=draft.status,
            diagnostics=tuple(draft.problems),
            began=began,
            seconds=(self.environment.now() - began).total_seconds(),
            assertions=len(block.assertions),
            failed=draft.failed,
            plan=None if draft.planned is None else draft.planned.plan,
            state=draft.state,
        )

    def _carry_out(self, block: RunBlock, draft: _Draft) -> None:
        stage = Stage(
            suite=self.suite,
            run=block,
            sources=self.sources,
            root_variables=self.root_variables,
            outputs=self.outputs,
            functions=self.loader.functions,
        )
        declared = self.loader.variables(block.module)
        draft.expectations.variables = declared
        diagnostics = Diagnostics()
        values = stage.values(declared, diagnostics)
        if self._ends(diagnostics, block, draft):
            return
        config = self.loader.config(block.module, values)
        found = Diagnostics()
        found.extend(draft.expectations.undeclared(config.root))
        pretence = pretence_of(stage, config, self.environment.kinds, self.bench, found)
        draft.problems += [
            item for item in found if item.severity is Severity.ERROR or item not in self.told
        ]
        self.told.update(found)
        if found.has_errors:
            return
        place = self.places.setdefault(
            block.state_key or folder_of(block.module), Place(backend=self.bench.open_state())
        )
        world = self.bench.environment(self.environment, place.backend, pretence.kinds, _unheard)
        subject = self.loader.subject(world, config, values, pretence.modules)
        place.scene = Scene(run=block.name, subject=subject, environment=world)
        self._try(block, place.backend, place.scene, draft)
        if draft.evaluation is not None and not draft.errors:
            self._judge(stage, place.scene, draft.evaluation, draft)

    def _ends(self, problems: Diagnostics, block: RunBlock, draft: _Draft) -> bool:
        """Whether problems of variables end a run; they may be what it expects."""
        if block.command is Command.APPLY:
            draft.problems += draft.expectations.explain(problems)
            return problems.has_errors
        draft.problems += draft.expectations.sort(problems)
        if problems.has_errors and not draft.errors:
            draft.problems += draft.expectations.missing()
        return problems.has_errors

    def _try(self, block: RunBlock, backend: StateBackend, scene: Scene, draft: _Draft) -> None:
        """Plan, and apply if that is asked for."""
        world, subject = scene.environment, scene.subject
        mode = Mode.REFRESH_ONLY if block.settings.refresh_only else Mode.NORMAL
        outlook = plan_subject(world, subject, backend, mode, block.settings)
        draft.planned = outlook.planned
        if block.command is Command.PLAN:
            draft.problems += draft.expectations.sort(outlook.problems)
            if outlook.planned is not None:
                draft.evaluation = outlook.evaluation
        else:
            draft.problems += draft.expectations.explain(outlook.problems)
            if draft.errors or outlook.planned is None:
                return
            problems = apply_subject(world, subject, outlook.planned, self.stop)
            draft.problems += draft.expectations.sort(problems)
            draft.state = backend.read()
            draft.evaluation = replayed(world, subject, draft.state, Diagnostics())
        if not draft.errors:
            draft.problems += draft.expectations.missing()

    def _judge(self, stage: Stage, scene: Scene, evaluation: Evaluation, draft: _Draft) -> None:
        """Check the assertions, and keep the outputs for the runs after this one."""
        ignored = Diagnostics()
        module = scene.subject.config.root
        outputs = {
            name: evaluation.output(OutputNode(name), (), ignored) for name in module.outputs
        }
        scope = evaluation.everything().child(
            {"output": object_of(outputs), "run": object_of(self.outputs)}
        )
        judgement = judge(stage, module, self.environment.kinds, scope)
        draft.failed, draft.undecided = judgement.failed, judgement.undecided
        draft.problems += judgement.problems
        self.outputs[stage.run.name] = object_of(outputs)

    def tear_down(self, announce: Callable[[str], None]) -> tuple[Leftover, ...]:
        """Destroy everything that the runs made, last state first.

        Args:
            announce: Called with the last run of each state before that is begun.

        Returns:
            What could not be destroyed.
        """
        order = {run.name: at for at, run in enumerate(self.suite.runs)}
        used = [
            (place.backend, place.scene)
            for place in self.places.values()
            if place.scene is not None
        ]
        found: list[Leftover] = []
        for backend, scene in sorted(used, key=lambda item: -order[item[1].run]):
            state = backend.read()
            if state is None or not state.objects:
                continue
            announce(scene.run)
            problems = self._destroy(backend, scene)
            left = backend.read()
            if left is not None and left.objects:
                addresses = tuple(sorted({record.address for record in left.objects.values()}))
                found.append(
                    Leftover(run=scene.run, addresses=addresses, diagnostics=tuple(problems))
                )
        return tuple(found)

    def _destroy(self, backend: StateBackend, scene: Scene) -> Sequence[Diagnostic]:
        if self.stop.now.is_set():
            message = "The tests were stopped before what they made was destroyed."
            return [Diagnostic(summary="Interrupted", detail=message)]
        world, subject = scene.environment, scene.subject
        outlook = plan_subject(world, subject, backend, Mode.DESTROY, PlanSettings(refresh=False))
        if outlook.planned is None:
            return outlook.problems
        return apply_subject(world, subject, outlook.planned, Stop())


def _unheard(event: Event) -> None:
    """Take an event of an apply; tests tell of runs only."""
