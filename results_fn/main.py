"""The results function: shows jobs, batches, lyrics, and the state of the service."""

from functools import cache

import functions_framework
from flask import Request, Response

from versequeue import backend
from versequeue.http import Api
from versequeue.results_api import ResultsApi


@cache
def _api() -> Api:
    return Api("results", ResultsApi(backend.service()).handlers(), backend.settings())


@functions_framework.http
def results(request: Request) -> Response:
    """Answer one request; made on the first one, since a fork comes between import and that."""
    return _api()(request)
