"""Requirements and retries as written, to numbers."""

from __future__ import annotations

import pytest

from mlform.digests import Json
from mlform.requirements import (
    Retry,
    duration_seconds,
    memory_bytes,
    requirements_of,
    requirements_problems,
    retry_of,
    retry_problems,
)
from mlform.tasks import Requirements


def test_what_is_absent_comes_from_the_default() -> None:
    base = Requirements(cpus=2, memory=5, gpus=1, timeout=7)
    assert requirements_of(None, base) is base
    assert requirements_of({"memory": "1KiB"}, base) == Requirements(
        cpus=2, memory=1024, gpus=1, timeout=7
    )


@pytest.mark.parametrize(
    ("block", "argument"),
    [
        ({"cpus": 0}, "cpus"),
        ({"cpus": -1}, "cpus"),
        ({"gpus": -1}, "gpus"),
        ({"gpus": 0.5}, "gpus"),
        ({"memory": "much"}, "memory"),
        ({"memory": "0GiB"}, "memory"),
        ({"timeout": "0s"}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
    ],
)
def test_what_cannot_be(block: Json, argument: str) -> None:
    assert [name for name, _ in requirements_problems(block)] == [argument]


def test_what_can_be() -> None:
    block: Json = {"cpus": 0.5, "memory": "512MiB", "gpus": 0, "timeout": "90s"}
    assert requirements_problems(block) == ()
    assert (memory_bytes("1.5GiB"), duration_seconds("2m")) == (3 << 29, 120.0)


def test_retries() -> None:
    assert retry_of(None) == Retry(attempts=3, delay=2.0, when="transient")
    block: Json = {"attempts": 5, "delay": "10s", "when": "failure"}
    assert retry_of(block) == Retry(attempts=5, delay=10.0, when="failure")
    assert retry_of({"attempts": None, "delay": None, "when": None}) == Retry()


def test_pauses_double_up_to_five_minutes() -> None:
    retry = Retry(delay=10)
    assert [retry.pause_before(number) for number in (2, 3, 4, 8, 9999)] == [10, 20, 40, 300, 300]
    assert [Retry(delay=900).pause_before(number) for number in (2, 3)] == [900, 900]


@pytest.mark.parametrize(
    ("block", "argument"),
    [({"attempts": 0}, "attempts"), ({"attempts": 1.5}, "attempts"), ({"delay": "x"}, "delay")],
)
def test_retries_that_cannot_be(block: Json, argument: str) -> None:
    assert [name for name, _ in retry_problems(block)] == [argument]
