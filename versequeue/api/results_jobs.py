"""The results function's handlers for single jobs and its own state, and the table of all."""

from functools import lru_cache, partial
from typing import Any

from flask import Request, Response

from versequeue.api.edge import Handler, conditional, digest, json_response
from versequeue.api.lists import list_jobs
from versequeue.api.owners import get_metrics, get_overview
from versequeue.api.resources import job_resource
from versequeue.api.results_batches import batch_results_handlers
from versequeue.api.results_words import word_handlers
from versequeue.config import Settings
from versequeue.errors import NotFinished, NotFound
from versequeue.ports.sounds import Sounds
from versequeue.ports.store import Store
from versequeue.rules.job import Status
from versequeue.service.batches import Batches
from versequeue.service.jobs import Jobs
from versequeue.service.reads import Reads
from versequeue.service.views import lyrics_of


def results_handlers(
    jobs: Jobs, batches: Batches, reads: Reads, sounds: Sounds
) -> dict[str, Handler]:
    """What the results function can do, by the names of `versequeue.api.routes`."""
    return {
        "list_jobs": partial(list_jobs, jobs, reads),
        "get_job": job_resource(jobs).look,
        "get_lyrics": partial(get_lyrics, jobs),
        "get_overview": partial(get_overview, jobs),
        "get_metrics": partial(get_metrics, jobs),
        "get_status": lambda _request: json_response(jobs.status()),
        "get_models": lambda _request: json_response(jobs.models()),
        "get_push_key": partial(get_push_key, jobs.settings),
        "get_openapi": partial(get_openapi, jobs.settings),
        "health": partial(health, jobs.store),
        **batch_results_handlers(batches, reads),
        **word_handlers(sounds),
    }


def get_lyrics(jobs: Jobs, request: Request, job_id: str) -> Response:
    """The lyrics as text. Raises NotFinished unless the job has succeeded."""
    job = jobs.get(job_id)
    if job.status is not Status.SUCCEEDED or job.output is None:
        retry = {} if job.done else {"Retry-After": "1"}
        raise NotFinished(f"The job is {job.status}; there are no lyrics.", headers=retry)
    lyrics = lyrics_of(job)
    response = Response(f"{lyrics}\n", content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "private, no-cache"
    return conditional(request, response, digest({"lyrics": lyrics}))


def get_push_key(settings: Settings, _request: Request) -> Response:
    """200 with the key that a browser subscribes with. Raises NotFound where nothing is pushed."""
    if not settings.push_key:
        raise NotFound("This server pushes nothing to browsers.")
    from versequeue.webhooks.push_keys import PushKey  # cryptography is needed for nothing else

    return json_response({"public_key": PushKey.read(settings.push_key).public_key})


def get_openapi(settings: Settings, _request: Request) -> Response:
    """The description of all of this."""
    return json_response(_description(settings))


@lru_cache(1)
def _description(settings: Settings) -> dict[str, Any]:
    # Made once: that takes longer than any other answer here.
    from versequeue.api.openapi import document  # pydantic is needed for nothing else here

    return document(settings)


def health(store: Store, _request: Request) -> Response:
    """200 if the store answers. Raises StoreUnavailable."""
    store.get_state("health")
    return json_response({"status": "ok"})
