"""Those who wait for a job beside those who only look at it."""

import select
from contextlib import ExitStack, closing, suppress
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

from tests.support.api import api_on_disk
from tests.support.front import Front, running_front
from tests.support.waiting import wait_until
from versequeue.api.edge import MAX_WAIT_S
from versequeue.config import Settings
from versequeue.local.host import THREADS
from versequeue.service.seats import PART_OF_ONE, Seats

WAITERS = 300
SEATS = THREADS // 3
#: Of these, what one caller may have.
OF_ONE = int(SEATS * PART_OF_ONE)
#: Long before a wait ends, and generous to a machine that has much to do.
SOON_S = MAX_WAIT_S - 5


def ask(front: Front, path: str, wait_s: int = 0) -> HTTPConnection:
    connection = HTTPConnection("127.0.0.1", front.port, timeout=SOON_S)
    connection.request("GET", path, headers={"Prefer": f"wait={wait_s}"} if wait_s else {})
    return connection


def read(connection: HTTPConnection) -> HTTPResponse:
    answer = connection.getresponse()
    answer.read()
    return answer


def is_answered(connection: HTTPConnection) -> bool:
    return bool(select.select([connection.sock], [], [], 0)[0])


def test_polls_and_health_are_answered_at_once_beside_300_waiters(tmp_path: Path) -> None:
    api = api_on_disk(tmp_path, Settings(data_dir=tmp_path, waiters=SEATS, hash_key="x"))
    path = f"/v1/jobs/{api.submit()}"
    with running_front(api.client.application) as front, ExitStack() as stack:
        asked = [ask(front, path, MAX_WAIT_S) for _ in range(WAITERS)]
        for connection in asked:
            stack.callback(connection.close)
        wait_until(lambda: sum(map(is_answered, asked)) >= WAITERS - OF_ONE, SOON_S)
        for looked_at in ("/healthz", path):
            with closing(ask(front, looked_at)) as looking:
                assert read(looking).status == 200
        held = [connection for connection in asked if not is_answered(connection)]
        at_once = [read(connection) for connection in asked if connection not in held]
        assert len(held) == OF_ONE
        assert {answer.status for answer in at_once} == {200}
        assert {answer.headers["Preference-Applied"] for answer in at_once} == {None}
        assert {answer.headers["Retry-After"] for answer in at_once} != {None}
        api.jobs.cancel(path.rpartition("/")[2])
        waited = [read(connection) for connection in held]
        assert {answer.headers["Preference-Applied"] for answer in waited} == {f"wait={MAX_WAIT_S}"}


def test_whoever_finds_no_seat_has_still_asked_for_a_song(tmp_path: Path) -> None:
    api = api_on_disk(tmp_path, Settings(data_dir=tmp_path, waiters=0, hash_key="x"))
    answer = api.post_job({"prompt": "x"}, headers={"Prefer": "wait=30"})
    assert answer.status_code == 202
    assert "Preference-Applied" not in answer.headers
    assert answer.headers["Retry-After"]


def test_a_seat_is_free_again_when_its_wait_has_ended_or_failed() -> None:
    seats = Seats(1)
    with seats.one("a") as first, seats.one("b") as second:
        assert (first, second) == (True, False)
    with suppress(ZeroDivisionError), seats.one("a") as again:
        assert again / 0
    with seats.one("a") as last:
        assert last


def test_one_caller_leaves_seats_to_others() -> None:
    seats = Seats(SEATS)
    with ExitStack() as stack:
        taken = [stack.enter_context(seats.one("loud")) for _ in range(SEATS)]
        assert taken.count(True) == OF_ONE < SEATS
        assert stack.enter_context(seats.one("quiet"))
