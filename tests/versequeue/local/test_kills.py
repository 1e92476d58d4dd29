"""kill -9 at random moments of a long run: every job ends, and none ends twice."""

import os
import random
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.model_bundles import tiny_bundle
from tests.support.server import Server, running_server
from tests.support.waiting import wait_until

__all__ = ["tiny_bundle"]
pytestmark = [pytest.mark.processes, pytest.mark.long]
JOBS, KILLS = 200, 30
ENDS = ("succeeded", "failed", "canceled", "expired")


class Killer:
    """Kills the worker or the whole server, each time after a few more jobs have ended."""

    def __init__(self, seed: int) -> None:
        self.left = KILLS
        self._random = random.Random(seed)

    def torment(self, server: Server) -> None:
        """Kill the worker again and again; return when the server itself was killed."""
        while self.left:
            self._let_some_end(server, self._random.randrange(1, 5))
            everything = self._random.random() < 0.2
            victim = server.process.pid if everything else server.worker_pid()
            if victim is None:
                continue
            os.kill(victim, signal.SIGKILL)
            self.left -= 1
            if everything:
                server.process.wait()
                return

    def _let_some_end(self, server: Server, some: int) -> None:
        def depth() -> int:
            return int(server.get("/v1/status").json()["queue_depth"])

        before = depth()
        wait_until(lambda: depth() <= max(0, before - some), 60)


def ends(job: dict[str, Any]) -> list[str]:
    """The ends in the job's timeline: there is to be one."""
    return [event["event"] for event in job["events"] if event["event"] in ENDS]


def test_thirty_kills_in_a_run_of_two_hundred_jobs_lose_and_double_nothing(
    tmp_path: Path, tiny_bundle: Path
) -> None:
    killer = Killer(seed=11)
    ids: list[str] = []
    while killer.left:
        with running_server(tmp_path, tiny_bundle) as server:
            ids += [server.submit("rain", lines=4)["id"] for _ in range(JOBS - len(ids))]
            killer.torment(server)
    with running_server(tmp_path, tiny_bundle) as server:
        jobs = [server.wait_done(job_id, 240) for job_id in ids]
    assert len({job["id"] for job in jobs}) == JOBS
    assert {job["status"] for job in jobs} == {"succeeded"}
    assert all(ends(job) == ["succeeded"] for job in jobs)
    assert max(job["attempt"] for job in jobs) <= 5
