"""Paths of the public contract; `path_of` puts an id, or a word, where `<…>` stands."""

import re
from urllib.parse import quote

JOBS = "/v1/jobs"
JOB = f"{JOBS}/<job_id>"
CANCEL_JOB = f"{JOB}/cancel"
PUSH_JOB = f"{JOB}/push"
REDELIVER = f"{JOB}/redeliver"
LYRICS = f"{JOB}/lyrics"
BATCHES = "/v1/batches"
CHECK_FILE = "/v1/file-checks"
BATCH = f"{BATCHES}/<batch_id>"
CANCEL_BATCH = f"{BATCH}/cancel"
PUSH_BATCH = f"{BATCH}/push"
RETRY_FAILED = f"{BATCH}/retry-failed"
RESULTS = f"{BATCH}/results"
PUSH_KEY = "/v1/push-key"
OVERVIEW = "/v1/overview"
METRICS = "/metrics"
STATUS = "/v1/status"
MODELS = "/v1/models"
RHYMES = "/v1/rhymes/<word>"
METER = "/v1/meter"
WARM_UP = "/v1/warmup"
OPENAPI = "/v1/openapi.json"


def path_of(path: str, found_id: str) -> str:
    """`path` with `found_id` where it stands for an id or a word."""
    return re.sub(r"<\w+>", lambda _: quote(found_id, safe=""), path)
