"""The results function's lists: the jobs of one API key."""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Request, Response

from versequeue.api.edge import json_response
from versequeue.api.origin import client_of
from versequeue.config import Settings
from versequeue.contract.views import JobsView
from versequeue.contract.wire import json_bytes, to_wire
from versequeue.errors import Unauthorized, Unreadable
from versequeue.intake.cursors import read_page, write_cursor
from versequeue.rules.job import Job
from versequeue.service.jobs import Jobs
from versequeue.service.reads import Reads
from versequeue.service.views import job_view

log = logging.getLogger(__name__)
#: So many are read at once, and no more once a page is as long as this: a job has up to 256 kB.
PORTION, ENOUGH_BYTES = 20, 1 << 20
NO_KEYS = (
    "Jobs are listed to an API key, and this server has none: its owner sets VERSEQUEUE_API_KEYS."
)


def list_jobs(jobs: Jobs, reads: Reads, request: Request) -> Response:
    """200 with a page of the caller's own jobs, the newest first; fewer where they are very long.

    Own are those of the same API key, never those of the same address, which many share. Raises
    Unauthorized where there are no keys, and ValidationFailed.
    """
    if not jobs.settings.api_keys:
        raise Unauthorized(NO_KEYS)
    before, limit = read_page(request.args)
    client = client_of(request, jobs.settings)
    reads.take(client, limit)
    data: list[dict[str, Any]] = []
    size, left = 0, limit
    while left and size < ENOUGH_BYTES:
        found, before = jobs.listed(client, before, min(PORTION, left))
        shown = list(_readable(found, jobs.settings))
        data += shown
        size += sum(len(json_bytes(document)) for document in shown)
        left = max(0, left - PORTION) if before else 0
    view = to_wire(JobsView((), next_cursor=write_cursor(before) if before else None))
    return json_response({**view, "data": data})


def _readable(found: Iterable[Job], settings: Settings) -> Iterator[dict[str, Any]]:
    for job in found:
        try:
            yield job_view(job, settings)
        except Unreadable as error:  # which hides no other
            log.warning("left out of a list: %s", error, extra={"job_id": job.id})
