"""The worker function: one Pub/Sub message in, songs out. The only function with a model."""

import logging
import os
import uuid
from functools import cache

import functions_framework
from cloudevents.http import CloudEvent
from werkzeug.exceptions import ServiceUnavailable

from lyricist.errors import LyricistError
from versequeue.errors import VerseQueueError
from versequeue.functions import wiring
from versequeue.functions.push import job_ids, read_message
from worker_fn.studio import Studio, WorkerStopping

log = logging.getLogger(__name__)


@cache
def _studio() -> Studio:
    name = wiring.settings().worker or uuid.uuid4().hex
    # Nothing that hangs can be waited for: the process goes, and what it held is freed.
    return Studio(wiring.worker_side(name), on_stall=lambda: os._exit(1))


@functions_framework.cloud_event
def worker(event: CloudEvent) -> None:
    """Acknowledge by returning; 503 when the message is to be delivered again."""
    wiring.settings()  # also makes the log structured, before there is anything to log
    message = read_message(event.data)
    if message is None:
        return
    try:
        if message.get("warmup"):
            _studio().warm_up()
        elif ids := job_ids(message):
            _studio().perform(ids)
    except (WorkerStopping, LyricistError, VerseQueueError) as error:
        log.warning("the message is to come again: %s", error)
        raise ServiceUnavailable(str(error)) from error
