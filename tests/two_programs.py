"""The same configuration in the hands of mlform and of Terraform, and how their words differ."""

from __future__ import annotations

import json
import re
import shutil
import subprocess  # noqa: TID251 - the other program
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mlform.digests import Json
from tests.e2e.cli import Cli
from tests.e2e.encryption import PLANS_IN_PLAIN_TEXT

TERRAFORM: Final = shutil.which("terraform")
ABSENT: Final = "(absent)"
_IDENTITY: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z|(?<=after )[\d.]+s")
_NAMES: Final = (
    ("terraform.io/builtin/terraform", "mlform.io/builtin/mlform"),
    ("terraform_data", "mlform_data"),
    ("terraform.workspace", "mlform.workspace"),
    ("terraform.ui", "mlform.ui"),
    ("Terraform", "mlform"),
)
"""What Terraform calls, and what mlform does."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a program did."""

    status: int
    stdout: str


class Programs:
    """Two folders with the same configuration."""

    def __init__(self, folder: Path) -> None:
        self._ours, self._theirs = folder / "ours", folder / "theirs"
        # Like Terraform, which writes plans with sensitive values in plain text.
        self._cli = Cli(self._ours, MLF_ENCRYPTION=PLANS_IN_PLAIN_TEXT)

    def write(self, files: Mapping[str, str]) -> None:
        """Make these all the files there are, given by name without ending, for Terraform."""
        for folder, ending in ((self._ours, ".mlf.hcl"), (self._theirs, ".tf")):
            for old in folder.rglob(f"*{ending}"):
                old.unlink()
            for name, text in files.items():
                path = folder / f"{name}{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text if folder is self._theirs else _renamed(text))

    def run(self, *words: str, statuses: Sequence[int] = (0,)) -> tuple[Outcome, Outcome]:
        """Run the same command of both, ours first; addresses are Terraform's."""
        with subprocess.Popen(  # noqa: S603 - found on the PATH
            [TERRAFORM or "terraform", *words],
            cwd=self._theirs,
            env={"PATH": "/usr/bin:/bin", "HOME": str(self._theirs), "CHECKPOINT_DISABLE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            done = self._cli.run(*map(_renamed, words))
            text, _ = process.communicate()
        assert process.returncode in statuses, text
        assert done.status in statuses, done.stdout + done.stderr
        return Outcome(done.status, done.stdout), Outcome(process.returncode, text)

    def documents(self, *words: str) -> tuple[Json, Json]:
        """Return what both print as one JSON document, in the same words."""
        ours, theirs = self.run(*words)
        return common(json.loads(ours.stdout)), common(json.loads(theirs.stdout))

    def messages(
        self, *words: str, statuses: Sequence[int] = (0,)
    ) -> tuple[list[Json], list[Json]]:
        """Return what both print as streams of JSON, in the same words."""
        ours, theirs = self.run(*words, statuses=statuses)
        mine, other = (
            [common(json.loads(line)) for line in outcome.stdout.splitlines()]
            for outcome in (ours, theirs)
        )
        return mine, other


def _renamed(text: str) -> str:
    return text.replace("terraform_data", "mlform_data").replace("terraform.work", "mlform.work")


def common(document: Json) -> Json:
    """Return a document in mlform's words, with one name for all identities and times."""
    if isinstance(document, Mapping):
        return {str(common(key)): common(item) for key, item in document.items()}
    if isinstance(document, list):
        return [common(item) for item in document]
    if not isinstance(document, str):
        return document
    if document == "terraform":
        return "mlform"
    for theirs, ours in _NAMES:
        document = document.replace(theirs, ours)
    return _TIME.sub("TIME", _IDENTITY.sub("ID", document))


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two documents differ; a side without it is `ABSENT`."""

    path: str
    ours: Json
    theirs: Json

    def __str__(self) -> str:
        return f"{self.path}: ours {_brief(self.ours)}, theirs {_brief(self.theirs)}"


def _brief(value: Json) -> str:
    return json.dumps(value, sort_keys=True)[:300]


def differences(ours: Json, theirs: Json, path: str = "") -> Iterator[Difference]:
    """Return where two documents differ, as deep down as can be said.

    Things with an address or a name to display are compared by it, and have to be in the same
    order; lists of plain values are compared as wholes.
    """
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        for key in sorted({*ours, *theirs}):
            one, two = ours.get(key, ABSENT), theirs.get(key, ABSENT)
            yield from differences(one, two, f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list) and _are_named([*ours, *theirs]):
        one, two = {_name(item): item for item in ours}, {_name(item): item for item in theirs}
        yield from differences(one, two, path)
        shared = [[name for name in side if name in one and name in two] for side in (one, two)]
        if shared[0] != shared[1]:
            yield Difference(f"{path} (order)", *shared)
    elif isinstance(ours, list) and isinstance(theirs, list) and _are_alike(ours, theirs):
        for at, (one, two) in enumerate(zip(ours, theirs, strict=True)):
            yield from differences(one, two, f"{path}[{at}]")
    elif ours != theirs or isinstance(ours, bool) != isinstance(theirs, bool):
        yield Difference(path, ours, theirs)


def _are_named(items: Sequence[Json]) -> bool:
    return bool(items) and all(isinstance(item, Mapping) and "address" in item for item in items)


def _are_alike(ours: Sequence[Json], theirs: Sequence[Json]) -> bool:
    nested = any(isinstance(item, Mapping | list) for item in (*ours, *theirs))
    return nested and len(ours) == len(theirs)


def _name(item: Json) -> str:
    assert isinstance(item, Mapping)
    address = item["address"]
    name = address["to_display"] if isinstance(address, Mapping) else address
    return f"{name}{item.get('deposed', item.get('deposed_key', ''))}"
