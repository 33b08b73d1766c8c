"""Values of the root variables as plans keep them, and those that are not kept."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from mlform.config.folders import SavedFiles
from mlform.config.load import read_root
from mlform.config.variable_sources import OptionFile, OptionValue, gather_sources
from mlform.config.variables import collect_variables
from mlform.dataclass import replace
from mlform.diagnostics import Diagnostics
from mlform.digests import Json, JsonObject
from mlform.graph.arguments import plain
from mlform.lang.encode import from_json
from mlform.lang.json_types import type_from_json, type_to_json
from mlform.lang.values import Mark, Value, unknown
from mlform.operations.environment import Environment
from mlform.operations.loading import make_functions
from mlform.operations.results import Planned


def variables_to_json(
    variables: Mapping[str, Value], *, withheld: Container[str] = ()
) -> JsonObject:
    """Return the values of the root variables with their types.

    Args:
        variables: By name.
        withheld: Names of those that are not kept although they are not ephemeral.
    """

    def document(name: str, value: Value) -> Json:
        ephemeral = Mark.EPHEMERAL in value.marks
        return {
            "type": type_to_json(value.type),
            "value": plain(value),
            "sensitive": value.is_sensitive,
            "ephemeral": ephemeral,
            "kept": not ephemeral and name not in withheld,
        }

    return {name: document(name, value) for name, value in variables.items()}


def variables_from_json(document: JsonObject) -> Mapping[str, Value]:
    """Return the values that `variables_to_json` gave; those that were not kept are unknown."""
    found: dict[str, Value] = {}
    for name, item in document.items():
        assert isinstance(item, Mapping)  # noqa: S101 - the plan file was checked
        type_ = type_from_json(item["type"])
        value = from_json(item["value"], type_) if "value" in item else unknown(type_)
        marks = set()
        if item["sensitive"]:
            marks.add(Mark.SENSITIVE)
        if item["ephemeral"]:
            marks.add(Mark.EPHEMERAL)
        found[name] = value.with_marks(frozenset(marks))
    return found


def lasting(variables: JsonObject) -> JsonObject:
    """Return the variables without the values that are not kept."""
    found: dict[str, Json] = {}
    for name, item in variables.items():
        assert isinstance(item, Mapping)  # noqa: S101 - as `variables_to_json` makes them
        kept = item["kept"]
        found[name] = {key: data for key, data in item.items() if kept or key != "value"}
    return found


def with_ephemeral(
    environment: Environment, planned: Planned, options: Sequence[OptionValue | OptionFile]
) -> Planned:
    """Return a saved plan with the variables that it does not keep, given again.

    Args:
        environment: The outside world.
        planned: The plan.
        options: `-var` and `-var-file`.

    Raises:
        ConfigurationError: If one has no value, or the value of another one is given.
    """
    variables = planned.variables
    names = {
        name for name, item in variables.items() if isinstance(item, Mapping) and not item["kept"]
    }
    diagnostics = Diagnostics()
    for option in options:
        name = option.text.partition("=")[0] if isinstance(option, OptionValue) else ""
        if name and name not in names:
            diagnostics.error(
                "Can't set variable when applying a saved plan",
                f"The variable {name} has the value that the plan was made with; only ephemeral "
                "variables and passphrases are given again. Leave out this -var, or make a new "
                "plan.",
            )
    diagnostics.raise_if_errors()
    if not names:
        return planned
    root = read_root(SavedFiles(planned.files))
    folder = environment.settings.folder
    sources = gather_sources(
        folder,
        environment=environment.settings.variables,
        options=options,
        diagnostics=diagnostics,
    )
    values = collect_variables(
        {name: root.variables[name] for name in sorted(names)},
        sources,
        diagnostics=diagnostics,
        functions=make_functions(folder, environment),
    )
    diagnostics.raise_if_errors()
    given = variables_to_json(values, withheld=names)
    return replace(planned, variables={**variables, **given})
