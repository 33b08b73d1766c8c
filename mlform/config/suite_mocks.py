"""`mock_provider`, `mock_resource`, `override_resource` and `override_module` blocks."""

from __future__ import annotations

from collections.abc import Iterable

from mlform.addresses import ResourceAddress, Target
from mlform.config.decoding import Decoding
from mlform.config.early import EarlyScope
from mlform.config.moves import target_of
from mlform.config.reading import Content, Reader, Shape
from mlform.config.suites import MockKind, Mocks, ModuleOverride, Override, Phase, ResourceOverride
from mlform.diagnostics import Diagnostics
from mlform.hcl.ast import Block, Expression, Variable

OVERRIDES = {"override_resource": (), "override_module": ()}
"""Shapes of the blocks that override one thing, wherever they stand."""
ELSEWHERE = {
    "provider": "mlform has no providers. To make up what resources give, write "
    'mock_resource "KIND" { … }.',
    "mock_data": "mlform has no data sources. Data is read by resources of the kind dataset: write "
    'mock_resource "dataset" { … }.',
    "override_data": "mlform has no data sources. Write override_resource { … } with a dataset as "
    "its target.",
}
"""Blocks of Terraform that mean nothing here, with what to write instead."""
PROVIDER = "mlform"
"""The one name that `mock_provider` takes: the kinds are all mlform's own."""

_MOCK_PROVIDER = Shape(
    optional=("source", "override_during"),
    literal=("source",),
    bare=("override_during",),
    blocks={"mock_resource": ("kind",), **OVERRIDES},
    elsewhere={
        **ELSEWHERE,
        "alias": "mlform has no providers, so there is nothing to give a second name to. Remove "
        "this argument.",
    },
)
_MOCK_RESOURCE = Shape(optional=("defaults", "override_during"), bare=("override_during",))
_OVERRIDE_RESOURCE = Shape(
    required=("target",), optional=("values", "override_during"), bare=("target", "override_during")
)
_OVERRIDE_MODULE = Shape(
    required=("target",),
    optional=("outputs", "override_during"),
    bare=("target", "override_during"),
)


def decode_mocks(blocks: Iterable[Block], reader: Reader) -> tuple[Mocks, tuple[Expression, ...]]:
    """Read all blocks of a suite that make something up.

    Args:
        blocks: Of any type; others are passed over.
        reader: Collects the problems.

    Returns:
        What they make up, and the expressions of `source` arguments: folders with more of them.
    """
    draft = _Draft(reader)
    for block in blocks:
        draft.take(block)
    return draft.mocks(), tuple(draft.sources)


