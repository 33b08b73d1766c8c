from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from mlform.digests import Json
    from tests.unit.worker.conftest import Tasks

PEOPLE = "name,age,city\nAda,36,London\nAlan,41,London\nEmmy,,Erlangen\nKurt,71,Princeton\n"


def column(name: str, **rules: Json) -> dict[str, Json]:
    return {"name": name, "type": None, "nullable": False, **rules}


def test_reads_selects_orders_and_describes(tasks: Tasks) -> None:
    outcome = tasks.dataset(
        {"people.csv": PEOPLE},
        columns=["name", "age"],
        where="city <> 'Princeton'",
        order_by=["age desc"],
    )
    frame = pl.read_parquet(outcome.artifact / "data.parquet")
    assert frame.rows() == [("Alan", 41), ("Ada", 36), ("Emmy", None)]
    assert outcome.attribute("rows") == 3
    assert outcome.attribute("columns") == ["name", "age"]
    assert outcome.attribute("schema") == [
        {"name": "name", "type": "string", "nullable": False},
        {"name": "age", "type": "int64", "nullable": True},
    ]
    assert outcome.attribute("statistics", "age") == {
        "missing": 1,
        "min": 36,
        "max": 41,
        "mean": 38.5,
        "std": 2.5,
    }
    assert outcome.events[0].message == "reading people.csv"


def test_formats_agree(tasks: Tasks) -> None:
    rows = '{"name":"Ada","age":36}\n{"age":41,"name":"Alan"}\n'
    texts = {
        "a.csv": "name,age\nAda,36\nAlan,41\n",
        "a.tsv": "name\tage\nAda\t36\nAlan\t41\n",
        "a.jsonl": rows,
    }
    results = [tasks.dataset({name: text}) for name, text in texts.items()]
    contents = {(each.artifact / "data.parquet").read_bytes() for each in results}
    assert len(contents) == 1
    again = tasks.run(
        "dataset",
        {"source": {"type": "file"}, "files": ["data.parquet"]},
        {"source": results[0].artifact},
    )
    assert (again.artifact / "data.parquet").read_bytes() in contents


def test_several_files_take_the_widest_type(tasks: Tasks) -> None:
    outcome = tasks.dataset({"1.csv": "a,b\n1,007\n", "2.csv": "b,a\nx7,2.5\n"})
    frame = pl.read_parquet(outcome.artifact / "data.parquet")
    assert frame.rows() == [(1.0, "007"), (2.5, "x7")]


def test_declared_types_are_applied_when_reading(tasks: Tasks) -> None:
    text = "code,flag,day,at\n007,Yes,2024-02-29,2024-02-29T10:30:00\n010,0,2024-03-01,2024-03-01\n"
    columns: list[Json] = [
        column("code", type="string"),
        column("flag", type="bool"),
        column("day", type="date"),
        column("at", type="datetime"),
    ]
    outcome = tasks.dataset({"a.csv": text}, schema={"strict": True, "columns": columns})
    frame = pl.read_parquet(outcome.artifact / "data.parquet")
    assert [str(dtype) for dtype in frame.dtypes] == [
        "String",
        "Boolean",
        "Date",
        "Datetime(time_unit='us', time_zone=None)",
    ]
    assert frame["code"].to_list() == ["007", "010"]
    assert frame["flag"].to_list() == [True, False]


def test_sample_and_limit_keep_the_order(tasks: Tasks) -> None:
    text = "n\n" + "".join(f"{n}\n" for n in range(1000))
    first = tasks.dataset({"a.csv": text}, sample={"fraction": 0.1, "rows": None, "seed": 5})
    second = tasks.dataset({"a.csv": text}, sample={"fraction": None, "rows": 100, "seed": 6})
    drawn = [pl.read_parquet(each.artifact / "data.parquet")["n"] for each in (first, second)]
    assert [len(each) for each in drawn] == [100, 100]
    assert all(each.is_sorted() for each in drawn)
    assert drawn[0].to_list() != drawn[1].to_list()
    limited = tasks.dataset({"a.csv": text}, limit=3)
    assert limited.attribute("rows") == 3


