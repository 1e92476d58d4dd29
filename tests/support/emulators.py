"""The Cloud SDK's emulators for the tests: started once, a project of its own for each test.

Where the Cloud SDK is missing these tests are skipped; in CI that is a failure.
"""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from versequeue.emulated.emulators import Emulators, missing


@dataclass(frozen=True)
class EmulatedProject:
    """A Google Cloud project that nobody has used before, on the emulators."""

    id: str
    emulators: Emulators


def require_emulators() -> None:
    """Skip the test, or in CI let it fail, where the emulators are missing."""
    if reason := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(f"MISSING IN CI: {reason}", pytrace=False)
        pytest.skip(f"NOT TESTED: {reason}")


@pytest.fixture(scope="session")
def emulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulators]:
    """Both emulators, empty, for the whole run."""
    require_emulators()
    started = Emulators(tmp_path_factory.mktemp("emulators"))
    started.start()
    with pytest.MonkeyPatch.context() as patched:
        for name, value in started.environ.items():
            patched.setenv(name, value)
        _warm_up()
    yield started
    started.stop()


def _warm_up() -> None:
    # The first call of all takes a loaded machine longer than a store waits for an answer.
    from google.cloud import firestore

    client = firestore.Client(project="demo-warm-up")
    client.collection("jobs").document("job_1").get(timeout=120)
    client.close()  # type: ignore[no-untyped-call]


@pytest.fixture
def emulated_project(emulators: Emulators, monkeypatch: pytest.MonkeyPatch) -> EmulatedProject:
    """A new project; Google's client libraries find the emulators while the test runs."""
    project = f"demo-{uuid.uuid4().hex[:20]}"
    for name, value in (emulators.environ | {"GOOGLE_CLOUD_PROJECT": project}).items():
        monkeypatch.setenv(name, value)
    return EmulatedProject(project, emulators)
