"""The handlers of the submit function: from a request's body to a job, a batch, a cancel."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from flask import Request, Response
from werkzeug.datastructures import MultiDict

from versequeue.api.bodies import FormJob, JobBody, validate
from versequeue.api.edge import (
    Handler,
    caller_identity,
    decode_text,
    idempotency_key,
    json_response,
    media_type,
    parse_json,
    prefer_wait_s,
    read_body,
)
from versequeue.api.submit_batches import BatchSubmitApi
from versequeue.clock import random_seed
from versequeue.errors import UnsupportedMediaType
from versequeue.rules.webhook import Webhook
from versequeue.service.idempotency import client_hash
from versequeue.service.jobs import Accepted, Service, Submission
from versequeue.service.redelivery import request_redelivery
from versequeue.service.views import present, retry_after_s
from versequeue.webhooks.addresses import subscription

MAX_JOB_BYTES = 64 * 1024
JOB_TYPES = ("application/json", "application/x-www-form-urlencoded", "text/plain")


class SubmitApi:
    """What the submit function can do, by the names of `versequeue.api.routes`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings

    def handlers(self) -> dict[str, Handler]:
        """One handler for each route of the submit function."""
        return {
            "submit_job": self.submit_job,
            "cancel_job": self.cancel_job,
            "redeliver": self.redeliver,
            "warm_up": self.warm_up,
            **BatchSubmitApi(self._service).handlers(),
        }

    def submit_job(self, request: Request) -> Response:
        """202 with the job, or 200 if it ended within the wait that the caller prefers."""
        raw = read_body(request, MAX_JOB_BYTES)
        body = read_job(request, raw)
        accepted = self._service.submit(
            Submission(
                prompt=body.prompt,
                options=body.options.resolved(random_seed()),
                client=self.client(request),
                metadata=body.metadata,
                webhook=self._webhook(body),
                key=idempotency_key(request),
                body=f"{media_type(request)}\n".encode() + raw,
            )
        )
        return self._accepted(request, accepted)

    def cancel_job(self, request: Request, job_id: str) -> Response:
        """200 with the job as it is then."""
        read_body(request, MAX_JOB_BYTES)
        return json_response(present(self._service, self._service.cancel(job_id)))

    def redeliver(self, request: Request, job_id: str) -> Response:
        """202 with the job, whose last webhook event is due again."""
        read_body(request, MAX_JOB_BYTES)
        service = self._service
        service.get_job(job_id)
        request_redelivery(service.store, service.queue, job_id, service.clock())
        return json_response(present(service, service.get_job(job_id)), 202)

    def warm_up(self, request: Request) -> Response:
        """202 with the status; a message goes out only if none is on its way."""
        read_body(request, MAX_JOB_BYTES)
        self._service.warm_up()
        return json_response(self._service.status(), 202)

    def client(self, request: Request) -> str:
        """The keyed hash that stands for this caller."""
        return client_hash(self._settings.hash_key, caller_identity(request, self._settings))

    def _webhook(self, body: JobBody) -> Webhook | None:
        if body.webhook is None:
            return None
        return subscription(
            body.webhook.url,
            body.webhook.events,
            allow_private=self._settings.webhook_allow_private,
        )

    def _accepted(self, request: Request, accepted: Accepted) -> Response:
        job = accepted.job
        headers = accepted.allowance.headers()
        if accepted.replayed:
            headers["Idempotent-Replayed"] = "true"
        if wait_s := prefer_wait_s(request):
            job = self._service.wait_for(job, wait_s, lambda current: current.done)
            headers["Preference-Applied"] = f"wait={wait_s}"
        headers["Location"] = f"{self._settings.results_url}/v1/jobs/{job.id}"
        if job.done and wait_s:
            return json_response(present(self._service, job), 200, headers)
        headers["Retry-After"] = str(retry_after_s(job, self._service.clock()))
        return json_response(present(self._service, job), 202, headers)


def read_job(request: Request, raw: bytes) -> JobBody:
    """The validated body of a submit request. Raises the 4xx that fits what is wrong with it."""
    kind = media_type(request)
    if kind == "application/json":
        body: JobBody = validate(JobBody, parse_json(raw))
        return body
    if kind == "text/plain":
        plain: JobBody = validate(JobBody, {"prompt": decode_text(raw, "/prompt")})
        return plain
    if kind == "application/x-www-form-urlencoded":
        form: FormJob = validate(FormJob, form_fields(raw))
        return form.as_body()
    raise UnsupportedMediaType(
        f"A job is taken as {', '.join(JOB_TYPES)}, not as {kind or 'nothing named'}.",
        headers={"Accept": ", ".join(JOB_TYPES)},
    )


def form_fields(raw: bytes) -> Mapping[str, str]:
    """The fields of an HTML form; an option left empty counts as left out."""
    text = decode_text(raw, "/prompt")
    pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape")
    fields: MultiDict[str, str] = MultiDict(pairs)
    return {key: value for key, value in fields.items() if value or key in ("prompt",)}
