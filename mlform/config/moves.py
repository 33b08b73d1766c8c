"""`moved`, `removed` and `import` blocks: what became of objects, and where others come from."""

from __future__ import annotations

from mlform.addresses import InstanceKey, ModuleStep, ResourceAddress, Target
from mlform.config.blocks import ImportBlock, MovedBlock, RemovedBlock
from mlform.config.decoding import Decoding, expression_of
from mlform.config.reading import Shape
from mlform.config.static import RESERVED_ROOTS, static_reference
from mlform.hcl.ast import Block, Expression, GetAttribute, Index, Template, Variable
from mlform.lang.references import constant_step

_MOVED = Shape(required=("from", "to"), bare=("from", "to"))
_REMOVED = Shape(
    required=("from",),
    blocks={"lifecycle": ()},
    bare=("from",),
    elsewhere={
        "provisioner": "mlform has no provisioners. Remove this block.",
        "connection": "mlform has no provisioners and no connections to them.",
    },
)
_REMOVED_LIFECYCLE = Shape(optional=("destroy",))
_IMPORT = Shape(
    required=("to", "id"),
    optional=("for_each",),
    bare=("to",),
    elsewhere={
        "provider": "mlform has no providers. Remove this argument.",
        "identity": 'mlform has no identities. Use the argument "id".',
    },
)
_NO_KINDS = frozenset({*RESERVED_ROOTS, "data", "resource"})
_RESOURCE_STEPS = 2
"""Kind and name."""
_FORMS = "KIND.NAME or module.NAME, such as dataset.titanic, with a key in brackets if it has one"


def decode_moved(block: Block, decoding: Decoding) -> MovedBlock | None:
    """Read a `moved` block."""
    content = decoding.reader.read(block.body, _MOVED, block.range)
    given = [expression_of(content, name) for name in ("from", "to")]
    targets = [None if each is None else target_of(each, decoding) for each in given]
    source, target = targets
    if source is None or target is None:
        return None
    if isinstance(source, ResourceAddress) != isinstance(target, ResourceAddress):
        decoding.diagnostics.error(
            'Invalid "moved" addresses',
            'The "from" and "to" addresses must either both refer to resources or both refer to '
            "modules.",
            range=block.range,
        )
        return None
    if source == target:
        decoding.diagnostics.error(
            "Redundant move statement",
            'The "from" and "to" addresses are the same, so nothing moves. Remove this block.',
            range=block.range,
        )
        return None
    return MovedBlock(module=decoding.path, source=source, target=target, range=block.range)


def decode_removed(block: Block, decoding: Decoding) -> RemovedBlock | None:
    """Read a `removed` block."""
    reader = decoding.reader
    content = reader.read(block.body, _REMOVED, block.range)
    lifecycle = reader.single(content.blocks_of("lifecycle"), "removed block")
    destroy: bool | None = None
    if lifecycle is not None:
        inner = reader.read(lifecycle.body, _REMOVED_LIFECYCLE, lifecycle.range)
        destroy = decoding.flag(inner, "destroy")
    given = expression_of(content, "from")
    target = None if given is None else target_of(given, decoding)
    if given is None or target is None:
        return None
    if _has_key(target):
        decoding.diagnostics.error(
            "Instance keys not allowed",
            "What is removed must be a whole resource or module (such as dataset.titanic), not an "
            "instance of one (such as dataset.titanic[1]). Remove the key, or lower the count.",
            range=given.range,
        )
        return None
    return RemovedBlock(
        target=_from_root(target, decoding),
        destroy=True if destroy is None else destroy,
        range=block.range,
    )


def _has_key(target: Target) -> bool:
    steps = target.module if isinstance(target, ResourceAddress) else target
    own = isinstance(target, ResourceAddress) and target.key is not None
    return own or any(step.key is not None for step in steps)


def _from_root(target: Target, decoding: Decoding) -> Target:
    if isinstance(target, ResourceAddress):
        path = (*decoding.path, *target.module)
        return ResourceAddress(target.kind, target.name, target.key, path)
    return (*decoding.path, *target)


def decode_import(block: Block, decoding: Decoding) -> ImportBlock | None:
    """Read an `import` block."""
    content = decoding.reader.read(block.body, _IMPORT, block.range)
    if decoding.path:
        decoding.diagnostics.error(
            "Import in a module",
            "Imports are said in the root module only, from where every resource can be named, "
            "such as module.NAME.KIND.NAME. Move this block there.",
            range=block.range,
        )
        return None
    target, id_ = expression_of(content, "to"), expression_of(content, "id")
    if target is None or id_ is None or not _names_instance(target, decoding):
        return None
    return ImportBlock(
        target=target,
        id=id_,
        for_each=expression_of(content, "for_each"),
        range=block.range,
    )


def _names_instance(expression: Expression, decoding: Decoding) -> bool:
    """Check that an expression names a resource, with any keys."""
    node = expression
    names: list[str] = []
    while isinstance(node, GetAttribute | Index):
        if isinstance(node, GetAttribute):
            names.append(node.name)
        node = node.target
    if isinstance(node, Variable):
        names.append(node.name)
        names.reverse()
        while len(names) > 1 and names[0] == "module":
            names = names[2:]
        if len(names) == _RESOURCE_STEPS and names[0] not in _NO_KINDS:
            return True
    _report_no_target(expression, "KIND.NAME, KIND.NAME[KEY] or module.NAME.KIND.NAME", decoding)
    return False


def target_of(expression: Expression, decoding: Decoding) -> Target | None:
    """Return the resource or module that an expression names, or None after a problem."""
    if not isinstance(expression, Template):
        if static_reference(expression, decoding.diagnostics) is None:
            return None
        target = _target(_steps(expression))
        if target is not None:
            return target
    _report_no_target(expression, _FORMS, decoding)
    return None


def _steps(expression: Expression) -> list[tuple[str, InstanceKey]]:
    """Return the names of a static reference with their keys; empty if it is no address."""
    steps: list[tuple[str, InstanceKey]] = []
    key: InstanceKey = None
    node = expression
    while isinstance(node, GetAttribute | Index):
        step = constant_step(node)
        if isinstance(node, GetAttribute) and isinstance(step, str):
            steps.append((step, key))
            key = None
        elif key is None:
            key = step
        else:
            return []
        node = node.target
    if isinstance(node, Variable):
        steps.append((node.name, key))
    return steps[::-1]


def _target(steps: list[tuple[str, InstanceKey]]) -> Target | None:
    path: list[ModuleStep] = []
    while len(steps) > 1 and steps[0] == ("module", None):
        path.append(ModuleStep(*steps[1]))
        steps = steps[2:]
    if not steps:
        return tuple(path) or None
    if len(steps) != _RESOURCE_STEPS:
        return None
    (kind, misplaced), (name, key) = steps
    if misplaced is not None or kind in _NO_KINDS:
        return None
    return ResourceAddress(kind, name, key, tuple(path))


def _report_no_target(expression: Expression, forms: str, decoding: Decoding) -> None:
    quotes = " Remove the quotes." if isinstance(expression, Template) else ""
    decoding.diagnostics.error(
        "Invalid address",
        f"This names no resource or module. Write {forms}.{quotes}",
        range=expression.range,
    )
