"""The worker function: one Pub/Sub message in, songs out. The only function with a model."""

from functools import cache

import functions_framework
from cloudevents.http import CloudEvent

from worker_fn.function import receive, studio_of
from worker_fn.lyrics import open_lyrics
from worker_fn.studio import Studio


@cache
def _studio() -> Studio:
    return studio_of(open_lyrics)


@functions_framework.cloud_event
def worker(event: CloudEvent) -> None:
    """Acknowledge by returning; 503 when the message is to be delivered again."""
    receive(event, _studio)
