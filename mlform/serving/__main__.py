"""`python -m mlform.serving CONFIG.json`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from mlform.serving.configuration import ConfigurationError, ServerConfig, read_configuration
from mlform.serving.own_log import bound_own_log


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _limit_threads(threads: int) -> None:
    """Size the thread pools of the libraries before they are imported; they read variables only."""
    variables = os.environ  # noqa: TID251 - written for libraries of this process, not read
    variables["POLARS_MAX_THREADS"] = str(threads)
    variables["OMP_NUM_THREADS"] = str(threads)


def _serve(config: ServerConfig) -> int:
    _limit_threads(config.options.threads)
    from mlform.serving.model import ModelUnusable
    from mlform.serving.server import listen, load, serve

    try:
        model = load(config)
    except ModelUnusable as failure:
        sys.stderr.write(f"{config.name}: {failure}\n")
        return 1
    try:
        listener = listen(config.host, config.port)
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(serve(config, model, listener))
    except OSError as failure:
        sys.stderr.write(f"{config.name}: cannot serve {config.host}:{config.port}: {failure}\n")
        return 1
    return 0


def main(arguments: list[str]) -> int:
    """Run a server; return the exit status: 0 ended in order, 1 could not serve, 2 misused."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m mlform.serving CONFIG.json\n")
        return 2
    try:
        config = read_configuration(Path(arguments[0]))
    except ConfigurationError as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    bound_own_log()
    return _serve(config)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
