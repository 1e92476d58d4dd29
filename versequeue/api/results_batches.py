"""The results function's handlers for batches: how far one is, and its rows as a file."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from flask import Request, Response

from versequeue.api.edge import Handler, conditional, digest, json_response, prefer_wait_s
from versequeue.api.result_files import FORMATS
from versequeue.errors import FieldError, ValidationFailed
from versequeue.service.batches import BatchNow, BatchService
from versequeue.service.jobs import Service
from versequeue.service.views import batch_view

RETRY_AFTER_S = 2
#: Pieces of a file are put together to about this size before they are sent.
CHUNK_BYTES = 16 * 1024


class BatchResultsApi:
    """What the results function can do with batches, by the names of `versequeue.api.routes`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings
        self._batches = BatchService(service)

    def handlers(self) -> dict[str, Handler]:
        """One handler for each route."""
        return {"get_batch": self.get_batch, "get_results": self.get_results}

    def get_batch(self, request: Request, batch_id: str) -> Response:
        """200 with the batch and its ETag, or 304."""
        found = self._batches.get(batch_id)
        headers: dict[str, str] = {}
        if wait_s := prefer_wait_s(request):
            found = self._batches.wait_for(found, wait_s, self._changed(request, found))
            headers["Preference-Applied"] = f"wait={wait_s}"
        if found.done:
            headers["Cache-Control"] = "private, no-cache"
        else:
            headers["Retry-After"] = str(RETRY_AFTER_S)
        response = json_response(self._view(found), 200, headers)
        return conditional(request, response, self._etag(found))

    def get_results(self, request: Request, batch_id: str) -> Response:
        """200 with one row per input row, streamed, whether they have ended or not."""
        name = request.args.get("format", "jsonl")
        if name not in FORMATS:
            fault = FieldError("/query/format", f"This is one of {', '.join(FORMATS)}.")
            raise ValidationFailed("There is no such format.", errors=[fault])
        batch = self._batches.get(batch_id).batch
        content_type, write = FORMATS[name]
        chunks = _chunks(write(self._batches.rows(batch_id)))
        # The first piece is fetched now, so that a store that is away is a 503 and no empty file.
        response = Response(chain([next(chunks, b"")], chunks), content_type=content_type)
        file_name = f"{batch.id}.{name}"
        response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
        return response

    def _changed(self, request: Request, before: BatchNow) -> Callable[[BatchNow], bool]:
        known = request.if_none_match

        def changed(current: BatchNow) -> bool:
            if current.done:
                return True
            if known:
                return not known.contains_weak(self._etag(current))
            return current != before

        return changed

    def _etag(self, found: BatchNow) -> str:
        # Without the time left, which changes without the batch changing.
        return digest(batch_view(found.batch, found.counts, self._settings))

    def _view(self, found: BatchNow) -> dict[str, Any]:
        eta_s = found.eta_s(self._service.clock())
        return batch_view(found.batch, found.counts, self._settings, eta_s=eta_s)


def _chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= CHUNK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
