"""Values that are needed before anything is planned: module sources, backends, lifecycle flags.

They may be any expression over what is known in time: variables, locals, functions, `path` and
the workspace. Variables of a module are what its caller gives it, resolved in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from mlform.addresses import ModulePath, print_path
from mlform.config.variable_values import accepted, default_of, marked, without_value
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostics, SourceRange, did_you_mean
from mlform.lang.construct import object_of, string_value
from mlform.lang.references import Reference, name_range, references
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.values import UNKNOWN_VALUE, Value

if TYPE_CHECKING:
    from mlform.config.blocks import LocalValue, ModuleCall, VariableBlock
    from mlform.hcl.ast import Expression
    from mlform.lang.function import Function

CONTEXT = ("path", "mlform", "terraform")
"""Roots of references that are known without being declared."""
DECLARED = {"var": "input variable", "local": "local value"}
"""Roots of references to what is declared and may be known in time, with what it is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlyContext:
    """What the expressions of all modules can see.

    Attributes:
        functions: By name.
        working_folder: What `path.cwd` gives.
        workspace: What `mlform.workspace` gives.
        partial: Whether variables of the root module may be without value, as for `validate`.
            Arguments with a default are then as if they were not set.
    """

    functions: Mapping[str, Function] = field(default_factory=dict)
    working_folder: str = "."
    workspace: str = "default"
    partial: bool = False


@dataclass(slots=True, kw_only=True)
class EarlyScope:
    """What one module knows before anything is planned.

    Attributes:
        context: Of all modules.
        path: Of the module.
        folder: What `path.module` gives.
        root_folder: What `path.root` gives.
        variables: Declared in the module.
        locals: Declared in the module.
        values: Of the variables, in the root module.
        caller: The scope of the module that calls this one, with the call; None in the root.
    """

    context: EarlyContext = field(default_factory=EarlyContext)
    path: ModulePath = ()
    folder: str = "."
    root_folder: str = "."
    variables: Mapping[str, VariableBlock] = field(default_factory=dict)
    locals: Mapping[str, LocalValue] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    caller: tuple[EarlyScope, ModuleCall] | None = None
    _known: dict[tuple[str, str], Value] = field(default_factory=dict)
    _failed: set[tuple[str, str]] = field(default_factory=set)
    _base: list[Scope] = field(default_factory=list)

    def value(
        self,
        expression: Expression,
        diagnostics: Diagnostics,
        *,
        extra: Mapping[str, Value] | None = None,
    ) -> Value | None:
        """Resolve an expression with what is known in time, unknown values for all else.

        Args:
            expression: As written in the module.
            diagnostics: Takes what is wrong with it, and with the locals it needs.
            extra: Further roots.

        Returns:
            The value, which may be or hold unknown values, or None after a problem.
        """
        wanted = references(expression)
        before = len(diagnostics)
        if wanted:
            self._check_declared(wanted, diagnostics)
            _settle(self, wanted, diagnostics)
            if len(diagnostics) > before:
                return None
        value = resolve(expression, self._scope(wanted, extra or {}), diagnostics)
        return value if len(diagnostics) == before else None

    def around(self, wanted: Iterable[Reference], diagnostics: Diagnostics) -> Scope:
        """Return a scope in which references can be looked up; unknown where not known in time."""
        found = tuple(wanted)
        self._check_declared(found, diagnostics)
        _settle(self, found, diagnostics)
        return self._scope(found, {})

    def _check_declared(self, wanted: Iterable[Reference], diagnostics: Diagnostics) -> None:
        for reference in wanted:
            what = DECLARED.get(reference.root)
            name = reference.steps[0] if reference.steps else None
            declared: Mapping[str, object] = (
                self.variables if reference.root == "var" else self.locals
            )
            if what is not None and isinstance(name, str) and name not in declared:
                add = (
                    f'Declare it with a variable "{name}" {{}} block.'
                    if reference.root == "var"
                    else f'Add "{name}" to a locals block.'
                )
                place = f" in the module {print_path(self.path)}" if self.path else ""
                diagnostics.error(
                    f"Reference to undeclared {what}",
                    f'There is no {what} named "{name}"{place}. {add}'
                    f"{did_you_mean(name, declared)}",
                    range=name_range(reference),
                )

    def _scope(self, wanted: Iterable[Reference], extra: Mapping[str, Value]) -> Scope:
        roots: dict[str, dict[str, Value]] = {root: {} for root in DECLARED}
        given = dict(extra)
        for reference in wanted:
            root = reference.root
            if root in roots:
                for item in items(self, reference):
                    roots[root][item.name] = item.value
            elif root not in CONTEXT and root not in given and reference.steps:
                given[root] = UNKNOWN_VALUE
        given.update({root: object_of(members) for root, members in roots.items()})
        return self._surroundings().child(given)

    def _surroundings(self) -> Scope:
        if not self._base:
            paths = {
                "module": string_value(self.folder),
                "root": string_value(self.root_folder),
                "cwd": string_value(self.context.working_folder),
            }
            workspace = object_of({"workspace": string_value(self.context.workspace)})
            self._base.append(
                Scope(
                    variables={
                        "path": object_of(paths),
                        "mlform": workspace,
                        "terraform": workspace,
                    },
                    functions=self.context.functions,
                )
            )
        return self._base[0]

    def compute(self, item: Item, diagnostics: Diagnostics) -> None:
        """Resolve a variable or local value of this module, whose needs are known."""
        if item.root == "local":
            found = self._computed(self.locals[item.name].expression, diagnostics)
        else:
            found = self._variable(self.variables[item.name], diagnostics)
        if found is None:
            self.give_up(item)
        else:
            self._known[(item.root, item.name)] = found

    def _computed(self, expression: Expression, diagnostics: Diagnostics) -> Value | None:
        wanted = references(expression)
        before = len(diagnostics)
        self._check_declared(wanted, diagnostics)
        if len(diagnostics) > before:
            return None
        value = resolve(expression, self._scope(wanted, {}), diagnostics)
        return value if len(diagnostics) == before else None

    def _variable(self, variable: VariableBlock, diagnostics: Diagnostics) -> Value | None:
        if self.caller is None:
            value = self.values.get(variable.name)
            return without_value(variable) if value is None else value
        outer, call = self.caller
        argument = call.arguments.get(variable.name)
        found: Value | None
        if argument is None:
            # That a required one is not set is found where the call is checked.
            found = None if variable.default is None else default_of(variable, diagnostics)
        else:
            found = outer._computed(argument.expression, diagnostics)  # noqa: SLF001 - same class
            if found is not None:
                found = accepted(
                    variable,
                    found,
                    said="The given value",
                    place=argument.expression.range,
                    diagnostics=diagnostics,
                )
        return None if found is None else marked(variable, found)

    def known(self, root: str, name: str) -> Value | None:
        """Return what was found out about a variable or local value so far."""
        return self._known.get((root, name))

    def give_up(self, item: Item) -> None:
        """Take a variable or local value as unknown, after it was told what is wrong with it."""
        self._known[(item.root, item.name)] = UNKNOWN_VALUE
        self._failed.add((item.root, item.name))

    def has_failed(self, root: str, name: str) -> bool:
        """Whether something is wrong with a variable or local value, which was told."""
        return (root, name) in self._failed


