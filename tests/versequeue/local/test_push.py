"""Watching a worker that was pushed to, by a clock that nobody sets."""

import socket
from collections.abc import Iterator

import pytest

from tests.support.samples import at
from versequeue.config import ACK_DEADLINE_S
from versequeue.errors import StoreUnavailable
from versequeue.local import push
from versequeue.local.push import Reports, Watch, WorkerSilent, post

FIRST_S, SILENCE_S = 60.0, 30.0


class Watched:
    """A watch over reports that a test gives, at seconds that it gives."""

    def __init__(self) -> None:
        self.now = 0.0
        self.reports: Reports | None = {}
        self.watch = Watch(
            self._look,
            first_limit_s=FIRST_S,
            silence_limit_s=SILENCE_S,
            monotonic=lambda: self.now,
        )

    def _look(self) -> Reports:
        if self.reports is None:
            raise StoreUnavailable
        return self.reports

    def hangs(self, seconds: float) -> bool:
        """Whether it counts as hanging when so many more seconds have gone by."""
        self.now += seconds
        try:
            self.watch.check()
        except WorkerSilent:
            return True
        return False


def test_a_worker_has_longer_until_its_first_report_than_between_two() -> None:
    watched = Watched()
    assert not watched.hangs(FIRST_S)
    watched.reports = {"job_1": at(0)}
    assert not watched.hangs(0.1)
    assert not watched.hangs(SILENCE_S)
    assert watched.hangs(0.1)


def test_one_that_never_reports_hangs() -> None:
    assert Watched().hangs(FIRST_S + 0.1)


def test_each_report_and_each_job_counts_and_one_that_goes_away_does_not() -> None:
    watched = Watched()
    for second in range(9):
        watched.reports = {"job_1": at(second), "job_2": at(0)}
        assert not watched.hangs(SILENCE_S)
    watched.reports = {"job_2": at(0)}
    assert watched.hangs(SILENCE_S + 0.1)


def test_a_store_that_cannot_be_read_says_nothing_against_the_worker() -> None:
    watched = Watched()
    watched.reports = None
    assert not watched.hangs(5 * FIRST_S)
    watched.reports = {}
    assert not watched.hangs(FIRST_S)


def test_nothing_takes_longer_than_the_ack_deadline() -> None:
    watched = Watched()
    for second in range(int(ACK_DEADLINE_S / SILENCE_S)):
        watched.reports = {"job_1": at(second)}
        assert not watched.hangs(SILENCE_S)
    watched.reports = {"job_1": at(999)}
    assert watched.hangs(SILENCE_S)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def test_a_push_that_nobody_answers_ends_when_its_watch_says_so(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> None:
        raise WorkerSilent

    monkeypatch.setattr(push, "LOOK_S", 0.01)
    with pytest.raises(WorkerSilent):
        post(f"http://127.0.0.1:{listener.getsockname()[1]}/", b"{}", {}, check)


def test_a_push_to_a_worker_that_is_gone_is_told_from_a_refused_one(
    listener: socket.socket,
) -> None:
    address = listener.getsockname()
    listener.close()
    with pytest.raises(ConnectionRefusedError):
        post(f"http://127.0.0.1:{address[1]}/", b"{}", {}, lambda: None)
