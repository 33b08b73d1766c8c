"""The worker as a process: what it prints, how it ends, and that its bytes repeat."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess  # noqa: TID251 - starts the worker as a runtime does
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mlform.digests import Json, JsonObject, digest_tree
from mlform.tasks import TaskDocument, TaskEvent
from mlform.worker.execution import run_document

ROOT = Path(__file__).parents[3]
ROWS = "a,b,y\n" + "".join(
    f"{n * 37 % 101},{n % 7},{'uv'[n * 37 % 101 > 50]}\n" for n in range(400)
)
CODE = """
import numpy as np
import polars
print("printed when imported")
print("pool of", polars.thread_pool_size())
def fit(features, target, params):
    return list({"p", "q", "r", "s", "t"})
def predict(model, features):
    return np.full(len(features), 0.5)
def save(model, folder):
    (folder / "m").write_text(" ".join(model))
def load(folder):
    return (folder / "m").read_text().split()
"""


def write(
    folder: Path,
    name: str,
    kind: str,
    arguments: JsonObject,
    inputs: Mapping[str, Path],
    threads: int = 2,
) -> Path:
    """Write a document whose output is `folder / name` and return its path."""
    (folder / name).mkdir()
    document = TaskDocument(
        kind=kind,
        arguments=arguments,
        inputs={key: str(path) for key, path in inputs.items()},
        output=str(folder / name),
        threads=threads,
    )
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document.to_json()))
    return path


def worker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-m", "mlform.worker", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def chain(folder: Path, threads: int) -> list[Path]:
    """Write the documents of a whole pipeline, each reading what the one before it made."""
    (folder / "source").mkdir(parents=True)
    (folder / "source" / "a.csv").write_text(ROWS)
    (folder / "code").mkdir()
    (folder / "code" / "own.py").write_text(CODE)
    sampled: Json = {"fraction": 0.9, "rows": None, "seed": 4}
    transforms: Json = [
        {"op": "standardize", "columns": ["a"]},
        {"op": "one_hot", "columns": ["b"]},
    ]
    strategy: Json = {
        "type": "ratio",
        "partitions": {"train": 0.7, "eval": 0.3},
        "stratify": "y",
    }
    boosting: Json = {
        "type": "xgboost",
        "rounds": 20,
        "params": {"subsample": 0.7},
        "early_stopping": {"partition": "eval", "rounds": 5, "metric": None},
    }
    artifact = {name: folder / name / "artifact" for name in ("dataset", "split", "model")}
    works: list[tuple[str, str, JsonObject, Mapping[str, Path]]] = [
        (
            "dataset",
            "dataset",
            {"source": {"type": "file"}, "files": ["a.csv"], "sample": sampled},
            {"source": folder / "source"},
        ),
        (
            "split",
            "split",
            {"seed": 1, "train": "train", "strategy": strategy, "transforms": transforms},
            {"dataset": artifact["dataset"]},
        ),
        (
            "model",
            "model",
            {"target": "y", "seed": 2, "algorithm": boosting},
            {"split": artifact["split"]},
        ),
        (
            "own",
            "model",
            {"target": "y", "seed": 2, "algorithm": {"type": "python", "module": "own"}},
            {"split": artifact["split"], "code": folder / "code"},
        ),
        (
            "evaluation",
            "evaluation",
            {"partition": "eval", "metrics": ["roc_auc", "log_loss"]},
            {"model": artifact["model"], "split": artifact["split"]},
        ),
    ]
    return [write(folder, *work, threads=threads) for work in works]


def test_the_same_bytes_whatever_the_threads(tmp_path: Path) -> None:
    digests = []
    for threads in (1, 3):
        folder = tmp_path / f"threads{threads}"
        found = []
        for path in chain(folder, threads):
            finished = worker(str(path))
            assert finished.returncode == 0, finished.stderr
            found.append((path.stem, digest_tree(folder / path.stem)))
            assert str(tmp_path) not in (folder / path.stem / "result.json").read_text()
        digests.append(found)
    assert digests[0] == digests[1]


def test_stdout_carries_events_only(tmp_path: Path) -> None:
    paths = chain(tmp_path, 1)
    for path in paths[:2]:
        assert run_document(path, io.StringIO()) == 0
    finished = worker(str(paths[3]))
    events = [TaskEvent.from_json(json.loads(line)) for line in finished.stdout.splitlines()]
    assert "fitting" in [event.message for event in events]
    assert "printed when imported" in finished.stderr


def test_a_problem_and_a_bug_of_ours(tmp_path: Path) -> None:
    source: Json = {"type": "file"}
    problem = write(
        tmp_path, "none", "dataset", {"source": source, "files": []}, {"source": tmp_path}
    )
    finished = worker(str(problem))
    assert finished.returncode == 1
    result = json.loads((tmp_path / "none" / "result.json").read_text())
    assert result["problem"]["summary"] == "Empty source"
    assert "Traceback" not in finished.stderr
    bug = write(tmp_path, "bug", "dataset", {"source": source, "files": ["x.csv"]}, {})
    finished = worker(str(bug))
    assert finished.returncode == 1
    result = json.loads((tmp_path / "bug" / "result.json").read_text())
    assert result["problem"]["summary"] == "The worker failed"
    assert "Traceback" in finished.stderr


def test_documents_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"format": 99}')
    finished = worker(str(tmp_path / "other.json"))
    assert finished.returncode == 2
    assert "format 99" in finished.stderr
    assert worker(str(tmp_path / "absent.json")).returncode == 2
    assert worker("--wrong").returncode == 2
    assert worker().returncode == 2


def test_check_names_the_versions() -> None:
    finished = worker("--check")
    found = json.loads(finished.stdout)
    assert found["python"] == ".".join(str(part) for part in sys.version_info[:3])
    assert found["packages"]["polars"]
    assert found["mlform"] == "0.1.0"


def test_light_kinds_load_no_heavy_library(tmp_path: Path) -> None:
    paths = chain(tmp_path, 1)[:2]
    documents = [str(path) for path in paths]
    program = (
        "import sys, io; from pathlib import Path; from mlform.worker.execution import *\n"
        f"assert [run_document(Path(p), io.StringIO()) for p in {documents}] == [0, 0]\n"
        "heavy = ('xgboost', 'pandas', 'sklearn', 'pyarrow')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    finished = subprocess.run(  # noqa: S603 - this Python
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert finished.stdout == "[]\n"


class Warm:
    """A fork server under test."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mlform.worker", "--warm"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, document: Path, **environment: str) -> None:
        self.send(
            json.dumps(
                {
                    "id": document.stem,
                    "document": str(document),
                    "environment": environment,
                    "log": str(self._folder / f"{document.stem}.log"),
                    "events": str(self._folder / f"{document.stem}.events"),
                }
            )
        )

    def send(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def reply(self) -> dict[str, object]:
        assert self.process.stdout is not None
        found = json.loads(self.process.stdout.readline())
        assert isinstance(found, dict)
        return found


@pytest.fixture
def warm(tmp_path: Path) -> Iterator[Warm]:
    server = Warm(tmp_path)
    yield server
    server.process.kill()
    server.process.wait()


def wait_for(path: Path) -> None:
    for _ in range(200):
        if path.exists():
            return
        signal.sigtimedwait([], 0.05)
    pytest.fail(f"{path} does not appear")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


SLEEP = CODE.replace("    return list(", "    import time, os; time.sleep(60)\n    return list(")


def sleeping(folder: Path) -> Path:
    """Make what a training that sleeps needs, and return its document."""
    paths = chain(folder, 1)
    for path in paths[:2]:
        assert run_document(path, io.StringIO()) == 0
    (folder / "code" / "own.py").write_text(SLEEP)
    return paths[3]


def test_warm_tasks_equal_cold_ones(tmp_path: Path, warm: Warm) -> None:
    cold, hot = tmp_path / "cold", tmp_path / "hot"
    for path, twin in zip(chain(cold, 1), chain(hot, 3), strict=True):
        assert worker(str(path)).returncode == 0
        warm.start(twin, MLFORM_TEST="1")
        assert warm.reply()["id"] == twin.stem
        assert warm.reply() == {"id": twin.stem, "exit": 0}
        assert digest_tree(cold / path.stem) == digest_tree(hot / twin.stem)
    log = (tmp_path / "own.log").read_text()
    assert "printed when imported" in log
    assert "pool of 3" in log
    events = (tmp_path / "model.events").read_text().splitlines()
    assert "boosting" in {json.loads(line)["message"] for line in events}


def test_many_warm_tasks_at_once(tmp_path: Path, warm: Warm) -> None:
    document = json.loads(chain(tmp_path / "first", 2)[0].read_text())
    for index in range(50):
        (tmp_path / f"out{index}").mkdir()
        path = tmp_path / f"task{index}.json"
        path.write_text(json.dumps({**document, "output": str(tmp_path / f"out{index}")}))
        warm.start(path)
        if index % 5 == 4:
            replies = [warm.reply() for _ in range(10)]
            assert [reply["exit"] for reply in replies if "exit" in reply] == [0] * 5
    assert len({digest_tree(tmp_path / f"out{index}") for index in range(50)}) == 1


def test_a_warm_task_can_be_killed_by_its_id(tmp_path: Path, warm: Warm) -> None:
    path = sleeping(tmp_path / "sleep")
    warm.start(path)
    pid = warm.reply()["pid"]
    assert isinstance(pid, int)
    wait_for(tmp_path / "own.log")
    assert os.getsid(pid) == pid
    os.killpg(pid, signal.SIGKILL)
    assert warm.reply() == {"id": "own", "exit": -signal.SIGKILL}
    warm.send("{nonsense")
    assert "malformed request" in str(warm.reply()["error"])
    warm.start(tmp_path / "absent.json")
    warm.reply()
    assert warm.reply() == {"id": "absent", "exit": 2}


@pytest.mark.parametrize("end", ["SIGTERM", "SIGKILL", "end of input"])
def test_no_task_outlives_the_server(tmp_path: Path, warm: Warm, end: str) -> None:
    warm.start(sleeping(tmp_path / "sleep"))
    pid = warm.reply()["pid"]
    assert isinstance(pid, int)
    assert alive(pid)
    if end == "end of input":
        assert warm.process.stdin is not None
        warm.process.stdin.close()
    else:
        warm.process.send_signal(getattr(signal, end))
    warm.process.wait(timeout=20)
    for _ in range(100):
        if not alive(pid):
            break
        signal.sigtimedwait([], 0.05)
    assert not alive(pid)
