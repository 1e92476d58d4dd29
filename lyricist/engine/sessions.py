"""Several texts written at once over one engine, one forward pass for all of them at a time.

A text being written is a generator, its session: it yields the tokens that it wants appended (row
-> token), is sent the logits after them (row -> logits), and returns its result. So a text's code
reads as if it were alone, and `run_together` makes one pass of what all of them wait for. Between
two yields a session may change the logits, and rewind, prefill and copy its own rows.
"""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import Generic, TypeVar

from lyricist.arrays import FloatArray
from lyricist.engine.port import Engine
from lyricist.errors import Abandoned, ContextFull, LyricistError

log = logging.getLogger(__name__)
Result = TypeVar("Result")
Session = Generator[Mapping[int, int], dict[int, FloatArray], Result]


def run_together(
    engine: Engine,
    sessions: Sequence[Session[Result]],
    should_stop: Callable[[], bool] = lambda: False,
    on_end: Callable[[int, Result | LyricistError], None] = lambda _index, _result: None,
) -> list[Result | LyricistError]:
    """Runs the sessions to their ends; a result for each.

    A session that raises ends with that error, and the others go on; `on_end` is told of each
    session as soon as it has ended, with its index and its result. ContextFull is raised
    inside the session whose row is full, at its yield. Once `should_stop`, which is asked before
    every pass, says True, all that still run end as Abandoned.
    """
    run = _Run(engine, sessions, on_end)
    while run.wanted:
        if should_stop():
            run.abandon()
        else:
            run.advance()
    return run.results


class _Run(Generic[Result]):
    """Sessions on their way, and the tokens that each of them waits for."""

    def __init__(
        self,
        engine: Engine,
        sessions: Sequence[Session[Result]],
        on_end: Callable[[int, Result | LyricistError], None],
    ) -> None:
        self._engine, self._sessions, self._on_end = engine, sessions, on_end
        self.results: list[Result | LyricistError] = [Abandoned("not started")] * len(sessions)
        #: Index of a session that has not ended -> row -> token.
        self.wanted: dict[int, Mapping[int, int]] = {}
        for index, session in enumerate(sessions):
            self._resume(index, session.__next__)

    def advance(self) -> None:
        """One pass over all that is wanted."""
        self._refuse_full_rows()
        passed = {row: token for tokens in self.wanted.values() for row, token in tokens.items()}
        try:
            logits = self._engine.step(passed) if passed else {}
        except ContextFull as error:
            # A family is full though none of its rows is; the songs of other engines go on.
            for index in sorted(self.wanted):
                self._resume(index, partial(self._sessions[index].throw, error))
            return
        for index, tokens in sorted(self.wanted.items()):
            answer = {row: logits[row] for row in tokens}
            self._resume(index, partial(self._sessions[index].send, answer))

    def abandon(self) -> None:
        """Ends all sessions that still run."""
        for index in self.wanted:
            self._sessions[index].close()
            self.results[index] = Abandoned("The writer was told to stop.")
            self._on_end(index, self.results[index])
        self.wanted.clear()

    def _resume(self, index: int, go_on: Callable[[], Mapping[int, int]]) -> None:
        """Lets a session run up to its next yield or its end."""
        self.wanted.pop(index, None)
        try:
            self.wanted[index] = go_on()
        except StopIteration as end:
            self.results[index] = end.value
        except LyricistError as error:
            self.results[index] = error
        except Exception as error:
            # A fault of ours in one text is no reason to lose the others.
            log.exception("a text ended by an error that nobody expected")
            self.results[index] = LyricistError(f"Unexpected {type(error).__name__}: {error}")
        if index not in self.wanted:
            self._on_end(index, self.results[index])

    def _refuse_full_rows(self) -> None:
        """Raises ContextFull inside the sessions whose row is full. A session may make room and ask
        again; one that asks for a full row twice is ended."""
        for index, tokens in sorted(self.wanted.items()):
            if self._is_full(tokens):
                error = ContextFull("No position is left in the row of a text.")
                self._resume(index, partial(self._throw, self._sessions[index], error))

    def _throw(self, session: Session[Result], error: ContextFull) -> Mapping[int, int]:
        tokens = session.throw(error)
        if self._is_full(tokens):
            session.close()
            raise error
        return tokens

    def _is_full(self, tokens: Mapping[int, int]) -> bool:
        return any(self._engine.length(row) >= self._engine.context_length for row in tokens)


def refill(engine: Engine, row: int, prompt: Sequence[int], written: Sequence[int]) -> FloatArray:
    """What a session may do about a full row: keep the prompt and the last of what was written.

    Returns the logits after it. Half of the room that the prompt leaves is free afterwards.
    """
    keep = max(1, (engine.context_length - len(prompt)) // 2)
    engine.rewind(row, 0)
    return engine.prefill(row, [*prompt, *written[-keep:]])
