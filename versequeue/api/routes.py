"""Every route of the public contract, and which function serves it."""

from dataclasses import dataclass

from versequeue.contract import paths


@dataclass(frozen=True)
class Route:
    """`name` is the handler's name in the function's table and the operation's in openapi.json."""

    method: str
    path: str
    name: str
    summary: str

    @property
    def function(self) -> str:
        """Which function serves it: what changes something is submitted, the rest are results."""
        return "submit" if self.method == "POST" else "results"


ROUTES = (
    Route("POST", paths.JOBS, "submit_job", "Ask for a song"),
    Route("POST", paths.CANCEL_JOB, "cancel_job", "Cancel a job"),
    Route("POST", paths.REDELIVER, "redeliver", "Send the job's last webhook event again"),
    Route("POST", paths.BATCHES, "submit_batch", "Ask for a song for each row of a file"),
    Route("POST", paths.CHECK_FILE, "check_file", "What is wrong with a file; queues nothing"),
    Route("POST", paths.CANCEL_BATCH, "cancel_batch", "Cancel what is left"),
    Route("POST", paths.RETRY_FAILED, "retry_failed", "Queue the failed rows of a batch again"),
    Route("POST", paths.WARM_UP, "warm_up", "Wake the worker up"),
    Route("GET", paths.JOB, "get_job", "Look at a job"),
    Route("GET", paths.LYRICS, "get_lyrics", "The lyrics as plain text"),
    Route("GET", paths.BATCH, "get_batch", "Look at a batch"),
    Route("GET", paths.RESULTS, "get_results", "A row for each prompt"),
    Route("GET", paths.STATUS, "get_status", "The worker, the queue, the waits"),
    Route("GET", "/v1/openapi.json", "get_openapi", "This description"),
    Route("GET", "/healthz", "health", "Whether the store can be reached"),
)
