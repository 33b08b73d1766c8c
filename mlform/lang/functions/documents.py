"""`templatefile` and `templatestring`: templates kept outside the expression."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.diagnostics import Diagnostic, Diagnostics, Severity, Source
from mlform.hcl.parser import parse_template
from mlform.lang.construct import entries_of, is_mapping, text
from mlform.lang.conversion import convert
from mlform.lang.function import ArgumentError, Function, FunctionError, Parameter
from mlform.lang.functions.context import FunctionContext
from mlform.lang.functions.filesystem import read_text
from mlform.lang.references import references
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import DYNAMIC, STRING
from mlform.lang.values import Value

_TEMPLATE_FUNCTIONS = frozenset({"templatefile", "templatestring"})


def _rendered(source: Source, variables: Value, functions: Mapping[str, Function]) -> Value:
    if not is_mapping(variables.type) or variables.payload is None:
        raise ArgumentError(1, "invalid vars value: must be a map")
    template, problems = parse_template(source)
    if problems:
        raise FunctionError(_described(problems[0]))
    given = entries_of(variables)
    for name in given:
        if not name.replace("-", "_").isidentifier():
            message = (
                f'invalid template variable name "{name}": must start with a letter, followed by '
                "zero or more letters, digits, and underscores"
            )
            raise ArgumentError(1, message)
    for reference in references(template):
        if reference.root not in given:
            message = (
                f'vars map does not contain key "{reference.root}", referenced at {reference.range}'
            )
            raise ArgumentError(1, message)
    available = {name: each for name, each in functions.items() if name not in _TEMPLATE_FUNCTIONS}
    diagnostics = Diagnostics()
    result = resolve(template, Scope(variables=given, functions=available), diagnostics)
    for item in diagnostics:
        if item.severity is Severity.ERROR:
            raise FunctionError(_described(item))
    return result


def _described(problem: Diagnostic) -> str:
    place = f"{problem.range}: " if problem.range is not None else ""
    return f"{place}{problem.summary}; {problem.detail.rstrip('.')}"


def template_functions(
    context: FunctionContext, functions: Mapping[str, Function]
) -> tuple[Function, ...]:
    """Return the template functions.

    Args:
        context: How files are read.
        functions: All functions, for use in the templates.
    """

    def templatefile(path: Value, variables: Value) -> Value:
        name = text(path)
        return _rendered(Source(name, read_text(name, context)), variables, functions)

    def templatestring(template: Value, variables: Value) -> Value:
        source = Source("<templatestring argument>", text(template))
        return convert(_rendered(source, variables, functions), STRING)

    variables = Parameter(name="vars", unknown=True)
    return (
        Function(
            name="templatefile",
            description="The content of a file as a template, with variables.",
            parameters=(Parameter(name="path", type=STRING), variables),
            returns=DYNAMIC,
            implementation=templatefile,
        ),
        Function(
            name="templatestring",
            description="A string from elsewhere in the configuration, rendered as a template.",
            parameters=(Parameter(name="template", type=STRING, reference=True), variables),
            returns=STRING,
            implementation=templatestring,
        ),
    )
