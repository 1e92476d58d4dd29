"""The sweep function: one tick of repair, called by the scheduler."""

import functions_framework
from flask import Request, Response

from versequeue.api.edge import json_response, problem
from versequeue.errors import VerseQueueError
from versequeue.functions import wiring
from versequeue.service.sweep import sweep as run_sweep


@functions_framework.http
def sweep(request: Request) -> Response:
    """Repair what is due. 503 if the store cannot be reached: the next tick tries again."""
    try:
        report = run_sweep(wiring.store(), wiring.queue())
    except VerseQueueError as error:
        return problem(error, request.path)
    return json_response(report.counts())
