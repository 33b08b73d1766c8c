"""Functions beyond the shared cases; the answers were read off Terraform 1.11."""

from __future__ import annotations

import pytest

from mlform.diagnostics import Diagnostics
from mlform.lang.encode import json_text
from mlform.lang.functions import FunctionContext, functions
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from tests.language import expression, json_of, problem_of

ANSWERS = [
    ('yamldecode("a: &x\\n  b: 1\\nc:\\n  <<: *x\\n  d: 2")', '{"a":{"b":1},"c":{"b":1,"d":2}}'),
    ('yamldecode("017")', "17"),
    ('yamldecode("2020-01-01")', '"2020-01-01T00:00:00Z"'),
    ("yamlencode([[1, 2], { a = [1] }])", '"- - 1\\n  - 2\\n- \\"a\\":\\n  - 1\\n"'),
    ('yamlencode("x\\ny")', '"|-\\n  x\\n  y\\n"'),
    ('format("%v|%v|%v", 1000000, 123456789.5, 0.00001)', '"1e+06|1.234567895e+08|1e-05"'),
    (
        'format("%x|%o|%b|%#x|%+d|% d|%e", 255, 8, 5, 255, 3, 3, 1234.5)',
        '"ff|10|101|0xff|+3| 3|1.234500e+03"',
    ),
    ('format("%5s|%-5s|%05.1f", "a", "b", 3.14159)', '"    a|b    |003.1"'),
    ('format("%s %[1]s %[2]q", "a", "b")', '"a a \\"b\\""'),
    ('formatlist("%s-%s", ["a"], "b")', '["a-b"]'),
    (
        'formatdate("EEEE, DD-MMM-YY hh:mm:ss ZZZ", "2018-01-02T23:12:01Z")',
        '"Tuesday, 02-Jan-18 23:12:01 UTC"',
    ),
    ('timeadd("2017-11-22T00:00:00Z", "-1.5h10m3s")', '"2017-11-21T22:19:57Z"'),
    ('regexall("a*", "baac")', '["","aa",""]'),
    ('replace("abc", "", "-")', '"-a-b-c-"'),
    ('replace("abc", "/(?P<n>b)/", "[$n][$1x][$$]")', '"a[b][][$]c"'),
    ('substr("hello", -3, 2)', '"ll"'),
    ('title("hello wOrld it\'s")', '"Hello WOrld It\'S"'),
    ('upper("straße")', '"STRAßE"'),
    ('urlencode("a b&é/~*")', '"a+b%26%C3%A9%2F~%2A"'),
    ("pow(2, 100)", "1267650600228229400000000000000"),
    ('parseint("zZ", 62)', "2231"),
    ('setproduct(["a"], toset([1]))', '[["a",1]]'),
    ("coalesce([], [1])", "[]"),
    ('concat(tolist(["a"]), tolist([1]))', '["a","1"]'),
    ('flatten([[1, [2]], toset([3]), "a"])', '[1,2,3,"a"]'),
    ("range(5, 1)", "[5,4,3,2]"),
    ('setunion([1], ["a"])', '["1","a"]'),
    ("toset([[3], [1, 2], [10]])", "[[10],[1,2],[3]]"),
    ('transpose({ a = ["x", "y"], b = ["x"] })', '{"x":["a","b"],"y":["a"]}'),
    ('cidrhost("fd00:fd12:3456:7890:00a2::/72", 34)', '"fd00:fd12:3456:7890::22"'),
    ('dirname("a/b/")', '"a/b"'),
    ('basename("a/b/")', '"b"'),
]


