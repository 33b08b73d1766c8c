"""The breast cancer example as one plain Python script, without mlform.

The same steps: read, split in three by the label, transform two groups of columns by what the
training part says, train with early stopping, evaluate, save, start a server in a process of its
own and wait until it answers. Prints the metrics and the number of the server's process.

Run: `python benchmarks/plain_breast_cancer.py DATA.csv FOLDER PORT`
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

TARGET = "malignant"
LOGGED = ["mean_area", "worst_area", "area_error"]
STANDARDIZED = ["mean_area", "worst_area", "area_error", "mean_radius"]
CUT = 0.5
PATIENCE = 60.0


def train(data: Path, folder: Path) -> dict[str, float]:
    """Train, evaluate and save; return the metrics."""
    import numpy as np
    import pandas as pd
    import xgboost
    from sklearn.metrics import accuracy_score, log_loss, recall_score, roc_auc_score  # type: ignore[import-untyped]
    from sklearn.model_selection import train_test_split  # type: ignore[import-untyped]
    from sklearn.preprocessing import StandardScaler  # type: ignore[import-untyped]

    table = pd.read_csv(data)
    fitted, rest = train_test_split(table, train_size=0.6, stratify=table[TARGET], random_state=7)
    valid, test = train_test_split(rest, train_size=0.5, stratify=rest[TARGET], random_state=7)
    parts = {"train": fitted.copy(), "valid": valid.copy(), "test": test.copy()}
    for part in parts.values():
        part[LOGGED] = np.log1p(part[LOGGED])
    scaler = StandardScaler().fit(parts["train"][STANDARDIZED])
    for part in parts.values():
        part[STANDARDIZED] = scaler.transform(part[STANDARDIZED])
    matrices = {
        name: xgboost.DMatrix(part.drop(columns=TARGET), part[TARGET])
        for name, part in parts.items()
    }
    params = {"objective": "binary:logistic", "max_depth": 3, "learning_rate": 0.1}
    booster = xgboost.train(
        params,
        matrices["train"],
        num_boost_round=200,
        evals=[(matrices["train"], "train"), (matrices["valid"], "valid")],
        early_stopping_rounds=20,
        verbose_eval=False,
    )
    booster = booster[: booster.best_iteration + 1]
    folder.mkdir(parents=True, exist_ok=True)
    booster.save_model(folder / "model.ubj")
    scaling = {"mean": scaler.mean_.tolist(), "scale": scaler.scale_.tolist()}
    (folder / "scaling.json").write_text(json.dumps(scaling))
    truth, score = parts["test"][TARGET], booster.predict(matrices["test"])
    return {
        "roc_auc": float(roc_auc_score(truth, score)),
        "log_loss": float(log_loss(truth, score)),
        "accuracy": float(accuracy_score(truth, score > CUT)),
        "recall": float(recall_score(truth, score > CUT)),
    }


def serve(folder: Path, port: int) -> None:
    """Serve the saved model: POST a JSON object of columns, get its score."""
    import numpy as np
    import uvicorn
    import xgboost

    booster = xgboost.Booster(model_file=folder / "model.ubj")
    scaling = json.loads((folder / "scaling.json").read_text())
    names = booster.feature_names or []

    def score(row: dict[str, float]) -> float:
        for name in LOGGED:
            row[name] = float(np.log1p(row[name]))
        for name, mean, scale in zip(STANDARDIZED, scaling["mean"], scaling["scale"], strict=True):
            row[name] = (row[name] - mean) / scale
        values = np.array([[row[name] for name in names]])
        return float(booster.predict(xgboost.DMatrix(values, feature_names=names))[0])

    async def application(
        scope: MutableMapping[str, object],
        receive: Callable[[], Awaitable[dict[str, bytes]]],
        send: Callable[[dict[str, object]], Awaitable[None]],
    ) -> None:
        if scope["type"] != "http":
            return
        if scope["method"] == "POST":
            message = await receive()
            content = json.dumps({"score": score(json.loads(message["body"]))}).encode()
        else:
            content = b"{}"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": content})

    uvicorn.run(application, host="127.0.0.1", port=port, log_level="error")


def start(folder: Path, port: int) -> int:
    """Start the server and wait until it answers; return the number of its process."""
    command = [sys.executable, __file__, "--serve", str(folder), str(port)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urlopen(f"http://127.0.0.1:{port}/", timeout=1):
                return process.pid
        except (URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the server did not start")
            time.sleep(0.02)


def main() -> None:
    """Do all the steps, or serve."""
    if sys.argv[1] == "--serve":
        serve(Path(sys.argv[2]), int(sys.argv[3]))
        return
    data, folder, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    metrics = train(data, folder)
    print(json.dumps({"metrics": metrics, "process": start(folder, port)}))


if __name__ == "__main__":
    main()
