"""`.mlform.lock.hcl`: what each image name and each module's source meant when it was pinned.

One block per image that the configuration names and per package that its modules come from, sorted
by name::

    image "ghcr.io/acme/runtime:0.1" {
      reference = "ghcr.io/acme/runtime@sha256:…"
      runtimes  = ["docker.default"]
    }

    module "git::https://github.com/acme/modules.git?ref=v1" {
      commit = "0123456789abcdef…"
    }

    module "https://acme.example/modules.zip" {
      digest = "sha256:…"
    }

`reference` is what is run: a name with a digest, or `sha256:…`, the id of an image that exists on
this machine only. `runtimes` are the runtimes that name the image. `commit` is what was checked
out, `digest` is of the bytes of the archive. Written with python-hcl2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from mlform.config.load import read_file
from mlform.config.reading import Reader, Shape
from mlform.config.static import constant_text, static_list
from mlform.dataclass import dataclass, field
from mlform.diagnostics import Diagnostic, Diagnostics
from mlform.durable import write_file
from mlform.errors import MlformError
from mlform.hcl.ast import Block
from mlform.hcl.parser import decode_source, parse
from mlform.lang.type_text import quoted
from mlform.tasks import PinnedImage

LOCK_FILE_NAME = ".mlform.lock.hcl"
"""In the folder of the root module; meant to be committed."""

_HEADER = """\
# This file is maintained automatically by "mlform init".
# Manual edits may be lost in future updates.
"""
_FILE = Shape(blocks={"image": ("name",), "module": ("source",)})
_MODULE = Shape(optional=("commit", "digest"))
_COMMIT = r"[0-9a-f]{40}|[0-9a-f]{64}"
_DIGEST = r"sha256:[0-9a-f]{64}"
_IMAGE = Shape(required=("reference",), optional=("runtimes",))
_REFERENCE = r"(?:\S+@)?sha256:[0-9a-f]{64}"
_MEND = 'Run "mlform init -upgrade" to write it anew, or take the file from version control.'


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedImage:
    """One pin.

    Attributes:
        name: As the configuration names the image.
        reference: `name@sha256:…` or `sha256:…`.
        runtimes: Addresses (`type.name`) of the runtimes that name it, sorted.
    """

    name: str
    reference: str
    runtimes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """`sha256:…` of the reference."""
        return self.reference.rpartition("@")[2]

    @property
    def pinned(self) -> PinnedImage:
        """The image as tasks name it."""
        return PinnedImage(name=self.name, reference=self.reference)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedModule:
    """The pin of a package that modules are fetched from.

    Attributes:
        package: As `RemoteSource.package` gives it.
        pin: Of a git repository the commit, of an archive the `sha256:…` of its bytes.
    """

    package: str
    pin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockFile:
    """All pins: of images by name, of modules by package."""

    images: Mapping[str, LockedImage] = field(default_factory=dict)
    modules: Mapping[str, LockedModule] = field(default_factory=dict)


def read_lock(path: Path, *, shown: str) -> tuple[LockFile, tuple[Diagnostic, ...]]:
    """Read a lock file; one that does not exist holds no pins.

    Args:
        path: Of the file.
        shown: The path as people are shown it.
    """
    if not path.exists():
        return LockFile(), ()
    diagnostics = Diagnostics()
    content = read_file(path, shown, diagnostics)
    if content is None:
        return LockFile(), tuple(diagnostics)
    return parse_lock(shown, content)


def parse_lock(shown: str, content: bytes) -> tuple[LockFile, tuple[Diagnostic, ...]]:
    """Read the content of a lock file; blocks with a problem are left out."""
    diagnostics = Diagnostics()
    source, problems = decode_source(shown, content)
    body, more = parse(source)
    diagnostics.extend((*problems, *more))
    places = tuple(each.range for each in diagnostics if each.range is not None)
    reader = Reader(diagnostics=diagnostics, syntax_errors=places)
    images: dict[str, LockedImage] = {}
    modules: dict[str, LockedModule] = {}
    for block in reader.read(body, _FILE, body.range).blocks:
        if block.labels[0] in (images if block.type == "image" else modules):
            diagnostics.error(
                f"Duplicate {block.type} in lock file",
                f'The {block.type} "{block.labels[0]}" is pinned twice. {_MEND}',
                range=block.range,
            )
        elif block.type == "image":
            image = _image(block, reader)
            if image is not None:
                images[image.name] = image
        else:
            module = _module(block, reader)
            if module is not None:
                modules[module.package] = module
    return LockFile(images=images, modules=modules), tuple(diagnostics)


def _module(block: Block, reader: Reader) -> LockedModule | None:
    content = reader.read(block.body, _MODULE, block.range)
    if len(content.arguments) != 1:
        # What stands there instead was reported, or could not be read.
        is_plain = content.arguments or not block.body.attributes
        if is_plain and not reader.is_broken(block.body):
            reader.diagnostics.error(
                "Invalid module pin in lock file",
                f"A module is pinned by one of commit and digest. {_MEND}",
                range=block.range,
            )
        return None
    name, argument = next(iter(content.arguments.items()))
    pin = constant_text(argument.expression, reader.diagnostics)
    if pin is None:
        return None
    if not re.fullmatch(_COMMIT if name == "commit" else _DIGEST, pin):
        form = "40 hexadecimal digits" if name == "commit" else "sha256: and 64 hexadecimal digits"
        reader.diagnostics.error(
            "Invalid module pin in lock file",
            f'"{pin}" is no {name}: a {name} is {form}. {_MEND}',
            range=argument.expression.range,
        )
        return None
    return LockedModule(package=block.labels[0], pin=pin)


def _image(block: Block, reader: Reader) -> LockedImage | None:
    content = reader.read(block.body, _IMAGE, block.range)
    argument = content.arguments.get("reference")
    if argument is None:
        return None
    reference = constant_text(argument.expression, reader.diagnostics)
    if reference is None:
        return None
    if re.fullmatch(_REFERENCE, reference) is None:
        reader.diagnostics.error(
            "Invalid image reference in lock file",
            f'"{reference}" names no digest: a reference ends in sha256: and 64 hexadecimal '
            f"digits. {_MEND}",
            range=argument.expression.range,
        )
        return None
    runtimes: list[str] = []
    listed = content.arguments.get("runtimes")
    if listed is not None:
        for item in static_list(listed.expression, reader.diagnostics):
            runtime = constant_text(item, reader.diagnostics)
            if runtime is not None:
                runtimes.append(runtime)
    return LockedImage(
        name=block.labels[0], reference=reference, runtimes=tuple(sorted(set(runtimes)))
    )


def lock_text(lock: LockFile) -> str:
    """Return the text of a lock file; equal pins give equal text."""
    import hcl2

    document = hcl2.Builder()
    for name, image in sorted(lock.images.items()):
        document.block(
            "image",
            [quoted(name)],
            reference=quoted(image.reference),
            runtimes=[quoted(each) for each in sorted(set(image.runtimes))],
        )
    for package, module in sorted(lock.modules.items()):
        if module.pin.startswith("sha256:"):
            document.block("module", [quoted(package)], digest=quoted(module.pin))
        else:
            document.block("module", [quoted(package)], commit=quoted(module.pin))
    # The method has no annotations of its own.
    build: Callable[[], dict[str, object]] = document.build
    written = hcl2.dumps(build()) if lock.images or lock.modules else ""
    blocks = re.sub(r"\n{3,}", "\n\n", written).strip("\n")
    return f"{_HEADER}\n{blocks}\n" if blocks else _HEADER


def write_lock(path: Path, lock: LockFile) -> None:
    """Write a lock file as a whole or not at all; leave it alone if it says the same already.

    Raises:
        MlformError: If it cannot be written; the old file is untouched then.
    """
    content = lock_text(lock).encode()
    try:
        if path.exists() and path.read_bytes() == content:
            return
        write_file(path, content)
    except OSError as error:
        raise MlformError(
            "The lock file could not be written",
            f"{path.name}: {error.strerror or error}. Check the free space and that you may write "
            "to the folder of the configuration.",
        ) from error
