"""Code of the user: a folder of Python modules, kept apart from those of other folders.

Two models may both bring a `train.py`. Only one folder is *active* at a time: it is first on
`sys.path` and its modules are in `sys.modules`; making another one active takes both out and puts
the other's back. So imports inside functions and unpickling of own classes work at any time.
"""

from __future__ import annotations

import importlib
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import ClassVar

from mlform.features.problems import TaskFailure, quoted, suggestion

FAILED = "The training code failed"


class CodeFolder:
    """A folder of user code.

    Calls from several threads are fine as long as they are of one folder.
    """

    _active: ClassVar[CodeFolder | None] = None
    _lock: ClassVar[threading.RLock] = threading.RLock()

    def __init__(self, folder: Path) -> None:
        """Take the folder; nothing is imported yet."""
        self._folder = folder.resolve()
        self._modules: dict[str, ModuleType] = {}

    def function(self, module: str, name: str, argument: str = "") -> Callable[..., object]:
        """Return a function of a module, ready to be called from anywhere.

        Args:
            module: Dotted name, relative to the folder.
            name: Name of the function.
            argument: Where the configuration names it.

        Raises:
            TaskFailure: If there is no such module or function, or the import raises; a call
                raises it if the function raises.
        """
        loaded = self.run(lambda: self._import(module, argument))
        found = getattr(loaded, name, None)
        if not callable(found):
            defined = [
                key
                for key, value in vars(loaded).items()
                if callable(value) and not key.startswith("_")
            ]
            detail = (
                f'Module "{module}" has no function "{name}".{suggestion(name, defined)} '
                f"It defines {quoted(defined) or 'none'}."
            )
            raise TaskFailure("Missing function", detail, argument)
        return lambda *args, **kwargs: self.run(lambda: found(*args, **kwargs))

    def run(self, call: Callable[[], object]) -> object:
        """Call something with this folder active.

        Raises:
            TaskFailure: If it raises anything but an interrupt; the detail is the traceback from
                the first line of the folder on.
        """
        self._activate()
        try:
            return call()
        except (TaskFailure, KeyboardInterrupt):
            raise
        except (Exception, SystemExit) as error:
            raise TaskFailure(FAILED, self._traceback(error)) from error

    def _import(self, module: str, argument: str) -> ModuleType:
        path = self._folder.joinpath(*module.split("."))
        if not path.with_suffix(".py").is_file() and not path.is_dir():
            present = sorted(
                entry.stem
                for entry in self._folder.iterdir()
                if entry.suffix == ".py"
                or (entry.is_dir() and not entry.name.startswith((".", "_")))
            )
            detail = (
                f'There is no module "{module}" in the code folder.{suggestion(module, present)} '
                f"It holds {quoted(present) or 'no module'}."
            )
            raise TaskFailure("Unknown module", detail, argument)
        return importlib.import_module(module)

    def _activate(self) -> None:
        with CodeFolder._lock:
            if CodeFolder._active is self:
                return
            if CodeFolder._active is not None:
                CodeFolder._active._deactivate()  # noqa: SLF001 - same class
            sys.path.insert(0, str(self._folder))
            sys.modules.update(self._modules)
            importlib.invalidate_caches()
            CodeFolder._active = self

    def _deactivate(self) -> None:
        own = {name: module for name, module in sys.modules.items() if self._holds(module)}
        self._modules.update(own)
        for name in own:
            del sys.modules[name]
        if str(self._folder) in sys.path:
            sys.path.remove(str(self._folder))
        CodeFolder._active = None

    def _holds(self, module: ModuleType) -> bool:
        places = [getattr(module, "__file__", None) or "", *list(getattr(module, "__path__", []))]
        return any(Path(place).is_relative_to(self._folder) for place in places if place)

    def _traceback(self, error: BaseException) -> str:
        """Return the traceback without the frames above the user's code, paths relative."""
        frames = traceback.extract_tb(error.__traceback__)
        own = [
            index
            for index, frame in enumerate(frames)
            if Path(frame.filename).is_relative_to(self._folder)
        ]
        kept = frames[own[0] :] if own else []
        lines = traceback.format_list(kept) + traceback.format_exception_only(error)
        text = "".join(lines).rstrip().replace(f"{self._folder}/", "")
        return f"Traceback (most recent call last):\n{text}" if kept else text
