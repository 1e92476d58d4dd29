"""What the worker function does with one Pub/Sub message, whatever its model makes."""

import logging
import os
import uuid
from functools import cache

from cloudevents.http import CloudEvent
from werkzeug.exceptions import ServiceUnavailable

from versequeue.errors import VerseQueueError
from versequeue.functions import wiring
from versequeue.functions.push import job_ids, read_message
from worker_fn.model import OpenModel
from worker_fn.studio import Studio, WorkerStopping

log = logging.getLogger(__name__)


@cache
def studio_of(open_model: OpenModel) -> Studio:
    """This process's studio for the model. It ends the process if the model hangs."""
    name = wiring.settings().worker or uuid.uuid4().hex
    # Nothing that hangs can be waited for: the process goes, and what it held is freed.
    return Studio(wiring.worker_side(name), open_model, on_stall=lambda: os._exit(1))


def _warm_up(studio: Studio) -> None:
    # A process that was given a name is kept and gets its messages one after the other; an instance
    # in the cloud has a processor only until it answers.
    if wiring.settings().worker:
        studio.begin_warm_up()
    else:
        studio.warm_up()


def receive(event: CloudEvent, open_model: OpenModel) -> None:
    """Acknowledge by returning; 503 when the message is to be delivered again."""
    wiring.settings()  # also makes the log structured, before there is anything to log
    message = read_message(event.data)
    if message is None:
        return
    try:
        if message.get("warmup"):
            _warm_up(studio_of(open_model))
        elif ids := job_ids(message):
            studio_of(open_model).perform(ids)
    except (WorkerStopping, VerseQueueError) as error:
        # A worker that is asked to stop is nothing to worry about.
        level = logging.INFO if isinstance(error, WorkerStopping) else logging.WARNING
        log.log(level, "the message is to come again: %s", error)
        raise ServiceUnavailable(str(error)) from error
