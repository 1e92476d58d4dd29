"""Real processes, killed, stopped, starved and confused: what clients saw keeps every promise."""

from pathlib import Path

import pytest

from tests.histories.run import run
from tests.support.emulators import require_emulators
from tests.support.model_bundles import tiny_bundle

__all__ = ["tiny_bundle"]
#: Not so long that every webhook whose sender was killed has come: a long run waits for them.
SEED, PATIENCE_S = 1, 10


@pytest.mark.long
@pytest.mark.processes
def test_a_history_on_sqlite_keeps_every_promise(tmp_path: Path, tiny_bundle: Path) -> None:
    found = run(SEED, tmp_path, tiny_bundle, patience_s=PATIENCE_S)
    assert found.faults == [], found.summary()
    assert len(found.struck) >= 6


@pytest.mark.long
@pytest.mark.processes
@pytest.mark.emulators
def test_a_history_on_the_emulators_keeps_every_promise(tmp_path: Path, tiny_bundle: Path) -> None:
    require_emulators()
    found = run(SEED, tmp_path, tiny_bundle, "emulators", patience_s=PATIENCE_S)
    assert found.faults == [], found.summary()
    assert len(found.struck) == 4
