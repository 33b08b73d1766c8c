"""What all tests share: fixtures, and how long property tests look for a counterexample.

Profiles of hypothesis: `default`; `ci`, where `CI=true`: the same examples in every run, so that a
red run can be repeated; `soak`: many more (`pytest --hypothesis-profile=soak`). None has a deadline
for one example: on a busy machine it would fail tests for being slow.
"""

from __future__ import annotations

import os
import signal

from hypothesis import settings

pytest_plugins = [
    "tests.docker_fixtures",
    "tests.postgres",
    "tests.object_servers",
    "tests.state_server",
]

settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("soak", deadline=None, max_examples=5_000)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")  # noqa: TID251 - tests read their own settings

# What runs in the background, or under nohup, is started with these signals ignored, and every
# process of a test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
