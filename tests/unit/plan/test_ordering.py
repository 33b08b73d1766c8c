"""Steps of changes in a valid order, and what decides how long they take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlform.addresses import ResourceAddress
from mlform.plan.changes import Action, Change
from mlform.plan.durations import critical_path
from mlform.plan.ordering import order_steps
from mlform.plan.steps import Operation, Step

NAMES = "abcdef"
CHANGING = [action for action in Action if action is not Action.NO_OP]


def change(name: str, action: Action) -> Change:
    return Change(
        address=ResourceAddress("mlform_data", name), action=action, before=None, after=None
    )


def edges(pairs: set[tuple[int, int]], order: list[str]) -> dict[str, list[str]]:
    """Needs without cycles: only what stands before in an order is needed."""
    found: dict[str, list[str]] = {f"mlform_data.{name}": [] for name in order}
    for left, right in pairs:
        if left < right:
            found[f"mlform_data.{order[right]}"].append(f"mlform_data.{order[left]}")
    return found


PAIRS = st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=12)


@given(
    st.lists(st.sampled_from(CHANGING), min_size=6, max_size=6),
    PAIRS,
    PAIRS,
    st.permutations(NAMES),
    st.permutations(NAMES),
)
def test_any_turn_of_dependencies_can_be_ordered(
    actions: list[Action],
    now: set[tuple[int, int]],
    before: set[tuple[int, int]],
    order_now: list[str],
    order_before: list[str],
) -> None:
    needs, prior = edges(now, order_now), edges(before, order_before)
    # As the planner does it: what is created first takes all that it depends on with it.
    first = {name for name, item in zip(NAMES, actions, strict=True) if item.name[:6] == "CREATE"}
    reached = {f"mlform_data.{name}" for name in first}
    while more := {item for name in reached for item in needs[name]} - reached:
        reached |= more
    chosen = [
        Action.CREATE_THEN_DELETE
        if item is Action.DELETE_THEN_CREATE and f"mlform_data.{name}" in reached
        else item
        for name, item in zip(NAMES, actions, strict=True)
    ]
    gone = {f"mlform_data.{n}" for n, a in zip(NAMES, chosen, strict=True) if a is Action.DELETE}
    needs = {
        name: [item for item in wanted if item not in gone]
        for name, wanted in needs.items()
        if name not in gone
    }
    steps = order_steps(
        [change(name, item) for name, item in zip(NAMES, chosen, strict=True)], needs, prior, "k"
    )
    place = {step.id: at for at, step in enumerate(steps)}
    assert len(place) == len(steps)
    for step in steps:
        assert all(place[item] < place[step.id] for item in step.needs)
        if step.operation in {Operation.CREATE, Operation.REBUILD, Operation.UPDATE}:
            for needed in needs[str(step.address)]:
                for operation in ("create", "rebuild", "update"):
                    assert place.get(f"{operation} {needed}", -1) < place[step.id]


def test_critical_path_is_the_longest() -> None:
    def step(name: str, *needs: str) -> Step:
        address = ResourceAddress("model", name)
        return Step(id=name, address=address, operation=Operation.CREATE, needs=needs)

    steps = (step("a"), step("b"), step("c", "a", "b"), step("d", "b"))
    found = critical_path(steps, {"a": 1.0, "b": 3.0, "d": 1.0})
    assert found == (4.0, ("model.b", "model.d"))
    assert critical_path(steps, {}) == (None, ())


def instances(name: str, action: Action, count: int) -> list[Change]:
    return [
        Change(
            address=ResourceAddress("mlform_data", name, key),
            action=action,
            before=None,
            after=None,
        )
        for key in range(count)
    ]


def position(steps: tuple[Step, ...], operation: Operation, name: str) -> list[int]:
    return [
        at
        for at, step in enumerate(steps)
        if step.operation is operation and step.address.name == name
    ]


@given(st.sampled_from([2, 15, 16, 40]), st.sampled_from([1, 16, 40]))
def test_many_steps_are_waited_for_at_once(first: int, second: int) -> None:
    needs = {"mlform_data.a": [], "mlform_data.b": ["mlform_data.a"]}
    create = [*instances("b", Action.CREATE, second), *instances("a", Action.CREATE, first)]
    made = order_steps(create, needs, {}, "k")
    a, b = (position(made, Operation.CREATE, name) for name in "ab")
    assert len(a) == first
    assert len(b) == second
    assert max(a) < min(b)
    assert sum(len(step.needs) for step in made) <= first + second + 15 * second

    delete = [*instances("a", Action.DELETE, first), *instances("b", Action.DELETE, second)]
    gone = order_steps(delete, {}, needs, "k")
    a, b = (position(gone, Operation.DELETE, name) for name in "ab")
    assert max(b) < min(a)
    assert sum(len(step.needs) for step in gone) <= first + second + 15 * first

    replaced = [
        *instances("a", Action.CREATE_THEN_DELETE, first),
        *instances("b", Action.UPDATE, second),
    ]
    steps = order_steps(replaced, needs, needs, "k")
    assert max(position(steps, Operation.CREATE, "a")) < min(position(steps, Operation.UPDATE, "b"))
    assert max(position(steps, Operation.UPDATE, "b")) < min(position(steps, Operation.DELETE, "a"))
    awaited = [step for step in steps if step.operation is Operation.AWAIT]
    assert [str(step.address) for step in awaited] == [
        name for name, count in (("mlform_data.a", first), ("mlform_data.b", second)) if count > 15
    ]
