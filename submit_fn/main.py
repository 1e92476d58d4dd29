"""The submit function: takes jobs and batches, cancels them, wakes the worker up."""

from functools import cache

import functions_framework
from flask import Request, Response
from flask import request as request_in_hand

from versequeue.api.router import Api
from versequeue.api.submit_jobs import submit_handlers
from versequeue.functions import wiring


@cache
def _api() -> Api:
    settings, reads = wiring.settings(), wiring.reads()
    handlers = submit_handlers(wiring.jobs(), wiring.batches(), reads)
    return Api("submit", handlers, settings, reads)


@functions_framework.http
def submit(request: Request) -> Response:
    """Answer one request; made on the first one, since a fork comes between import and that."""
    return _api()(request)


@functions_framework.errorhandler(404)  # type: ignore[untyped-decorator]
def unrouted(_fault: Exception) -> Response:
    """Answer what the framework has no route for, such as a path with a line end in it."""
    return _api()(request_in_hand)
