"""The server process with artifacts that the worker made."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import subprocess  # noqa: TID251 - the tests start real processes
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # noqa: TID251 - documents of answers, which the tests index freely

import pytest

ROOT = Path(__file__).parents[2]
OWN_CODE = """
import json
import time
import numpy as np

def fit(features, target, params):
    return {str(name): features[target == name].mean().tolist() for name in sorted(set(target))}

def predict(model, features):
    time.sleep(0.02)
    distances = np.stack([((features - centre) ** 2).sum(axis=1) for centre in model.values()], 1)
    scores = np.exp(-distances)
    return scores / scores.sum(axis=1, keepdims=True)

def save(model, folder):
    (folder / "centres.json").write_text(json.dumps(model))

def load(folder):
    return json.loads((folder / "centres.json").read_text())
"""


def work(folder: Path, kind: str, arguments: object, inputs: dict[str, Path]) -> Path:
    output = folder / kind
    output.mkdir()
    document = {
        "format": 1,
        "kind": kind,
        "arguments": arguments,
        "inputs": {name: str(path) for name, path in inputs.items()},
        "output": str(output),
        "threads": 1,
    }
    path = folder / f"{kind}.json"
    path.write_text(json.dumps(document))
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "mlform.worker", str(path)], cwd=ROOT, check=True, timeout=60
    )
    return output / "artifact"


def rows() -> Iterator[str]:
    yield "age,fare,sex,answer,kind\n"
    for number in range(300):
        age, fare = number % 60 + 1, (number * 7) % 50
        missing = "" if number % 9 == 0 else age
        answer = "yes" if age > 30 and number % 5 else "no"
        yield f"{missing},{fare},{'mf'[number % 2]},{answer},{'abc'[fare // 17]}\n"


def make_model(folder: Path, target: str, dropped: str, algorithm: object, code: Path) -> Path:
    source = folder / "source"
    source.mkdir()
    (source / "rows.csv").write_text("".join(rows()))
    dataset = work(
        folder,
        "dataset",
        {
            "source": {"type": "file", "format": None, "delimiter": None, "null_values": None},
            "files": ["rows.csv"],
            **dict.fromkeys(("columns", "where", "sample", "limit", "order_by", "schema")),
        },
        {"source": source},
    )
    split = work(
        folder,
        "split",
        {
            "seed": 1,
            "train": "train",
            "strategy": {
                "type": "ratio",
                "partitions": {"train": 0.8, "test": 0.2},
                "stratify": None,
                "group": None,
            },
            "transforms": [
                {"op": "impute", "columns": ["age"], "strategy": "median", "value": None},
                {"op": "standardize", "columns": ["age", "fare"]},
                {"op": "one_hot", "columns": ["sex"], "max_categories": None},
                {"op": "drop", "columns": [dropped]},
            ],
        },
        {"dataset": dataset},
    )
    arguments = {
        "target": target,
        "features": None,
        "weight": None,
        "seed": 1,
        "train": "train",
        "algorithm": algorithm,
    }
    return work(folder, "model", arguments, {"split": split, "code": code})


@pytest.fixture(scope="module")
def boosted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("boosted")
    algorithm: dict[str, object] = {
        "type": "xgboost",
        "objective": None,
        "task": None,
        "rounds": 10,
        "params": {},
        "early_stopping": None,
    }
    return make_model(folder, "answer", "kind", algorithm, folder)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "code").mkdir()
    (folder / "code" / "centres.py").write_text(OWN_CODE)
    algorithm: dict[str, object] = {
        "type": "python",
        "module": "centres",
        "params": {},
        "task": None,
    }
    return make_model(folder, "kind", "answer", algorithm, folder / "code")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    process: subprocess.Popen[bytes]
    port: int

    def ask(self, path: str, body: object = None) -> tuple[http.client.HTTPResponse, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        content = None if body is None else json.dumps(body)
        method = "GET" if content is None else "POST"
        connection.request(method, path, content, {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
        connection.close()
        return response, json.loads(answer) if answer.startswith((b"{", b"[")) else answer.decode()


def command(folder: Path, model: Path, **more: object) -> list[str]:
    path = folder / "server.json"
    config = {"name": "survival", "model": str(model), "host": "127.0.0.1", "port": 0}
    path.write_text(json.dumps({**config, "instance": "i-1", **more}))
    return [sys.executable, "-m", "mlform.serving", str(path)]


@contextmanager
def serving(folder: Path, model: Path, **more: object) -> Iterator[Running]:
    ready = folder / "ready.json"
    process = subprocess.Popen(  # noqa: S603 - our own program
        command(folder, model, ready_file=str(ready), **more), cwd=ROOT
    )
    try:
        deadline = time.monotonic() + 30
        while not ready.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        written = json.loads(ready.read_bytes())
        assert written["pid"] == process.pid
        yield Running(process=process, port=written["port"])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=10)


def refused(folder: Path, model: Path, **more: object) -> str:
    done = subprocess.run(  # noqa: S603 - our own program
        command(folder, model, **more),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


def test_scores_of_training_come_back_over_both_protocols(boosted: Path, tmp_path: Path) -> None:
    reference = json.loads((boosted / "reference.json").read_bytes())
    with serving(tmp_path, boosted) as server:
        response, answer = server.ask("/predict", {"rows": reference["rows"]})
        assert response.status == 200
        assert response.getheader("mlform-instance") == "i-1"
        found = [prediction["probabilities"]["yes"] for prediction in answer["predictions"]]
        assert found == pytest.approx(reference["scores"], abs=1e-6)
        labels = ["yes" if score >= 0.5 else "no" for score in reference["scores"]]
        assert [prediction["prediction"] for prediction in answer["predictions"]] == labels

        _, metadata = server.ask("/v2/models/survival")
        assert [tensor["name"] for tensor in metadata["inputs"]] == ["age", "fare", "sex"]
        inputs = [
            {
                "name": tensor["name"],
                "datatype": tensor["datatype"],
                "shape": [len(reference["rows"])],
                "data": [row[tensor["name"]] for row in reference["rows"]],
            }
            for tensor in metadata["inputs"]
        ]
        _, inferred = server.ask("/v2/models/survival/infer", {"inputs": inputs})
        outputs = {output["name"]: output["data"] for output in inferred["outputs"]}
        assert outputs == {"prediction": labels, "probability": pytest.approx(found)}

        _, description = server.ask("/")
        assert server.ask("/predict", description["example"]["body"])[0].status == 200
        response, answer = server.ask("/predict", {"age": 1, "fare": 2, "sexx": "m"})
        assert response.status == 400
        assert 'did you mean "sex"' in answer["error"]["detail"]
        assert 'mlform_model_info{name="survival"' in server.ask("/metrics")[1]

        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=10) == 0


def test_own_code_is_served_and_sigterm_waits_for_its_requests(own: Path, tmp_path: Path) -> None:
    reference = json.loads((own / "reference.json").read_bytes())
    with serving(tmp_path, own, options={"drain_seconds": 3}) as server:
        _, answer = server.ask("/predict", reference["rows"])
        found = [list(each["probabilities"].values()) for each in answer["predictions"]]
        assert found == [pytest.approx(scores) for scores in reference["scores"]]

        answers: list[int] = []
        busy = threading.Barrier(21, timeout=20)

        def ask_until_told_to_go() -> bool:
            for number in range(1000):
                response, _ = server.ask("/predict", reference["rows"])
                answers.append(response.status)
                if response.getheader("connection") == "close":
                    return True
                if number == 0:
                    busy.wait()
            return False

        with ThreadPoolExecutor(20) as pool:
            told = [pool.submit(ask_until_told_to_go) for _ in range(20)]
            busy.wait()
            server.process.send_signal(signal.SIGTERM)
            assert all(each.result() for each in told)
        assert server.process.wait(timeout=10) == 0
        assert set(answers) == {200}


def test_a_model_that_scores_otherwise_does_not_start(boosted: Path, tmp_path: Path) -> None:
    changed = tmp_path / "model"
    shutil.copytree(boosted, changed)
    path = changed / "reference.json"
    reference = json.loads(path.read_bytes())
    reference["scores"][2] += 0.001
    path.chmod(0o644)
    path.write_text(json.dumps(reference))
    message = refused(tmp_path, changed)
    assert "does not score its reference rows as in training" in message
    assert "1 of" in message
    assert "row 2 scored" in message


def test_broken_artifacts_and_configurations_are_said(boosted: Path, tmp_path: Path) -> None:
    assert "it was changed" in refused(tmp_path, boosted, digest="sha256:" + "0" * 64)
    assert "No such file" in refused(tmp_path, tmp_path / "nothing")
    assert "max_row" in refused(tmp_path, boosted, options={"max_row": 5})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        message = refused(tmp_path, boosted, port=taken.getsockname()[1])
    assert "cannot serve 127.0.0.1" in message
    broken = tmp_path / "model"
    shutil.copytree(boosted, broken)
    (broken / "model" / "model.ubj").chmod(0o644)
    (broken / "model" / "model.ubj").write_bytes(b"nothing")
    assert "the model cannot be loaded" in refused(tmp_path, broken)
