"""What a function refuses to start with, and where its models lie."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from versequeue.config import Settings
from versequeue.errors import StartupError
from versequeue.functions import wiring
from versequeue.named_models import read_models


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


@pytest.mark.parametrize(
    ("models", "folders"),
    [
        ("x/my.gguf", ["gguf-my"]),
        ("default,x/my.gguf,hub=hf:a/my", ["default", "gguf-my", "from-my"]),
        ("a=x/my.gguf,b=y/my.gguf", ["gguf-my@a", "gguf-my@b"]),
        ("a=hf:x/my,b=hf:y/my,c=hf:x/other", ["from-my@a", "from-my@b", "from-other"]),
        ("a=hf:x/my,b=hf:x/my", ["from-my", "from-my"]),
    ],
)
def test_no_model_is_built_over_another_that_is_called_alike(
    models: str, folders: list[str]
) -> None:
    settings = Settings(data_dir=Path("data"), models=read_models(models))
    found = [wiring.model_folder(settings, model) for model in settings.models]
    assert found == [Path("data", "models", folder) for folder in folders]
