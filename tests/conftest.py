"""The order of the tests: those that need nothing come early, so that what is broken shows early.

Before them begin the few files that mostly wait for a minute or more: another worker runs the quick
ones meanwhile, and nobody waits for them alone at the end.
"""

import signal
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

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
    "site",
    "tiny_bundle",
]

# Its own limits, 200 ms for an example, say how busy the machine is: the first example of all may
# read a word list, and the process may have to wait. What hangs is ended by pytest's timeout.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

#: Markers from quick to slow; a test belongs to the slowest of its own.
SLOWER = ("processes", "emulators", "browser", "model", "slow")


def pytest_configure() -> None:
    """Hear Ctrl-C, and let all processes that tests start hear it.

    A shell starts what runs in its background deaf to it, and children inherit that.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort by what a test needs, the long ones before all; within one kind the order stays.

    Two tests of one name would be run as one where tests run side by side.
    """
    names = Counter(item.nodeid for item in items)
    assert len(names) == len(items), names.most_common(1)
    items.sort(key=_slowness)


def _slowness(item: pytest.Item) -> int:
    if item.get_closest_marker("long"):
        return -1
    return max((n for n, name in enumerate(SLOWER, 1) if item.get_closest_marker(name)), default=0)
