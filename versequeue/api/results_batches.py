"""The results function's handlers for batches: how far one is, and its rows as a file."""

from collections.abc import Iterator
from functools import partial
from itertools import chain

from flask import Request, Response

from versequeue.api.edge import Handler
from versequeue.api.resources import batch_resource
from versequeue.api.result_files import FORMATS
from versequeue.errors import FieldError, ValidationFailed
from versequeue.service.batches import Batches

#: Pieces of a file are put together to about this size before they are sent.
CHUNK_BYTES = 16 * 1024


def batch_results_handlers(batches: Batches) -> dict[str, Handler]:
    """What the results function can do with batches."""
    return {
        "get_batch": batch_resource(batches).look,
        "get_results": partial(get_results, batches),
    }


def get_results(batches: Batches, request: Request, batch_id: str) -> Response:
    """200 with one row per input row, streamed, whether they have ended or not."""
    name = request.args.get("format", "jsonl")
    if name not in FORMATS:
        fault = FieldError("/query/format", f"This is one of {', '.join(FORMATS)}.")
        raise ValidationFailed("There is no such format.", errors=[fault])
    batch = batches.get(batch_id).batch
    content_type, write = FORMATS[name]
    chunks = _chunks(write(batches.rows(batch_id)))
    # The first piece is fetched now, so that a store that is away is a 503 and no empty file.
    response = Response(chain([next(chunks, b"")], chunks), content_type=content_type)
    file_name = f"{batch.id}.{name}"
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


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
