"""Watching an apply: signals become wishes, and are told once."""

from __future__ import annotations

import io
import os
import signal
from pathlib import Path

import pytest

from mlform.apply.events import Interrupted, StepStarted
from mlform.cli.session import Session, Stream
from mlform.cli.watching import Watch
from mlform.plan.steps import Operation
from tests.unit.views.plans import address
from tests.waiting import wait_until


def session(out: io.StringIO, folder: Path) -> Session:
    return Session(
        folder=folder,
        data_folder=folder / ".mlform",
        variables={},
        workspace="default",
        stdin=io.StringIO(),
        out=Stream(out),
        err=Stream(io.StringIO()),
    )


def wait_for(text: str, paper: io.StringIO) -> None:
    wait_until(lambda: text in paper.getvalue(), repr(text), limit=10)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_and_the_second_insists(number: int, tmp_path: Path) -> None:
    paper = io.StringIO()
    before = signal.getsignal(signal.SIGINT)
    with Watch(session(paper, tmp_path)) as watch:
        watch.on_event(StepStarted(address=address("model.a"), operation=Operation.CREATE))
        os.kill(os.getpid(), number)
        wait_for("Interrupt received", paper)
        assert watch.stop.requested
        assert not watch.stop.now.is_set()
        watch.on_event(Interrupted(now=False))
        os.kill(os.getpid(), number)
        wait_for("Stopping at once", paper)
        assert watch.stop.now.is_set()
    assert paper.getvalue().count("Interrupt received") == 1
    assert signal.getsignal(signal.SIGINT) is before


def test_nothing_is_shown_where_nothing_happens(tmp_path: Path) -> None:
    paper = io.StringIO()
    with Watch(session(paper, tmp_path)):
        pass
    assert paper.getvalue() == ""
