"""The cap function: one message of the budget in, and the project off its billing account."""

from functools import cache

import functions_framework
from cloudevents.http import CloudEvent

from cap_fn.billing import is_spent, unlink
from versequeue.config import Settings
from versequeue.functions.push import read_message
from versequeue.logs import configure_logging


@cache
def project() -> str:
    """The project whose costs are to end. Raises StartupError if a setting cannot be read."""
    found = Settings.from_environ()
    configure_logging(found.log_level, found.project)
    return found.project


@functions_framework.cloud_event
def cap(event: CloudEvent) -> None:
    """Acknowledge by returning. What is raised brings the message again."""
    ours = project()  # also makes the log structured, before there is anything to log
    message = read_message(event.data)
    if message is not None and is_spent(message):
        unlink(ours)
