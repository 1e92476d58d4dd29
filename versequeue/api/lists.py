"""The results function's lists: the jobs of one API key."""

from flask import Request, Response

from versequeue.api.edge import json_response
from versequeue.api.origin import client_of
from versequeue.contract.views import JobsView
from versequeue.contract.wire import to_wire
from versequeue.errors import Unauthorized
from versequeue.intake.cursors import read_page, write_cursor
from versequeue.ports.store import Place
from versequeue.service.jobs import Jobs
from versequeue.service.reads import Reads
from versequeue.service.views import view_of

NO_KEYS = (
    "Jobs are listed to an API key, and this server has none: its owner sets VERSEQUEUE_API_KEYS."
)


def list_jobs(jobs: Jobs, reads: Reads, request: Request) -> Response:
    """200 with a page of the caller's own jobs, the newest first.

    Own are those of the same API key, never those of the same address, which many share. Raises
    Unauthorized where there are no keys, and ValidationFailed.
    """
    if not jobs.settings.api_keys:
        raise Unauthorized(NO_KEYS)
    before, limit = read_page(request.args)
    client = client_of(request, jobs.settings)
    reads.take(client, limit)
    # One more than is shown tells whether there is a next page.
    found = jobs.listed(client, before, limit + 1)
    shown = found[:limit]
    last = Place(shown[-1].created_at, shown[-1].id) if len(found) > limit else None
    view = JobsView(
        data=tuple(view_of(job, jobs.settings) for job in shown),
        next_cursor=write_cursor(last) if last else None,
    )
    return json_response(to_wire(view))
