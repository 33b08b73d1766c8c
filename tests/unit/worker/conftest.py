"""Runs tasks as the worker does, in this process, on small tables."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlform.digests import Json, JsonObject
from mlform.tasks import ARTIFACT_FOLDER, RESULT_NAME, TaskDocument, TaskEvent
from mlform.worker.execution import run_document

SHARED = Path(__file__).parents[4] / "shared" / "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a task left behind."""

    status: int
    artifact: Path
    result: Mapping[str, object]
    events: Sequence[TaskEvent]

    def attribute(self, *path: str) -> object:
        """Return an attribute, or a part of it."""
        assert self.status == 0, self.result
        found: object = self.result["attributes"]
        for name in path:
            assert isinstance(found, dict)
            found = found[name]
        return found

    def problem(self) -> tuple[str, str, str]:
        """Return summary, detail and argument of the problem."""
        assert self.status == 1, self.result
        found = self.result["problem"]
        assert isinstance(found, dict)
        return found["summary"], found["detail"], found["argument"]


class Tasks:
    """Runs tasks, each with an output folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0

    def run(self, kind: str, arguments: JsonObject, inputs: Mapping[str, Path]) -> Outcome:
        self._count += 1
        output = self.folder / f"task{self._count}"
        output.mkdir()
        document = TaskDocument(
            kind=kind,
            arguments=arguments,
            inputs={name: str(path) for name, path in inputs.items()},
            output=str(output),
            threads=2,
        )
        path = self.folder / f"task{self._count}.json"
        path.write_text(json.dumps(document.to_json()))
        stream = io.StringIO()
        status = run_document(path, stream)
        events = [TaskEvent.from_json(json.loads(line)) for line in stream.getvalue().splitlines()]
        return Outcome(
            status=status,
            artifact=output / ARTIFACT_FOLDER,
            result=json.loads((output / RESULT_NAME).read_text()),
            events=events,
        )

    def dataset(self, files: Mapping[str, str | bytes], **arguments: Json) -> Outcome:
        """Run a data set over files of the given contents."""
        source = self.folder / f"source{self._count}"
        source.mkdir()
        for name, content in files.items():
            (source / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return self.run(
            "dataset",
            {"source": {"type": "file"}, "files": sorted(files), **arguments},
            {"source": source},
        )

    def split(self, dataset: Outcome, **arguments: Json) -> Outcome:
        """Split a data set, by halves unless the arguments say otherwise."""
        halves: JsonObject = {"type": "ratio", "partitions": {"train": 0.5, "eval": 0.5}}
        defaults: JsonObject = {"seed": 1, "train": "train", "strategy": halves, "transforms": []}
        assert dataset.status == 0, dataset.result
        return self.run("split", {**defaults, **arguments}, {"dataset": dataset.artifact})

    def model(self, split: Outcome, /, code: Path | None = None, **arguments: Json) -> Outcome:
        """Train on a split, by XGBoost unless the arguments say otherwise."""
        algorithm: JsonObject = {"type": "xgboost", "rounds": 5, "params": {}}
        assert split.status == 0, split.result
        inputs = {"split": split.artifact} | ({"code": code} if code else {})
        return self.run("model", {"seed": 3, "algorithm": algorithm, **arguments}, inputs)

    def evaluation(
        self, model: Outcome, split: Outcome, code: Path | None = None, **arguments: Json
    ) -> Outcome:
        """Evaluate a model on the partition `eval`."""
        assert model.status == 0, model.result
        inputs = {"model": model.artifact, "split": split.artifact}
        inputs |= {"code": code} if code else {}
        return self.run("evaluation", {"partition": "eval", "metrics": [], **arguments}, inputs)


@pytest.fixture
def tasks(tmp_path: Path) -> Tasks:
    return Tasks(tmp_path)


@pytest.fixture
def shared() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the shared real data (../shared/data) is not on this machine")
    return SHARED