def test_nan_and_null_values_are_missing(tasks: Tasks) -> None:
    outcome = tasks.dataset(
        {"a.csv": "x,y\nNaN,-\n1.5,3\n"}, source={"type": "file", "null_values": ["-"]}
    )
    frame = pl.read_parquet(outcome.artifact / "data.parquet")
    assert frame.rows() == [(None, None), (1.5, 3)]


@pytest.mark.parametrize(
    ("arguments", "argument", "expected"),
    [
        ({"columns": ["name", "agee"]}, "columns[1]", 'Did you mean "age"?'),
        ({"where": "agee > 3"}, "where", 'Did you mean "age"?'),
        ({"order_by": ["agee desc"]}, "order_by[0]", 'Did you mean "age"?'),
        (
            {"schema": {"strict": False, "columns": [column("agee")]}},
            "schema.columns[0]",
            'Did you mean "age"?',
        ),
    ],
)
def test_unknown_column(
    tasks: Tasks, arguments: dict[str, Json], argument: str, expected: str
) -> None:
    summary, detail, found = tasks.dataset({"people.csv": PEOPLE}, **arguments).problem()
    assert (summary, found) == ("Unknown column", argument)
    assert expected in detail
    assert '"name", "age", "city"' in detail


@pytest.mark.parametrize("where", ["age >", "age = 'x", "age; drop", "select 1"])
def test_predicate_that_does_not_parse(tasks: Tasks, where: str) -> None:
    summary, detail, argument = tasks.dataset({"people.csv": PEOPLE}, where=where).problem()
    assert (summary, argument) == ("Malformed predicate", "where")
    assert where in detail


def test_predicate_that_is_none(tasks: Tasks) -> None:
    summary, _, _ = tasks.dataset({"people.csv": PEOPLE}, where="age + 1").problem()
    assert summary == "Not a predicate"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "a,b\n1,2\n3,4,5\n", "a.csv, line 3: 3 fields, but the header has 2"),
        ("a.csv", 'a,b\n1,2\n"3,4\n', "a.csv, line 3: "),
        ("a.csv", b"a,b\n1,\xff\xfe\n", "a.csv, line 2: not UTF-8"),
        ("a.jsonl", '{"a":1}\n{"a":\n', "a.jsonl, line 2: not JSON"),
        ("a.jsonl", '{"a":1}\n[1]\n', "a.jsonl, line 2: each line must be a JSON object"),
        ("a.parquet", b"PAR1 nonsense", '"a.parquet": '),
    ],
)
def test_malformed_file(tasks: Tasks, name: str, content: str | bytes, expected: str) -> None:
    summary, detail, _ = tasks.dataset({name: content}).problem()
    assert summary == "Malformed file"
    assert expected in detail


@pytest.mark.parametrize("content", ["", "a,b\n"])
def test_empty_file(tasks: Tasks, content: str) -> None:
    summary, _, argument = tasks.dataset({"a.csv": content}).problem()
    assert (summary, argument) == ("Empty data set", "source.path")


def test_nothing_left(tasks: Tasks) -> None:
    summary, detail, argument = tasks.dataset({"p.csv": PEOPLE}, where="age > 99").problem()
    assert (summary, argument) == ("Empty data set", "where")
    assert "age > 99" in detail


def test_files_with_different_columns(tasks: Tasks) -> None:
    summary, detail, _ = tasks.dataset({"1.csv": "a,b\n1,2\n", "2.csv": "a,c\n1,2\n"}).problem()
    assert summary == "Files with different columns"
    assert '"b", "c"' in detail


def test_repeated_column_and_unknown_format(tasks: Tasks) -> None:
    assert tasks.dataset({"a.csv": "x,y,x\n1,2,3\n"}).problem()[0] == "Repeated column"
    assert tasks.dataset({"a.weird": "x\n1\n"}).problem()[0] == "Unknown format"


