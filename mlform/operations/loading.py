"""Configuration, variables and graph, loaded for one operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mlform import __version__
from mlform.config.blocks import BackendBlock, Config, EncryptionBlock, VariableBlock
from mlform.config.early import EarlyContext, EarlyScope
from mlform.config.early_arguments import body_references, check_known
from mlform.config.encryption_blocks import VARIABLE
from mlform.config.folders import DiskFiles, SavedFiles
from mlform.config.load import RootModule, read_root
from mlform.config.variable_sources import OptionFile, OptionValue, gather_sources
from mlform.config.variables import collect_variables
from mlform.config.versions import check_required_versions
from mlform.dataclass import dataclass, field, replace
from mlform.diagnostics import Diagnostic, Diagnostics, Severity, did_you_mean
from mlform.graph.build import Graph, build_graph
from mlform.graph.evaluation import Evaluation
from mlform.graph.known import Known, Surroundings
from mlform.graph.runtimes import RuntimeSettings, resolve_runtimes
from mlform.hcl.ast import Attribute
from mlform.lang.function import Function
from mlform.lang.functions import functions
from mlform.lang.values import Value
from mlform.operations.backends import BACKENDS
from mlform.operations.chosen_backend import chosen_backend
from mlform.operations.early_blocks import NOT_KNOWN, early_arguments
from mlform.operations.environment import BackendSettings, Environment, Sealing
from mlform.operations.function_ports import function_context
from mlform.operations.given_arguments import remembered_arguments, with_arguments
from mlform.operations.installed import find_installed, modules_folder
from mlform.schema import ResourceSchema
from mlform.state.encryption import PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration ready to be resolved.

    Attributes:
        config: As read.
        graph: Of the root module.
        schemas: Of all kinds.
        variables: Values of the root variables.
        functions: By name.
        runtimes: By `type.name`, the implicit one included.
        backend: Where the states are kept.
        sealing: How state and plans are encrypted.
        backend_problems: Why the backend cannot be used, where no backend is needed to go on.
        warnings: Problems that do not stop anything.
    """

    config: Config
    graph: Graph
    schemas: Mapping[str, ResourceSchema]
    variables: Mapping[str, Value]
    functions: Mapping[str, Function]
    runtimes: Mapping[str, RuntimeSettings]
    backend: BackendSettings
    sealing: Sealing = field(default_factory=Sealing)
    backend_problems: tuple[Diagnostic, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()

    def evaluation(
        self, environment: Environment, *, planned_at: str | None = None, applying: bool = False
    ) -> Evaluation:
        """Return a fresh evaluation, in which nothing is known yet.

        Args:
            environment: The outside world.
            planned_at: Time of the plan in RFC 3339, UTC; None where there is no plan.
            applying: Whether an apply is under way: times and random values are then known.
        """
        known = self.functions
        if planned_at is not None:
            folder = environment.settings.folder
            known = make_functions(folder, environment, planned_at=planned_at, applying=applying)
        surroundings = Surroundings(
            variables=self.variables,
            functions=known,
            working_folder=str(environment.settings.folder),
            workspace=environment.settings.workspace,
            applying=applying,
        )
        return Evaluation(
            known=Known(config=self.config, surroundings=surroundings),
            graph=self.graph,
            schemas=self.schemas,
        )


Ask = Callable[[VariableBlock], str]


def load(
    environment: Environment,
    *,
    options: Sequence[OptionValue | OptionFile] = (),
    ask: Ask | None = None,
    partial: bool = False,
    given: Sequence[Attribute] | None = None,
    without_files: str | None = "",
) -> Loaded:
    """Read the configuration of the working folder and everything it needs.

    Args:
        environment: The outside world.
        options: `-var` and `-var-file`.
        ask: Asks a person for a variable without value.
        partial: Take unknown values for required variables without value, as `validate` does.
        given: Arguments of the backend that the configuration leaves open; None for those that
            `init` was given last.
        without_files: What else the error says where there are none; None if that is no error, but
            a configuration that asks for nothing.

    Raises:
        ConfigurationError: With everything that is wrong so far.
    """
    files = DiskFiles(environment.settings.folder)
    root = read_root(files, without_files=without_files)
    loaded, diagnostics = _load(
        environment, root, options=options, ask=ask, partial=partial, given=given
    )
    diagnostics.raise_if_errors()
    return loaded


def load_for_checks(environment: Environment) -> tuple[Loaded, Diagnostics]:
    """Read the configuration of the working folder, to find as many problems in it as there are.

    Returns:
        The configuration, in which references may mean nothing, and what was found so far.

    Raises:
        ConfigurationError: If nothing in it can be resolved; with everything that is wrong so far.
    """
    root = read_root(DiskFiles(environment.settings.folder))
    return _load(environment, root, options=(), ask=None, partial=True)


def _load(
    environment: Environment,
    root: RootModule,
    *,
    options: Sequence[OptionValue | OptionFile],
    ask: Ask | None,
    partial: bool,
    given: Sequence[Attribute] | None = None,
) -> tuple[Loaded, Diagnostics]:
    diagnostics = Diagnostics()
    values = variable_values(environment, root, diagnostics, options=options, ask=ask)
    if partial:
        diagnostics = _without_missing(diagnostics)
    config, problems = root.load(
        values,
        context=early_context(environment, partial=partial),
        find_modules=find_installed(environment.settings),
        modules_folder=modules_folder(environment.settings),
    )
    diagnostics.extend(problems)
    loaded = _assembled(environment, config, values, diagnostics, partial=partial, given=given)
    return loaded, diagnostics


_NO_VALUE = "No value for required variable"


def _without_missing(diagnostics: Diagnostics) -> Diagnostics:
    found = Diagnostics()
    found.extend(item for item in diagnostics if item.summary != _NO_VALUE)
    return found


def variable_values(
    environment: Environment,
    root: RootModule,
    diagnostics: Diagnostics,
    *,
    options: Sequence[OptionValue | OptionFile] = (),
    ask: Ask | None = None,
) -> Mapping[str, Value]:
    """Return the values of the root variables, from everything that gives some.

    Nobody is asked for a value before all is told that is wrong whatever the answer.

    Args:
        environment: The outside world.
        root: Declares the variables.
        diagnostics: Takes what is wrong with the values.
        options: `-var` and `-var-file`.
        ask: Asks a person for a variable without value.

    Raises:
        ConfigurationError: If there are problems that keep from asking.
    """
    if any(each.severity is Severity.ERROR for each in root.problems):
        return {}
    folder = environment.settings.folder
    functions_ = make_functions(folder, environment)
    sources = gather_sources(
        folder,
        environment=environment.settings.variables,
        options=options,
        diagnostics=diagnostics,
    )
    found = Diagnostics()
    values = collect_variables(root.variables, sources, diagnostics=found, functions=functions_)
    if ask is not None and any(item.summary == _NO_VALUE for item in found):
        _, problems = root.load(
            values,
            context=early_context(environment, partial=True),
            find_modules=find_installed(environment.settings),
            modules_folder=modules_folder(environment.settings),
        )
        before = _without_missing(found)
        before.extend(problems)
        before.raise_if_errors()
        found = Diagnostics()
        values = collect_variables(
            root.variables, sources, diagnostics=found, functions=functions_, ask=ask
        )
    diagnostics.extend(found)
    return values


def early_context(environment: Environment, *, partial: bool = False) -> EarlyContext:
    """Return what expressions see that are resolved while the configuration is loaded."""
    folder = environment.settings.folder
    return EarlyContext(
        functions=make_functions(folder, environment),
        working_folder=str(folder),
        workspace=environment.settings.workspace,
        partial=partial,
    )


def load_snapshot(
    environment: Environment,
    files: Mapping[str, bytes],
    variables: Mapping[str, Value],
    *,
    partial: bool = False,
) -> Loaded:
    """Load the configuration that a saved plan holds.

    Args:
        environment: The outside world.
        files: Of the configuration.
        variables: Values of the root variables.
        partial: Whether those that the plan does not keep may be without value.

    Raises:
        ConfigurationError: If it cannot be used, which only a damaged plan can cause.
    """
    root = read_root(SavedFiles(files), without_files=None)
    config, problems = root.load(
        variables,
        context=early_context(environment, partial=partial),
        find_modules=find_installed(environment.settings),
        modules_folder=modules_folder(environment.settings),
    )
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    return assemble(environment, config, variables, diagnostics, partial=partial)


def assemble(
    environment: Environment,
    config: Config,
    variables: Mapping[str, Value],
    diagnostics: Diagnostics,
    *,
    partial: bool = False,
) -> Loaded:
    """Build the graph and resolve runtimes and backend.

    Args:
        environment: The outside world.
        config: As loaded.
        variables: Values of the root variables.
        diagnostics: What was found so far.
        partial: Whether variables may be without value.

    Raises:
        ConfigurationError: With everything that is wrong so far.
    """
    loaded = _assembled(environment, config, variables, diagnostics, partial=partial)
    diagnostics.raise_if_errors()
    return loaded


def _assembled(
    environment: Environment,
    config: Config,
    variables: Mapping[str, Value],
    diagnostics: Diagnostics,
    *,
    partial: bool,
    given: Sequence[Attribute] | None = None,
) -> Loaded:
    for module in config.modules.values():
        diagnostics.extend(check_required_versions(module.required_versions, __version__))
    diagnostics.raise_if_errors()
    schemas = _Schemas(environment)
    graph = build_graph(config, schemas, diagnostics)
    context = early_context(environment, partial=partial)
    scope = EarlyScope(
        context=context,
        folder=config.root.folder,
        root_folder=config.root.folder,
        variables=config.root.variables,
        locals=config.root.locals,
        values=variables,
    )
    bodies = [each.body for each in config.root.runtimes.values()]
    check_known(bodies, scope, diagnostics, is_needed=False)
    found = scope.around(body_references(bodies), diagnostics)
    runtimes = resolve_runtimes(config.root, found, diagnostics)
    problems = Diagnostics()
    sealing = sealing_of(config.root.encryption, scope, environment, problems)
    backend = backend_of(environment, config.root.backend, scope, problems, given)
    backend = replace(backend, cipher=sealing.state)
    if not partial:
        # That a variable has no value is told already; without that it is no problem of its own.
        told = diagnostics.has_errors
        diagnostics.extend(each for each in problems if not (told and each.summary == NOT_KNOWN))
    return Loaded(
        config=config,
        graph=graph,
        schemas=schemas,
        variables=variables,
        functions=context.functions,
        runtimes=runtimes,
        backend=backend,
        sealing=sealing,
        backend_problems=tuple(problems),
        warnings=tuple(item for item in diagnostics if item.severity is Severity.WARNING),
    )


class _Schemas(Mapping[str, ResourceSchema]):
    """Schemas by kind; a kind is loaded when it is first used."""

    def __init__(self, environment: Environment) -> None:
        self._kinds = environment.kinds

    def __getitem__(self, name: str) -> ResourceSchema:
        return self._kinds[name].schema

    def __contains__(self, name: object) -> bool:
        return name in self._kinds

    def __iter__(self) -> Iterator[str]:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)


