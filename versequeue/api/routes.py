"""Every route of the public contract, and which function serves it."""

from dataclasses import dataclass

from versequeue.contract import paths
from versequeue.planning.store_calls import READS_TO_SCRAPE


@dataclass(frozen=True)
class Route:
    """`name` is the handler's name in the function's table and the operation's in openapi.json.

    `reads` documents of the store are read for a request at least, and `look` more for each second
    of its `Prefer: wait`; where that is 0, it is not heard.
    """

    method: str
    path: str
    name: str
    summary: str
    reads: int = 0
    look: int = 0
    #: by both functions: a host that sends requests on by their path alone sends it to either
    by_both: bool = False

    @property
    def function(self) -> str:
        """Which function serves it: what changes something is submitted, the rest are results."""
        return "submit" if self.method == "POST" else "results"


# A job is read with its place in the queue, a batch with its counts, and what is changed once more.
ROUTES = (
    Route("POST", paths.JOBS, "submit_job", "Ask for a song", look=2),
    Route("GET", paths.JOBS, "list_jobs", "The jobs of an API key", by_both=True),
    Route("POST", paths.CANCEL_JOB, "cancel_job", "Cancel a job", reads=4),
    Route("POST", paths.REDELIVER, "redeliver", "Send the job's last webhook event again", reads=4),
    Route("POST", paths.PUSH_JOB, "push_job", "Have a browser told of the job's end", reads=4),
    Route("POST", paths.BATCHES, "submit_batch", "Ask for a song for each row of a file"),
    Route("POST", paths.CHECK_FILE, "check_file", "Check a file; queues nothing", reads=18),
    Route("POST", paths.CANCEL_BATCH, "cancel_batch", "Cancel what is left", reads=16),
    Route(
        "POST",
        paths.RETRY_FAILED,
        "retry_failed",
        "Queue the failed rows of a batch again",
        reads=16,
    ),
    Route("POST", paths.PUSH_BATCH, "push_batch", "Have a browser told of the end", reads=16),
    Route("POST", paths.WARM_UP, "warm_up", "Wake the worker up", reads=2),
    Route("GET", paths.JOB, "get_job", "Look at a job", reads=2, look=2),
    Route("GET", paths.LYRICS, "get_lyrics", "The lyrics as plain text", reads=1),
    Route("GET", paths.BATCH, "get_batch", "Look at a batch", reads=8, look=8),
    Route("GET", paths.RESULTS, "get_results", "A row for each prompt", reads=8),
    Route("GET", paths.STATUS, "get_status", "The worker, the queue, the waits", reads=2),
    Route("GET", paths.MODELS, "get_models", "The models of this server", reads=1),
    Route("GET", paths.RHYMES, "get_rhymes", "The words that rhyme with a word"),
    Route("GET", paths.METER, "get_meter", "The syllables and stresses of lines"),
    Route("GET", paths.PUSH_KEY, "get_push_key", "What a browser subscribes with"),
    Route("GET", paths.OPENAPI, "get_openapi", "This description"),
    Route("GET", paths.OVERVIEW, "get_overview", "The whole service, for its owner", reads=25),
    Route("GET", paths.METRICS, "get_metrics", "Figures for Prometheus", reads=READS_TO_SCRAPE),
    Route("GET", "/healthz", "health", "Whether the store can be reached"),
)
