"""What a run makes up: kinds, single objects, modules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.addresses import ModulePath, ResourceAddress
from mlform.config.blocks import Config
from mlform.config.suites import MockKind, ModuleOverride, Override, ResourceOverride
from mlform.dataclass import dataclass
from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.digests import Json
from mlform.graph.arguments import plain
from mlform.hcl.ast import Expression, Object, Template
from mlform.lang.values import Value
from mlform.operations.bench import Bench, MadeUp, StandIns
from mlform.operations.suite_values import Stage
from mlform.resources.base import AnyKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretence:
    """What one run makes up.

    Attributes:
        kinds: What looks after the objects of the run.
        modules: Outputs of modules of which nothing is made, by path without keys.
    """

    kinds: Mapping[str, AnyKind]
    modules: Mapping[ModulePath, Mapping[str, Value]]


def pretence_of(
    stage: Stage,
    config: Config,
    kinds: Mapping[str, AnyKind],
    bench: Bench,
    diagnostics: Diagnostics,
) -> Pretence:
    """Return what a run makes up; its own overrides count before those of its file."""
    mocks = stage.suite.mocks
    maker = _Maker(stage, kinds, bench, diagnostics)
    overrides = {each.target: each for each in (*mocks.overrides, *stage.run.overrides)}
    _warn_of_absent(overrides.values(), config, diagnostics)
    mocked = dict.fromkeys(kinds if mocks.every_kind else mocks.kinds)
    stand_ins = {
        name: maker.kind(name, mocks.kinds.get(name), at_plan=mocks.during == "plan")
        for name in mocked
    }
    objects = {
        each.target: maker.override(each)
        for each in overrides.values()
        if isinstance(each, ResourceOverride) and each.target.kind in kinds
    }
    modules: dict[ModulePath, Mapping[str, Value]] = {}
    for each in overrides.values():
        if isinstance(each, ModuleOverride):
            outputs = maker.members(each.outputs, "outputs")
            for path in config.modules:
                if path[: len(each.target)] == each.target:
                    modules[path] = outputs if path == each.target else {}
    if stand_ins or objects:
        return Pretence(kinds=StandIns(kinds, stand_ins, objects), modules=modules)
    return Pretence(kinds=kinds, modules=modules)


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes stand-ins out of what blocks say."""

    stage: Stage
    kinds: Mapping[str, AnyKind]
    bench: Bench
    diagnostics: Diagnostics

    def kind(self, name: str, mock: MockKind | None, *, at_plan: bool) -> AnyKind:
        if mock is None:
            return self.bench.stand_in(self.kinds[name], MadeUp(attributes={}, at_plan=at_plan))
        attributes = self._attributes(name, mock.defaults)
        made_up = MadeUp(attributes=attributes, at_plan=mock.during == "plan")
        return self.bench.stand_in(self.kinds[name], made_up)

    def override(self, override: ResourceOverride) -> AnyKind:
        kind = override.target.kind
        attributes = self._attributes(kind, override.values)
        made_up = MadeUp(attributes=attributes, at_plan=override.during == "plan")
        return self.bench.stand_in(self.kinds[kind], made_up)

    def _attributes(self, kind: str, expression: Expression | None) -> dict[str, Json]:
        """Return given computed attributes; others are no business of mocks, as in Terraform."""
        given = self.members(expression, "values")
        schema = self.kinds[kind].schema
        computed = [item.name for item in schema.body.attributes if item.computed]
        known = {*computed, *schema.exposed}
        for name in sorted(given.keys() - known):
            self.diagnostics.warning(
                "Unknown attribute",
                f"A {kind} has no computed attribute {name}, so this value is not used. Computed "
                f"are: {', '.join(computed)}.{did_you_mean(name, known)}",
                range=_place(expression, name),
            )
        return {name: plain(value) for name, value in given.items() if name in known}

    def members(self, expression: Expression | None, what: str) -> dict[str, Value]:
        """Return the attributes of an object expression; none after a problem."""
        if expression is None:
            return {}
        scope = self.stage.scope(self.diagnostics)
        value = self.stage.resolve(expression, scope, self.diagnostics)
        if value is None:
            return {}
        if isinstance(value.payload, dict):
            return dict(value.payload)
        self.diagnostics.error(
            f"Invalid {what}",
            "An object is required here: { NAME = VALUE }.",
            range=expression.range,
        )
        return {}


def _place(expression: Expression | None, name: str) -> SourceRange | None:
    """Return where a name stands in an object, or the whole expression."""
    if isinstance(expression, Object):
        for item in expression.items:
            if isinstance(item.key, Template) and item.key.constant == name:
                return item.key.range
    return None if expression is None else expression.range


def _warn_of_absent(
    overrides: Iterable[Override], config: Config, diagnostics: Diagnostics
) -> None:
    for each in overrides:
        target = each.target
        if isinstance(target, ResourceAddress):
            if config.resource(target.block) is not None:
                continue
        elif target in config.modules:
            continue
        diagnostics.warning(
            "Invalid override target",
            f"The override target {each.range.text} does not exist within the configuration under "
            "test. This could indicate a typo in the target address or an unnecessary override.",
            range=each.range,
        )
