"""The time that a song has left, as far as the worker's last songs tell it."""

from dataclasses import replace

from tests.support.samples import queued_job
from versequeue.rules.job import Status
from versequeue.rules.options import ResolvedOptions
from versequeue.service.estimates import WorkerOutlook, eta_s


def test_the_time_left_of_songs_written_together_is_reckoned_for_all_of_them() -> None:
    outlook = WorkerOutlook("warm", "m", None, 1.0, line_s=0.25)
    job = queued_job(
        status=Status.RUNNING, options=ResolvedOptions(seed=1, lines=4), preview=("one",)
    )
    assert eta_s(job, outlook, None) == 0.8
    assert eta_s(replace(job, together=3), outlook, None) == 2.2
