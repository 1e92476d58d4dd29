"""The results function's handlers for the owner: the figures of the whole service.

They are for a caller with one of the owner's keys; where there are none, for this machine alone.
"""

from flask import Request, Response

from versequeue.api.edge import json_response
from versequeue.api.origin import is_this_machine
from versequeue.contract.wire import to_wire
from versequeue.errors import Unauthorized
from versequeue.owner.figures import overview, read_figures
from versequeue.service.jobs import Jobs

FOR_THE_OWNER = (
    "As long as VERSEQUEUE_API_KEYS is not set, only this machine itself sees these figures."
)


def get_metrics(jobs: Jobs, request: Request) -> Response:
    """200 with the figures in OpenMetrics, or in Prometheus' older text. Raises Unauthorized."""
    _check_owner(jobs, request)
    from versequeue.owner.open_metrics import exposition  # its library is needed for nothing else

    figures = read_figures(jobs.store, jobs.settings, jobs.clock())
    text, content_type = exposition(figures, request.headers.get("Accept", ""))
    return Response(text, content_type=content_type)


def get_overview(jobs: Jobs, request: Request) -> Response:
    """200 with the figures and the jobs that run. Raises Unauthorized."""
    _check_owner(jobs, request)
    return json_response(to_wire(overview(jobs.store, jobs.settings, jobs.clock())))


def _check_owner(jobs: Jobs, request: Request) -> None:
    # Where there are keys, the router has asked for one.
    if not jobs.settings.api_keys and not is_this_machine(request, jobs.settings):
        raise Unauthorized(FOR_THE_OWNER)
