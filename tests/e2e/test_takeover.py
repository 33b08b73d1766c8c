"""A real endpoint that is renamed, or moves between runtimes, while somebody asks it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlform.runtimes.route import ask
from tests.e2e.cli import Cli
from tests.e2e.test_kill import CODE, PIPELINE, cleaned, processes_of
from tests.e2e.trainings import TABLE
from tests.ports import free_port


class Asking:
    """Asks an endpoint again and again, and counts what comes back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.answers, self.failures = 0, list[str]()

    def _ask(self) -> None:
        while not self._over.wait(0.01):
            answer = ask("127.0.0.1", self._port, timeout=5)
            if answer.ready:
                self.answers += 1
            else:
                self.failures.append(f"{answer.status} {answer.problem}")

    @contextmanager
    def around(self) -> Iterator[None]:
        """Ask as long as the block lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()


def test_a_renamed_endpoint_answers_all_the_time(tmp_path: Path) -> None:
    port = free_port()
    text = PIPELINE.replace("PORT", str(port)).replace("var.round", "1")
    cli = Cli(tmp_path).file("main.mlf.hcl", text)
    cli.file("data.csv", TABLE).file("code/constant.py", CODE)
    with cleaned(cli):
        cli.run("apply", "-auto-approve").ok()
        asking = Asking(port)
        with asking.around():
            cli.replace("main.mlf.hcl", '"endpoint" "p"', '"endpoint" "q"')
            done = cli.run("apply", "-auto-approve").ok()
        assert "Resources: 1 added, 0 changed, 1 destroyed." in done.stdout
        assert asking.failures == []
        assert asking.answers > 10
        assert cli.run("plan", "-detailed-exitcode").status == 0
        assert len(processes_of(tmp_path)) == 2
        cli.run("destroy", "-auto-approve").ok()
        assert processes_of(tmp_path) == []