@pytest.mark.parametrize(("text", "expected"), ANSWERS)
def test_answers(text: str, expected: str) -> None:
    assert json_of(text) == expected


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('regex("(", "a")', 'Invalid value for "pattern" parameter: invalid regexp pattern'),
        ('regex("z", "a")', "pattern did not match any part of the given string"),
        ('format("%d", 1.5)', 'unsupported value for "%d" at 0: an integer is required'),
        ('format("%s")', 'not enough arguments for "%s" at 0: need index 1 but have 0 total'),
        ('format("a", "b")', "too many arguments; no verbs in format string"),
        ("range(1, 5, -1)", "end must be less than start when step is negative"),
        ('csvdecode("a,b\\n1")', "CSV parse error on line 2: wrong number of fields"),
        ('tonumber("x")', "given string must be a decimal representation of a number"),
        ("one([1, 2])", "either zero or one elements"),
        ('try(tonumber("x"), [][0])', "no expression succeeded"),
        ('file("x")', "files cannot be read here"),
        ('base64decode("!!")', 'failed to decode base64 data "!!"'),
        ('cidrsubnet("10.1.2.3/8", 8, 256)', "does not accommodate a subnet numbered 256"),
        ('timeadd("yesterday", "1h")', "not a valid RFC3339 timestamp"),
    ],
)
def test_problems(text: str, detail: str) -> None:
    assert detail in problem_of(text).detail


def test_messages_about_secrets_hide_them() -> None:
    problem = problem_of('base64decode(sensitive("hush!"))')
    assert "hush" not in problem.detail
    assert "sensitive" in problem.detail


FILES = {
    "module/greeting.tpl": b"%{ for n in names }Hello ${upper(n)}!%{ endfor }",
    "module/latin": b"\xe9",
}


def read(path: str) -> bytes:
    if path not in FILES:
        raise FileNotFoundError(path)
    return FILES[path]


CONTEXT = FunctionContext(
    base_folder="module",
    working_folder="/project",
    home_folder="/home/ada",
    read_file=read,
    file_exists=FILES.__contains__,
    fileset=lambda folder, pattern: [f"{folder}-{pattern}"],
    timestamp=lambda: "2024-01-02T03:04:05Z",
    new_uuid=lambda: "c0ffee00-0000-4000-8000-000000000000",
)


def with_ports(text: str) -> tuple[str, list[str]]:
    diagnostics = Diagnostics()
    value = resolve(expression(text), Scope(functions=functions(CONTEXT)), diagnostics)
    details = [each.detail for each in diagnostics]
    return ("" if details else json_text(value)), details


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('templatefile("greeting.tpl", { names = ["ada", "bob"] })', '"Hello ADA!Hello BOB!"'),
        ('fileexists("greeting.tpl")', "true"),
        ('fileexists("nothing")', "false"),
        ('filebase64("latin")', '"6Q=="'),
        ('filemd5("latin")', '"3406877694691ddd1dfb0aca54681407"'),
        ('fileset(".", "*.csv")', '["module-*.csv"]'),
        ('abspath("a/../b")', '"/project/b"'),
        ('pathexpand("~/x")', '"/home/ada/x"'),
        ("timestamp()", '"2024-01-02T03:04:05Z"'),
        ("uuid()", '"c0ffee00-0000-4000-8000-000000000000"'),
    ],
)
def test_ports(text: str, expected: str) -> None:
    assert with_ports(text) == (expected, [])


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('file("absent")', 'no file exists at "absent"'),
        ('file("latin")', "use the filebase64 function"),
        ('templatefile("greeting.tpl", {})', 'vars map does not contain key "names"'),
        ('templatefile("greeting.tpl", [])', "must be a map"),
        ('templatefile("greeting.tpl", { names = 5 })', "greeting.tpl:1"),
    ],
)
def test_problems_with_files(text: str, detail: str) -> None:
    (found,) = with_ports(text)[1]
    assert detail in found


def test_every_module_holds_the_functions_that_are_looked_for_in_it() -> None:
    every = functions(FunctionContext())
    assert len(every) == len(set(every)) > 100
    for name in every:
        assert name in every
        assert every[name].name == name
        assert every[name] is every[name]
    assert every.get("nothing") is None
    assert "nothing" not in every
