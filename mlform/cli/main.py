"""The entry: finds the command, runs it, shows what went wrong, returns the exit status.

The only module that reads the process environment.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Final, NoReturn, TextIO

# What answers at once, without loading the rest of the command line.
_VERSION: Final = frozenset({"version", "-version", "--version", "-v"})
_COMPLETING: Final = "_MLFORM_COMPLETE"
_INSTALL: Final = "-install-autocomplete"
_OBJECTS_BETWEEN_COLLECTIONS: Final = 400_000
_HELP: Final = frozenset({"help", "-help", "--help", "-h"})


def main() -> NoReturn:
    """Run mlform with the words, environment and streams of this process."""
    # Almost everything made stays in use to the end, so to look for garbage often is in vain.
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, 50, 100)
    _prepare_streams()
    try:
        status = run(sys.argv[1:], dict(os.environ), sys.stdin, sys.stdout, sys.stderr)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads on: not worth a word. The interpreter must not try to flush again.
        from mlform.cli.session import discard

        discard(sys.stdout)
        status = 0
    except KeyboardInterrupt:
        from mlform.cli.interrupting import say_interrupted

        status = say_interrupted(sys.stdout, sys.stderr)
    # The interpreter looks through everything once more before it ends, for nothing: a fifth of the
    # time of a large validate.
    gc.freeze()
    sys.exit(status)


def _prepare_streams() -> None:
    """Let the streams take all text as UTF-8, and be there where the caller closed them.

    The null device takes their numbers as well, lest a file opened later be written to as if it
    were the output.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            from pathlib import Path

            stream = Path(os.devnull).open(mode, encoding="utf-8")  # noqa: SIM115 - to the end
            os.set_inheritable(stream.fileno(), True)  # noqa: FBT003 - its only argument
            setattr(sys, name, stream)
        stream.reconfigure(
            encoding="utf-8", errors="surrogateescape" if name == "stdin" else "backslashreplace"
        )


def run(
    words: Sequence[str],
    variables: Mapping[str, str],
    stdin: TextIO,
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    """Run one command line; return its exit status.

    Args:
        words: What stands after `mlform`.
        variables: The process environment.
        stdin: Standard input.
        stdout: Where data goes.
        stderr: Where everything else goes.
    """
    if len(words) == 1 and words[0] in _VERSION:
        from mlform.cli.version import version_text

        return _answer(version_text(), stdout, stderr)
    if len(words) == 1 and words[0] in _HELP:
        from mlform.cli.help import overview

        return _answer(overview(), stdout, stderr)
    from mlform.cli.dispatch import Streams, dispatch
    from mlform.cli.interrupting import unwind_when_told_to_end

    unwind_when_told_to_end()
    if _COMPLETING in variables or words == [_INSTALL]:
        from mlform.cli import completion
        from mlform.cli.dispatch import known_addresses

        streams = Streams(stdin, stdout, stderr)
        if _COMPLETING in variables:
            completion.answer(lambda: known_addresses(variables, streams))
        completion.install()
    return dispatch(words, variables, Streams(stdin, stdout, stderr))


def _answer(text: str, stdout: TextIO, stderr: TextIO) -> int:
    """Write all that there is to say; return the exit status."""
    try:
        stdout.write(text)
        stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        from mlform.cli.session import discard

        discard(stdout)
        stderr.write(f"The output cannot be written: {error.strerror}.\n")
        return 1
    return 0
