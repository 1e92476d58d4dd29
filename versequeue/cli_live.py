"""What is seen on stderr while one waits: one line that keeps moving, or plain lines in a pipe.

Writes to the stream that it is given; knows jobs and batches as the client sees them, no server.
"""

import itertools
import shutil
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self, TextIO

from versequeue.cli_failures import duration
from versequeue.client_types import Batch, Job

if TYPE_CHECKING:
    from tqdm import tqdm

SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
REDRAW_S = 0.1
CLEAR = "\r\x1b[2K"
BAR = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} rows, {elapsed} so far{postfix}"


class LiveLine:
    """One line that is redrawn on a terminal; elsewhere each new text is a line of its own."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._started = clock()
        self._text = ""
        self._frames = itertools.cycle(SPINNER)
        self._stopped = threading.Event()
        self._redraw = threading.Thread(target=self._keep_drawing, daemon=True)

    def __enter__(self) -> Self:
        """Begin to draw, if there is somebody to see it."""
        if self._stream.isatty():
            self._redraw.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop drawing and leave an empty line behind."""
        self._stopped.set()
        if self._redraw.is_alive():
            self._redraw.join()
            self._write(CLEAR)

    def show(self, text: str) -> None:
        """What is going on now."""
        if text == self._text:
            return
        self._text = text
        if not self._stream.isatty():
            self._write(f"{text} · {self._elapsed()}\n")

    def _elapsed(self) -> str:
        return duration(self._clock() - self._started)

    def _keep_drawing(self) -> None:
        while not self._stopped.wait(REDRAW_S):
            if self._text:
                columns = shutil.get_terminal_size().columns
                line = f"{next(self._frames)} {self._text} · {self._elapsed()}"
                self._write(CLEAR + line[: columns - 1])

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def job_line(job: Job, *, with_eta: bool = True) -> str:
    """Where the job is, in a few words."""
    again = f" · attempt {job.attempt} of {job.max_attempts}" if job.attempt > 1 else ""
    if job.done:
        return f"{job.status.capitalize()}{again}"
    if job.stage == "writing":
        count = f"line {job.progress.completed} of {job.progress.total}"
        return f"Writing · {count}{again}"
    if job.stage == "loading_model":
        return f"Waking the model up{_about(job.eta_seconds, with_eta)}{again}"
    if job.status == "queued":
        return f"In the queue{_ahead(job.queue_position)}{_about(job.eta_seconds, with_eta)}{again}"
    return f"{(job.stage or job.status).replace('_', ' ').capitalize()}{again}"


def _ahead(position: int | None) -> str:
    return "" if position is None else f" · place {position}"


def _about(eta_seconds: float | None, wanted: bool) -> str:
    if eta_seconds is None or not wanted:
        return ""
    return f" · about {duration(max(1.0, eta_seconds))} to go"


class BatchLine:
    """The progress of a batch: a bar on a terminal, a line for every tenth elsewhere."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._started: tuple[float, int] | None = None
        self._tenths = -1
        self._bar = _terminal_bar(stream) if stream.isatty() else None

    def __enter__(self) -> Self:
        """Nothing is drawn before the first update."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    def show(self, batch: Batch) -> None:
        """How far the batch is now."""
        counts = batch.request_counts
        text = self._rate(batch)
        if self._bar is not None:
            self._bar.total, self._bar.n = counts.total, counts.ended
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.refresh()
        elif (tenths := 10 * counts.ended // max(1, counts.total)) != self._tenths:
            self._tenths = tenths
            self._stream.write(f"{counts.ended}/{counts.total} rows, {text}\n")
            self._stream.flush()

    def _rate(self, batch: Batch) -> str:
        """Rows a minute since we began to look, the time that is left, and failures."""
        counts, now = batch.request_counts, self._clock()
        self._started = self._started or (now, counts.ended)
        since, at_start = self._started
        parts = []
        if counts.ended > at_start and now > since:
            rate = (counts.ended - at_start) / (now - since)
            parts.append(f"{60 * rate:.0f} a minute")
            if not batch.done:
                parts.append(f"{duration((counts.total - counts.ended) / rate)} left")
        elif batch.eta_seconds and not batch.done:
            parts.append(f"about {duration(batch.eta_seconds)} left")
        if failed := counts.ended - counts.succeeded:
            parts.append(f"{failed} without a song")
        return ", ".join(parts) or batch.status


def _terminal_bar(stream: TextIO) -> "tqdm[NoReturn]":
    from tqdm import tqdm

    return tqdm(total=1, file=stream, bar_format=BAR, dynamic_ncols=True, miniters=1)
