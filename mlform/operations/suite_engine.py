"""Modules under test: loaded, planned and applied on the bench."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from functools import partial

from mlform.addresses import ModulePath
from mlform.apply.events import StepFailed
from mlform.apply.stop import Stop
from mlform.backends.base import StateBackend
from mlform.config.blocks import Config, VariableBlock
from mlform.config.folders import DiskFiles
from mlform.config.load import RootModule, read_root
from mlform.config.lockfile import LOCK_FILE_NAME, read_lock
from mlform.config.suites import AlternateModule, PlanSettings
from mlform.dataclass import attributes, dataclass, field, replace
from mlform.diagnostics import ConfigurationError, Diagnostic, Diagnostics, Severity
from mlform.digests import digest_json
from mlform.errors import MlformError
from mlform.graph.evaluation import Evaluation
from mlform.lang.function import Function
from mlform.lang.values import Value
from mlform.operations.apply import apply_loaded
from mlform.operations.environment import BackendSettings, Environment
from mlform.operations.installed import find_installed, modules_folder
from mlform.operations.kept_variables import variables_to_json
from mlform.operations.loading import Loaded, assemble, early_context, make_functions
from mlform.operations.results import Planned
from mlform.operations.world import World
from mlform.plan.changes import Basis, Mode, Plan
from mlform.plan.planner import make_plan
from mlform.plan.recorded import recorded_value
from mlform.plan.wishes import Wishes
from mlform.resources.base import kind_of
from mlform.state.snapshot import State
from mlform.tasks import PinnedImage

_LOCAL = ("./", "../")
_NOWHERE = digest_json(None)
"""Digest of what plans of tests are not compared with: nothing comes between plan and apply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject(Loaded):
    """A module under test, ready to be resolved.

    Attributes:
        overridden_modules: Outputs of modules of which nothing is made, by path without keys.
        images: Pinned images, by name.
    """

    overridden_modules: Mapping[ModulePath, Mapping[str, Value]] = field(default_factory=dict)
    images: Mapping[str, PinnedImage] = field(default_factory=dict)

    def evaluation(
        self, environment: Environment, *, planned_at: str | None = None, applying: bool = False
    ) -> Evaluation:
        """Return a fresh evaluation, in which nothing is known yet but overridden modules."""
        fresh = Loaded.evaluation(self, environment, planned_at=planned_at, applying=applying)
        return replace(fresh, overridden_modules=self.overridden_modules)


@dataclass(slots=True, kw_only=True)
class SubjectLoader:
    """Loads modules under test, each read once.

    Attributes:
        environment: The real world: its files and installed modules.
    """

    environment: Environment
    _read: dict[str, RootModule] = field(default_factory=dict)

    @property
    def functions(self) -> Mapping[str, Function]:
        """The language's functions."""
        return make_functions(self.environment.settings.folder, self.environment)

    def variables(self, module: AlternateModule | None) -> Mapping[str, VariableBlock]:
        """Return the variables that a module declares.

        Raises:
            ConfigurationError: If it cannot be read.
        """
        return self._root(module).variables

    def _root(self, module: AlternateModule | None) -> RootModule:
        folder = folder_of(module)
        found = self._read.get(folder)
        if found is None:
            self._check_source(module)
            files = DiskFiles(self.environment.settings.folder)
            found = self._read[folder] = read_root(files, shown_folder=folder)
        if any(item.severity is Severity.ERROR for item in found.problems):
            raise ConfigurationError(found.problems)
        return found

    def _check_source(self, module: AlternateModule | None) -> None:
        if module is None:
            return
        diagnostics = Diagnostics()
        if not module.source.startswith(_LOCAL):
            diagnostics.error(
                "Unsupported module source",
                f'A run block takes a module of this folder, as "./setup", not "{module.source}". '
                "Call other modules from such a module.",
                range=module.range,
            )
        elif not (self.environment.settings.folder / module.source).is_dir():
            diagnostics.error(
                "Unreadable module directory",
                f"There is no folder {module.source}, looked up from the working folder.",
                range=module.range,
            )
        diagnostics.raise_if_errors()

    def config(self, module: AlternateModule | None, values: Mapping[str, Value]) -> Config:
        """Return a module under test, read with values of its variables.

        Raises:
            ConfigurationError: With everything that is wrong in it.
        """
        settings = self.environment.settings
        config, problems = self._root(module).load(
            values,
            context=early_context(self.environment),
            find_modules=find_installed(settings),
            modules_folder=modules_folder(settings),
        )
        if any(item.severity is Severity.ERROR for item in problems):
            raise ConfigurationError(problems)
        return config

    def subject(
        self,
        world: Environment,
        config: Config,
        values: Mapping[str, Value],
        overridden: Mapping[ModulePath, Mapping[str, Value]],
    ) -> Subject:
        """Return a module under test, ready to be resolved.

        Raises:
            ConfigurationError: With everything that is wrong in it.
        """
        # Tests keep their state in memory: where and how it would be kept does not matter.
        root = replace(config.root, backend=None, encryption=None)
        config = replace(config, modules={**config.modules, (): root})
        loaded = assemble(world, config, values, Diagnostics())
        return Subject(
            **{
                **{name: getattr(loaded, name) for name in attributes(Loaded)},
                "backend": BackendSettings(),
            },
            overridden_modules=overridden,
            images=self._images(),
        )

    def _images(self) -> Mapping[str, PinnedImage]:
        """Return what is pinned; nothing is resolved, so that plans of tests need no engine."""
        path = self.environment.settings.folder / LOCK_FILE_NAME
        lock, problems = read_lock(path, shown=LOCK_FILE_NAME)
        if any(item.severity is Severity.ERROR for item in problems):
            raise ConfigurationError(problems)
        return {name: locked.pinned for name, locked in lock.images.items()}