def backend_of(
    environment: Environment,
    block: BackendBlock | None,
    scope: EarlyScope,
    diagnostics: Diagnostics,
    given: Sequence[Attribute] | None = None,
) -> BackendSettings:
    """Return which backend a configuration names, arguments resolved; local where it names none.

    Args:
        environment: The outside world.
        block: As written, or None.
        scope: What is known in time.
        diagnostics: Takes what is wrong.
        given: Arguments that the configuration leaves open; None for those that `init` was given
            last.
    """
    if block is None:
        if given:
            diagnostics.error(
                "Missing backend configuration",
                "-backend-config was used without a backend block in the configuration. Add one, "
                'such as backend "pg" {}, to the mlform block.',
            )
        return BackendSettings()
    schema = BACKENDS.get(block.type)
    if schema is None:
        diagnostics.error(
            "Unsupported backend type",
            f'There is no backend "{block.type}".{did_you_mean(block.type, BACKENDS)} Known are: '
            f"{', '.join(sorted(BACKENDS))}.",
            range=block.range,
        )
        return BackendSettings()
    if given is None:
        given = _given_last(environment, block.type, diagnostics)
    body = with_arguments(block, given).body
    arguments = early_arguments(schema, body, scope, diagnostics)
    values = {each.name: scope.value(each.expression, Diagnostics()) for each in body.attributes}
    return BackendSettings(
        type=block.type,
        arguments=arguments,
        given=frozenset(attribute.name for attribute in given),
        hidden=frozenset(
            name for name, value in values.items() if value is not None and value.is_sensitive
        ),
    )


