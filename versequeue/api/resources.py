"""What jobs and batches have in common over HTTP: accepted, looked at, waited for, acted upon."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic

from flask import Request, Response

from versequeue.api.edge import (
    MAX_BODY_BYTES,
    conditional,
    digest,
    json_response,
    prefer_wait_s,
    read_body,
)
from versequeue.api.origin import client_of
from versequeue.contract import paths
from versequeue.errors import StoreUnavailable, Unreadable
from versequeue.rules.batch import BatchNow
from versequeue.rules.job import Job
from versequeue.service.batches import Batches
from versequeue.service.callers import Accepted, CallersSide, Found
from versequeue.service.jobs import Jobs
from versequeue.service.views import batch_view, job_view, present, retry_after_s

#: Fields that change without the resource changing: not part of its ETag.
FLEETING = ("eta_seconds", "eta_at_most_seconds")
#: Seconds after which a poller should look at a batch again.
BATCH_RETRY_AFTER_S = 2


@dataclass(frozen=True)
class Resource(Generic[Found]):
    """The jobs, or the batches, as the wire knows them."""

    #: the path under the results function's address, such as `/v1/jobs`
    path: str
    side: CallersSide[Found]
    view: Callable[[Found], dict[str, Any]]
    #: the same as far as it is known without asking the store
    plain_view: Callable[[Found], dict[str, Any]]
    #: when a poller should come back; None: there is nothing to come back for
    retry_after_s: Callable[[Found], int | None]

    def accepted(self, accepted: Accepted[Found], wait_s: int = 0, client: str = "") -> Response:
        """202 with what was submitted, or 200 if it ended within the `wait_s` of its `client`.

        What is accepted is told so, even where the store fails right after.
        """
        found = accepted.found
        headers = accepted.allowance.headers()
        if accepted.replayed:
            headers["Idempotent-Replayed"] = "true"
        if wait_s:
            with suppress(StoreUnavailable, Unreadable):
                found, waited = self._wait(client, found, wait_s, lambda current: current.done)
                headers |= waited
        headers["Location"] = f"{self.side.settings.results_url}{self.path}/{found.id}"
        try:
            view = self.view(found)
        except (StoreUnavailable, Unreadable):
            view = self.plain_view(found)
        if found.done and wait_s:
            return json_response(view, 200, headers)
        return json_response(view, 202, headers | self._retry_after(found))

    def look(self, request: Request, found_id: str) -> Response:
        """200 with the resource and its ETag, or 304; after the wait that the caller prefers."""
        found = self.side.get(found_id)
        headers: dict[str, str] = {}
        if wait_s := prefer_wait_s(request):
            client = client_of(request, self.side.settings)
            found, headers = self._wait(client, found, wait_s, self._changed(request, found))
        if found.done:
            headers["Cache-Control"] = "private, no-cache"
        else:
            headers |= self._retry_after(found)
        view = self.view(found)
        return conditional(request, json_response(view, 200, headers), _etag(view))

    def act(
        self, action: Callable[[str], Found], status: int, request: Request, found_id: str
    ) -> Response:
        """`status` with the resource as `action` leaves it."""
        read_body(request, MAX_BODY_BYTES)
        return json_response(self.view(action(found_id)), status)

    def _wait(
        self, client: str, found: Found, wait_s: int, changed: Callable[[Found], bool]
    ) -> tuple[Found, dict[str, str]]:
        """What it has become, and the header that says that it was waited for: if a seat is free.

        Whoever finds none is answered at once, as if it had not asked for a wait.
        """
        with self.side.seats.one(client) as seated:
            if not seated:
                return found, {}
            applied = {"Preference-Applied": f"wait={wait_s}"}
            return self.side.wait_for(found, wait_s, changed), applied

    def _changed(self, request: Request, before: Found) -> Callable[[Found], bool]:
        known = request.if_none_match

        def changed(current: Found) -> bool:
            if current.done:
                return True
            if known:
                return not known.contains_weak(_etag(self.view(current)))
            return current != before

        return changed

    def _retry_after(self, found: Found) -> dict[str, str]:
        seconds = self.retry_after_s(found)
        return {} if seconds is None else {"Retry-After": str(seconds)}


def job_resource(jobs: Jobs) -> Resource[Job]:
    """The jobs."""
    return Resource(
        paths.JOBS,
        jobs,
        lambda job: present(jobs, job),
        lambda job: job_view(job, jobs.settings),
        lambda job: retry_after_s(job, jobs.clock()),
    )


def batch_resource(batches: Batches) -> Resource[BatchNow]:
    """The batches."""

    def view(found: BatchNow) -> dict[str, Any]:
        eta_s = found.eta_s(batches.clock())
        return batch_view(found.batch, found.counts, batches.settings, eta_s=eta_s)

    return Resource(
        paths.BATCHES,
        batches,
        view,
        view,
        lambda found: None if found.done else BATCH_RETRY_AFTER_S,
    )


def _etag(view: dict[str, Any]) -> str:
    return digest({key: value for key, value in view.items() if key not in FLEETING})
