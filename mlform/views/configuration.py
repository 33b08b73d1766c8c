"""A configuration as the `configuration` of Terraform's JSON plan: which value comes from where."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Final

from mlform.addresses import ResourceAddress
from mlform.config.blocks import (
    Config,
    Module,
    ModuleCall,
    OutputBlock,
    ResourceBlock,
    VariableBlock,
)
from mlform.config.variable_values import default_of
from mlform.diagnostics import Diagnostics
from mlform.digests import Json, JsonObject
from mlform.graph.arguments import plain
from mlform.graph.bodies import sorted_body
from mlform.hcl.ast import Block, Body, Expression
from mlform.lang.construct import has_unknown
from mlform.lang.references import Reference, references
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.schema import BlockSchema, ResourceSchema

PROVIDER: Final = "mlform"
PROVIDER_NAME: Final = "mlform.io/builtin/mlform"
"""What Terraform's readers take for the full name of a provider: host, namespace and type."""
_NOTHING: Final = Scope(variables={}, functions={})
_PLAIN_ROOTS: Final = frozenset({"var", "local", "each", "count", "path", "mlform", "terraform"})
"""Roots after which one name says what is meant."""
_CALL_AND_KEY: Final = 2
"""Steps of a reference that names one instance of a module, and no output of it."""


def configuration_document(config: Config, schemas: Mapping[str, ResourceSchema]) -> JsonObject:
    """Return a configuration as programs read it.

    Args:
        config: The modules.
        schemas: Schema of each kind, to tell blocks from values.
    """
    document: dict[str, Json] = {}
    if any(module.resources for module in config.modules.values()):
        provider = {"name": PROVIDER, "full_name": PROVIDER_NAME}
        document["provider_config"] = {PROVIDER: provider}
    return {**document, "root_module": _module(config, config.root, schemas)}


def _module(config: Config, module: Module, schemas: Mapping[str, ResourceSchema]) -> JsonObject:
    document: dict[str, Json] = {}
    if module.outputs:
        document["outputs"] = {
            name: _output(item, module) for name, item in sorted(module.outputs.items())
        }
    if module.resources:
        document["resources"] = [
            _resource(item, schemas.get(item.address.kind), module)
            for _, item in sorted(module.resources.items())
        ]
    if module.calls:
        document["module_calls"] = {
            name: _call(config, module, call, schemas)
            for name, call in sorted(module.calls.items())
        }
    if module.variables:
        document["variables"] = {
            name: _variable(item) for name, item in sorted(module.variables.items())
        }
    return document


def _variable(item: VariableBlock) -> JsonObject:
    document: dict[str, Json] = {}
    default = default_of(item, Diagnostics()) if item.default is not None else None
    if default is not None:
        document["default"] = plain(default)
    if item.description:
        document["description"] = item.description
    if item.sensitive:
        document["sensitive"] = True
    return document


def _output(item: OutputBlock, module: Module) -> JsonObject:
    document: dict[str, Json] = {"expression": expression_document(item.value, module)}
    if item.sensitive:
        document["sensitive"] = True
    if item.description:
        document["description"] = item.description
    return document | _depends_on(item.depends_on)


def _resource(item: ResourceBlock, schema: ResourceSchema | None, module: Module) -> JsonObject:
    address = item.address
    document: dict[str, Json] = {
        "address": f"{address.kind}.{address.name}",
        "mode": "managed",
        "type": address.kind,
        "name": address.name,
        "provider_config_key": PROVIDER,
    }
    expressions = _body(item.body, schema.body if schema else None, module)
    if expressions:
        document["expressions"] = expressions
    if schema is not None:
        document["schema_version"] = schema.version
    return document | _repetition(item, module) | _depends_on(item.depends_on)


def _call(
    config: Config, caller: Module, call: ModuleCall, schemas: Mapping[str, ResourceSchema]
) -> JsonObject:
    called = config.modules.get(call.path)
    document: dict[str, Json] = {}
    if call.source:
        document["source"] = call.source
    if call.arguments:
        document["expressions"] = {
            name: expression_document(item.expression, caller)
            for name, item in sorted(call.arguments.items())
        }
    if called is not None:
        document["module"] = _module(config, called, schemas)
    return document | _repetition(call, caller) | _depends_on(call.depends_on)


def _repetition(item: ResourceBlock | ModuleCall, module: Module) -> dict[str, Json]:
    """Return what an item is repeated over, as far as anything can be said of it."""
    document: dict[str, Json] = {}
    for name, expression in (("count", item.count), ("for_each", item.for_each)):
        if expression is not None and (told := expression_document(expression, module)):
            document[f"{name}_expression"] = told
    return document


def _depends_on(wanted: Iterable[Reference]) -> dict[str, Json]:
    names = [str(item) for item in wanted]
    return {"depends_on": names} if names else {}


def _body(body: Body, schema: BlockSchema | None, module: Module) -> dict[str, Json]:
    """Return the expressions of a body; blocks that may be repeated are lists."""
    found, _ = sorted_body(body, schema)
    document: dict[str, Json] = {
        item.name: expression_document(item.expression, module) for item in found.attributes
    }
    for block in found.blocks:
        known = schema.block(block.type) if schema else None
        label = block.labels[0] if block.labels else None
        inner = _labelled(block, known.label if known else None)
        inner |= _body(block.body, known.schema_of(label) if known else None, module)
        if known is not None and not known.repeated:
            document[block.type] = inner
        else:
            before = document.get(block.type)
            document[block.type] = [*(before if isinstance(before, list) else []), inner]
    return document


def _labelled(block: Block, label: str | None) -> dict[str, Json]:
    return {label: {"constant_value": block.labels[0]}} if label and block.labels else {}


def expression_document(expression: Expression, module: Module) -> JsonObject:
    """Return `{constant_value}` or `{references}`; neither where a function is called on literals.

    A reference is followed by its shorter forms, down to the thing that it refers to.

    Args:
        expression: Of the module.
        module: Tells names from keys.
    """
    found = references(expression)
    if found:
        return {"references": [name for item in found for name in _forms(item, module)]}
    diagnostics = Diagnostics()
    value = resolve(expression, _NOTHING, diagnostics)
    if diagnostics.has_errors or has_unknown(value):
        return {}
    return {"constant_value": plain(value)}


def _forms(reference: Reference, module: Module) -> list[str]:
    """Return a reference, and what is left as one step after the other is taken from its end."""
    name = reference.steps[0] if reference.steps else None
    keyed = False
    if reference.root == "module":
        call = module.calls.get(str(name))
        keyed = call is not None and (call.count is not None or call.for_each is not None)
        has_output = len(reference.steps) > _CALL_AND_KEY
        least = 1 + (keyed and has_output)
    elif reference.root in _PLAIN_ROOTS:
        least = 1
    else:
        address = ResourceAddress(reference.root, str(name), None, module.path)
        block = module.resources.get(address)
        keyed = block is not None and (block.count is not None or block.for_each is not None)
        least = 1
    written = [reference.root]
    for position, step in enumerate(reference.steps):
        is_name = isinstance(step, str) and step.replace("-", "_").isidentifier()
        if is_name and not (keyed and position == 1):
            written.append(f".{step}")
        else:
            written.append(f"[{json.dumps(step, ensure_ascii=False)}]")
    return ["".join(written[:end]) for end in range(len(written), least, -1)]
