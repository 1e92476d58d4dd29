"""The notify function: one attempt to deliver one webhook event."""

import functions_framework
from cloudevents.http import CloudEvent

from versequeue.functions import wiring
from versequeue.functions.notify import notify_in_turn
from versequeue.functions.push import read_message


@functions_framework.cloud_event
def notify(event: CloudEvent) -> None:
    """Acknowledge by returning, whatever the receiver said: the next attempt is in the store."""
    wiring.settings()  # also makes the log structured, before there is anything to log
    message = read_message(event.data)
    if message is not None:
        notify_in_turn(str(message.get("target", "")))
