"""Counters of a server in Prometheus' text format (version 0.0.4).

`mlform_requests_total{route,code}`, `mlform_request_duration_seconds{route}` (histogram),
`mlform_requests_in_flight`, `mlform_rows_total`, `mlform_scoring_calls_total`,
`mlform_predictions_total{class}` for classifiers, `mlform_prediction_value_sum` and `_count` for
regression, and `mlform_model_info{name,version,task,algorithm,instance}`, always 1.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

BOUNDS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
)  # fmt: skip
"""Upper bounds of the histogram's buckets, in seconds."""

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The counters."""

    def __init__(self, model: Mapping[str, str], classes: Sequence[str]) -> None:
        """Start at zero.

        Args:
            model: Labels of `mlform_model_info`.
            classes: The classes as text; empty for regression.
        """
        self._model = dict(model)
        self._requests: dict[tuple[str, int], int] = {}
        self._buckets: dict[str, list[int]] = {}
        self._seconds: dict[str, float] = {}
        self._classes = list(classes)
        self._by_class = [0] * len(classes)
        self._value_sum = 0.0
        self._value_count = 0
        self._rows = 0
        self.in_flight = 0
        self.scoring_calls = 0

    def request_done(self, route: str, code: int, seconds: float) -> None:
        """Count an answered request."""
        key = (route, code)
        self._requests[key] = self._requests.get(key, 0) + 1
        buckets = self._buckets.get(route)
        if buckets is None:
            buckets = self._buckets[route] = [0] * (len(BOUNDS) + 1)
        buckets[bisect_left(BOUNDS, seconds)] += 1
        self._seconds[route] = self._seconds.get(route, 0.0) + seconds

    def classes_predicted(self, indices: Iterable[int]) -> None:
        """Count predicted classes by their index."""
        for index in indices:
            self._by_class[index] += 1
            self._rows += 1

    def values_predicted(self, values: Sequence[float]) -> None:
        """Count predicted numbers."""
        self._value_sum += sum(values)
        self._value_count += len(values)
        self._rows += len(values)

    def render(self) -> str:
        """Return all counters as text."""
        lines: list[str] = []
        _family(lines, "mlform_model_info", "gauge", "The model served.")
        lines.append(f"mlform_model_info{_labels(self._model)} 1")
        _family(lines, "mlform_requests_total", "counter", "Answered requests.")
        lines.extend(
            f"mlform_requests_total{_labels({'route': route, 'code': str(code)})} {count}"
            for (route, code), count in sorted(self._requests.items())
        )
        _family(lines, "mlform_requests_in_flight", "gauge", "Requests being answered now.")
        lines.append(f"mlform_requests_in_flight {self.in_flight}")
        self._render_durations(lines)
        _family(lines, "mlform_rows_total", "counter", "Rows scored.")
        lines.append(f"mlform_rows_total {self._rows}")
        _family(lines, "mlform_scoring_calls_total", "counter", "Calls of the model.")
        lines.append(f"mlform_scoring_calls_total {self.scoring_calls}")
        self._render_predictions(lines)
        return "\n".join(lines) + "\n"

    def _render_durations(self, lines: list[str]) -> None:
        name = "mlform_request_duration_seconds"
        _family(lines, name, "histogram", "Time from the request's head to its answer.")
        for route, buckets in sorted(self._buckets.items()):
            total = 0
            for bound, count in zip((*map(str, BOUNDS), "+Inf"), buckets, strict=True):
                total += count
                lines.append(f"{name}_bucket{_labels({'route': route, 'le': bound})} {total}")
            lines.append(f"{name}_sum{_labels({'route': route})} {self._seconds[route]!r}")
            lines.append(f"{name}_count{_labels({'route': route})} {total}")

    def _render_predictions(self, lines: list[str]) -> None:
        if self._classes:
            _family(lines, "mlform_predictions_total", "counter", "Predictions of each class.")
            lines.extend(
                f"mlform_predictions_total{_labels({'class': label})} {count}"
                for label, count in zip(self._classes, self._by_class, strict=True)
            )
        else:
            _family(lines, "mlform_prediction_value", "summary", "Predicted numbers.")
            lines.append(f"mlform_prediction_value_sum {self._value_sum!r}")
            lines.append(f"mlform_prediction_value_count {self._value_count}")


def _family(lines: list[str], name: str, kind: str, text: str) -> None:
    lines.append(f"# HELP {name} {text}")
    lines.append(f"# TYPE {name} {kind}")


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
