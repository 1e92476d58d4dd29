"""The results function's handlers for single jobs and its own state, and the table of all of them.

What each has the store read is counted before that.
"""

from functools import partial

from flask import Request, Response

from versequeue.api.edge import Handler, conditional, digest, json_response, prefer_wait_s
from versequeue.api.origin import client_of
from versequeue.api.resources import job_resource
from versequeue.api.results_batches import batch_results_handlers
from versequeue.config import Settings
from versequeue.errors import NotFinished
from versequeue.ports.store import Store
from versequeue.rules.job import Status
from versequeue.service.batches import Batches
from versequeue.service.jobs import Jobs
from versequeue.service.reads import Reads

#: Documents that one look reads: a job and its place in the queue; a batch and its counts.
LOOK_READS = {"get_job": 2, "get_lyrics": 1, "get_status": 2, "get_batch": 8, "get_results": 8}
#: What `Prefer: wait` makes wait; elsewhere it is not heard.
WAITING_LOOKS = ("get_job", "get_batch")


def results_handlers(jobs: Jobs, batches: Batches) -> dict[str, Handler]:
    """What the results function can do, by the names of `versequeue.api.routes`."""
    reads = Reads(jobs.settings.reads_per_minute)
    handlers: dict[str, Handler] = {
        "get_job": job_resource(jobs).look,
        "get_lyrics": partial(get_lyrics, jobs),
        "get_status": lambda _request: json_response(jobs.status()),
        "get_openapi": partial(get_openapi, jobs.settings),
        "health": partial(health, jobs.store),
        **batch_results_handlers(batches, reads),
    }
    for name in LOOK_READS:
        handlers[name] = _counted(reads, jobs.settings, name, handlers[name])
    return handlers


def _counted(reads: Reads, settings: Settings, name: str, handler: Handler) -> Handler:
    def counted(request: Request, *arguments: str) -> Response:
        # Whoever waits has it read again each second.
        looks = 1 + prefer_wait_s(request) if name in WAITING_LOOKS else 1
        reads.take(client_of(request, settings), LOOK_READS[name] * looks)
        return handler(request, *arguments)

    return counted


def get_lyrics(jobs: Jobs, request: Request, job_id: str) -> Response:
    """The lyrics as text. Raises NotFinished unless the job has succeeded."""
    job = jobs.get(job_id)
    if job.status is not Status.SUCCEEDED or job.output is None:
        retry = {} if job.done else {"Retry-After": "1"}
        raise NotFinished(f"The job is {job.status}; there are no lyrics.", headers=retry)
    response = Response(f"{job.output['lyrics']}\n", content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "private, no-cache"
    return conditional(request, response, digest({"lyrics": job.output["lyrics"]}))


def get_openapi(settings: Settings, _request: Request) -> Response:
    """The description of all of this."""
    from versequeue.api.openapi import document  # pydantic is needed for nothing else here

    return json_response(document(settings))


def health(store: Store, _request: Request) -> Response:
    """200 if the store answers. Raises StoreUnavailable."""
    store.get_state("health")
    return json_response({"status": "ok"})
