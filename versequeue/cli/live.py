"""What is seen on stderr while one waits: one line that keeps moving, or plain lines in a pipe."""

import itertools
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TextIO

from versequeue.cli.failures import duration
from versequeue.client.plain_text import plain
from versequeue.client.types import Batch, Job

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
REDRAW_S = 0.1
CLEAR = "\r\x1b[2K"
BAR_WIDTH = 24
#: From here on the longest wait that is likely is told too.
WIDE = 1.4


class LiveLine:
    """One line that is redrawn on a terminal; elsewhere each new text is a line of its own."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._started = clock()
        self._text = self._tail = ""
        self._frames = itertools.cycle(SPINNER)
        self._stopped = threading.Event()
        self._redraw = threading.Thread(target=self._keep_drawing, daemon=True)

    def __enter__(self) -> Self:
        """Begin to draw, if there is somebody to see it."""
        if self.is_seen:
            self._redraw.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing and leave an empty line behind."""
        self._stopped.set()
        if self._redraw.is_alive():
            self._redraw.join()
            self._write(CLEAR)

    @property
    def is_seen(self) -> bool:
        """Whether somebody is looking at a terminal."""
        return self._stream.isatty()

    def show(self, text: str, tail: str = "") -> None:
        """What is going on now; on a terminal `tail` follows as far as there is room."""
        # What a model wrote may not move the cursor.
        shown = "".join(character for character in tail if character.isprintable())
        self._tail = f" · {shown}" if shown else ""
        text = plain(text)
        if text == self._text:
            return
        self._text = text
        if not self.is_seen:
            self._write(f"{text} · {self._elapsed()}\n")

    def _elapsed(self) -> str:
        return duration(self._clock() - self._started)

    def _keep_drawing(self) -> None:
        while not self._stopped.wait(REDRAW_S):
            if self._text:
                columns = shutil.get_terminal_size().columns
                line = f"{next(self._frames)} {self._text} · {self._elapsed()}{self._tail}"
                self._write(CLEAR + line[: columns - 1])

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def job_line(job: Job) -> str:
    """Where the job is, in a few words."""
    again = f" · attempt {job.attempt} of {job.max_attempts}" if job.attempt > 1 else ""
    if job.done:
        return f"{job.status.capitalize()}{again}"
    if job.stage == "writing":
        return f"Writing · line {job.progress.completed} of {job.progress.total}{again}"
    if job.stage == "loading_model":
        return f"Waking the model up{_about(job)}{again}"
    if job.status == "queued":
        if job.ready_by and job.queue_position is None:
            return f"In no hurry · ready by {job.ready_by:%H:%M} UTC{_about(job)}{again}"
        place = "" if job.queue_position is None else f" · place {job.queue_position}"
        return f"In the queue{place}{_about(job)}{again}"
    return f"{(job.stage or job.status).replace('_', ' ').capitalize()}{again}"


def _about(job: Job) -> str:
    if job.eta_seconds is None:
        return ""
    expected_s = max(1.0, job.eta_seconds)
    at_most_s = job.eta_at_most_seconds or expected_s
    if round(at_most_s) > WIDE * expected_s:
        if at_most_s < 60:
            return f" · {expected_s:.0f} to {at_most_s:.0f} s to go"
        return f" · {duration(expected_s)} to {duration(at_most_s)} to go"
    return f" · about {duration(expected_s)} to go"


@dataclass
class BatchProgress:
    """What a batch's live line says: a bar, counts, rows a minute, the time left as told."""

    clock: Callable[[], float] = time.monotonic
    #: when we began to look, and how many rows had ended by then
    first: tuple[float, int] | None = None

    def text(self, batch: Batch) -> str:
        """The line for the batch as it is now."""
        counts = batch.request_counts
        filled = BAR_WIDTH * counts.ended // max(1, counts.total)
        bar = "█" * filled + "░" * (BAR_WIDTH - filled)
        parts = [f"{bar} {counts.ended} of {counts.total} rows", *self._pace(batch)]
        if batch.eta_seconds and not batch.done:
            parts.append(f"about {duration(batch.eta_seconds)} left")
        if failed := counts.ended - counts.succeeded:
            parts.append(f"{failed} without a song")
        return " · ".join(parts)

    def _pace(self, batch: Batch) -> list[str]:
        """Measured since we began to look: earlier rows say nothing of the pace now."""
        counts, now = batch.request_counts, self.clock()
        self.first = self.first or (now, counts.ended)
        since, at_first = self.first
        if counts.ended == at_first or now <= since:
            return []
        return [f"{60 * (counts.ended - at_first) / (now - since):.0f} a minute"]


def tenths(batch: Batch) -> int:
    """How many tenths of a batch are done: in a pipe, that is when there is a new line."""
    return 10 * batch.request_counts.ended // max(1, batch.request_counts.total)
