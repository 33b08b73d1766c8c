from __future__ import annotations

from itertools import chain
from pathlib import Path
from unicodedata import is_normalized

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlform.config.lockfile import (
    LockedImage,
    LockedModule,
    LockFile,
    lock_text,
    parse_lock,
    read_lock,
    write_lock,
)
from mlform.errors import MlformError
from tests.second_opinion import same_tree

DIGEST = "sha256:" + "0123456789abcdef" * 4
OTHER = "sha256:" + "f" * 64


def lock(*images: LockedImage) -> LockFile:
    return LockFile(images={image.name: image for image in images})


REGISTRY = LockedImage(
    name="ghcr.io/acme/runtime:0.1",
    reference=f"ghcr.io/acme/runtime@{DIGEST}",
    runtimes=("docker.big", "docker.default"),
)
LOCAL = LockedImage(name="mlform-runtime", reference=OTHER, runtimes=("docker.local",))


def test_the_text_is_sorted_and_says_what_it_is() -> None:
    assert lock_text(lock(LOCAL, REGISTRY)) == (
        '# This file is maintained automatically by "mlform init".\n'
        "# Manual edits may be lost in future updates.\n"
        "\n"
        'image "ghcr.io/acme/runtime:0.1" {\n'
        f'  reference = "ghcr.io/acme/runtime@{DIGEST}"\n'
        "  runtimes  = [\n"
        '    "docker.big",\n'
        '    "docker.default",\n'
        "  ]\n"
        "}\n"
        "\n"
        'image "mlform-runtime" {\n'
        f'  reference = "{OTHER}"\n'
        "  runtimes  = [\n"
        '    "docker.local",\n'
        "  ]\n"
        "}\n"
    )
    assert lock_text(lock(LOCAL, REGISTRY)) == lock_text(lock(REGISTRY, LOCAL))


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / ".mlform.lock.hcl"
    write_lock(path, lock(REGISTRY, LOCAL))
    assert read_lock(path, shown="x") == (lock(REGISTRY, LOCAL), ())
    write_lock(path, LockFile())
    assert read_lock(path, shown="x") == (LockFile(), ())
    assert [each.name for each in tmp_path.iterdir()] == [".mlform.lock.hcl"]


NAMES = st.text(min_size=1, max_size=20).filter(
    lambda text: (text.isprintable() or text == "\n") and is_normalized("NFC", text)
)
PINS = st.sampled_from([DIGEST, OTHER, "0123456789" * 4])


@settings(deadline=None)  # the first example loads python-hcl2
@given(
    names=st.dictionaries(NAMES, st.lists(NAMES, max_size=3)),
    modules=st.dictionaries(NAMES, PINS),
)
def test_both_parsers_see_the_same_in_every_lock_file(
    names: dict[str, list[str]], modules: dict[str, str]
) -> None:
    written = LockFile(
        images={
            name: LockedImage(name=name, reference=DIGEST, runtimes=tuple(sorted(set(runtimes))))
            for name, runtimes in names.items()
        },
        modules={
            package: LockedModule(package=package, pin=pin) for package, pin in modules.items()
        },
    )
    text = lock_text(written)
    # python-hcl2 does not read the escapes of `${` and `%{` everywhere; no image has them.
    if "{" not in "".join([*names, *modules, *chain(*names.values())]):
        same_tree(text)
    read, problems = parse_lock("x", text.encode())
    assert problems == ()
    assert dict(read.images) == dict(written.images)
    assert dict(read.modules) == dict(written.modules)


def test_a_pin_gives_its_digest_and_its_image() -> None:
    assert (REGISTRY.digest, LOCAL.digest) == (DIGEST, OTHER)
    assert REGISTRY.pinned.reference == REGISTRY.reference


def test_a_missing_file_holds_no_pins(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "none", shown="none") == (LockFile(), ())


@pytest.mark.parametrize(
    ("text", "summary", "line"),
    [
        ("image {}", "Missing name for image", 1),
        ('image "a" {}', "Missing required argument", 1),
        ('image "a" {\n  reference = "a:latest"\n}', "Invalid image reference in lock file", 2),
        ('image "a" {\n  reference = "a@sha256:12"\n}', "Invalid image reference in lock file", 2),
        (
            f'image "a" {{\n  reference = a.b\n  runtimes = ["{DIGEST}"]\n}}',
            "Variables not allowed",
            2,
        ),
        (f'image "a" {{\n  reference = "{DIGEST}"\n  runtimes = "x"\n}}', "Invalid expression", 3),
        (f'image "a" {{\n  reference = "{DIGEST}"\n  digest = "x"\n}}', "Unsupported argument", 3),
        ('provider "a" {}', "Unsupported block type", 1),
        ('image "a" {\n  reference = ]\n}', "Invalid expression", 2),
        ("module {}", "Missing source for module", 1),
        ('module "a" {}', "Invalid module pin in lock file", 1),
        ('module "a" {\n  commit = "main"\n}', "Invalid module pin in lock file", 2),
        (f'module "a" {{\n  commit = "{DIGEST}"\n}}', "Invalid module pin in lock file", 2),
        ('module "a" {\n  digest = "12"\n}', "Invalid module pin in lock file", 2),
        ('module "a" {\n  commit = "12"\n  digest = "1"\n}', "Invalid module pin in lock file", 1),
        ('module "a" {\n  hash = "12"\n}', "Unsupported argument", 2),
    ],
)
def test_what_does_not_belong_is_reported(text: str, summary: str, line: int) -> None:
    _, problems = parse_lock(".mlform.lock.hcl", text.encode())
    assert [each.summary for each in problems] == [summary]
    assert str(problems[0].range) == f".mlform.lock.hcl:{line}"


def test_module_pins_are_written_beside_those_of_images() -> None:
    git = LockedModule(package="git::https://h/x.git?ref=v1", pin="0123456789" * 4)
    archive = LockedModule(package="https://h/x.zip", pin=DIGEST)
    written = LockFile(
        images={LOCAL.name: LOCAL}, modules={each.package: each for each in (archive, git)}
    )
    assert lock_text(written).partition("\n\n")[2].partition("\n\n")[2] == (
        'module "git::https://h/x.git?ref=v1" {\n'
        f'  commit = "{git.pin}"\n'
        "}\n"
        "\n"
        'module "https://h/x.zip" {\n'
        f'  digest = "{DIGEST}"\n'
        "}\n"
    )
    block = 'module "a" {\n  commit = "' + "0" * 40 + '"\n}\n'
    read, problems = parse_lock("x", (block * 2).encode())
    assert [each.summary for each in problems] == ["Duplicate module in lock file"]
    assert list(read.modules) == ["a"]


def test_a_second_pin_of_an_image_is_reported() -> None:
    block = f'image "a" {{\n  reference = "{DIGEST}"\n}}\n'
    read, problems = parse_lock("x", (block * 2).encode())
    assert [each.summary for each in problems] == ["Duplicate image in lock file"]
    assert list(read.images) == ["a"]


def test_a_file_that_says_the_same_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / ".mlform.lock.hcl"
    write_lock(path, lock(LOCAL))
    before = path.stat().st_ino
    write_lock(path, lock(LOCAL))
    assert path.stat().st_ino == before
    write_lock(path, lock(REGISTRY))
    assert path.stat().st_ino != before


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MlformError, match="lock file could not be written"):
        write_lock(tmp_path / "none" / ".mlform.lock.hcl", lock(LOCAL))
