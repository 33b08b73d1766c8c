"""When and where requests are scored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from mlform.dataclass import dataclass
from mlform.features.scoring import Predictions
from mlform.serving.metrics import Metrics
from mlform.serving.model import Scorer


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    rows: Sequence[object]
    answer: asyncio.Future[Predictions]


class Scoring:
    """Scores requests: small ones together in the event loop, large ones in a thread.

    Building a frame and entering the model cost far more than one row more in them, so requests
    that arrived while the event loop was busy are scored by one call. No request waits for others:
    the call is made on the next turn of the loop with whatever is there.

    Own code always runs in the one thread and once for each request: nothing is known of how long
    it takes, whether it may run twice at once, or whether a row's score depends on the others.
    """

    def __init__(
        self, scorer: Scorer, metrics: Metrics, *, inline_rows: int, coalesce: bool
    ) -> None:
        """Choose how; the arguments are as in `ServingOptions`."""
        own_code = scorer.manifest.algorithm == "python"
        self._scorer = scorer
        self._metrics = metrics
        self._inline_rows = 0 if own_code else inline_rows
        self._coalesce = coalesce
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scoring")
        self._waiting: list[_Waiting] = []

    async def score(self, rows: Sequence[object]) -> Predictions:
        """Score the rows of one request.

        Raises:
            TaskFailure: If a row does not fit the signature, or own code fails.
        """
        if len(rows) > self._inline_rows:
            self._metrics.scoring_calls += 1
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._thread, self._scorer.score_rows, rows)
        if not self._coalesce:
            self._metrics.scoring_calls += 1
            return self._scorer.score_rows(rows)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(rows=rows, answer=loop.create_future())
        if not self._waiting:
            loop.call_soon(self._score_waiting)
        self._waiting.append(waiting)
        return await waiting.answer

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _score_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        batch: list[_Waiting] = []
        size = 0
        for item in waiting:
            if batch and size + len(item.rows) > self._inline_rows:
                self._score_batch(batch)
                batch, size = [], 0
            batch.append(item)
            size += len(item.rows)
        self._score_batch(batch)

    def _score_batch(self, batch: Sequence[_Waiting]) -> None:
        if len(batch) == 1:
            self._score_alone(batch[0])
            return
        self._metrics.scoring_calls += 1
        try:
            predictions = self._scorer.score_rows([row for item in batch for row in item.rows])
        except Exception:  # noqa: BLE001 - each request meets its own failure below
            for item in batch:
                self._score_alone(item)
            return
        start = 0
        for item in batch:
            end = start + len(item.rows)
            if not item.answer.done():
                item.answer.set_result(
                    Predictions(classes=predictions.classes, scores=predictions.scores[start:end])
                )
            start = end

    def _score_alone(self, item: _Waiting) -> None:
        if item.answer.done():
            return
        self._metrics.scoring_calls += 1
        try:
            item.answer.set_result(self._scorer.score_rows(item.rows))
        except Exception as failure:  # noqa: BLE001 - handed to the request, which answers it
            item.answer.set_exception(failure)
