"""`runtime = …` of a resource: which of the root module's runtimes its tasks run in."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.addresses import ResourceAddress
from mlform.config.decoding import Decoding
from mlform.config.early_arguments import report_unknown
from mlform.diagnostics import did_you_mean
from mlform.hcl.ast import Expression, GetAttribute, Index, Template, Variable
from mlform.lang.construct import object_of, string_value
from mlform.lang.references import Reference, constant_step, references
from mlform.lang.values import Value

_STEPS = 2
_KEY = "runtime"
_WANTED = "Name a runtime block as runtime.TYPE.NAME, such as runtime.docker.default."


def decode_runtime_reference(
    expression: Expression, address: ResourceAddress, decoding: Decoding
) -> str | None:
    """Return `type.name` of the runtime that an expression gives, or None."""
    if isinstance(expression, Template):
        _report(expression, f"A runtime is named without quotes. {_WANTED}", decoding)
        return None
    if not _are_declared(expression, address, decoding):
        return None
    named = _named(expression)
    if named is not None or decoding.runtimes is None:
        return named
    before = len(decoding.diagnostics)
    table = _table(decoding.runtimes)
    value = decoding.scope.value(expression, decoding.diagnostics, extra={_KEY: table})
    if value is None:
        return None
    if not value.is_known:
        report_unknown(expression, _KEY, decoding.scope, decoding.diagnostics, is_needed=False)
    elif value.payload is not None:
        payload = value.payload
        chosen = payload.get(_KEY) if isinstance(payload, Mapping) and len(payload) == 1 else None
        if chosen is not None and isinstance(chosen.payload, str):
            return chosen.payload
        if len(decoding.diagnostics) == before:
            _report(expression, _WANTED, decoding)
    return None


def _named(expression: Expression) -> str | None:
    """Return `type.name` if the expression is just that."""
    node = expression
    while isinstance(node, GetAttribute | Index) and constant_step(node) is not None:
        node = node.target
    if not isinstance(node, Variable) or node.name != _KEY:
        return None
    steps = references(expression)[0].steps
    return ".".join(str(step) for step in steps) if len(steps) == _STEPS else None


def _are_declared(expression: Expression, address: ResourceAddress, decoding: Decoding) -> bool:
    """Check every reference to a runtime, also those in branches that are not taken."""
    named = [each for each in references(expression) if each.root == _KEY]
    declared = [_is_declared(each, address, decoding) for each in named]
    return all(declared)


def _is_declared(reference: Reference, address: ResourceAddress, decoding: Decoding) -> bool:
    steps = [str(each) for each in reference.steps]
    if len(steps) < _STEPS:
        is_computed = reference.range.source.text[reference.range.end_offset :][:1] == "["
        if not is_computed:
            decoding.diagnostics.error("Invalid runtime reference", _WANTED, range=reference.range)
        return is_computed
    if len(steps) > _STEPS:
        decoding.diagnostics.error("Invalid runtime reference", _WANTED, range=reference.range)
        return False
    wanted = ".".join(steps)
    if decoding.runtimes is None or wanted in decoding.runtimes:
        return True
    decoding.diagnostics.error(
        "Reference to undeclared runtime",
        f'There is no block runtime "{steps[0]}" "{steps[1]}"'
        f"{' in the root module' if decoding.path else ''}."
        f"{did_you_mean(wanted, decoding.runtimes)} Declare it, or name another one.",
        range=reference.range,
        address=str(address),
    )
    return False


def _table(runtimes: tuple[str, ...]) -> Value:
    """Return what `runtime` is in expressions: by type and name an object that names itself."""
    found: dict[str, dict[str, Value]] = {}
    for address in runtimes:
        type_, _, name = address.partition(".")
        found.setdefault(type_, {})[name] = object_of({_KEY: string_value(address)})
    return object_of({type_: object_of(names) for type_, names in found.items()})


def _report(expression: Expression, detail: str, decoding: Decoding) -> None:
    decoding.diagnostics.error("Invalid runtime reference", detail, range=expression.range)