class _Draft:
    """Mocks while their blocks are being read."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.provider: Block | None = None
        self.during: Phase = "apply"
        self.kinds: dict[str, MockKind] = {}
        self.overrides: list[Override] = []
        self.sources: list[Expression] = []

    def mocks(self) -> Mocks:
        return Mocks(
            every_kind=self.provider is not None,
            during=self.during,
            kinds=self.kinds,
            overrides=unique_overrides(self.overrides, self.reader.diagnostics),
        )

    def take(self, block: Block, during: Phase = "apply") -> None:
        if block.type == "mock_provider":
            self._provider(block)
        elif block.type == "mock_resource":
            self._kind(block, during)
        elif block.type in OVERRIDES:
            self.overrides.extend(decode_overrides([block], self.reader, during))

    def _provider(self, block: Block) -> None:
        if block.labels != (PROVIDER,):
            self.reader.diagnostics.error(
                "Unknown provider",
                f'There is no provider "{block.labels[0]}": all kinds of resources are mlform\'s '
                f'own. Write mock_provider "{PROVIDER}" to make up all of them, or mock_resource '
                '"KIND" for one kind.',
                range=block.label_ranges[0],
            )
            return
        if self.provider is not None:
            self.reader.diagnostics.error(
                "Duplicate mock_provider block",
                f'There is a mock_provider "{PROVIDER}" already at {self.provider.range}. Join the '
                "two.",
                range=block.range,
            )
            return
        self.provider = block
        content = self.reader.read(block.body, _MOCK_PROVIDER, block.range)
        self.during = _during(content, self.reader.diagnostics, "apply")
        source = content.arguments.get("source")
        if source is not None:
            self.sources.append(source.expression)
        for each in content.blocks:
            self.take(each, self.during)

    def _kind(self, block: Block, during: Phase) -> None:
        kind = block.labels[0]
        content = self.reader.read(block.body, _MOCK_RESOURCE, block.range)
        mock = MockKind(
            kind=kind,
            defaults=_expression(content, "defaults"),
            during=_during(content, self.reader.diagnostics, during),
            range=block.range,
        )
        first = self.kinds.setdefault(kind, mock)
        if first is not mock:
            self.reader.diagnostics.error(
                "Duplicate mock_resource block",
                f'A mock_resource block for "{kind}" has already been defined at {first.range}. '
                "Join the two.",
                range=block.range,
            )


def decode_overrides(
    blocks: Iterable[Block], reader: Reader, during: Phase = "apply"
) -> tuple[Override, ...]:
    """Read the blocks of one place that override single things; others are passed over."""
    decoders = {"override_resource": _resource_override, "override_module": _module_override}
    found = (decoders[each.type](each, reader, during) for each in blocks if each.type in decoders)
    return tuple(each for each in found if each is not None)


def unique_overrides(
    overrides: Iterable[Override], diagnostics: Diagnostics
) -> tuple[Override, ...]:
    """Return the overrides, each target once; record a problem for each further one."""
    first: dict[Target, Override] = {}
    for each in overrides:
        kept = first.setdefault(each.target, each)
        if kept is not each:
            name = "override_module" if isinstance(each, ModuleOverride) else "override_resource"
            diagnostics.error(
                f"Duplicate {name} block",
                f"An {name} block for {each.range.text} has already been defined at {kept.range}. "
                "Remove one of the two.",
                range=each.range,
            )
    return tuple(first.values())


def _resource_override(block: Block, reader: Reader, during: Phase) -> ResourceOverride | None:
    content = reader.read(block.body, _OVERRIDE_RESOURCE, block.range)
    phase = _during(content, reader.diagnostics, during)
    expression = _expression(content, "target")
    if expression is None:
        return None
    target = static_target(expression, reader)
    if target is None:
        return None
    if not isinstance(target, ResourceAddress):
        reader.diagnostics.error(
            "Invalid override target",
            "An override_resource block names a resource, such as dataset.titanic. For a whole "
            "module write override_module.",
            range=expression.range,
        )
        return None
    return ResourceOverride(
        target=target,
        values=_expression(content, "values"),
        during=phase,
        range=expression.range,
    )


def _module_override(block: Block, reader: Reader, during: Phase) -> ModuleOverride | None:
    content = reader.read(block.body, _OVERRIDE_MODULE, block.range)
    _during(content, reader.diagnostics, during)
    expression = _expression(content, "target")
    if expression is None:
        return None
    target = static_target(expression, reader)
    if target is None:
        return None
    if isinstance(target, ResourceAddress) or any(step.key is not None for step in target):
        reader.diagnostics.error(
            "Invalid override target",
            "An override_module block names a module without keys, such as module.training. For a "
            "resource write override_resource.",
            range=expression.range,
        )
        return None
    return ModuleOverride(
        target=target, outputs=_expression(content, "outputs"), range=expression.range
    )


def static_target(expression: Expression, reader: Reader) -> Target | None:
    """Return the resource or module that an expression names, or None after a problem."""
    return target_of(expression, Decoding(path=(), reader=reader, scope=EarlyScope()))


def _during(content: Content, diagnostics: Diagnostics, default: Phase) -> Phase:
    chosen = keyword(content, "override_during", ("plan", "apply"), diagnostics)
    if chosen is None:
        return default
    return "plan" if chosen == "plan" else "apply"


def keyword(
    content: Content, name: str, known: tuple[str, ...], diagnostics: Diagnostics
) -> str | None:
    """Return the bare word that an argument is set to, or None; any other word is a problem."""
    expression = _expression(content, name)
    if expression is None:
        return None
    # `refresh-only` is one name: dashes belong to names in HCL.
    if isinstance(expression, Variable) and expression.name in known:
        return expression.name
    diagnostics.error(
        f'Invalid "{name}" keyword',
        f'The "{name}" argument requires one of the following keywords without quotes: '
        f"{' or '.join(known)}.",
        range=expression.range,
    )
    return None


def _expression(content: Content, name: str) -> Expression | None:
    argument = content.arguments.get(name)
    return None if argument is None else argument.expression
