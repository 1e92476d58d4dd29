"""The results function: shows jobs, batches, lyrics, and the state of the service."""

from functools import cache

import functions_framework
from flask import Request, Response
from flask import request as request_in_hand

from versequeue.api.results_jobs import results_handlers
from versequeue.api.router import Api
from versequeue.functions import wiring


@cache
def _api() -> Api:
    settings, reads = wiring.settings(), wiring.reads()
    handlers = results_handlers(wiring.jobs(), wiring.batches(), reads)
    return Api("results", handlers, settings, reads)


@functions_framework.http
def results(request: Request) -> Response:
    """Answer one request; made on the first one, since a fork comes between import and that."""
    return _api()(request)


@functions_framework.errorhandler(404)  # type: ignore[untyped-decorator]
def unrouted(_fault: Exception) -> Response:
    """Answer what the framework has no route for, such as a path with a line end in it."""
    return _api()(request_in_hand)
