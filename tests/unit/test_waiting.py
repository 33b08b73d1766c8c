"""Calls that are waited for: answers, failures, time limits, and signals that end the waiting."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from mlform.waiting import answers, together


def fail() -> int:
    raise ValueError("no")


def test_an_answer_and_a_failure_arrive() -> None:
    assert answers(lambda: 3) == (3,)
    with pytest.raises(ValueError, match="no"):
        answers(fail)


def test_who_is_late_is_waited_for_no_more() -> None:
    over = threading.Event()
    assert answers(over.wait, within=0.01) == ()
    over.set()


def test_answers_come_in_order_whoever_is_first() -> None:
    first = threading.Event()

    def slow() -> str:
        assert first.wait(30)
        return "slow"

    def quick() -> str:
        first.set()
        return "quick"

    assert together([slow, quick]) == ("slow", "quick")


def test_all_are_over_when_one_has_failed() -> None:
    ended: list[str] = []
    failed = threading.Event()

    def failing() -> None:
        failed.set()
        raise ValueError("no")

    def slow() -> None:
        assert failed.wait(30)
        ended.append("slow")

    with pytest.raises(ValueError, match="no"):
        together([failing, slow])
    assert ended == ["slow"]


def test_a_signal_ends_the_waiting() -> None:
    over = threading.Event()

    def call() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        over.wait(30)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            answers(call)
    finally:
        signal.signal(signal.SIGINT, before)
        over.set()
