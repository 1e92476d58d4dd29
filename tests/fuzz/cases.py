"""How a property is fuzzed: how many cases it gets, and how long each of them may take."""

import os
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.fuzz import CASES
from tests.support.cpu_limit import cpu_limit

FEW_CASES = 40
#: Processor time for one case: hundreds of times what it needs, and far less than a hang.
CASE_CPU_S = 10.0
#: How many cases each property has had.
done: Counter[str] = Counter()

Test = Callable[..., None]


def fuzz(share: float = 1.0, **strategies: Any) -> Callable[[Test], Test]:
    """Gives a test values drawn from `strategies`; `share` of the usual cases where one is slow."""
    asked = os.environ.get(CASES)

    def decorate(test: Test) -> Test:
        @wraps(test)
        def bounded(*positional: Any, **named: Any) -> None:
            done[test.__name__] += 1
            with cpu_limit(CASE_CPU_S):
                test(*positional, **named)

        return settings(
            max_examples=max(1, int(int(asked or FEW_CASES) * share)),
            deadline=None,
            # The short run is the same each time; the long one looks where nobody has looked yet.
            derandomize=asked is None,
            suppress_health_check=list(HealthCheck),
        )(given(**strategies)(bounded))

    return decorate
