"""The submit function's handlers for single jobs, and the table of all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from urllib.parse import parse_qsl

from flask import Request, Response
from werkzeug.datastructures import MultiDict

from versequeue.api.edge import (
    MAX_BODY_BYTES,
    Handler,
    json_response,
    media_type,
    prefer_wait_s,
    read_body,
    single_fields,
)
from versequeue.api.lists import list_jobs
from versequeue.api.resources import job_resource
from versequeue.api.submissions import (
    answered_before,
    count_key,
    count_replay,
    read_submission,
    resolved,
    subscribe,
)
from versequeue.api.submit_batches import batch_submit_handlers
from versequeue.errors import FieldError, UnsupportedMediaType, ValidationFailed
from versequeue.intake.job_body import AnyJobBody, FormJob, JobBody, OwnJobBody
from versequeue.intake.strict_json import decode_prompt, parse_json, pointed
from versequeue.intake.terms_body import FormTerms, taken_terms
from versequeue.intake.validation import validate
from versequeue.service.batches import Batches
from versequeue.service.jobs import Jobs
from versequeue.service.reads import Reads

JOB_TYPES = ("application/json", "application/x-www-form-urlencoded", "text/plain")
ACCEPT = {"Accept": ", ".join(JOB_TYPES)}


def submit_handlers(jobs: Jobs, batches: Batches, reads: Reads) -> dict[str, Handler]:
    """What the submit function can do, by the names of `versequeue.api.routes`."""
    resource = job_resource(jobs)
    return {
        "submit_job": partial(submit_job, jobs, reads),
        "list_jobs": partial(list_jobs, jobs, reads),
        "cancel_job": partial(resource.act, jobs.cancel, 200),
        "push_job": partial(subscribe, resource),
        "redeliver": partial(resource.act, jobs.redeliver, 202),
        "warm_up": partial(warm_up, jobs),
        **batch_submit_handlers(batches, reads),
    }


def submit_job(jobs: Jobs, reads: Reads, request: Request) -> Response:
    """202 with the job, or 200 if it ended within the wait that the caller prefers."""
    _refuse_query(request)
    raw = read_body(request, MAX_BODY_BYTES)
    model: type[AnyJobBody] = OwnJobBody if jobs.settings.own_options else JobBody
    content = f"{media_type(request)}\n".encode() + raw
    try:
        body = read_job(request, raw, model, jobs.settings.model_names)
        terms = body.terms(jobs.clock(), jobs.settings.deadline_s)
    except ValidationFailed:
        if answer := answered_before(job_resource(jobs), reads, "get_job", request, content):
            return answer
        raise
    options = resolved(body, jobs.settings)
    submission = read_submission(request, jobs.settings, body, content, terms)
    count_key(reads, submission)
    asked = replace(submission, own_options=body.own())
    accepted = jobs.submit(body.prompt, options, asked, body.given_lines())
    count_replay(reads, submission, accepted, "get_job")
    return job_resource(jobs).accepted(accepted, prefer_wait_s(request), submission.client)


def warm_up(jobs: Jobs, request: Request) -> Response:
    """202 with the status; a message goes out only if none is on its way."""
    read_body(request, MAX_BODY_BYTES)
    jobs.warm_up()
    return json_response(jobs.status(), 202)


def read_job(
    request: Request, raw: bytes, model: type[AnyJobBody], served: Sequence[str]
) -> AnyJobBody:
    """The validated body of a submit request. Raises the 4xx that fits what is wrong with it."""
    kind = media_type(request)
    # What `curl -d` says of a body unless it is told otherwise.
    if kind in ("", "application/x-www-form-urlencoded") and raw.lstrip().startswith(b"{"):
        raise UnsupportedMediaType(
            "This looks like JSON: add the header Content-Type: application/json.", headers=ACCEPT
        )
    if kind == "application/json":
        return validate(model, parse_json(raw), served)
    if kind == "text/plain":
        return validate(model, {"prompt": decode_prompt(raw)})
    if kind == "application/x-www-form-urlencoded":
        fields = form_fields(raw)
        if model is JobBody:
            return validate(FormJob, fields, served).as_body()
        options = {name: text for name, text in fields.items() if name != "prompt"}
        terms = validate(FormTerms, taken_terms(options)).model_dump(exclude_unset=True)
        return validate(model, {"prompt": fields.get("prompt"), "options": options, **terms})
    raise UnsupportedMediaType(
        f"A job is taken as {', '.join(JOB_TYPES)}, not as {kind or 'nothing named'}.",
        headers=ACCEPT,
    )


def _refuse_query(request: Request) -> None:
    """Options stand in the query of a file of prompts; here they would be lost in silence."""
    if request.args:
        said = "This is not known here; all of a song stands in the body."
        faults = [FieldError(f"/query/{pointed(name)}", said) for name in request.args]
        raise ValidationFailed("The query holds something.", errors=faults)


def form_fields(raw: bytes) -> Mapping[str, str]:
    """The fields of an HTML form; an option left empty counts as left out."""
    pairs = parse_qsl(decode_prompt(raw), keep_blank_values=True, errors="surrogateescape")
    fields = single_fields(MultiDict(pairs), "")
    return {key: value for key, value in fields.items() if value or key == "prompt"}
