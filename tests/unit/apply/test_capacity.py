"""What nodes ask for against what the machine has: told in the plan, kept to in the apply."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlform.digests import Json
from mlform.machine import Machine
from mlform.plan.changes import Mode
from mlform.runtimes.memory import MemoryRuntime, MemoryWork, pass_self_test
from mlform.tasks import Requirements, Server
from tests.engine import Engine, actions

GIB = 1 << 30
SMALL = Machine(cpus=2, memory=4 * GIB, gpus=())


def asking(text: str) -> str:
    return f"  requirements {{\n    {text}\n  }}\n"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path, parallelism=4, machine=SMALL).with_pipeline()
    return made.edit('  target = "y"\n', '  target = "y"\n#model\n').edit(
        "  port     = 8080\n", "  port     = 8080\n#endpoint\n"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cpus = 3", "It asks for 3 cores, this machine has 2."),
        ('memory = "5GiB"', "It asks for 5 GiB of memory, this machine has 4 GiB."),
        ("gpus = 1", "It asks for 1 GPU, this machine has none."),
    ],
)
def test_what_the_machine_never_has_is_said_in_the_plan(
    engine: Engine, text: str, sentence: str
) -> None:
    engine.edit("#model\n", asking(text))
    problem = engine.problem()
    assert problem.summary == "Machine too small"
    assert problem.detail.startswith(sentence)
    assert "Ask for less" in problem.detail
    assert problem.address == "model.m"
    assert problem.range is not None
    assert problem.range.text == text.rpartition("= ")[2]


def test_what_the_runtime_gives_counts_too(engine: Engine) -> None:
    engine.hcl += 'runtime "process" "default" {\n  cpus = 8\n}\n'
    assert {item.address for item in engine.problems()} == {
        "dataset.d",
        "split.s",
        "model.m",
        "evaluation.e",
        "endpoint.p",
    }


def test_all_there_is_may_be_asked_for(engine: Engine) -> None:
    engine.edit("#model\n", asking('cpus = 2\n    memory = "4GiB"'))
    engine.ok()


def test_what_need_not_run_may_ask_for_anything(engine: Engine) -> None:
    engine.machine = Machine(cpus=64, memory=64 * GIB, gpus=("0", "1"))
    engine.edit("#model\n", asking("cpus = 64\n    gpus = 2")).ok()
    engine.machine = SMALL
    assert actions(engine.plan().plan) == {}
    engine.write_without("model.m", "evaluation.e", "endpoint.p")
    planned = engine.plan()
    assert actions(planned.plan)["model.m"] == "create"
    assert not engine.carry_out(planned).failed


UNKNOWN = """
resource "mlform_data" "how_many" {
  input = NUMBER
}
"""


def test_what_only_apply_can_know_fails_before_it_starts(engine: Engine) -> None:
    engine.hcl += UNKNOWN.replace("NUMBER", "3")
    engine.edit("#model\n", asking("gpus = mlform_data.how_many.output"))
    ran = engine.apply()
    failure = ran.failed["model.m"]
    assert failure.summary == "Machine too small"
    assert "It asks for 3 GPUs, this machine has none." in failure.detail
    assert ran.skipped == {"evaluation.e": "model.m failed", "endpoint.p": "model.m failed"}
    assert engine.record("split.s").artifact is not None
    engine.edit("input = 3", "input = 0")
    engine.ok()


def test_limits_reach_the_task(engine: Engine) -> None:
    seen: list[Requirements] = []
    inner = engine.work["model"]

    def look(work: MemoryWork) -> Mapping[str, Json]:
        seen.append(work.requirements)
        return inner(work)

    engine.rework("model", look)
    engine.machine = Machine(cpus=4, memory=8 * GIB, gpus=("GPU-a", "GPU-b"))
    engine.edit(
        "#model\n", asking('cpus = 1.5\n    memory = "2GiB"\n    gpus = 2\n    timeout = "5m"')
    )
    engine.ok()
    assert seen == [
        Requirements(cpus=1.5, memory=2 * GIB, gpus=2, timeout=300.0, devices=("GPU-a", "GPU-b"))
    ]


TWO = """
resource "model" "MODEL" {
  split  = split.s
  target = "y"
  algorithm "xgboost" {
    rounds = ROUNDS
  }
  requirements {
    ASK
  }
}
"""


@pytest.mark.parametrize(
    ("ask", "together"),
    [
        ("cpus = 2", 1),
        ("cpus = 1", 2),
        ('cpus = 0.5\n    memory = "3GiB"', 1),
        ('cpus = 0.5\n    memory = "2GiB"', 2),
    ],
)
def test_no_more_runs_at_a_time_than_fits(engine: Engine, ask: str, together: int) -> None:
    inner = engine.work["model"]
    lock, running, most = threading.Lock(), [0], [0]

    def watched(work: MemoryWork) -> Mapping[str, Json]:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        work.pass_time(0.1)
        with lock:
            running[0] -= 1
        return inner(work)

    engine.rework("model", watched)
    for number in range(4):
        text = TWO.replace("MODEL", f"m{number}").replace("ROUNDS", f"{number + 20}")
        engine.hcl += text.replace("ASK", ask)
    engine.ok()
    assert most[0] == together


# GPUs of endpoints


@pytest.fixture
def serving(engine: Engine) -> Engine:
    """An endpoint with one of two GPUs."""
    engine.machine = Machine(cpus=4, memory=8 * GIB, gpus=("0", "1"))
    engine.edit("#endpoint\n", asking("gpus = 1"))
    engine.ok()
    return engine


def devices(engine: Engine) -> Json:
    spec = engine.record("endpoint.p").handle["spec"]
    assert isinstance(spec, Mapping)
    needs = spec["requirements"]
    assert isinstance(needs, Mapping)
    return needs["devices"]


def test_an_endpoint_keeps_its_gpu(serving: Engine) -> None:
    assert devices(serving) == ["0"]
    seen: list[tuple[str, ...]] = []
    inner = serving.work["model"]

    def look(work: MemoryWork) -> Mapping[str, Json]:
        seen.append(work.requirements.devices)
        return inner(work)

    serving.rework("model", look)
    serving.edit("#model\n", asking("gpus = 1"))
    serving.edit("rounds = 10", "rounds = 11")
    serving.ok()
    assert seen == [("1",)]


def test_what_an_endpoint_keeps_is_said_in_the_plan(serving: Engine) -> None:
    serving.hcl += TWO.replace("MODEL", "big").replace("ROUNDS", "30").replace("ASK", "gpus = 2")
    problem = serving.problem()
    assert problem.detail.startswith(
        "It asks for 2 GPUs, this machine has 2, 1 of which running endpoints hold."
    )


def test_what_an_endpoint_keeps_is_no_deadlock(serving: Engine) -> None:
    serving.hcl += UNKNOWN.replace("NUMBER", "2")
    serving.hcl += (
        TWO.replace("MODEL", "big")
        .replace("ROUNDS", "30")
        .replace("ASK", "gpus = mlform_data.how_many.output")
    )
    ran = serving.apply()
    assert "1 of which running endpoints hold" in ran.failed["model.big"].detail
    assert ran.failed["model.big"].log == ""


def test_a_gpu_is_free_again_once_its_endpoint_is_gone(serving: Engine) -> None:
    serving.hcl += TWO.replace("MODEL", "big").replace("ROUNDS", "30").replace("ASK", "gpus = 2")
    begin = serving.hcl.index('resource "endpoint"')
    end = serving.hcl.index("output")
    serving.hcl = serving.hcl[:begin] + serving.hcl[end:]
    assert serving.ok().counts == (1, 0, 1)


def test_replacing_the_only_gpu_server_shares_its_gpu_for_a_moment(serving: Engine) -> None:
    serving.machine = Machine(cpus=4, memory=8 * GIB, gpus=("0",))
    seen: list[tuple[str, ...]] = []

    def self_test(server: Server, model: Path) -> None:
        seen.append(server.requirements.devices)
        pass_self_test(server, model)

    old = serving.runtime
    serving.use(MemoryRuntime(serving.work, self_test=self_test))
    serving.edit("rounds = 10", "rounds = 11")
    serving.ok()
    assert seen == [("0",)]
    assert devices(serving) == ["0"]
    assert old is not serving.runtime


def test_tests_with_made_up_resources_need_no_machine(engine: Engine) -> None:
    engine.machine = Machine(cpus=2, memory=4 * GIB, lenient=True)
    engine.edit("#model\n", asking('cpus = 64\n    memory = "999GiB"\n    gpus = 8'))
    assert engine.ok().counts[0] == 5
    assert engine.apply(mode=Mode.DESTROY).counts == (0, 0, 5)
