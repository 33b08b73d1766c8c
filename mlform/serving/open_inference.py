"""The Open Inference Protocol V2 (REST): tensors by column in and out.

Shapes and names follow the public specification of the protocol, "Open Inference Protocol
(V2 Inference Protocol), HTTP/REST".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from mlform import __version__
from mlform.dataclass import dataclass
from mlform.digests import JsonObject
from mlform.features.columns import FLOATS, INTEGERS
from mlform.features.problems import quoted, suggestion
from mlform.features.scoring import Predictions
from mlform.serving.answers import Refusal
from mlform.serving.model import ServedModel

_FLOAT_DATATYPES: Final = {"float32": "FP32", "float64": "FP64"}
_NUMERIC: Final = frozenset(
    {
        "FP16",
        "FP32",
        "FP64",
        *(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)),
    }
)
_SUMMARY: Final = "The inference request is malformed"


class _Tensor(msgspec.Struct, kw_only=True):
    name: str
    datatype: str
    shape: list[int]
    data: list[object] | None = None
    parameters: dict[str, object] = {}


class _RequestedOutput(msgspec.Struct, kw_only=True):
    name: str
    parameters: dict[str, object] = {}


class _Request(msgspec.Struct, kw_only=True):
    inputs: list[_Tensor]
    id: str | None = None
    outputs: list[_RequestedOutput] = []
    parameters: dict[str, object] = {}


_DECODER: Final = msgspec.json.Decoder(_Request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inference:
    """A request that was understood.

    Attributes:
        id: To be given back, or None.
        rows: The tensors as rows.
        outputs: Names of the outputs wanted, in order.
    """

    id: str | None
    rows: list[object]
    outputs: tuple[str, ...]


def datatype(type_name: str) -> str:
    """Return the protocol's datatype for a column's type."""
    if type_name in INTEGERS:
        return type_name.upper()
    if type_name in FLOATS:
        return _FLOAT_DATATYPES[type_name]
    if type_name == "duration":
        return "FP64"
    return "BOOL" if type_name == "bool" else "BYTES"


class OpenInference:
    """The protocol for one model."""

    def __init__(self, model: ServedModel) -> None:
        """Work out names and datatypes once."""
        manifest = model.scorer.manifest
        self._model = model
        self._columns = tuple(column.name for column in model.scorer.inputs)
        self._datatypes = {column.name: datatype(column.type) for column in model.scorer.inputs}
        self._outputs = {
            str(output["name"]): datatype(str(output["type"])) for output in manifest.outputs()
        }

    def server_metadata(self) -> JsonObject:
        """Return the answer to `GET /v2`."""
        return {"name": "mlform", "version": __version__, "extensions": []}

    def model_metadata(self) -> JsonObject:
        """Return the answer to `GET /v2/models/NAME`."""
        inputs: list[JsonObject] = [
            {
                "name": column.name,
                "datatype": self._datatypes[column.name],
                "shape": [-1],
                "parameters": {"type": column.type, "nullable": column.nullable},
            }
            for column in self._model.scorer.inputs
        ]
        outputs: list[JsonObject] = [
            {"name": name, "datatype": kind, "shape": [-1]} for name, kind in self._outputs.items()
        ]
        return {
            "name": self._model.name,
            "versions": [self._model.version],
            "platform": f"mlform_{self._model.scorer.manifest.algorithm}",
            "inputs": inputs,
            "outputs": outputs,
        }

    def read(self, body: bytes) -> Inference:
        """Understand an inference request.

        Raises:
            Refusal: If it is malformed; says which input.
        """
        try:
            request = _DECODER.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as failure:
            raise Refusal(400, _SUMMARY, f"{failure}.") from failure
        wanted = tuple(output.name for output in request.outputs)
        for name in wanted:
            if name not in self._outputs:
                known = quoted(self._outputs)
                hint = suggestion(name, self._outputs)
                detail = f'There is no output "{name}".{hint} The outputs are {known}.'
                raise Refusal(400, _SUMMARY, detail)
        names = [tensor.name for tensor in request.inputs]
        self._check_names(names)
        values = {tensor.name: self._values(tensor) for tensor in request.inputs}
        lengths = {name: len(column) for name, column in values.items()}
        if len(set(lengths.values())) > 1:
            detail = f"The inputs must have equally many rows, but have {lengths}."
            raise Refusal(400, _SUMMARY, detail)
        rows: list[object] = [
            dict(zip(names, row, strict=True)) for row in zip(*values.values(), strict=True)
        ]
        return Inference(id=request.id, rows=rows, outputs=wanted or tuple(self._outputs))

    def write(self, inference: Inference, predictions: Predictions | None) -> dict[str, object]:
        """Return the answer; predictions are None for a request without rows."""
        columns: dict[str, Sequence[object]] = {name: [] for name in self._outputs}
        if predictions is not None:
            columns["prediction"] = predictions.labels()
            for name, scores in predictions.probabilities().items():
                columns[name] = scores.tolist()
        answer: dict[str, object] = {
            "model_name": self._model.name,
            "model_version": self._model.version,
            "outputs": [
                {
                    "name": name,
                    "shape": [len(inference.rows)],
                    "datatype": self._outputs[name],
                    "data": columns[name],
                }
                for name in inference.outputs
            ],
        }
        if inference.id is not None:
            answer["id"] = inference.id
        return answer

    def _check_names(self, names: Sequence[str]) -> None:
        for position, name in enumerate(names):
            if name not in self._datatypes:
                known = quoted(self._columns)
                hint = suggestion(name, self._columns)
                detail = f'There is no input "{name}".{hint} The inputs are {known}.'
                raise Refusal(400, _SUMMARY, detail)
            if name in names[:position]:
                raise Refusal(400, _SUMMARY, f'The input "{name}" is given twice.')
        missing = [name for name in self._columns if name not in names]
        if missing:
            detail = (
                f"Inputs are missing: {quoted(missing)}. Give each column of the signature; where "
                "it is nullable, data may hold null."
            )
            raise Refusal(400, _SUMMARY, detail)

    def _values(self, tensor: _Tensor) -> list[object]:
        where = f'Input "{tensor.name}"'
        wanted = self._datatypes[tensor.name]
        if tensor.datatype != wanted and not {tensor.datatype, wanted} <= _NUMERIC:
            detail = f"{where} must have datatype {wanted}, not {tensor.datatype!r}."
            raise Refusal(400, _SUMMARY, detail)
        if tensor.data is None or "binary_data_size" in tensor.parameters:
            detail = f"{where} has no data; binary tensors are not supported, send JSON."
            raise Refusal(400, _SUMMARY, detail)
        shape, data = tensor.shape, tensor.data
        if len(shape) not in {1, 2} or shape[0] < 0 or shape[1:] not in ([], [1]):
            raise Refusal(400, _SUMMARY, f"{where} must have shape [n] or [n, 1], not {shape}.")
        if len(shape) == 2 and any(isinstance(item, list) for item in data):  # noqa: PLR2004
            data = [item[0] if isinstance(item, list) and len(item) == 1 else item for item in data]
        if len(data) != shape[0]:
            detail = f"{where} has shape {shape} but {len(data)} values in data."
            raise Refusal(400, _SUMMARY, detail)
        return data
