"""Orders, cycles and closures of graphs."""

from __future__ import annotations

from mlform.graph.dag import Dag


def test_order_follows_needs_and_otherwise_the_order_given() -> None:
    dag = Dag({"c": ("a",), "b": (), "a": (), "d": ("c", "b")})
    assert dag.order() == ("b", "a", "c", "d")


def test_order_leaves_cycles_and_what_needs_them_out() -> None:
    dag = Dag({"a": ("b",), "b": ("a",), "c": ("a",), "d": ()})
    assert dag.order() == ("d",)
    assert dag.cycles() == (("a", "b"),)


def test_each_cycle_is_found_as_short_as_it_is() -> None:
    dag = Dag({"a": ("b", "c"), "b": ("c",), "c": ("a",), "x": ("x",)})
    assert set(dag.cycles()) == {("a", "c"), ("x",)}


def test_doubled_needs_count_once() -> None:
    assert Dag({"a": (), "b": ("a", "a")}).order() == ("a", "b")


def test_closure_and_reduction() -> None:
    dag = Dag({"a": (), "b": ("a",), "c": ("b", "a"), "d": ()})
    assert dag.closure(("c",)) == {"a", "b", "c"}
    assert dag.reduced().needs == {"a": (), "b": ("a",), "c": ("b",), "d": ()}
    assert dag.followers() == {"a": ("b", "c"), "b": ("c",), "c": (), "d": ()}
