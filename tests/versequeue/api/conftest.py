"""For tests of jobs over HTTP: both functions on a store of their own."""

from pathlib import Path

import pytest

from tests.support.in_process import InProcess, in_process


@pytest.fixture
def app(tmp_path: Path) -> InProcess:
    return in_process(tmp_path)
