"""Configuration, variables and graph, loaded for one operation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mlform import __version__
from mlform.config.blocks import Config, VariableBlock
from mlform.config.load import decode_files, load_config
from mlform.config.variable_sources import OptionFile, OptionValue, gather_sources
from mlform.config.variables import collect_variables
from mlform.config.versions import check_required_versions
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostic, Diagnostics, Severity
from mlform.graph.arguments import plain
from mlform.graph.build import Graph, build_graph
from mlform.graph.evaluation import Evaluation, Surroundings
from mlform.graph.runtimes import RuntimeSettings, resolve_runtimes
from mlform.lang.construct import object_of
from mlform.lang.function import Function
from mlform.lang.functions import functions
from mlform.lang.functions.context import FunctionContext
from mlform.lang.scope import Scope
from mlform.lang.values import Value
from mlform.operations.environment import Environment
from mlform.schema import ResourceSchema


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
        backend: Type of backend and its arguments.
        warnings: Problems that do not stop anything.
    """

    config: Config
    graph: Graph
    schemas: Mapping[str, ResourceSchema]
    variables: Mapping[str, Value]
    functions: Mapping[str, Function]
    runtimes: Mapping[str, RuntimeSettings]
    backend: tuple[str, Mapping[str, object]]
    warnings: tuple[Diagnostic, ...] = ()

    def evaluation(self, environment: Environment) -> Evaluation:
        """Return a fresh evaluation, in which nothing is known yet."""
        return Evaluation(
            module=self.config.root,
            graph=self.graph,
            schemas=self.schemas,
            surroundings=Surroundings(
                variables=self.variables,
                functions=self.functions,
                folder=self.config.root.folder,
                working_folder=str(environment.settings.folder),
                workspace=environment.settings.workspace,
            ),
        )


Ask = Callable[[VariableBlock], str]


def load(
    environment: Environment,
    *,
    options: Sequence[OptionValue | OptionFile] = (),
    ask: Ask | None = None,
    partial: bool = False,
) -> Loaded:
    """Read the configuration of the working folder and everything it needs.

    Args:
        environment: The outside world.
        options: `-var` and `-var-file`.
        ask: Asks a person for a variable without value.
        partial: Take unknown values for required variables without value, as `validate` does.

    Raises:
        ConfigurationError: With everything that is wrong so far.
    """
    folder = environment.settings.folder
    config, problems = load_config(folder)
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    diagnostics.raise_if_errors()
    known = make_functions(folder, environment)
    sources = gather_sources(
        folder,
        environment=environment.settings.variables,
        options=options,
        diagnostics=diagnostics,
    )
    found = Diagnostics()
    variables = collect_variables(config.root, sources, diagnostics=found, functions=known, ask=ask)
    diagnostics.extend(item for item in found if not (partial and item.summary == _NO_VALUE))
    return assemble(environment, config, variables, diagnostics)


_NO_VALUE = "No value for required variable"


def load_snapshot(
    environment: Environment, files: Mapping[str, bytes], variables: Mapping[str, Value]
) -> Loaded:
    """Load the configuration that a saved plan holds.

    Raises:
        ConfigurationError: If it cannot be used, which only a damaged plan can cause.
    """
    config, problems = decode_files(dict(files))
    diagnostics = Diagnostics()
    diagnostics.extend(problems)
    diagnostics.raise_if_errors()
    return assemble(environment, config, variables, diagnostics)


def assemble(
    environment: Environment,
    config: Config,
    variables: Mapping[str, Value],
    diagnostics: Diagnostics,
) -> Loaded:
    """Build the graph and resolve runtimes and backend.

    Raises:
        ConfigurationError: With everything that is wrong so far.
    """
    diagnostics.extend(check_required_versions(config.root.required_versions, __version__))
    schemas = _Schemas(environment)
    graph = build_graph(config.root, schemas, diagnostics)
    known = make_functions(environment.settings.folder, environment)
    scope = Scope(variables={"var": object_of(variables)}, functions=known)
    runtimes = resolve_runtimes(config.root, scope, diagnostics)
    backend = backend_of(config, scope, diagnostics)
    diagnostics.raise_if_errors()
    return Loaded(
        config=config,
        graph=graph,
        schemas=schemas,
        variables=variables,
        functions=known,
        runtimes=runtimes,
        backend=backend,
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
    config: Config, scope: Scope, diagnostics: Diagnostics
) -> tuple[str, Mapping[str, object]]:
    """Return the type of the backend and its resolved arguments; local where none is named."""
    from mlform.lang.resolve import resolve

    block = config.root.backend
    if block is None:
        return "local", {}
    arguments: dict[str, object] = {}
    known = {"local": ("path", "workspace_dir")}.get(block.type)
    if known is None:
        diagnostics.error(
            "Unsupported backend type",
            f'There is no backend "{block.type}" in this version of mlform. Known are: local.',
            range=block.range,
        )
        return "local", {}
    for attribute in block.body.attributes:
        if attribute.name not in known:
            diagnostics.error(
                "Unsupported argument",
                f'An argument named "{attribute.name}" is not expected here. Arguments here are: '
                f"{', '.join(known)}.",
                range=attribute.name_range,
            )
            continue
        arguments[attribute.name] = plain(resolve(attribute.expression, scope, diagnostics))
    return block.type, arguments


def make_functions(folder: Path, environment: Environment) -> Mapping[str, Function]:
    """Return the language's functions; files are looked up from the working folder."""

    def read_file(path: str) -> bytes:
        return (folder / path).read_bytes()

    def file_exists(path: str) -> bool:
        place = folder / path
        if place.is_dir():
            raise IsADirectoryError(path)
        return place.is_file()

    def fileset(where: str, pattern: str) -> list[str]:
        root = folder / where
        return sorted(
            item.relative_to(root).as_posix() for item in root.glob(pattern) if item.is_file()
        )

    return functions(
        FunctionContext(
            working_folder=str(folder),
            home_folder=environment.settings.variables.get("HOME"),
            read_file=read_file,
            file_exists=file_exists,
            fileset=fileset,
        )
    )
