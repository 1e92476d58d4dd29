"""For every test of the command line: a server that follows the contract, and commands to it."""

from collections.abc import Iterator

import pytest

from tests.support.command_line import Run, runner
from tests.support.fake_api import FakeApi, fake_api
from versequeue.cli import options


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(options, "FIRST_CALL_S", 0.4)
    with fake_api() as server:
        yield server


@pytest.fixture
def run(api: FakeApi) -> Run:
    return runner(api.url)