def test_missing_file(tasks: Tasks, tmp_path: Path) -> None:
    outcome = tasks.run(
        "dataset", {"source": {"type": "file"}, "files": ["no.csv"]}, {"source": tmp_path}
    )
    assert outcome.problem()[0] == "Missing file"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (column("age", nullable=True, min=40), 'Column "age" must be at least 40, but 1 row does'),
        (column("age", nullable=True, max=40), "at most 40, but 2 rows do not comply (row 2: 41, "),
        (column("age"), "not be missing, but 1 row does not comply (row 3: missing)"),
        (column("city", values=["London", "Erlangen"]), "(row 4: 'Princeton')"),
        (column("city", pattern="[A-Z][a-z]{0,7}"), "(row 4: 'Princeton')"),
        (column("city", unique=True), "must be unique, but 2 rows"),
        (column("city", type="int64"), "must be int64, but 4 rows"),
    ],
)
def test_schema_violation(tasks: Tasks, rule: dict[str, Json], expected: str) -> None:
    outcome = tasks.dataset({"p.csv": PEOPLE}, schema={"strict": False, "columns": [rule]})
    summary, detail, argument = outcome.problem()
    assert (summary, argument) == ("Schema violation", "schema")
    assert expected in detail


def test_strict_schema_and_all_violations_at_once(tasks: Tasks) -> None:
    schema: Json = {"strict": True, "columns": [column("age"), column("name", pattern="A.*")]}
    _, detail, _ = tasks.dataset({"p.csv": PEOPLE}, schema=schema).problem()
    assert len(detail.splitlines()) == 3
    assert 'Column "city" is not declared' in detail


def test_row_numbers_are_those_of_the_file(tasks: Tasks) -> None:
    outcome = tasks.dataset(
        {"p.csv": PEOPLE},
        where="age > 40",
        order_by=["age desc"],
        schema={"strict": False, "columns": [column("age", max=50)]},
    )
    assert "row 4: 71" in outcome.problem()[1]


def test_unknown_type_and_rule_on_the_wrong_type(tasks: Tasks) -> None:
    def run(rule: dict[str, Json]) -> tuple[str, str, str]:
        schema: Json = {"strict": False, "columns": [rule]}
        return tasks.dataset({"p.csv": PEOPLE}, schema=schema).problem()

    assert run(column("age", type="int46"))[1].startswith('There is no column type "int46".')
    assert run(column("city", min=3))[0] == "Rule on the wrong type"
    assert run(column("age", nullable=True, pattern="x"))[0] == "Rule on the wrong type"
    assert run(column("city", pattern="("))[0] == "Malformed pattern"
    assert run(column("age", nullable=True, values=["x"]))[0] == "Rule on the wrong type"


def test_real_tables(tasks: Tasks, shared: Path) -> None:
    rows = {"titanic.csv": 891, "penguins.csv": 344, "diamonds.csv": 53940, "taxis.csv": 6433}
    for name, count in rows.items():
        outcome = tasks.run(
            "dataset", {"source": {"type": "file"}, "files": [name]}, {"source": shared}
        )
        assert outcome.attribute("rows") == count
        frame = pl.read_parquet(outcome.artifact / "data.parquet")
        assert frame.schema.get("pickup", pl.Datetime("us")) == pl.Datetime("us")


@pytest.mark.parametrize(
    ("early", "late", "dtype"),
    [
        ("1", "2.5", pl.Float64()),
        ("1", "x", pl.String()),
        ("", "7", pl.Int64()),
        ("2024-01-01", "soon", pl.String()),
        ("true", "maybe", pl.String()),
    ],
)
def test_types_come_from_all_rows(tasks: Tasks, early: str, late: str, dtype: pl.DataType) -> None:
    text = "n,x\n" + "".join(f"{n},{early}\n" for n in range(5000)) + f"5000,{late}\n"
    outcome = tasks.dataset({"a.csv": text})
    frame = pl.read_parquet(outcome.artifact / "data.parquet")
    assert frame.schema["x"] == dtype
    assert str(frame["x"][-1]) == late


def test_dates_and_times_of_text_files(tasks: Tasks) -> None:
    text = "d,t,u\n2024-02-29,2024-02-29 10:11:12,2024-02-29T10:11:12Z\n,,\n"
    frame = pl.read_parquet(tasks.dataset({"a.csv": text}).artifact / "data.parquet")
    assert frame.dtypes == [pl.Date(), pl.Datetime("us"), pl.Datetime("us")]
    assert frame.select(pl.all().cast(pl.String)).row(0) == (
        "2024-02-29",
        "2024-02-29 10:11:12.000000",
        "2024-02-29 10:11:12.000000",
    )
