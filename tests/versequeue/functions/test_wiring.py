"""What a function refuses to start with."""

from collections.abc import Callable, Iterator

import pytest

from versequeue.errors import StartupError
from versequeue.functions import wiring


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The settings of a function in the cloud, without a key for hashes."""
    monkeypatch.setenv("VERSEQUEUE_BACKEND", "gcp")
    monkeypatch.delenv("VERSEQUEUE_HASH_KEY", raising=False)
    monkeypatch.setattr(wiring, "store", lambda: None)
    monkeypatch.setattr(wiring, "queue", lambda: None)
    wiring.settings.cache_clear()
    yield monkeypatch
    wiring.settings.cache_clear()


@pytest.mark.parametrize("side", [wiring.jobs, wiring.batches])
def test_no_caller_is_hashed_without_a_key_in_the_cloud(
    cloud: pytest.MonkeyPatch, side: Callable[[], object]
) -> None:
    with pytest.raises(StartupError, match="VERSEQUEUE_HASH_KEY"):
        side()
    cloud.setenv("VERSEQUEUE_HASH_KEY", "given")
    wiring.settings.cache_clear()
    assert side()


@pytest.mark.usefixtures("cloud")
def test_the_worker_hashes_nobody_and_needs_no_key() -> None:
    assert wiring.worker_side("one").worker == "one"
