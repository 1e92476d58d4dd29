"""Tells at the end how many cases there were."""

import pytest

from tests.fuzz.cases import done


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line with the sum of all cases."""
    if done:
        terminalreporter.write_line(f"{done.total():,} cases of {len(done)} properties")