@dataclass(frozen=True, slots=True)
class Item:
    """A variable or local value of a module."""

    scope: EarlyScope
    root: str
    name: str

    @property
    def identity(self) -> tuple[int, str, str]:
        """What tells it from others; scopes are told apart as objects."""
        return id(self.scope), self.root, self.name

    @property
    def value(self) -> Value:
        """What was found out about it so far."""
        found = self.scope.known(self.root, self.name)
        return UNKNOWN_VALUE if found is None else found

    def source(self) -> tuple[EarlyScope, Expression] | None:
        """Return the expression that gives it its value, with where that is written."""
        if self.root == "local":
            return self.scope, self.scope.locals[self.name].expression
        if self.scope.caller is None:
            return None
        outer, call = self.scope.caller
        argument = call.arguments.get(self.name)
        return None if argument is None else (outer, argument.expression)

    def needs(self) -> Iterator[Item]:
        """Return what its expression refers to."""
        source = self.source()
        if source is None:
            return
        scope, expression = source
        for reference in references(expression):
            yield from items(scope, reference)

    def __str__(self) -> str:
        path = print_path(self.scope.path)
        return f"{path}.{self.root}.{self.name}" if path else f"{self.root}.{self.name}"


def items(scope: EarlyScope, reference: Reference) -> Iterator[Item]:
    """Return the variable or local value that a reference means; all if its name is computed."""
    if reference.root not in DECLARED:
        return
    declared: Mapping[str, object] = scope.variables if reference.root == "var" else scope.locals
    name = reference.steps[0] if reference.steps else None
    if name is None:
        for each in declared:
            yield Item(scope, reference.root, each)
    elif isinstance(name, str) and name in declared:
        yield Item(scope, reference.root, name)


def _settle(scope: EarlyScope, wanted: Iterable[Reference], diagnostics: Diagnostics) -> None:
    """Find out everything that some references need, what they need first; without recursion."""
    first = (item for reference in wanted for item in items(scope, reference))
    trail: list[tuple[Item | None, Iterator[Item]]] = [(None, first)]
    open_: set[tuple[int, str, str]] = set()
    while trail:
        done, waiting = trail[-1]
        item = next(waiting, None)
        if item is None:
            trail.pop()
            if done is not None:
                open_.discard(done.identity)
                if done.scope.known(done.root, done.name) is None:
                    done.scope.compute(done, diagnostics)
        elif item.scope.known(item.root, item.name) is not None:
            continue
        elif item.identity in open_:
            _report_cycle([each for each, _ in trail if each is not None], item, diagnostics)
            item.scope.give_up(item)
        else:
            open_.add(item.identity)
            trail.append((item, item.needs()))


def _report_cycle(trail: list[Item], again: Item, diagnostics: Diagnostics) -> None:
    start = next(at for at, each in enumerate(trail) if each.identity == again.identity)
    cycle = trail[start:]
    lines: list[str] = []
    first: SourceRange | None = None
    for item, needed in zip(cycle, (*cycle[1:], again), strict=True):
        place = _place_of(item, needed)
        first = first or place
        lines.append(f"  {item} refers to {needed} at {place}")
    path = " → ".join(str(each) for each in (*cycle, again))
    diagnostics.error(
        "Cycle",
        f"{path}\n\n" + "\n".join(lines) + "\n\nRemove one of these references.",
        range=first,
    )


def _place_of(item: Item, needed: Item) -> SourceRange | None:
    source = item.source()
    if source is None:
        return None
    scope, expression = source
    for reference in references(expression):
        if any(each.identity == needed.identity for each in items(scope, reference)):
            return reference.range
    return None
