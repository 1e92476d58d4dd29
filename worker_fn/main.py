"""The worker function: one Pub/Sub message in, songs out. The only function with a model."""

from pathlib import Path

import functions_framework
from cloudevents.http import CloudEvent

from versequeue.functions import wiring
from worker_fn.function import receive
from worker_fn.lyrics import LyricsModel, open_lyrics


@functions_framework.cloud_event
def worker(event: CloudEvent) -> None:
    """Acknowledge by returning; 503 when the message is to be delivered again."""
    receive(event, open_model)


def open_model(folder: Path) -> LyricsModel:
    """The bundle in `folder`, on as many threads as this process is given. Raises as it does."""
    return open_lyrics(folder, wiring.settings().model_threads)
