"""Settings that cannot work together are told at the start, in one sentence."""

import pytest

from versequeue.config import Settings
from versequeue.errors import StartupError


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PROGRESS_INTERVAL_S", "30", r"PROGRESS_INTERVAL_S \(30 s\) must be .*LEASE_S \(30 s\)\."),
        ("LEASE_S", "600", r"LEASE_S \(600 s\) must be shorter than .*ATTEMPT_LIMIT_S \(540 s\)\."),
        ("ATTEMPT_LIMIT_S", "600", r"ATTEMPT_LIMIT_S \(600 s\) .* ack deadline \(600 s\)\."),
        ("DEADLINE_S", "3000000", r"DEADLINE_S \(3e\+06 s\) must not be longer than .*_DAYS"),
        ("RETENTION_DAYS", "0.5", r"DEADLINE_S \(86400 s\) .*RETENTION_DAYS \(43200 s\)\."),
    ],
)
def test_times_that_cannot_work_together_are_refused(name: str, value: str, sentence: str) -> None:
    with pytest.raises(StartupError, match=sentence):
        Settings.from_environ({f"VERSEQUEUE_{name}": value})


def test_the_defaults_work_together() -> None:
    found = Settings.from_environ({"THREADS": "24"})
    assert found == Settings()
