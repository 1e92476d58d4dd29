"""The order of the tests: files that need nothing come early, so that what is broken shows early.

Where tests run side by side, one worker goes through them in this order, and the others from its
other end on: there are those that take half a minute and more, which none is to begin at the end.
"""

import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.both_ends import FromBothEnds
from tests.support.browser import browser, new_context, site
from tests.support.emulators import emulated_project, emulators
from tests.support.model_bundles import default_bundle, tiny_bundle
from tests.support.page_api import open_page
from tests.support.wheel import installed

__all__ = [
    "browser",
    "default_bundle",
    "emulated_project",
    "emulators",
    "installed",
    "new_context",
    "open_page",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_xdist_make_scheduler",
    "site",
    "tiny_bundle",
]

# Its own limits, 200 ms for an example, say how busy the machine is: the first example of all may
# read a word list, and the process may have to wait. What hangs is ended by pytest's timeout.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

#: Markers from quick to slow; a file belongs to the slowest of its tests.
SLOWER = ("processes", "emulators", "browser", "model", "long", "slow")


def pytest_configure() -> None:
    """Hear Ctrl-C, and let all processes that tests start hear it.

    A shell starts what runs in its background deaf to it, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the files by what their tests need; within one kind, and in a file, the order stays.

    Two tests of one name would be run as one where tests run side by side.
    """
    names = Counter(item.nodeid for item in items)
    assert len(names) == len(items), names.most_common(1)
    of_files: dict[Path, int] = {}
    for item in items:
        of_files[item.path] = max(_slowness(item), of_files.get(item.path, 0))
    items.sort(key=lambda item: of_files[item.path])


def _slowness(item: pytest.Item) -> int:
    return max((n for n, name in enumerate(SLOWER, 1) if item.get_closest_marker(name)), default=0)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> FromBothEnds | None:
    """Hand out the files from both ends of that order."""
    return FromBothEnds(config, log) if config.getoption("dist") == "loadfile" else None
