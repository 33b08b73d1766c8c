from __future__ import annotations

import pytest

from mlform.digests import Digest, Json
from mlform.lang.types import BOOL, DYNAMIC, NUMBER, STRING, ListType, MapType, ObjectType, Type
from mlform.resources.base import Made
from mlform.resources.stand_in import ArtifactStandIn, Given, ServerStandIn, made_up, stand_in
from mlform.runtimes.base import MADE_UP
from mlform.tasks import Requirements
from mlform.wiring import KindTable

KINDS = KindTable()
DIGEST = Digest("sha256:" + "1" * 64)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (NUMBER, 0),
        (BOOL, False),
        (DYNAMIC, None),
        (ListType(STRING), []),
        (MapType(NUMBER), {}),
        (ObjectType.of({"a": NUMBER, "b": BOOL}), {"a": 0, "b": False}),
    ],
)
def test_values_are_made_up_by_type(type_: Type, value: Json) -> None:
    assert made_up("x", type_, "model.m") == value


def test_text_is_eight_letters_the_same_for_the_same_object() -> None:
    text = made_up("task", STRING, "model.m")
    assert isinstance(text, str)
    assert len(text) == 8
    assert text.isalpha()
    assert text == made_up("task", STRING, "model.m")
    assert text != made_up("task", STRING, "model.n")
    assert text != made_up("code", STRING, "model.m")


def test_digests_look_like_digests() -> None:
    for name in ("split_digest", "source_fingerprint"):
        digest = made_up(name, STRING, "model.m")
        assert isinstance(digest, str)
        assert len(digest.removeprefix("sha256:")) == 64


def made(arguments: dict[str, Json], inputs: dict[str, Digest] | None = None) -> Made:
    result: dict[str, Json] = {"address": "x.y"}
    return Made(arguments=arguments, inputs=inputs or {}, sources={}, result=result)


def test_an_artifact_reads_nothing_and_gives_what_is_given() -> None:
    kind = stand_in(KINDS["dataset"], Given(attributes={"rows": 3, "columns": ["a"]}))
    assert isinstance(kind, ArtifactStandIn)
    arguments: dict[str, Json] = {"source": {"type": "file", "path": "absent.csv"}}
    assert kind.sources(arguments) == ()
    assert kind.foreseen(arguments, {}, {}) == {}
    task = kind.task(arguments, {}, {}, Requirements())
    assert (task.kind, dict(task.inputs)) == (MADE_UP, {})
    attributes = kind.attributes(made(arguments))
    assert attributes["rows"] == 3
    assert attributes["column_names"] == ["a"]  # what expressions call columns


def test_what_is_given_can_be_known_before_apply() -> None:
    kind = stand_in(KINDS["dataset"], Given(attributes={"rows": 3}, at_plan=True))
    assert kind.sort == "artifact"
    assert kind.foreseen({}, {}, {}) == {"rows": 3}


def test_digests_of_inputs_stay_those_of_the_inputs() -> None:
    kind = stand_in(KINDS["model"], Given())
    assert kind.sort == "artifact"
    assert kind.attributes(made({}, {"split": DIGEST}))["split_digest"] == DIGEST


def test_gates_judge_given_figures_only() -> None:
    arguments: dict[str, Json] = {"gate": [{"metric": "auc", "min": 0.8}]}
    for given, passed in (({}, True), ({"metrics": {"auc": 0.7}}, False)):
        kind = stand_in(KINDS["evaluation"], Given(attributes=given))
        assert kind.sort == "artifact"
        attributes = kind.attributes(made(arguments))
        assert attributes["passed"] is passed
        assert bool(kind.failures(attributes)) is not passed


def test_values_become_artifacts_that_are_made_up() -> None:
    kind = stand_in(KINDS["mlform_data"], Given(attributes={"output": "o"}))
    assert kind.sort == "artifact"
    assert kind.inputs({}) == {}
    assert kind.judged({}, {}) == {}
    assert kind.failures({}) == ()
    assert kind.attributes(made({"input": 1})) == {"output": "o"}


def test_a_server_is_asked_for_but_marked() -> None:
    kind = stand_in(KINDS["endpoint"], Given(attributes={"status": "tired"}))
    assert isinstance(kind, ServerStandIn)
    arguments: dict[str, Json] = {"host": "127.0.0.1", "port": 8080}
    server = kind.server("p", arguments, DIGEST, Requirements())
    assert server.options[MADE_UP] is True
    attributes = kind.attributes(server, {"address": "endpoint.p"})
    assert attributes["url"] == "http://127.0.0.1:8080"
    assert attributes["status"] == "tired"
    assert kind.blockers({"requires": ({"address": "evaluation.e", "passed": False},)})
