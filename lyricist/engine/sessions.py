"""Choosing the next token, and writing several texts at once over one engine.

A text being written is a generator, a session: it yields the tokens it wants appended (row ->
token), is sent the logits that follow (row -> logits) and returns its result. Between two yields it
may change logits, rewind and copy its own rows as it likes. Knows no lines and no rhymes.
"""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.engine.port import Engine
from lyricist.errors import Abandoned, ContextFull, LyricistError

log = logging.getLogger(__name__)
Result = TypeVar("Result")
Session = Generator[Mapping[int, int], dict[int, FloatArray], Result]

NEVER = np.float32(-np.inf)
#: Keeps the set of candidates small at any temperature.
LEAST_MIN_P = 1e-4


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn."""

    #: 0 takes the likeliest.
    temperature: float = 0.8
    #: Only the likeliest tokens that together hold this share are drawn.
    top_p: float = 0.95
    #: Only tokens at least this share as likely as the likeliest are drawn.
    min_p: float = 0.05
    #: What a token's logit loses once it stands among the recent ones.
    presence_penalty: float = 0.0
    #: How many of the last tokens are recent.
    recent: int = 64


def draw(
    logits: FloatArray, sampling: Sampling, rng: np.random.Generator, recent: Sequence[int] = ()
) -> int:
    """The next token. `rng` is asked for exactly one number, whatever the logits.

    Min-p (Nguyen et al. 2024) comes first, then top-p (Holtzman et al. 2019) over what it left.
    Among equals the lowest id counts as the likeliest.
    """
    chance = rng.random()
    if sampling.presence_penalty:
        logits = logits.copy()
        repeated = np.unique(np.asarray(recent[-sampling.recent :], np.intp))
        logits[repeated] -= np.float32(sampling.presence_penalty)
    if sampling.temperature == 0:
        return int(logits.argmax())
    floor = sampling.temperature * np.log(max(sampling.min_p, LEAST_MIN_P))
    candidates = np.flatnonzero(logits >= logits.max() + np.float32(floor))
    scaled = logits[candidates].astype(np.float64) / sampling.temperature
    shares = np.exp(scaled - scaled.max())
    order = np.argsort(-shares, kind="stable")
    sums = np.cumsum(shares[order])
    kept = int(np.searchsorted(sums, sampling.top_p * sums[-1])) + 1
    sums = sums[:kept]
    place = int(np.searchsorted(sums, chance * sums[-1], side="right"))
    return int(candidates[order[min(place, len(sums) - 1)]])


def refill(engine: Engine, row: int, prompt: Sequence[int], written: Sequence[int]) -> FloatArray:
    """Makes room in a full row: the prompt and the last part of what was written remain.

    Returns the logits after it. Half of the room that the prompt leaves is free afterwards.
    """
    keep = max(1, (engine.context_length - len(prompt)) // 2)
    engine.rewind(row, 0)
    return engine.prefill(row, [*prompt, *written[-keep:]])


def run_together(
    engine: Engine,
    sessions: Sequence[Session[Result]],
    should_stop: Callable[[], bool] = lambda: False,
    on_end: Callable[[int, Result | LyricistError], None] = lambda _index, _result: None,
) -> list[Result | LyricistError]:
    """Runs the sessions to their ends, one forward pass for all of them at a time.

    A session that raises ends with that error, and the others go on; `on_end` is told of each
    session as soon as it has ended, with its index and its result. ContextFull is raised
    inside the session whose row is full, at its yield. Once `should_stop`, which is asked before
    every pass, says True, all that still run end as Abandoned.
    """
    results: list[Result | LyricistError] = [Abandoned("not started")] * len(sessions)
    wanted: dict[int, Mapping[int, int]] = {}

    def resume(index: int, go_on: Callable[[], Mapping[int, int]]) -> None:
        try:
            wanted[index] = go_on()
        except StopIteration as end:
            results[index] = end.value
        except LyricistError as error:
            results[index] = error
        except Exception as error:
            # A fault of ours in one text is no reason to lose the others.
            log.exception("a text ended by an error that nobody expected")
            results[index] = LyricistError(f"Unexpected {type(error).__name__}: {error}")
        if index not in wanted:
            on_end(index, results[index])

    for index, session in enumerate(sessions):
        resume(index, session.__next__)
    while wanted:
        if should_stop():
            for index in wanted:
                sessions[index].close()
                results[index] = Abandoned("The writer was told to stop.")
                on_end(index, results[index])
            break
        _throw_where_full(engine, sessions, wanted, resume)
        passed = {row: token for tokens in wanted.values() for row, token in tokens.items()}
        logits = engine.step(passed) if passed else {}
        for index, tokens in sorted(wanted.items()):
            del wanted[index]
            answer = {row: logits[row] for row in tokens}
            resume(index, lambda i=index, a=answer: sessions[i].send(a))  # type: ignore[misc]
    return results


def _throw_where_full(
    engine: Engine,
    sessions: Sequence[Session[Result]],
    wanted: dict[int, Mapping[int, int]],
    resume: Callable[[int, Callable[[], Mapping[int, int]]], None],
) -> None:
    """A session may answer ContextFull with another wish; one that insists is ended."""

    def insist(session: Session[Result], error: ContextFull) -> Mapping[int, int]:
        tokens = session.throw(error)
        if _is_full(engine, tokens):
            session.close()
            raise error
        return tokens

    for index, tokens in sorted(wanted.items()):
        if _is_full(engine, tokens):
            del wanted[index]
            error = ContextFull("No position is left in the row of a text.")
            resume(index, lambda i=index, e=error: insist(sessions[i], e))  # type: ignore[misc]


def _is_full(engine: Engine, tokens: Mapping[int, int]) -> bool:
    return any(engine.length(row) >= engine.context_length for row in tokens)
