"""Syntax trees of test files to suites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlform.addresses import ResourceAddress, Target
from mlform.config.blocks import Condition
from mlform.config.conditions import decode_condition
from mlform.config.reading import Content, Reader, Shape
from mlform.config.static import (
    RESERVED_ROOTS,
    check_name,
    constant_bool,
    constant_text,
    static_list,
    static_reference,
)
from mlform.config.suite_mocks import (
    ELSEWHERE,
    OVERRIDES,
    decode_mocks,
    decode_overrides,
    keyword,
    static_target,
    unique_overrides,
)
from mlform.config.suites import (
    AlternateModule,
    Command,
    ExpectedFailure,
    Mocks,
    PlanSettings,
    RunBlock,
    Suite,
)
from mlform.diagnostics import Diagnostics
from mlform.hcl.ast import Attribute, Block, Body, Expression

_SUITE = Shape(
    blocks={
        "variables": (),
        "run": ("name",),
        "mock_provider": ("name",),
        "mock_resource": ("kind",),
        **OVERRIDES,
    },
    elsewhere={
        **ELSEWHERE,
        "variable": "A test file declares no variables, it gives them values: write variables { … }"
        ".",
    },
)
_RUN = Shape(
    optional=("command", "expect_failures", "state_key", "parallel"),
    literal=("state_key",),
    bare=("command", "expect_failures"),
    blocks={
        "plan_options": (),
        "variables": (),
        "module": (),
        "assert": (),
        **OVERRIDES,
    },
    elsewhere={
        **ELSEWHERE,
        "providers": "mlform has no providers. Remove this argument.",
        "mock_resource": "Mocks hold for all runs of a file: put this block beside the run blocks, "
        "or override one object here with override_resource { … }.",
        "mock_provider": "Mocks hold for all runs of a file: put this block beside the run blocks.",
    },
)
_PLAN_OPTIONS = Shape(
    optional=("mode", "refresh", "replace", "target"), bare=("mode", "replace", "target")
)
_MODULE = Shape(
    required=("source",),
    literal=("source",),
    elsewhere={"version": "Put the version into the source."},
)
_VARIABLES = Shape(is_open=True)
_CHECKABLE = ("var", "output", "check")


def decode_suite(path: str, body: Body, reader: Reader) -> tuple[Suite, tuple[Expression, ...]]:
    """Read a file of tests.

    Args:
        path: The file, as shown to people.
        body: Its tree.
        reader: Collects the problems.

    Returns:
        The suite, and the expressions that name folders with further mocks.
    """
    content = reader.read(body, _SUITE, body.range)
    mocks, sources = decode_mocks(content.blocks, reader)
    suite = Suite(
        path=path,
        variables=_variables(content, "test file", reader),
        runs=_runs(content.blocks_of("run"), reader),
        mocks=mocks,
    )
    return suite, sources


_MOCK_FILE = Shape(
    blocks={"mock_resource": ("kind",), **OVERRIDES},
    elsewhere=ELSEWHERE,
)


def decode_mock_file(body: Body, reader: Reader) -> Mocks:
    """Read a file of mocks, which a `mock_provider` block names the folder of."""
    content = reader.read(body, _MOCK_FILE, body.range)
    mocks, _ = decode_mocks(content.blocks, reader)
    return mocks


def _runs(blocks: Iterable[Block], reader: Reader) -> tuple[RunBlock, ...]:
    found: dict[str, RunBlock] = {}
    for block in blocks:
        run = _run(block, reader)
        if run is None:
            continue
        first = found.setdefault(run.name, run)
        if first is not run:
            reader.diagnostics.error(
                'Duplicate "run" block names',
                f"This test file already has a run block named {run.name} at {first.range}. Give "
                "one of the two another name.",
                range=block.label_ranges[0],
            )
    return tuple(found.values())


def _run(block: Block, reader: Reader) -> RunBlock | None:
    content = reader.read(block.body, _RUN, block.range)
    diagnostics = reader.diagnostics
    named = check_name(block.labels[0], block.label_ranges[0], "run block", diagnostics)
    chosen = keyword(content, "command", ("apply", "plan"), diagnostics)
    parallel = _expression(content, "parallel")
    if parallel is not None:
        constant_bool(parallel, diagnostics)
    state_key = _expression(content, "state_key")
    run = RunBlock(
        name=block.labels[0],
        command=Command.APPLY if chosen is None else Command(chosen),
        settings=_settings(content, reader),
        variables=_variables(content, "run block", reader),
        module=_module(content, reader),
        assertions=_assertions(content, reader),
        expected=_expected(content, reader),
        overrides=unique_overrides(decode_overrides(content.blocks, reader), diagnostics),
        state_key=None if state_key is None else constant_text(state_key, diagnostics),
        range=block.range,
    )
    return run if named else None


def _variables(content: Content, owner: str, reader: Reader) -> Mapping[str, Attribute]:
    block = reader.single(content.blocks_of("variables"), owner)
    if block is None:
        return {}
    for inner in block.body.blocks:
        reader.diagnostics.error(
            f'Unexpected "{inner.type}" block',
            "Blocks are not allowed here: values of variables are written as name = value.",
            range=inner.type_range,
        )
    attributes = Body(block.body.attributes, (), block.body.range)
    rest = reader.read(attributes, _VARIABLES, block.range).rest
    return {each.name: each for each in rest.attributes}


def _module(content: Content, reader: Reader) -> AlternateModule | None:
    block = reader.single(content.blocks_of("module"), "run block")
    if block is None:
        return None
    arguments = reader.read(block.body, _MODULE, block.range).arguments
    source = arguments.get("source")
    text = None if source is None else constant_text(source.expression, reader.diagnostics)
    if source is None or text is None:
        return None
    return AlternateModule(source=text, range=source.expression.range)


def _settings(content: Content, reader: Reader) -> PlanSettings:
    block = reader.single(content.blocks_of("plan_options"), "run block")
    if block is None:
        return PlanSettings()
    inner = reader.read(block.body, _PLAN_OPTIONS, block.range)
    refresh = _expression(inner, "refresh")
    looks = None if refresh is None else constant_bool(refresh, reader.diagnostics)
    mode = keyword(inner, "mode", ("normal", "refresh-only"), reader.diagnostics)
    replaced = _targets(inner, "replace", reader)
    return PlanSettings(
        refresh_only=mode == "refresh-only",
        refresh=looks is not False,
        replace=tuple(each for each in replaced if isinstance(each, ResourceAddress)),
        targets=_targets(inner, "target", reader),
    )


def _targets(content: Content, name: str, reader: Reader) -> tuple[Target, ...]:
    expression = _expression(content, name)
    if expression is None:
        return ()
    found: list[Target] = []
    for item in static_list(expression, reader.diagnostics):
        target = static_target(item, reader)
        if target is None:
            continue
        if name == "replace" and not isinstance(target, ResourceAddress):
            reader.diagnostics.error(
                "Invalid address",
                "Only resources can be replaced. Name one, such as model.survival.",
                range=item.range,
            )
            continue
        found.append(target)
    return tuple(found)


def _assertions(content: Content, reader: Reader) -> tuple[Condition, ...]:
    found = (decode_condition(each, "assert", reader) for each in content.blocks_of("assert"))
    return tuple(each for each in found if each is not None)


def _expected(content: Content, reader: Reader) -> tuple[ExpectedFailure, ...]:
    expression = _expression(content, "expect_failures")
    if expression is None:
        return ()
    items = static_list(expression, reader.diagnostics)
    found = (_expected_failure(item, reader) for item in items)
    return tuple(each for each in found if each is not None)


def _expected_failure(item: Expression, reader: Reader) -> ExpectedFailure | None:
    reference = static_reference(item, reader.diagnostics)
    if reference is None:
        return None
    if reference.root in _CHECKABLE and len(reference.steps) == 1:
        return ExpectedFailure(name=str(reference), range=item.range)
    if reference.root not in {*RESERVED_ROOTS, *_CHECKABLE, "run", "resource", "data"}:
        apart = Reader(diagnostics=Diagnostics())
        target = static_target(item, apart)
        if isinstance(target, ResourceAddress):
            return ExpectedFailure(name=str(target), resource=target, range=item.range)
    reader.diagnostics.error(
        'Invalid "expect_failures" reference',
        f"You cannot expect failures from {reference}. Only what has conditions can be expected to "
        "fail: input variables (var.NAME), output values (output.NAME), check blocks (check.NAME) "
        "and resources (KIND.NAME or KIND.NAME[KEY]), all of the module under test.",
        range=item.range,
    )
    return None


def _expression(content: Content, name: str) -> Expression | None:
    argument = content.arguments.get(name)
    return None if argument is None else argument.expression
