"""The submit function's handlers for batches. The file is the body: all else is form or query."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from typing import Any

from flask import Request, Response

from versequeue.api.edge import (
    MAX_BODY_BYTES,
    Handler,
    json_response,
    media_type,
    read_body,
    single_fields,
)
from versequeue.api.origin import client_of
from versequeue.api.resources import batch_resource
from versequeue.api.submissions import (
    answered_before,
    count_key,
    count_replay,
    read_submission,
    resolved,
    subscribe,
)
from versequeue.config import Settings
from versequeue.contract.views import CheckedRow, FileCheck
from versequeue.contract.wire import to_wire
from versequeue.errors import BatchInvalid, FieldError, StoreUnavailable, ValidationFailed
from versequeue.intake.job_body import BatchFields
from versequeue.intake.options_body import FormOptions, OptionsBody
from versequeue.intake.prompt_files import (
    FORM_TYPE,
    FileFormat,
    ReadOptions,
    check,
    format_of,
    parse,
)
from versequeue.intake.strict_json import strict_json
from versequeue.intake.terms_body import (
    FormTerms,
    ReadTerms,
    TermsBody,
    taken_terms,
    terms_reader,
)
from versequeue.intake.validation import FAULTY, validate
from versequeue.rules.batch import MAX_FILE_BYTES, BatchNow, Row
from versequeue.rules.job import Status
from versequeue.rules.options import ResolvedOptions
from versequeue.service.batches import Batches, Estimate
from versequeue.service.reads import Reads

#: A form holds the file, the names of its fields and the lines between them.
MAX_FORM_BYTES = MAX_FILE_BYTES + MAX_BODY_BYTES
#: Options that are looked at in one row: of more, each that is not known would be a fault to name.
MOST_OPTIONS = 50
#: Rows of a good file that its check shows.
FIRST_ROWS = 3


def batch_submit_handlers(batches: Batches, reads: Reads) -> dict[str, Handler]:
    """What the submit function can do with batches."""
    on_rows = partial(act_on_rows, batches, reads)
    return {
        "submit_batch": partial(submit_batch, batches, reads),
        "check_file": partial(check_file, batches),
        "cancel_batch": partial(on_rows, batches.cancel, 200, _has_an_end),
        "push_batch": partial(subscribe, batch_resource(batches)),
        "retry_failed": partial(on_rows, batches.retry_failed, 202, _has_no_failed_row),
    }


def check_file(batches: Batches, request: Request) -> Response:
    """200 with what is wrong with the file, or what it will cost and take. Stores nothing."""
    data, file_format, fields = read_upload(request)
    asked = {name: value for name, value in fields.items() if value}
    # What would refuse it whatever its rows are is told here, too.
    read_submission(request, batches.settings, _about(asked), b"")
    checked = check(data, file_format, *_readers(asked, file_format, batches))
    good = [] if checked.fault_count else checked.rows
    estimate = _estimate(batches, good)
    view = FileCheck(
        rows=checked.row_count,
        fault_count=checked.fault_count,
        detail=checked.verdict,
        errors=checked.errors,
        cost_usd=estimate.usd if estimate else None,
        ready_by=estimate.ready_by if estimate else None,
        first=tuple(CheckedRow(row.line, row.custom_id, row.prompt) for row in good[:FIRST_ROWS]),
    )
    return json_response(to_wire(view))


def _estimate(batches: Batches, rows: Sequence[Row]) -> Estimate | None:
    if not rows:
        return None
    try:
        return batches.estimate(rows)
    except StoreUnavailable:  # what is wrong with a file can be told without the store
        return None


def act_on_rows(
    batches: Batches,
    reads: Reads,
    action: Callable[[str], BatchNow],
    status: int,
    is_idle: Callable[[BatchNow], bool],
    request: Request,
    batch_id: str,
) -> Response:
    """`status` with the batch as `action` leaves it, which reads every row unless `is_idle`."""
    found = batches.get(batch_id)
    if not is_idle(found):
        reads.take(client_of(request, batches.settings), found.batch.total)
    return batch_resource(batches).act(action, status, request, batch_id)


def _has_an_end(found: BatchNow) -> bool:
    return found.batch.finished_at is not None


def _has_no_failed_row(found: BatchNow) -> bool:
    return not found.counts[Status.FAILED]


def submit_batch(batches: Batches, reads: Reads, request: Request) -> Response:
    """202 with the batch, once every row of the file has been found to be good."""
    data, file_format, fields = read_upload(request)
    asked = {name: value for name, value in fields.items() if value}
    content = f"{file_format}\n{json.dumps(fields, sort_keys=True)}\n".encode() + data
    try:
        about = _about(asked)
        rows = parse(data, file_format, *_readers(asked, file_format, batches))
    except (ValidationFailed, BatchInvalid):
        resource = batch_resource(batches)
        if answer := answered_before(resource, reads, "get_batch", request, content):
            return answer
        raise
    submission = read_submission(request, batches.settings, about, content)
    count_key(reads, submission)
    accepted = batches.submit(rows, submission)
    count_replay(reads, submission, accepted, "get_batch")
    return batch_resource(batches).accepted(accepted)


def _about(asked: dict[str, str]) -> BatchFields:
    # Takes what is not an option out of `asked`.
    given: dict[str, Any] = {}
    for name in ("metadata", "push"):
        if text := asked.pop(name, ""):
            given[name] = _object_in(name, text)
    url, events = asked.pop("webhook_url", ""), asked.pop("webhook_events", "")
    if url or events:
        names = [name.strip() for name in events.split(",") if name.strip()]
        given["webhook"] = {"url": url, "events": names}
    return validate(BatchFields, given)


def read_upload(request: Request) -> tuple[bytes, FileFormat, dict[str, str]]:
    """The file, its format and the fields beside it. Raises the 4xx that fits what is wrong."""
    kind = media_type(request)
    fields = single_fields(request.args, "/query")
    if "push" in fields:
        fault = FieldError("/push", "This is secret: send it in a form, not in the address.")
        raise ValidationFailed(FAULTY, errors=[fault])
    if kind != FORM_TYPE:
        return read_body(request, MAX_FILE_BYTES), format_of(kind), fields
    request.max_content_length = MAX_FORM_BYTES
    request.max_form_parts = 100
    with closing(request):  # a large part lies in a temporary file
        uploads = request.files.getlist("file")
        if not uploads:
            fault = FieldError("/file", "This field is required, as a file with a name.")
            raise ValidationFailed("There is no file in the form.", errors=[fault])
        if len(uploads) > 1:  # one would be written and the others lost in silence
            fault = FieldError("/file", "This is there twice; send a batch for each file.")
            raise ValidationFailed(FAULTY, errors=[fault])
        [upload] = uploads
        file_format = format_of(upload.mimetype or "", upload.filename or "")
        return upload.read(), file_format, fields | single_fields(request.form, "")


def _readers(
    asked: dict[str, str], file_format: FileFormat, batches: Batches
) -> tuple[ReadOptions, ReadTerms]:
    # What is said of all rows, options and terms, is at fault before any of them is looked at.
    model = TermsBody if file_format is FileFormat.JSONL else FormTerms
    now, settings = batches.clock(), batches.settings
    read_terms = terms_reader(taken_terms(asked), model, now, settings.deadline_s)
    return options_reader(asked, file_format, settings), read_terms


def options_reader(
    asked: Mapping[str, str], file_format: FileFormat, settings: Settings
) -> ReadOptions:
    """From a row's options to all of its options. Raises ValidationFailed for those of all rows."""
    served = settings.model_names
    given = validate(FormOptions, dict(asked), served).model_dump(exclude_unset=True)
    model = OptionsBody if file_format is FileFormat.JSONL else FormOptions

    def read(options: Mapping[str, Any]) -> ResolvedOptions:
        if len(options) > MOST_OPTIONS:
            raise ValidationFailed(f"A row has at most {MOST_OPTIONS} options, not {len(options)}.")
        return resolved(validate(model, {**given, **options}, served), settings)

    return read


def _object_in(name: str, text: str) -> Any:
    try:
        return strict_json(text)
    except ValueError as error:
        fault = FieldError(f"/{name}", "This is to be a JSON object.")
        raise ValidationFailed("A field of the request is not JSON.", errors=[fault]) from error
