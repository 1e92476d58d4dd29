"""For tests of jobs over HTTP: both functions on a store of their own."""

from pathlib import Path

import pytest

from tests.support.api import ApiUnderTest, api_on_disk


@pytest.fixture
def app(tmp_path: Path) -> ApiUnderTest:
    return api_on_disk(tmp_path)
