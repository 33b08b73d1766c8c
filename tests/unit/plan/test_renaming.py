"""What `state mv` moves where, and what it refuses."""

from __future__ import annotations

import pytest

from mlform.addresses import parse_address, parse_target
from mlform.dataclass import replace
from mlform.errors import UsageError
from mlform.plan.moves import moved_state
from mlform.plan.renaming import moves_to
from mlform.state.snapshot import State
from mlform.wiring import KindTable
from tests.contracts.state_samples import record, state

HERE = state(
    *(
        record(parse_address(address))
        for address in (
            "mlform_data.a",
            "mlform_data.c[0]",
            "mlform_data.c[1]",
            'mlform_data.e["x"]',
            "module.m.mlform_data.a",
            "module.m.module.inner.mlform_data.a",
            "module.n[0].mlform_data.a",
            "module.n[1].mlform_data.a",
        )
    )
)


def moved(source: str, target: str, here: State = HERE) -> dict[str, str]:
    moves = moves_to(here, parse_target(source), parse_target(target))
    return {str(move.source): str(move.target) for move in moves}


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("mlform_data.a", "mlform_data.b", {"mlform_data.a": "mlform_data.b"}),
        ("mlform_data.a", "mlform_data.a[0]", {"mlform_data.a": "mlform_data.a[0]"}),
        ("mlform_data.a", 'mlform_data.e["y"]', {"mlform_data.a": 'mlform_data.e["y"]'}),
        ("mlform_data.c[1]", "mlform_data.c", {"mlform_data.c[1]": "mlform_data.c"}),
        (
            "mlform_data.c",
            "module.q.mlform_data.d",
            {
                "mlform_data.c[0]": "module.q.mlform_data.d[0]",
                "mlform_data.c[1]": "module.q.mlform_data.d[1]",
            },
        ),
        ("module.m.mlform_data.a", "mlform_data.b", {"module.m.mlform_data.a": "mlform_data.b"}),
        (
            "module.m",
            "module.q[0]",
            {
                "module.m.mlform_data.a": "module.q[0].mlform_data.a",
                "module.m.module.inner.mlform_data.a": "module.q[0].module.inner.mlform_data.a",
            },
        ),
        (
            "module.m.module.inner",
            "module.inner",
            {"module.m.module.inner.mlform_data.a": "module.inner.mlform_data.a"},
        ),
        ("module.n[1]", "module.n[2]", {"module.n[1].mlform_data.a": "module.n[2].mlform_data.a"}),
        (
            "module.n",
            "module.m.module.n",
            {
                "module.n[0].mlform_data.a": "module.m.module.n[0].mlform_data.a",
                "module.n[1].mlform_data.a": "module.m.module.n[1].mlform_data.a",
            },
        ),
    ],
)
def test_what_moves(source: str, target: str, expected: dict[str, str]) -> None:
    assert moved(source, target) == expected


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("mlform_data.q", "mlform_data.b", "does not match anything"),
        ("mlform_data.c[7]", "mlform_data.b", r"does not contain mlform_data\.c\[7\]"),
        ("module.q", "module.b", "does not match anything"),
        ("module.n[7]", "module.b", "does not match anything"),
        ("mlform_data.a", "mlform_data.c[0]", "already a resource instance"),
        ("mlform_data.a", "mlform_data.a", "already a resource instance"),
        ("mlform_data.c", "mlform_data.a", "already a resource at"),
        ("mlform_data.c", "mlform_data.d[0]", "must also be a whole resource"),
        ("mlform_data.c", "module.d", "must also be a whole resource"),
        ("mlform_data.a", "module.d", "must also be a resource instance"),
        ("mlform_data.a", "dataset.a", "kinds don't match"),
        ("module.m", "mlform_data.b", "must also be a module"),
        ("module.m", "module.n[0]", "already exists"),
        ("module.m", "module.m", "already exists"),
        ("module.n", "module.m", "already exists"),
        ("module.n", "module.q[0]", "must also be a whole module"),
        ("module.n[0]", "module.n[0].module.k", "into itself"),
        ("module.m", "module.m.module.k", "into itself"),
    ],
)
def test_what_is_refused(source: str, target: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        moved(source, target)


def test_deposed_objects_go_with_the_current_one() -> None:
    address = parse_address("mlform_data.a")
    here = state(record(address))
    here = State(
        lineage="line-1", objects={**here.objects, (address, "0a1b"): record(address, old=True)}
    )
    after = moved_state(here, moves_to(here, address, parse_target("mlform_data.b")), KindTable())
    target = parse_address("mlform_data.b")
    assert set(after.objects) == {(target, ""), (target, "0a1b")}


def test_who_depends_on_a_block_that_only_one_instance_leaves_depends_on_both() -> None:
    left, stays = parse_address("mlform_data.c[0]"), parse_address("mlform_data.c[1]")
    other = record(parse_address("mlform_data.d"))
    here = state(
        record(left),
        record(stays),
        replace(other, dependencies=("mlform_data.c",)),
    )
    after = moved_state(here, moves_to(here, left, parse_target("mlform_data.z")), KindTable())
    found = after.current(other.address)
    assert found is not None
    assert found.dependencies == ("mlform_data.c", "mlform_data.z")
