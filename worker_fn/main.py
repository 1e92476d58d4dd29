"""The worker function: one Pub/Sub message in, songs out. The only function with a model."""

import functions_framework
from cloudevents.http import CloudEvent

from worker_fn.function import receive
from worker_fn.lyrics import open_lyrics


@functions_framework.cloud_event
def worker(event: CloudEvent) -> None:
    """Acknowledge by returning; 503 when the message is to be delivered again."""
    receive(event, open_lyrics)