def folder_of(module: AlternateModule | None) -> str:
    """Return the folder of a module under test, relative to the working folder."""
    return "." if module is None else posixpath.normpath(module.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What came out of planning.

    Attributes:
        planned: The plan, or None after errors.
        evaluation: What is known of the configuration.
        problems: Errors and warnings.
    """

    planned: Planned | None
    evaluation: Evaluation
    problems: tuple[Diagnostic, ...]

    @property
    def plan(self) -> Plan | None:
        """The plan, or None after errors."""
        return None if self.planned is None else self.planned.plan


def plan_subject(
    environment: Environment,
    subject: Subject,
    backend: StateBackend,
    mode: Mode,
    settings: PlanSettings,
) -> Outlook:
    """Plan a module under test.

    Args:
        environment: The world of the run.
        subject: The module.
        backend: Where its state is.
        mode: What kind of plan it is.
        settings: What else is asked of it.
    """
    state = backend.read() or State(lineage=environment.new_id())
    basis = Basis(
        lineage=state.lineage,
        serial=state.serial,
        config_digest=_NOWHERE,
        lock_digest=_NOWHERE,
        planned_at=environment.timestamp(),
    )
    evaluation = subject.evaluation(environment, planned_at=basis.planned_at)
    world = World(environment, subject.runtimes, subject.images, state)
    wishes = Wishes(
        mode=mode,
        refresh=settings.refresh,
        replace=frozenset(settings.replace),
        targets=settings.targets,
    )
    try:
        plan = make_plan(evaluation, environment.kinds, state, world, wishes, basis)
    except ConfigurationError as error:
        return Outlook(planned=None, evaluation=evaluation, problems=error.diagnostics)
    except MlformError as error:
        return Outlook(planned=None, evaluation=evaluation, problems=(problem_of(error),))
    finally:
        world.close()
    planned = Planned(
        plan=plan,
        state=state,
        files=subject.config.files,
        variables=variables_to_json(subject.variables),
        images=subject.images,
    )
    return Outlook(
        planned=planned, evaluation=evaluation, problems=(*subject.warnings, *plan.warnings)
    )


def apply_subject(
    environment: Environment, subject: Subject, planned: Planned, stop: Stop
) -> tuple[Diagnostic, ...]:
    """Carry out the plan of a module under test; return what went wrong, and warnings."""
    try:
        applied = apply_loaded(environment, subject, planned, stop)
    except ConfigurationError as error:
        return error.diagnostics
    except MlformError as error:
        return (problem_of(error),)
    problems = [*applied.warnings, *map(problem_of, applied.failures), *applied.problems]
    if applied.interrupted:
        message = "The tests were stopped; what was applied until then will be destroyed."
        problems.append(Diagnostic(summary="Interrupted", detail=message))
    return tuple(problems)


def replayed(
    environment: Environment, subject: Subject, state: State | None, diagnostics: Diagnostics
) -> Evaluation:
    """Return an evaluation that knows everything the state has; problems are those of values."""
    evaluation = subject.evaluation(environment)
    for record in () if state is None else state.records:
        kind = kind_of(environment.kinds, record.address)
        evaluation.record(record.address, partial(recorded_value, record, kind))
    evaluation.settle(diagnostics)
    return evaluation


def problem_of(error: MlformError | StepFailed) -> Diagnostic:
    """Return a failure of the world as a problem; logs are gone with the bench, so quote them."""
    address = None if error.address is None else str(error.address)
    if not isinstance(error, StepFailed):
        return Diagnostic(summary=error.summary, detail=error.detail, address=address)
    return Diagnostic(
        summary=error.summary,
        detail=error.detail,
        log_tail=error.tail,
        address=address,
        range=error.range,
    )
