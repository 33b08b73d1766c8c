"""Write the generated reference pages: kinds and backends from their schemas, commands from help.

The functions are written from their signatures.

Run: `python docs/generate.py` (or `make docs`); `--check` writes nothing and fails where a page is
not what it would write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mlform.cli import arguments  # noqa: E402 - found by the line above
from mlform.cli.commands import COMMANDS  # noqa: E402
from mlform.cli.help import command_help, overview  # noqa: E402
from mlform.cli.parameters import parameters_of  # noqa: E402
from mlform.graph.runtimes import SCHEMAS  # noqa: E402
from mlform.lang.function import Function, Parameter  # noqa: E402
from mlform.lang.functions import FunctionContext, functions  # noqa: E402
from mlform.lang.type_text import type_expression  # noqa: E402
from mlform.operations.backends import BACKENDS  # noqa: E402
from mlform.views.reference import backends_page, kinds_page  # noqa: E402
from mlform.wiring import KindTable  # noqa: E402

WRITTEN = "<!-- Written by docs/generate.py; run `make docs` after a change. -->\n"


def pages() -> Mapping[Path, str]:
    """Return the text of every generated page."""
    folder = ROOT / "docs" / "reference"
    kinds = {name: kind.schema for name, kind in KindTable().items()}
    page = kinds_page(kinds, SCHEMAS, note=WRITTEN)
    return {
        folder / "kinds.md": page,
        folder / "backends.md": backends_page(BACKENDS, note=WRITTEN),
        folder / "cli.md": commands_page(),
        folder / "functions.md": functions_page(),
    }


def commands_page() -> str:
    """Return the page of commands: the help of each, as printed."""
    text = f"# Commands\n\n{WRITTEN}\n```text\n{overview().rstrip()}\n```\n"
    for command in COMMANDS:
        parameters = parameters_of(getattr(arguments, command.arguments))
        text += (
            f"\n## {command.name}\n\n```text\n{command_help(command, parameters).rstrip()}\n```\n"
        )
    return text


def functions_page() -> str:
    """Return the page of the functions of the language."""
    every = functions(FunctionContext())
    own = sorted(name for name in every if "::" in name)
    shared = sorted(name for name in every if "::" not in name)
    return (
        f"# Functions\n\n{WRITTEN}\n"
        "Functions are called by name in any expression, as in `upper(var.name)`; `core::upper` is "
        "the long name. An ellipsis after the last argument expands a list, as in "
        "`max(local.scores...)`. `...` after a parameter below stands for any number of arguments. "
        "An argument of another type is converted where Terraform would convert it.\n\n"
        f"## Of Terraform\n\nThe {len(shared)} functions of Terraform 1.11, with the same "
        "results. `bcrypt`, `timestamp` and `uuid` are known only after apply.\n\n"
        f"{_functions(every[name] for name in shared)}\n"
        "## Of mlform\n\nCalled with their namespace, as in "
        '`provider::mlform::bytes("4GiB")`.\n\n'
        f"{_functions(every[name] for name in own)}"
    )


def _functions(listed: Iterable[Function]) -> str:
    rows = "".join(f"| `{_signature(item)}` | {item.description} |\n" for item in listed)
    return f"| function | what it gives |\n| --- | --- |\n{rows}"


def _signature(function: Function) -> str:
    parameters = [_parameter(item) for item in function.parameters]
    if function.variadic is not None:
        parameters.append(f"{_parameter(function.variadic)}...")
    return f"{function.name}({', '.join(parameters)}) → {type_expression(function.returns)}"


def _parameter(parameter: Parameter) -> str:
    return f"{parameter.name} {type_expression(parameter.type)}"


def main(words: list[str]) -> int:
    """Write the pages, or check them; return the exit status."""
    stale = []
    for path, text in pages().items():
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path.relative_to(ROOT))
        if "--check" not in words:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print(f"{path}: {'is not current, run `make docs`' if '--check' in words else 'written'}")
    return 1 if stale and "--check" in words else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
