"""`endpoint`: a served model; never patched, always replaced, new one first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from mlform.digests import Digest, Json, JsonObject
from mlform.lang.types import NUMBER, STRING, MapType
from mlform.resources.base import Problem, SourceQuery, Upstream
from mlform.resources.common import (
    digest_of,
    mapping,
    objects,
    requirements_block,
    retry_block,
    without,
)
from mlform.schema import Attribute, BlockSchema, Effect, ResourceReference, ResourceSchema
from mlform.tasks import Requirements, Server

LARGEST_PORT: Final = 65535

SCHEMA: Final = ResourceSchema(
    kind="endpoint",
    version=1,
    description="A model behind a URL, with its preprocessing embedded.",
    body=BlockSchema(
        attributes=(
            Attribute(
                name="model",
                type=ResourceReference(kinds=("model",)),
                required=True,
                description="The model to serve.",
            ),
            Attribute(
                name="requires",
                type=ResourceReference(kinds=("evaluation",), many=True),
                description="Evaluations whose gates must pass before it is created or replaced.",
                effect=Effect.UPDATE,
            ),
            Attribute(
                name="port",
                type=NUMBER,
                required=True,
                description="Port of the URL.",
                effect=Effect.REPLACE,
            ),
            Attribute(
                name="host",
                type=STRING,
                description="Address the URL listens on.",
                default="127.0.0.1",
                effect=Effect.REPLACE,
            ),
            Attribute(
                name="env",
                type=MapType(STRING),
                description="Variables of the server's process.",
                effect=Effect.REPLACE,
            ),
            Attribute(
                name="max_rows",
                type=NUMBER,
                description="Rows accepted in one request.",
                default=10_000,
                effect=Effect.REPLACE,
            ),
            Attribute(
                name="id",
                type=STRING,
                description="Identity of the running server.",
                computed=True,
            ),
            Attribute(
                name="address", type=STRING, description="The address of the object.", computed=True
            ),
            Attribute(name="url", type=STRING, description="Where it answers.", computed=True),
            Attribute(
                name="container",
                type=STRING,
                description="Container or process that serves.",
                computed=True,
            ),
            Attribute(
                name="image", type=STRING, description="Pinned image, or empty.", computed=True
            ),
            Attribute(
                name="model_digest",
                type=STRING,
                description="Digest of the model it serves.",
                computed=True,
            ),
            Attribute(
                name="status",
                type=STRING,
                description="`serving` once it answers; `changed` after a refresh that found it "
                "stopped or changed by somebody.",
                computed=True,
            ),
        ),
        blocks=(requirements_block(), retry_block()),
    ),
)


class EndpointKind:
    """The kind `endpoint`."""

    schema = SCHEMA
    sort: Literal["server"] = "server"

    def check(self, arguments: JsonObject, upstream: Upstream) -> tuple[Problem, ...]:  # noqa: ARG002 - any model will do
        """Check the port and the limit of rows."""
        problems: list[Problem] = []
        port, rows = arguments.get("port"), arguments.get("max_rows")
        if isinstance(port, int | float) and (port != int(port) or not 1 <= port <= LARGEST_PORT):
            detail = f"The port is {port:g}, it must be a whole number from 1 to {LARGEST_PORT}."
            problems.append(Problem(summary="Invalid port", detail=detail, path=("port",)))
        if isinstance(rows, int | float) and (rows < 1 or rows != int(rows)):
            detail = f"max_rows is {rows:g}, it must be a whole number of at least 1."
            problems.append(Problem(summary="Invalid limit", detail=detail, path=("max_rows",)))
        return tuple(problems)

    def sources(self, arguments: JsonObject) -> tuple[SourceQuery, ...]:  # noqa: ARG002
        """Return nothing: all it serves is in the model artifact."""
        return ()

    def inputs(self, upstream: Upstream) -> Mapping[str, Digest | None]:
        """Return the model."""
        return {"model": digest_of(upstream.get("model", ()))}

    def recipe_arguments(self, arguments: JsonObject) -> JsonObject:
        """Return what the running server was started with: no time limit, that is over by then."""
        decisive = without(arguments, ("model", "requires", "retry"))
        needs = mapping(arguments.get("requirements"))
        limits = {**needs, "timeout": None}
        decisive["requirements"] = limits if any(limits.values()) else None
        return decisive

    def foreseen(
        self,
        arguments: JsonObject,
        upstream: Upstream,
        sources: Mapping[str, Digest],  # noqa: ARG002 - all it serves is in the model
    ) -> Mapping[str, Json]:
        """Return the URL, which host and port decide, and the model."""
        found: dict[str, Json] = {}
        host, port = arguments.get("host"), arguments.get("port")
        if isinstance(host, str) and isinstance(port, int | float):
            found["url"] = url_of(host, int(port))
        model = digest_of(upstream.get("model", ()))
        if model is not None:
            found["model_digest"] = model
        return found

    def blockers(self, upstream: Upstream) -> tuple[Problem, ...]:
        """Return a problem for each required evaluation with a gate that did not pass."""
        return tuple(
            Problem(
                summary="Gate not passed",
                detail=f"{evaluation.get('address')} did not pass: {_messages(evaluation)}. "
                "Improve the model, or change the gate if it asks too much.",
                path=("requires",),
            )
            for evaluation in upstream.get("requires", ())
            if evaluation.get("passed") is False
        )

    def server(
        self, name: str, arguments: JsonObject, model: Digest, requirements: Requirements
    ) -> Server:
        """Return what to run."""
        port, rows = arguments.get("port"), arguments.get("max_rows")
        return Server(
            name=name,
            model=model,
            host=str(arguments.get("host")),
            port=int(port) if isinstance(port, int | float) else 0,
            environment={key: str(value) for key, value in mapping(arguments.get("env")).items()},
            requirements=requirements,
            options={"max_rows": int(rows) if isinstance(rows, int | float) else None},
        )

    def attributes(self, server: Server, handle: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the computed attributes of a started server."""
        return {
            "url": url_of(server.host, server.port),
            "container": str(handle.get("container") or f"process {handle.get('pid')}"),
            "image": handle.get("image", ""),
            "model_digest": server.model,
            **self.condition(sound=True),
        }

    def condition(self, *, sound: bool) -> Mapping[str, Json]:
        """Return whether it serves as it was started."""
        return {"status": "serving" if sound else "changed"}


def url_of(host: str, port: int) -> str:
    """Return where an endpoint answers; an IPv6 address stands in brackets."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _messages(evaluation: JsonObject) -> str:
    gates = objects(evaluation.get("gates"))
    return "; ".join(str(gate.get("message")) for gate in gates if not gate.get("passed"))


KIND: Final = EndpointKind()
