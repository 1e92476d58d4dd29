"""What a seed draws before anything happens: its kinds of faults, and how small everything is.

Each kind of fault is there in about half of the worlds only. Where all of them rage at once, what
one of them breaks is often mended, or hidden, by another.
"""

import random
from dataclasses import dataclass, field
from typing import Any

from versequeue.config import Settings

#: What may go wrong, and in what share of the worlds it does.
FAULTS = {
    "crashes": 0.5,  # a process dies at any call
    "store_faults": 0.5,  # a call to the store fails, before or after it took effect
    "queue_faults": 0.5,  # so does a publish
    "lost_messages": 0.5,  # messages are lost, doubled, held back
    "outages": 0.25,  # the store or the queue is away for a long time
    "full_disk": 0.25,  # writes fail, reads do not
    "skewed_clocks": 0.3,  # processes disagree by a second or two
    "clock_steps": 0.2,  # a clock is set back, or forward
    "model_faults": 0.4,  # the model cannot be loaded, or a song not be written
    "slow_songs": 0.4,  # a line takes longer than the lease
    "killers": 0.4,  # prompts that bring their worker down
    "hangers": 0.3,  # prompts that the worker never comes back from
    "bad_receivers": 0.6,  # receivers that never answer, refuse, or are gone
    "newer_records": 0.3,  # rows that a newer version wrote
    "limits": 0.4,  # a rate and a budget
    "retention": 0.2,  # what has ended is deleted within the hour
    "stops": 0.4,  # a worker stands still for longer than its lease, and goes on, or never does
    "leaps": 0.4,  # everything stands still for long, as a suspended machine does
}


@dataclass(frozen=True)
class Weather:
    """One world's faults and figures."""

    backend: str
    faults: frozenset[str]
    settings: Settings
    #: constants of the product by name, made small
    constants: dict[str, Any] = field(default_factory=dict)
    max_deliveries: int = 20
    #: chance of a fault at a call
    rate: float = 0.02
    #: how long the rough time lasts
    rough_s: float = 900.0
    #: chance that a job may be written later
    later: float = 0.3

    def has(self, fault: str) -> bool:
        """Whether this kind of fault is there at all."""
        return fault in self.faults

    @property
    def tick_s(self) -> float:
        """Between two sweeps."""
        return self.settings.sweep_interval_s


def draw(rng: random.Random) -> Weather:
    """The weather of a seed's world."""
    # A list first: the order in which a set is gone through is not the seed's.
    faults = frozenset([fault for fault, share in FAULTS.items() if rng.random() < share])
    backend = rng.choice(("sqlite", "sqlite", "firestore"))
    lease_s = rng.choice((2.0, 6.0, 30.0))
    attempt_limit_s = lease_s * rng.choice((3, 10))
    settings = Settings(
        backend="sqlite" if backend == "sqlite" else "gcp",
        lease_s=lease_s,
        attempt_limit_s=attempt_limit_s,
        stall_limit_s=min(attempt_limit_s * 0.9, rng.choice((10.0, 60.0))),
        max_attempts=rng.choice((2, 3, 5)),
        deadline_s=rng.choice((200.0, 1200.0, 86_400.0)),
        retention_days=0.1 if "retention" in faults else 30.0,
        progress_interval_s=rng.choice((0.0, 0.5, 1.0)),
        sweep_interval_s=rng.choice((5.0, 20.0, 60.0)),
        warm_s=rng.choice((20.0, 900.0)),
        rate_per_minute=rng.choice((0, 3, 20)) if "limits" in faults else 0,
        daily_budget=rng.choice((0, 5, 12)) if "limits" in faults else 0,
        results_url="https://results.example.com",
    )
    constants = {
        "ACK_DEADLINE_S": attempt_limit_s + rng.choice((10.0, 60.0)),
        "JOBS_PER_MESSAGE": rng.choice((2, 3, 8)),
        "RETRY_SCHEDULE_S": rng.choice(((0, 5, 30), (0, 5, 20, 60, 300))),
        "REPUBLISH_FIRST_S": rng.choice((10, 60)),
        "REPUBLISH_LONGEST_S": rng.choice((60, 300)),
        "HINT_FIRST_S": rng.choice((10, 60)),
        "HINT_LONGEST_S": rng.choice((60, 300)),
        "LATER_S": rng.choice((60.0, 600.0)),
        "LEAD_S": rng.choice((5.0, 30.0)),
        "LOOK_AT_HELD_S": rng.choice((30.0, 1800.0)),
        "REDELIVER_EVERY_S": rng.choice((5, 60)),
        "CHECK_EVERY_S": rng.choice((10, 60)),
        "CANCEL_BUDGET_S": rng.choice((0.2, 20.0)),
        "CANCELED_AT_ONCE": rng.choice((1, 25)),
        "PAGE": rng.choice((1, 3, 100)),
        "JOBS_A_TURN": rng.choice((1, 3, 50)),
        "BATCHES_A_TURN": rng.choice((1, 10)),
        "DELETED_A_TURN": rng.choice((1, 500)),
        "MAX_ROUNDS": rng.choice((1, 5)),
        "UNREADABLE_FOR_S": rng.choice((10, 300)),
        # Senders, those for one host, and those of each that are kept for the good receivers.
        **rng.choice(
            (
                {"SENDERS": 2, "SHARE": 1, "KEPT_FOR_GOOD": 1, "KEPT_AT_PLACE": 0},
                {"SENDERS": 16, "SHARE": 4, "KEPT_FOR_GOOD": 4, "KEPT_AT_PLACE": 1},
            )
        ),
    }
    return Weather(
        backend=backend,
        faults=faults,
        settings=settings,
        constants=constants,
        max_deliveries=rng.choice((3, 5, 20)),
        rate=rng.choice((0.01, 0.03, 0.06)),
        rough_s=rng.choice((120.0, 600.0, 2400.0)),
        later=rng.choice((0.1, 0.3, 0.8)),
    )
