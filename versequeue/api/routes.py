"""Every route of the public contract, and which function serves it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Route:
    """`name` is the handler's name in the function's table and the operation's in openapi.json."""

    method: str
    path: str
    function: str
    name: str
    summary: str


ROUTES = (
    Route("POST", "/v1/jobs", "submit", "submit_job", "Ask for a song"),
    Route("POST", "/v1/jobs/<job_id>/cancel", "submit", "cancel_job", "Cancel a job"),
    Route(
        "POST",
        "/v1/jobs/<job_id>/redeliver",
        "submit",
        "redeliver",
        "Send the job's last webhook event again",
    ),
    Route("POST", "/v1/batches", "submit", "submit_batch", "Ask for a song for each row of a file"),
    Route("POST", "/v1/batches/<batch_id>/cancel", "submit", "cancel_batch", "Cancel what is left"),
    Route(
        "POST",
        "/v1/batches/<batch_id>/retry-failed",
        "submit",
        "retry_failed",
        "Queue the failed rows of a batch again",
    ),
    Route("POST", "/v1/warmup", "submit", "warm_up", "Wake the worker up"),
    Route("GET", "/v1/jobs/<job_id>", "results", "get_job", "Look at a job"),
    Route("GET", "/v1/jobs/<job_id>/lyrics", "results", "get_lyrics", "The lyrics as plain text"),
    Route("GET", "/v1/batches/<batch_id>", "results", "get_batch", "Look at a batch"),
    Route(
        "GET", "/v1/batches/<batch_id>/results", "results", "get_results", "A row for each prompt"
    ),
    Route("GET", "/v1/status", "results", "get_status", "The worker, the queue, the waits"),
    Route("GET", "/v1/openapi.json", "results", "get_openapi", "This description"),
    Route("GET", "/healthz", "results", "health", "Whether the store can be reached"),
)
