"""For tests of the job system: its HTTP side on a store of its own, and a port that is closed."""

import socket
from pathlib import Path

import pytest

from tests.support.api import ApiUnderTest, api_on_disk


@pytest.fixture
def app(tmp_path: Path) -> ApiUnderTest:
    return api_on_disk(tmp_path)


@pytest.fixture
def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
