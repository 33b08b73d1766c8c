"""The model that a server answers with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from mlform.dataclass import dataclass
from mlform.digests import Digest, digest_file, digest_json, short, tree_files
from mlform.features.columns import Schema
from mlform.features.scoring import Manifest, Predictions


class Scorer(Protocol):
    """What scores rows; `mlform.features.scoring.Scorer` is the real one."""

    manifest: Manifest

    @property
    def inputs(self) -> Schema:
        """The raw columns that `score_rows` needs."""
        ...

    def score_rows(self, rows: Sequence[object]) -> Predictions:
        """Score rows of JSON.

        Raises:
            TaskFailure: If a row does not fit the inputs.
        """
        ...


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Raw rows with their scores at training.

    Attributes:
        rows: Rows of JSON.
        scores: For each row a number, or a list by class for three classes or more.
    """

    rows: list[dict[str, object]]
    scores: list[float | None | list[float | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedModel:
    """A loaded model.

    Attributes:
        name: The endpoint's name.
        digest: Of the artifact.
        scorer: What scores.
        reference: The artifact's reference rows.
    """

    name: str
    digest: Digest
    scorer: Scorer
    reference: Reference

    @property
    def version(self) -> str:
        """The start of the digest, for people."""
        return short(self.digest)


class ModelUnusable(Exception):
    """The artifact cannot be served; the text says why and what to do."""


def artifact_digest(folder: Path) -> Digest:
    """Return the digest of an artifact: over path, size and SHA-256 of each file, by path.

    Raises:
        OSError: If a file cannot be read.
    """
    return digest_json(
        [
            [path, (folder / path).stat().st_size, digest_file(folder / path)[len("sha256:") :]]
            for path in tree_files(folder)
        ]
    )


def read_reference(folder: Path) -> Reference:
    """Read the artifact's reference rows.

    Raises:
        ModelUnusable: If the file is absent, malformed, or the scores are not as many as the rows.
    """
    path = folder / "reference.json"
    try:
        reference = msgspec.json.decode(path.read_bytes(), type=Reference)
    except (OSError, msgspec.DecodeError) as failure:
        message = f"{path}: {failure}; apply again to train the model anew"
        raise ModelUnusable(message) from failure
    if len(reference.rows) != len(reference.scores):
        message = f"{path}: {len(reference.rows)} rows but {len(reference.scores)} scores"
        raise ModelUnusable(message)
    return reference
