"""The commands that show more jobs than one: `jobs`, one's own, and `top`, the whole service.

Neither shows the owner a prompt or a whole id that is not his.
"""

import shutil
import sys
import textwrap
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TextIO

import click

from versequeue.cli.failures import duration
from versequeue.cli.jobs import json_text, say
from versequeue.cli.options import connect, json_option, server_option
from versequeue.cli.tables import table
from versequeue.cli.texts import cents
from versequeue.client.client import Client
from versequeue.client.errors import ApiError, ServerUnreachable
from versequeue.client.plain_text import plain
from versequeue.client.types import Job, Overview
from versequeue.contract.overview import RunView

#: A screen of its own, which leaves the other as it was; and its beginning, with the rest cleared.
OWN_SCREEN, OTHER_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
HOME, CLEAR_LINE, CLEAR_REST = "\x1b[H", "\x1b[K", "\x1b[J"
HEADER = ("Job", "Status", "Lines", "Took", "Cost", "Worker")
PROMPT_WIDTH = 40
JOBS_HEADER = ("Asked for (UTC)", "Job", "Status", "Cost", "Prompt")


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, help="So many (20).")
@json_option
@server_option
def jobs(limit: int, as_json: bool, server: str | None) -> None:
    """List your jobs, the newest first: those that were asked for with VERSEQUEUE_API_KEY."""
    with connect(server) as client:
        found = list(islice(client.jobs(page=min(limit, 100)), limit))
    if as_json:
        for job in found:
            say(json_text(job.raw))
    elif found:
        say(table(JOBS_HEADER, [_own_row(job) for job in found], right_from=len(JOBS_HEADER)))
    else:
        say("There are none.", err=True)


def _own_row(job: Job) -> list[str]:
    made = f"{job.created_at:%Y-%m-%d %H:%M}" if job.created_at else ""
    usd = job.metrics.cost_usd
    prompt = textwrap.shorten(job.prompt, PROMPT_WIDTH, placeholder="…")
    return [made, job.id, job.status, "" if usd is None else cents(usd), prompt]


@click.command()
@click.option("--every", "every_s", type=click.IntRange(1, 3600), default=2, help="Seconds.")
@json_option
@server_option
def top(every_s: int, as_json: bool, server: str | None) -> None:
    """Show workers, queue, latest jobs and the day's money, until Ctrl-C; in a pipe once.

    For the owner: on the server's own machine, or with VERSEQUEUE_API_KEY.
    """
    with connect(server) as client:
        if sys.stdout.isatty() and not as_json:
            Screen(sys.stdout).follow(client, every_s)
            return
        seen = client.overview()
    say(json_text(seen.raw) if as_json else overview_text(seen, datetime.now(UTC)))


class Screen:
    """The terminal while `top` is on."""

    def __init__(
        self,
        stream: TextIO,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stream, self._sleep, self._now = stream, sleep, now

    def follow(self, client: Client, every_s: float) -> None:
        """Draw what `client` sees until Ctrl-C. Raises ApiError where it may see nothing."""
        text = "Asking …"
        self._stream.write(OWN_SCREEN)
        try:
            while True:
                trouble = ""
                try:
                    text = overview_text(client.overview(), self._now())
                except ServerUnreachable:
                    trouble = "The server does not answer; it is asked again."
                except ApiError as error:
                    if not error.is_temporary:
                        raise
                    trouble = f"{error} It is asked again."
                self._draw([*([trouble, ""] if trouble else []), *text.splitlines()])
                self._sleep(every_s)
        except KeyboardInterrupt:
            return
        finally:
            self._stream.write(OTHER_SCREEN)
            self._stream.flush()

    def _draw(self, lines: Sequence[str]) -> None:
        columns, rows = shutil.get_terminal_size()
        shown = [plain(line)[: columns - 1] + CLEAR_LINE for line in lines[: rows - 1]]
        self._stream.write(HOME + "\n".join(shown) + CLEAR_REST)
        self._stream.flush()


def overview_text(seen: Overview, now: datetime) -> str:
    """The whole service as a person reads it."""
    day = seen.today
    ended = [(day.failed, "failed"), (day.canceled, "canceled"), (day.expired, "expired")]
    others = "".join(f", {count} {word}" for count, word in ended if count)
    waits = f", the oldest for {duration(seen.oldest_queued_seconds)}" if seen.queue_depth else ""
    facts = [
        f"VerseQueue {seen.version} · {now:%H:%M:%S} UTC",
        f"Worker    {_worker(seen)}",
        f"Queue     {seen.queue_depth} waiting{waits}",
        f"Today     {day.succeeded} written{others} · {cents(day.cost_usd)} on pay-per-use",
    ]
    blocks = ["\n".join(facts)]
    for title, jobs in (("Being written", seen.running), ("The latest", seen.latest)):
        if jobs:
            blocks.append(f"{title}\n{table(HEADER, [_row(job, now) for job in jobs], 6)}")
    return "\n\n".join(blocks)


def _worker(seen: Overview) -> str:
    workers = {job.worker for job in seen.running}
    busy = f", {len(workers)} at {seen.running_count} jobs" if workers else ""
    state = {"warm": "awake", "cold": "asleep"}.get(seen.worker, "not seen yet")
    return f"{state}{busy}" + (f" · {seen.model}" if seen.model else "")


def _row(job: RunView, now: datetime) -> list[str]:
    begun = job.started_at or job.created_at
    took_s = ((job.finished_at or now) - begun).total_seconds() if begun else 0.0
    stage = (job.stage or job.status).replace("_", " ")
    cost = "" if job.cost_usd is None else cents(job.cost_usd)
    status = f"{stage} (file)" if job.batch else stage
    lines = f"{job.lines_done} of {job.lines_total}"
    return [f"{job.id}…", status, lines, duration(max(0.0, took_s)), cost, job.worker]
