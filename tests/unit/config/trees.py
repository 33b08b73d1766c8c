"""Configurations as texts, by path."""

from __future__ import annotations

from collections.abc import Mapping

from mlform.addresses import print_path
from mlform.config.blocks import Config
from mlform.config.early import EarlyContext
from mlform.config.folders import FindModules, NoModules, SavedFiles
from mlform.config.load import read_root
from mlform.diagnostics import Diagnostic
from mlform.lang.functions import FunctionContext, functions
from mlform.lang.values import Value

FUNCTIONS = functions(FunctionContext())


def load(
    files: Mapping[str, str],
    *,
    values: Mapping[str, Value] | None = None,
    partial: bool = False,
    find_modules: FindModules = NoModules,
) -> tuple[Config, tuple[Diagnostic, ...]]:
    """Load configuration files given as texts."""
    root = read_root(SavedFiles({path: text.encode() for path, text in files.items()}))
    return root.load(
        values or {},
        context=EarlyContext(functions=FUNCTIONS, partial=partial),
        find_modules=find_modules,
    )


def loaded(
    files: Mapping[str, str],
    *,
    values: Mapping[str, Value] | None = None,
    find_modules: FindModules = NoModules,
) -> Config:
    """Load configuration files that have no problems."""
    config, problems = load(files, values=values, find_modules=find_modules)
    assert problems == ()
    return config


def told(problems: tuple[Diagnostic, ...]) -> list[tuple[str, str]]:
    """Return summaries with places."""
    return [(each.summary, str(each.range)) for each in problems]


def paths(config: Config) -> list[str]:
    """Return the paths of the modules as printed."""
    return [print_path(path) for path in config.modules]
