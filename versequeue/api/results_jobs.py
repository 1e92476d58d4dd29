"""The handlers of the results function: look at a job, its lyrics, the state of the service."""

from typing import Any

from flask import Request, Response

from versequeue.api.edge import Handler, conditional, digest, json_response, prefer_wait_s
from versequeue.api.results_batches import BatchResultsApi
from versequeue.errors import NotFinished
from versequeue.rules.job import Job, Status
from versequeue.service.jobs import Service
from versequeue.service.views import present, retry_after_s

#: Fields that change without the job changing: not part of its ETag.
FLEETING = ("eta_seconds",)


class ResultsApi:
    """What the results function can do, by the names of `versequeue.api.routes`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings

    def handlers(self) -> dict[str, Handler]:
        """One handler for each route of the results function."""
        return {
            "get_job": self.get_job,
            "get_lyrics": self.get_lyrics,
            "get_status": self.get_status,
            "get_openapi": self.get_openapi,
            "health": self.health,
            **BatchResultsApi(self._service).handlers(),
        }

    def get_job(self, request: Request, job_id: str) -> Response:
        """200 with the job and its ETag, or 304."""
        job = self._service.get_job(job_id)
        headers: dict[str, str] = {}
        if wait_s := prefer_wait_s(request):
            job = self._wait(request, job, wait_s)
            headers["Preference-Applied"] = f"wait={wait_s}"
        if job.done:
            headers["Cache-Control"] = "private, no-cache"
        else:
            headers["Retry-After"] = str(retry_after_s(job, self._service.clock()))
        view = present(self._service, job)
        return conditional(request, json_response(view, 200, headers), _etag(view))

    def get_lyrics(self, request: Request, job_id: str) -> Response:
        """The lyrics as text. Raises NotFinished unless the job has succeeded."""
        job = self._service.get_job(job_id)
        if job.status is not Status.SUCCEEDED or job.output is None:
            retry = {} if job.done else {"Retry-After": "1"}
            raise NotFinished(f"The job is {job.status}; there are no lyrics.", headers=retry)
        response = Response(f"{job.output['lyrics']}\n", content_type="text/plain; charset=utf-8")
        response.headers["Cache-Control"] = "private, no-cache"
        return conditional(request, response, digest({"lyrics": job.output["lyrics"]}))

    def get_status(self, _request: Request) -> Response:
        """The worker, the queue, the expected waits."""
        return json_response(self._service.status())

    def get_openapi(self, _request: Request) -> Response:
        """The description of all of this."""
        from versequeue.api.openapi import document  # pydantic is needed for nothing else here

        return json_response(document(self._settings))

    def health(self, _request: Request) -> Response:
        """200 if the store answers. Raises StoreUnavailable."""
        self._service.store.get_state("health")
        return json_response({"status": "ok"})

    def _wait(self, request: Request, job: Job, wait_s: int) -> Job:
        known = request.if_none_match
        before = job

        def changed(current: Job) -> bool:
            if current.done:
                return True
            if known:
                return not known.contains_weak(_etag(present(self._service, current)))
            return current != before

        return self._service.wait_for(job, wait_s, changed)


def _etag(view: dict[str, Any]) -> str:
    return digest({key: value for key, value in view.items() if key not in FLEETING})
