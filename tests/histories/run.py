"""One run: clients work while the server is tormented; then it is quiet, and all is looked at."""

import random
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.histories.callers import Caller, Known
from tests.histories.checker import faults
from tests.histories.history import Operation, Recorder
from tests.histories.machine import Machine
from tests.histories.receiver import receiver
from tests.histories.seen import ENDS
from tests.support.waiting import wait_until
from versequeue.rules.webhook import DELIVERY_LEASE_S

CLIENTS = 8
END_LIMIT_S = 90.0
#: A delivery whose sender was killed is made again when its lease has lapsed and the sweep has seen
#: it; a hint that was lost is sent again after as long.
TIME_TO_TELL_S = 2 * DELIVERY_LEASE_S + 30.0
#: Between two faults so many operations are recorded, or so much time goes by.
FEWEST, MOST, PAUSE_LIMIT_S = 10, 30, 1.5


@dataclass(frozen=True)
class Run:
    """What a run gave."""

    seed: int
    history: list[Operation]
    struck: list[str]
    left_out: set[str]
    #: broken promises
    faults: list[str]

    def summary(self) -> str:
        """One line: how much was done, and what was found."""
        kinds = Counter(one.kind for one in self.history)
        requests = [one for one in self.history if one.kind not in ("webhook", "fault", "quiet")]
        unknown = sum(one.status is None for one in requests)
        left_out = f", left out: {', '.join(sorted(self.left_out))}" if self.left_out else ""
        return (
            f"seed {self.seed}: {len(requests)} operations ({unknown} without an answer, "
            f"{kinds['webhook']} webhooks), {len(self.struck)} faults struck{left_out}; "
            f"{len(self.faults)} broken promises"
        )


def run(
    seed: int,
    folder: Path,
    model: Path,
    backend: str = "sqlite",
    *,
    rounds: int = 1,
    longest_step_s: int = 30,
    patience_s: float = TIME_TO_TELL_S,
) -> Run:
    """Every fault that can be struck here, so many times, in an order of the seed's."""
    recorder, known, over = Recorder(), Known(), threading.Event()
    with (
        receiver(recorder, seed) as hook,
        Machine(folder, model, backend, seed, longest_step_s) as machine,
    ):
        callers = [
            Caller(machine.url, f"client {number}", seed, recorder, known, hook)
            for number in range(CLIENTS)
        ]
        threads = [threading.Thread(target=one.work, args=(over,)) for one in callers]
        for thread in threads:
            thread.start()
        try:
            _torment(machine, recorder, random.Random(f"run {seed}"), rounds)
        finally:
            over.set()
            for thread in threads:
                thread.join()
        _let_all_end(machine, recorder, known, patience_s)
        with recorder.operation("quiet", "run", time_to_tell=patience_s >= TIME_TO_TELL_S):
            machine.look_after()
        _look_at_all(callers[0], known)
    history = recorder.history()
    ended = [f"the server ended by itself after {name}" for name in machine.ended_after]
    return Run(seed, history, machine.struck, machine.left_out, [*faults(history), *ended])


def _torment(machine: Machine, recorder: Recorder, dice: random.Random, rounds: int) -> None:
    for _ in range(rounds):
        deck = machine.faults
        dice.shuffle(deck)
        for name in deck:
            so_far = len(recorder.history())
            recorder.wait_for(so_far + dice.randint(FEWEST, MOST), PAUSE_LIMIT_S)
            with recorder.operation("fault", "run") as asked:
                machine.strike(name)
                asked.seen = {"struck": machine.struck[-1]}


def _let_all_end(machine: Machine, recorder: Recorder, known: Known, patience_s: float) -> None:
    open_jobs, open_batches = set(known.jobs), set(known.batches)

    def everything_ended() -> bool:
        machine.look_after()
        with suppress(requests.RequestException, ValueError):
            open_jobs.difference_update(
                [one for one in open_jobs if machine.server.job(one).get("status") in ENDS]
            )
            open_batches.difference_update(
                [
                    one
                    for one in open_batches
                    if machine.server.get(f"/v1/batches/{one}").json().get("done")
                ]
            )
        return not open_jobs and not open_batches

    def everything_told() -> bool:
        told = {one.seen["data"]["id"] for one in recorder.history() if one.kind == "webhook"}
        with suppress(requests.RequestException, ValueError, KeyError):
            return all(
                machine.server.job(one)["webhook"]["deliveries"]
                for one in known.jobs
                if one not in told
            )
        return False

    # What has not ended, and who was not told, is for the checker to say.
    with suppress(TimeoutError):
        wait_until(everything_ended, END_LIMIT_S, 0.25)
        wait_until(everything_told, patience_s, 0.5)


def _look_at_all(caller: Caller, known: Known) -> None:
    for batch_id in known.batches:
        caller.get_batch(batch_id)
        caller.results(batch_id)
    for job_id in known.jobs:
        caller.get(job_id)
