"""Every route of the public contract, and which function serves it."""

from dataclasses import dataclass

from versequeue.contract import paths


@dataclass(frozen=True)
class Route:
    """`name` is the handler's name in the function's table and the operation's in openapi.json."""

    method: str
    path: str
    function: str
    name: str
    summary: str


ROUTES = (
    Route("POST", paths.JOBS, "submit", "submit_job", "Ask for a song"),
    Route("POST", paths.CANCEL_JOB, "submit", "cancel_job", "Cancel a job"),
    Route(
        "POST",
        paths.REDELIVER,
        "submit",
        "redeliver",
        "Send the job's last webhook event again",
    ),
    Route("POST", paths.BATCHES, "submit", "submit_batch", "Ask for a song for each row of a file"),
    Route("POST", paths.CANCEL_BATCH, "submit", "cancel_batch", "Cancel what is left"),
    Route(
        "POST",
        paths.RETRY_FAILED,
        "submit",
        "retry_failed",
        "Queue the failed rows of a batch again",
    ),
    Route("POST", paths.WARM_UP, "submit", "warm_up", "Wake the worker up"),
    Route("GET", paths.JOB, "results", "get_job", "Look at a job"),
    Route("GET", paths.LYRICS, "results", "get_lyrics", "The lyrics as plain text"),
    Route("GET", paths.BATCH, "results", "get_batch", "Look at a batch"),
    Route("GET", paths.RESULTS, "results", "get_results", "A row for each prompt"),
    Route("GET", paths.STATUS, "results", "get_status", "The worker, the queue, the waits"),
    Route("GET", "/v1/openapi.json", "results", "get_openapi", "This description"),
    Route("GET", "/healthz", "results", "health", "Whether the store can be reached"),
)