def _given_last(
    environment: Environment, type_: str, diagnostics: Diagnostics
) -> tuple[Attribute, ...]:
    chosen = chosen_backend(environment)
    if chosen is None or chosen.type != type_ or not chosen.given:
        return ()
    return remembered_arguments(chosen.given, diagnostics)


def sealing_of(
    block: EncryptionBlock | None,
    scope: EarlyScope,
    environment: Environment,
    diagnostics: Diagnostics,
) -> Sealing:
    """Return how a configuration encrypts state and plans; not at all where nothing is said."""
    variable = environment.settings.variables.get(VARIABLE, "")
    if block is None and not variable:
        return Sealing()
    from mlform.operations.encryption import encryption_of

    settings = encryption_of(block, variable, scope, diagnostics)
    make = environment.make_cipher
    return Sealing(
        state=PLAIN if settings.state is None else make(settings.state),
        plan=None if settings.plan is None else make(settings.plan),
        variables=settings.variables,
    )


def make_functions(
    folder: Path,
    environment: Environment,
    *,
    planned_at: str | None = None,
    applying: bool = False,
) -> Mapping[str, Function]:
    """Return the language's functions; files are looked up from the working folder.

    Args:
        folder: The working folder.
        environment: The outside world.
        planned_at: Time of the plan in RFC 3339, UTC; None where there is no plan.
        applying: Whether times and random values are known.
    """
    context = function_context(folder, environment.settings.variables.get("HOME"))
    if planned_at is not None:
        context = replace(context, plan_timestamp=lambda: planned_at)
    if applying:
        context = replace(
            context,
            timestamp=environment.timestamp,
            new_uuid=environment.new_id,
            new_salt=_new_salt,
        )
    return functions(context)


def _new_salt() -> bytes:
    from secrets import token_bytes

    return token_bytes(16)
