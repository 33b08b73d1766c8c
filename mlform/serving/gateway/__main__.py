"""`python -m mlform.serving.gateway CONFIG.json`."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from mlform.serving.gateway.configuration import ConfigurationError, read_configuration
from mlform.serving.gateway.service import Gateway
from mlform.serving.own_log import bound_own_log


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def main(arguments: list[str]) -> int:
    """Run the gateway; return the exit status: 0 ended in order, 1 could not start, 2 misused."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m mlform.serving.gateway CONFIG.json\n")
        return 2
    try:
        config = read_configuration(Path(arguments[0]))
    except ConfigurationError as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    bound_own_log()

    async def serve() -> None:
        await Gateway(config).run()

    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(serve())
    except OSError as failure:
        sys.stderr.write(f"the gateway cannot serve {config.host}:{config.port}: {failure}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
