"""A machine to deploy from, and a project that nobody has used yet."""

from pathlib import Path

import pytest

from tests.support.gcloud.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)
