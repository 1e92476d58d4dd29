"""The submit function: takes jobs and batches, cancels them, wakes the worker up."""

from functools import cache

import functions_framework
from flask import Request, Response

from versequeue import backend
from versequeue.http import Api
from versequeue.submit_api import SubmitApi


@cache
def _api() -> Api:
    return Api("submit", SubmitApi(backend.service()).handlers(), backend.settings())


@functions_framework.http
def submit(request: Request) -> Response:
    """Answer one request; made on the first one, since a fork comes between import and that."""
    return _api()(request)
