"""How things are timed here: in turn, A B A B, on one machine, with the spread beside the median.

Owns rounds, medians and ratios pair by pair. Knows nothing of what is measured.
"""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Run = Callable[[], Mapping[str, float]]


@dataclass(frozen=True)
class Goal:
    """What a measurement should reach: a contender's median, or its ratio to another one."""

    contender: str
    #: None: the value itself is judged
    against: str | None
    at_least: float | None = None
    at_most: float | None = None

    def words(self, unit: str) -> str:
        """The goal as a reader says it."""
        sign = "at least" if self.at_least is not None else "at most"
        bound = self.at_least if self.at_least is not None else self.at_most
        if self.against is None:
            return f"{self.contender}: {sign} {bound:g} {unit}"
        return f"{self.contender}: {sign} {bound:g} times {self.against}"


@dataclass(frozen=True)
class Measurement:
    """One table: the same quantity of several contenders, a value a round."""

    name: str
    unit: str
    #: contender -> its value in each round; the rounds of all contenders were taken in turn
    rounds: Mapping[str, Sequence[float]]
    #: the contender that the others are compared with
    baseline: str | None = None
    goals: Sequence[Goal] = ()
    digits: int = 1


@dataclass(frozen=True)
class Report:
    """What one benchmark found."""

    bench: str
    title: str
    #: what was done, in words; the doc prints it above the tables
    method: str
    measurements: Sequence[Measurement]
    #: what a reader should know of the result: limits, causes, where a peer is faster
    remarks: Sequence[str] = ()
    #: contender -> why it is missing
    skipped: Mapping[str, str] = field(default_factory=dict)


def alternate(runs: Mapping[str, Run], rounds: int) -> dict[str, dict[str, list[float]]]:
    """quantity -> contender -> values: every contender once a round, the order turned each round.

    Turning the order keeps a drift of the machine, or a warm cache, from favouring one of them.
    """
    found: dict[str, dict[str, list[float]]] = {}
    names = list(runs)
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            for quantity, value in runs[name]().items():
                found.setdefault(quantity, {}).setdefault(name, []).append(value)
    return found


def spread(values: Sequence[float]) -> float:
    """The median absolute deviation: half of the rounds are no further from the median."""
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values)


def pair_ratios(values: Sequence[float], baseline: Sequence[float]) -> list[float]:
    """Each round's value over the baseline's of the same round."""
    return [value / base for value, base in zip(values, baseline, strict=True) if base]


def is_met(goal: Goal, measurement: Measurement) -> bool | None:
    """Whether the goal is reached; None where a contender is missing."""
    values = measurement.rounds.get(goal.contender)
    if not values:
        return None
    if goal.against is None:
        reached = statistics.median(values)
    else:
        against = measurement.rounds.get(goal.against)
        if not against:
            return None
        reached = statistics.median(pair_ratios(values, against))
    if goal.at_least is not None:
        return reached >= goal.at_least
    return goal.at_most is None or reached <= goal.at_most
