"""The page against a server on Google's emulators: what a visitor sees is the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.emulators import require_emulators
from tests.support.server import Server, running_server
from tests.web.test_live import (
    page,
    test_a_file_of_prompts_becomes_songs,
    test_a_song_can_be_canceled,
    test_a_visitor_asks_watches_and_reads,
)

__all__ = [
    "page",
    "test_a_file_of_prompts_becomes_songs",
    "test_a_song_can_be_canceled",
    "test_a_visitor_asks_watches_and_reads",
]
pytestmark = pytest.mark.emulators


@pytest.fixture(scope="module")
def server(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    require_emulators()
    folder = tmp_path_factory.mktemp("page")
    with running_server(folder, tiny_bundle, backend="emulators") as running:
        yield running
