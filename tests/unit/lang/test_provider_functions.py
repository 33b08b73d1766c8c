"""The functions of mlform's own namespace, and those that need ports or keys."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import bcrypt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mlform.diagnostics import Diagnostics
from mlform.lang.construct import object_of
from mlform.lang.encode import json_text, to_json
from mlform.lang.functions import FunctionContext, functions
from mlform.lang.resolve import resolve
from mlform.lang.scope import Scope
from mlform.lang.types import STRING, ListType
from mlform.lang.values import Value, string
from mlform.operations.function_ports import function_context
from tests.language import expression, json_of, problem_of, value_of

ANSWERS = [
    ('bytes("4GiB")', "4294967296"),
    ('bytes("500MB")', "500000000"),
    ('duration_seconds("1.5h")', "5400"),
    ('slugify("Größe & Äpfel 3!")', '"grosse-apfel-3"'),
    (
        "params_grid({ depth = [3, 5], eta = [0.1, 0.3] })",
        '[{"depth":3,"eta":0.1},{"depth":3,"eta":0.3},{"depth":5,"eta":0.1},{"depth":5,"eta":0.3}]',
    ),
    ("params_grid({})", "[{}]"),
    ("params_grid({ a = [] })", "[]"),
    ('params_grid({ a = [1, "x"] })', '[{"a":1},{"a":"x"}]'),
    ("linspace(0, 1, 5)", "[0,0.25,0.5,0.75,1]"),
    ("linspace(2, 3, 1)", "[2]"),
    ("logspace(0.0001, 1, 5)", "[0.0001,0.001,0.01,0.1,1]"),
    ('encode_expr([1, "a", null])', '"[1, \\"a\\", null]"'),
    (
        'encode_mlfvars({ b = 1, a = { x = 1, longer = "$${y}" } })',
        '"a = {\\n  longer = \\"$${y}\\"\\n  x      = 1\\n}\\nb = 1\\n"',
    ),
    ('decode_mlfvars("a = 1\\nb = [\\"x\\"]\\n")', '{"a":1,"b":["x"]}'),
    ('decode_mlfvars("")', "{}"),
]


@pytest.mark.parametrize(("text", "expected"), ANSWERS)
def test_answers(text: str, expected: str) -> None:
    assert json_of(f"provider::mlform::{text}") == expected


def test_a_written_expression_has_the_form_of_a_file() -> None:
    text = 'provider::mlform::encode_expr({ a = 1, bcd = [{ "x y" = true }] })'
    assert value_of(text).payload == '{\n  a = 1\n  bcd = [{\n    "x y" = true\n  }]\n}'


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('bytes("4GiBs")', "no amount of memory"),
        ('duration_seconds("soon")', "no duration"),
        ('slugify("日本")', "nothing is left"),
        ("params_grid([1])", "object or map of lists"),
        ("params_grid({ a = 1 })", '"a" must be a list'),
        ("params_grid({ for i in range(5) : i => range(10) })", "100000 combinations"),
        ("hash_fraction({ a = 1 })", "a string, number or bool"),
        ("linspace(0, 1, 0)", "between 1 and 1024"),
        ("logspace(0, 1, 3)", "greater than 0"),
        ('encode_mlfvars({ "a b" = 1 })', '"a b" cannot be the name'),
        ('decode_mlfvars("a {}")', 'a block "a"'),
        ('decode_mlfvars("a = b")', '"b" is a reference'),
        ('decode_mlfvars("a = upper(1)")', "Functions cannot be called here"),
        ('decode_mlfvars("a = ")', "no HCL"),
        ('table_rows("x.csv")', "tables cannot be read here"),
        ('file_fingerprint("x.csv")', "files cannot be read here"),
    ],
)
def test_problems(text: str, detail: str) -> None:
    assert detail in problem_of(f"provider::mlform::{text}").detail


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("provider::mlform::slugfy(1)", "provider::mlform::slugify"),
        ("slugify(1)", "provider::mlform::slugify"),
        ("provider::terraform::decode_tfvars(1)", "provider::mlform::decode_mlfvars"),
        ("provider::mlform::upper(1)", "upper"),
        ("core::uper(1)", "upper"),
        ("uper(1)", "upper"),
    ],
)
def test_the_function_meant_is_suggested(text: str, meant: str) -> None:
    assert problem_of(text).detail.endswith(f'Did you mean "{meant}"?')


def test_a_core_function_has_its_long_name() -> None:
    assert json_of('core::upper("a")') == '"A"'


def test_the_share_of_a_key_is_that_of_a_hash_split() -> None:
    salt = hashlib.sha256(b"s").digest()
    digest = hashlib.blake2b(b'["a",1]', digest_size=8, key=salt).digest()
    share = to_json(value_of('provider::mlform::hash_fraction(["a", 1], "s")'))
    assert share == int.from_bytes(digest, "big") / 2.0**64


def in_folder(folder: Path, text: str) -> tuple[Value, list[str]]:
    diagnostics = Diagnostics()
    known = functions(function_context(folder, None))
    value = resolve(expression(text), Scope(functions=known), diagnostics)
    return value, [item.detail for item in diagnostics]


def test_tables_are_read_as_a_data_set_reads_them(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("n,rows,day\n1,x,2024-01-01\n2.5,,2024-01-02\n")
    value, problems = in_folder(tmp_path, 'provider::mlform::table_schema("a.csv")')
    assert not problems
    assert to_json(value) == [
        {"name": "n", "type": "float64", "nullable": False},
        {"name": "rows", "type": "string", "nullable": True},
        {"name": "day", "type": "date", "nullable": False},
    ]
    value, _ = in_folder(tmp_path, 'provider::mlform::table_columns("a.csv")')
    assert json_text(value) == '["n","rows","day"]'
    assert value.type == ListType(STRING)
    assert in_folder(tmp_path, 'provider::mlform::table_rows("a.csv")')[0].payload == 2


def test_tables_have_options(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("n;m\n-;2\n")
    options = '{ format = "csv", delimiter = ";", null_values = ["-"] }'
    value, problems = in_folder(tmp_path, f'provider::mlform::table_schema("a.txt", {options})')
    assert not problems
    assert [item["nullable"] for item in to_json(value)] == [True, False]  # type: ignore[index,union-attr,call-overload]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('table_rows("none.csv")', "No such file"),
        ('table_rows("a.md")', "the format of"),
        ('table_rows("bad.csv")', "bad.csv, line 2: 3 fields"),
        ('table_rows("a.md", { delimitr = 1 })', 'no option "delimitr"'),
        ('table_rows("a.md", { delimiter = [] })', "string required"),
        ('table_rows("a.md", {}, {})', "one object"),
        ('table_rows(".")', "it is a folder"),
        ('file_fingerprint("none.csv")', "No such file"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, text: str, detail: str) -> None:
    (tmp_path / "a.md").write_text("hi")
    (tmp_path / "bad.csv").write_text("a,b\n1,2,3\n")
    assert detail in in_folder(tmp_path, f"provider::mlform::{text}")[1][0]


def test_fingerprints(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "x").write_text("hi")
    value, _ = in_folder(tmp_path, 'provider::mlform::file_fingerprint("d/x")')
    assert value.payload == "sha256:" + hashlib.sha256(b"hi").hexdigest()
    tree, _ = in_folder(tmp_path, 'provider::mlform::file_fingerprint("d")')
    (tmp_path / "d" / "x").write_text("ho")
    assert in_folder(tmp_path, 'provider::mlform::file_fingerprint("d")')[0].payload != tree.payload


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("*", '["a.csv","b.txt"]'),
        ("**", '["a.csv","b.txt","d/.h","d/e/c.csv"]'),
        ("**/*.{csv,md}", '["a.csv","d/e/c.csv"]'),
        ("{d,x}/*", '["d/.h"]'),
        ("d/**/c.csv", '["d/e/c.csv"]'),
        ("[ab].*", '["a.csv","b.txt"]'),
        ("[^a].*", '["b.txt"]'),
        ("?.csv", '["a.csv"]'),
        ("none/*", "[]"),
    ],
)
def test_filesets(tmp_path: Path, pattern: str, found: str) -> None:
    for name in ("a.csv", "b.txt", "d/.h", "d/e/c.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert json_text(in_folder(tmp_path, f'fileset(".", "{pattern}")')[0]) == found


@pytest.mark.parametrize("pattern", ["[", "{a"])
def test_broken_patterns(tmp_path: Path, pattern: str) -> None:
    assert "not closed" in in_folder(tmp_path, f'fileset(".", "{pattern}")')[1][0]


def test_bcrypt_is_known_once_there_is_salt() -> None:
    assert not value_of('bcrypt("secret")').is_known
    known = functions(FunctionContext(new_salt=lambda: bytes(range(16))))
    diagnostics = Diagnostics()
    value = resolve(expression('bcrypt("secret", 4)'), Scope(functions=known), diagnostics)
    assert not diagnostics.items
    assert isinstance(value.payload, str)
    assert value.payload.startswith("$2a$04$")
    assert bcrypt.checkpw(b"secret", value.payload.encode())


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ('bcrypt("a", 32)', "outside the range"),
        ('bcrypt("a", 4, 5)', "no more than two"),
        ('bcrypt("a", 1.5)', "whole number"),
        (f'bcrypt("{"a" * 73}")', "73 bytes"),
    ],
)
def test_bcrypt_problems(text: str, detail: str) -> None:
    assert detail in problem_of(text).detail


def keys() -> tuple[str, str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encrypted = key.public_key().encrypt("hé".encode(), PKCS1v15())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    openssh = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    return base64.b64encode(encrypted).decode(), pem.decode(), openssh.decode()


def test_rsadecrypt() -> None:
    encrypted, pem, openssh = keys()
    for key in (pem, openssh):
        given = {"v": object_of({"text": string(encrypted), "key": string(key)})}
        assert value_of("rsadecrypt(v.text, v.key)", given).payload == "hé"


def test_rsadecrypt_problems() -> None:
    encrypted, pem, _ = keys()
    other = (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        .decode()
    )
    for text, key, detail in (
        ("!", pem, "not valid base64"),
        (encrypted, "none", "no RSA private key"),
        (encrypted, other, "another kind than RSA"),
    ):
        given = {"v": object_of({"text": string(text), "key": string(key)})}
        assert detail in problem_of("rsadecrypt(v.text, v.key)", given).detail
