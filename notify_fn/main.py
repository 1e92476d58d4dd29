"""The notify function: one attempt to deliver one webhook event."""

import functions_framework
from cloudevents.http import CloudEvent

from versequeue import backend
from versequeue.events import read_message
from versequeue.notify import notify_target


@functions_framework.cloud_event
def notify(event: CloudEvent) -> None:
    """Acknowledge by returning, whatever the receiver said: the next attempt is in the store."""
    backend.settings()  # also makes the log structured, before there is anything to log
    message = read_message(event.data)
    if message is not None:
        notify_target(str(message.get("target", "")))
