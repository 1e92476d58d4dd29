"""The line that shows progress: redrawn on a terminal, once a change in a pipe, and its words."""

import io

import pytest

from tests.support.waiting import wait_until
from versequeue.cli.live import BatchProgress, LiveLine, job_line
from versequeue.client.types import Batch, Job
from versequeue.contract.views import Counts, Progress


class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_one_line_that_is_redrawn_and_then_gone() -> None:
    stream = Terminal()
    with LiveLine(stream) as live:
        live.show("Writing · line 1 of 2", tail="a line\x1b[2J")
        wait_until(lambda: stream.getvalue().count("line 1 of 2") >= 2, 5)
    assert "\n" not in stream.getvalue()
    assert "a line[2J" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_a_pipe_sees_each_change_once() -> None:
    stream = io.StringIO()
    with LiveLine(stream, clock=lambda: 5.0) as live:
        live.show("Waking the model up")
        live.show("Waking the model up")
    assert stream.getvalue() == "Waking the model up · 0.0 s\n"


def test_a_stage_of_tomorrow_is_shown_as_it_is_called() -> None:
    assert job_line(Job("job_1", "running", stage="tuning_guitar")) == "Tuning guitar"
    assert job_line(Job("job_1", "pondering")) == "Pondering"
    progress = Progress(completed=3, total=8)
    assert job_line(Job("j", "running", stage="writing", progress=progress)) == (
        "Writing · line 3 of 8"
    )


def test_a_batch_tells_its_rate_and_the_time_left() -> None:
    times = iter([0.0, 60.0, 120.0])
    progress = BatchProgress(clock=lambda: next(times))
    seen = [progress.text(running(done, failed)) for done, failed in ((10, 0), (40, 0), (100, 5))]
    assert [text.partition(" ")[2] for text in seen] == [
        "10 of 100 rows · about 2 min 30 s left",
        "40 of 100 rows · 30 a minute · about 2 min 0 s left",
        "100 of 100 rows · 45 a minute · 5 without a song",
    ]
    assert [text.count("█") for text in seen] == [2, 9, 24]


def running(done: int, failed: int = 0) -> Batch:
    counts = Counts(total=100, queued=100 - done, succeeded=done - failed, failed=failed)
    left = {10: 150.0, 40: 120.0}.get(done)
    return Batch("batch_1", "running", done=done == 100, request_counts=counts, eta_seconds=left)


@pytest.mark.parametrize(
    ("eta_s", "at_most_s", "told"),
    [
        (4.2, 5.0, "about 4.2 s to go"),
        (4.2, 9.1, "4 to 9 s to go"),
        (141.0, 198.0, "2 min 21 s to 3 min 18 s to go"),
        (0.2, 0.3, "about 1.0 s to go"),
    ],
)
def test_a_wait_is_told_with_its_longest_where_that_is_much_more(
    eta_s: float, at_most_s: float, told: str
) -> None:
    job = Job("job_1", "queued", eta_seconds=eta_s, eta_at_most_seconds=at_most_s)
    assert job_line(job).endswith(f" · {told}")
