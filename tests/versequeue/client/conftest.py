"""For every test of the client: a server that follows the contract, and a client of it."""

from collections.abc import Iterator

import pytest

from tests.support.clients import FakeTime, connect
from tests.support.fake_api import FakeApi, fake_api
from versequeue.client.client import Client


@pytest.fixture
def api() -> Iterator[FakeApi]:
    with fake_api() as server:
        yield server


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def client(api: FakeApi, time: FakeTime) -> Iterator[Client]:
    with connect(api.url, time) as one:
        yield one
