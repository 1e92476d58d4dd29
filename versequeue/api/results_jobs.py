"""The handlers of the results function: look at a job, its lyrics, the state of the service."""

from flask import Request, Response

from versequeue.api.edge import Handler, conditional, digest, json_response
from versequeue.api.resources import job_resource
from versequeue.api.results_batches import BatchResultsApi
from versequeue.errors import NotFinished
from versequeue.rules.job import Status
from versequeue.service.batches import Batches
from versequeue.service.jobs import Jobs


class ResultsApi:
    """What the results function can do, by the names of `versequeue.api.routes`."""

    def __init__(self, jobs: Jobs, batches: Batches) -> None:
        self._jobs = jobs
        self._batches = batches

    def handlers(self) -> dict[str, Handler]:
        """One handler for each route of the results function."""
        return {
            "get_job": job_resource(self._jobs).look,
            "get_lyrics": self.get_lyrics,
            "get_status": self.get_status,
            "get_openapi": self.get_openapi,
            "health": self.health,
            **BatchResultsApi(self._batches).handlers(),
        }

    def get_lyrics(self, request: Request, job_id: str) -> Response:
        """The lyrics as text. Raises NotFinished unless the job has succeeded."""
        job = self._jobs.get(job_id)
        if job.status is not Status.SUCCEEDED or job.output is None:
            retry = {} if job.done else {"Retry-After": "1"}
            raise NotFinished(f"The job is {job.status}; there are no lyrics.", headers=retry)
        response = Response(f"{job.output['lyrics']}\n", content_type="text/plain; charset=utf-8")
        response.headers["Cache-Control"] = "private, no-cache"
        return conditional(request, response, digest({"lyrics": job.output["lyrics"]}))

    def get_status(self, _request: Request) -> Response:
        """The worker, the queue, the expected waits."""
        return json_response(self._jobs.status())

    def get_openapi(self, _request: Request) -> Response:
        """The description of all of this."""
        from versequeue.api.openapi import document  # pydantic is needed for nothing else here

        return json_response(document(self._jobs.settings))

    def health(self, _request: Request) -> Response:
        """200 if the store answers. Raises StoreUnavailable."""
        self._jobs.store.get_state("health")
        return json_response({"status": "ok"})
