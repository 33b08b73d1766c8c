"""The files of a runtime image: locked packages and the part of mlform that runs inside."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Final

import mlform
from mlform.dataclass import dataclass
from mlform.errors import ImageUnusable, RuntimeFailure
from mlform.runtimes.docker.archive import LayerFile
from mlform.runtimes.process import PACKAGES_THAT_MATTER

LOCK: Final = Path(__file__).parent.parent / "requirements.lock"
"""The locked packages of a runtime image, with hashes; shipped with mlform."""

INSIDE: Final = (
    "__init__.py",
    "dataclass.py",
    "tasks.py",
    "digests.py",
    "bounded.py",
    "features",
    "worker",
    "serving",
)
"""The part of mlform that runs inside images: the rest of it can change and images stay."""

LAYOUT: Final = 1
"""Number of the way packages are laid out; another number makes other images."""

LIBRARY: Final = "opt/mlform/lib"
_OLDEST: Final = (3, 11)
_TAIL_LINES: Final = 15
_NEW_LIBC: Final = (2, 28)
_LEFT_OUT: Final = {"tests", "__pycache__"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BasePython:
    """The Python of a base image.

    Attributes:
        version: Such as `(3, 11)`.
        machine: Such as `x86_64`.
        libc: Version of the GNU C library, such as `(2, 36)`, or empty for another library.
    """

    version: tuple[int, int]
    machine: str
    libc: tuple[int, ...]


def check_base(base: str, python: BasePython) -> None:
    """Check that the locked packages can run on a base image.

    Raises:
        ImageUnusable: Its Python is too old or its C library is not GNU's.
    """
    if python.version < _OLDEST:
        raise ImageUnusable(
            "Base image is too old",
            f"{base} has Python {_dotted(python.version)}; the worker needs "
            f"{_dotted(_OLDEST)} or newer. Give a newer base with -base.",
        )
    if not python.libc:
        raise ImageUnusable(
            "Base image has another C library",
            f"{base} is not built on the GNU C library, which the packages need. Give a base such "
            "as Debian's or Ubuntu's with -base.",
        )


def install_command(
    python: BasePython, target: Path, *, uv: str | None, running: tuple[int, int]
) -> tuple[str, ...]:
    """Return the command that installs the locked packages into a folder.

    Args:
        python: What they are for.
        target: The folder.
        uv: The program uv, or None to use pip.
        running: The version of the Python that would run pip.

    Raises:
        ImageUnusable: pip cannot install for another Python than its own.
    """
    options = ("--require-hashes", "--only-binary", ":all:", "--target", str(target), "-r")
    if uv is not None:
        libc = "manylinux_2_28" if python.libc >= _NEW_LIBC else "manylinux2014"
        return (
            *(uv, "pip", "install", "--no-deps", "--quiet", "--link-mode", "copy"),
            *("--python-version", _dotted(python.version)),
            *("--python-platform", f"{python.machine}-{libc}"),
            *options,
            str(LOCK),
        )
    if running != python.version:
        raise ImageUnusable(
            "Base image has another Python",
            f"It has Python {_dotted(python.version)}, mlform runs with {_dotted(running)}, and "
            "pip installs for its own Python only. Install uv (`pip install uv`), or give a base "
            f"with Python {_dotted(running)}.",
        )
    return (
        *(sys.executable, "-m", "pip", "install", "--no-deps", "--quiet"),
        *("--no-compile", "--disable-pip-version-check"),
        *options,
        str(LOCK),
    )


def install(python: BasePython, target: Path, environment: Mapping[str, str] | None) -> None:
    """Install the locked packages into a folder.

    Args:
        python: What they are for.
        target: The folder.
        environment: Variables of the installer (proxy, index, certificates), or None to hand on
            those of this process.

    Raises:
        ImageUnusable: They cannot be installed for this Python.
        RuntimeFailure: The installer failed.
    """
    command = install_command(python, target, uv=_find_uv(), running=sys.version_info[:2])
    done = subprocess.run(
        command,
        env=None if environment is None else dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr or done.stdout).decode(errors="replace").splitlines()[-_TAIL_LINES:]
        raise RuntimeFailure(
            "Packages cannot be installed",
            f"{Path(command[0]).name} ended with status {done.returncode}:\n" + "\n".join(said),
        )


def lay_mlform(target: Path) -> None:
    """Copy the part of the installed mlform that runs inside images."""
    package = Path(mlform.__file__).parent
    for name in INSIDE:
        source = package / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "*.pyc")
            shutil.copytree(source, target / "mlform" / name, ignore=ignore)
        else:
            (target / "mlform").mkdir(exist_ok=True)
            shutil.copyfile(source, target / "mlform" / name)
    # What importlib.metadata reads the version from.
    description = target / f"mlform-{mlform.__version__}.dist-info"
    description.mkdir()
    (description / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: mlform\nVersion: {mlform.__version__}\n"
    )


def leave_out_tests(target: Path) -> None:
    """Remove what packages carry for their own tests: a fifth of their files."""
    for folder in sorted(target.rglob("tests")):
        if folder.is_dir():
            shutil.rmtree(folder)


def layer_files(target: Path) -> Iterator[LayerFile]:
    """Yield the files of an installation folder as they lie in the image."""
    for path in target.rglob("*"):
        relative = path.relative_to(target)
        if path.is_file() and relative.parts[0] != "bin" and path.name != ".lock":
            yield LayerFile(source=path, target=f"{LIBRARY}/{relative.as_posix()}")


def versions_in(target: Path) -> dict[str, str]:
    """Return the versions of the packages that matter in an installation folder."""
    found = {
        str(package.metadata["Name"]).lower(): package.version
        for package in metadata.distributions(path=[str(target)])
    }
    return {str(name): found[name] for name in PACKAGES_THAT_MATTER if name in found}


def _find_uv() -> str | None:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.is_file() else shutil.which("uv")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)
