"""The results function's handlers for batches: how far one is, and its rows as a file."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import chain
from urllib.parse import quote

from flask import Request, Response

from versequeue.api.edge import Handler, conditional, digest
from versequeue.api.origin import client_of
from versequeue.api.resources import batch_resource
from versequeue.api.result_files import FORMATS
from versequeue.errors import FieldError, ValidationFailed
from versequeue.records import format_time
from versequeue.service.batches import Batches
from versequeue.service.reads import Reads

#: Pieces of a file are put together to about this size before they are sent.
CHUNK_BYTES = 16 * 1024
#: Files of batches that have ended are kept up to this size together.
MOST_KEPT_BYTES = 16 * 1024 * 1024
#: Rows that ended so shortly before an answer are in the next one, too.
OVERLAP_S = 10


class KeptFiles:
    """Files of results that cannot change any more, as many of the latest as there is room for."""

    def __init__(self, most_bytes: int = MOST_KEPT_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._files: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def get(self, name: str) -> bytes | None:
        """The file; None if it was not kept."""
        with self._lock:
            if name in self._files:
                self._files.move_to_end(name)
            return self._files.get(name)

    def keep(self, name: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """The same pieces; once all of them have gone through, the file is kept."""
        held: list[bytes] = []
        size = 0
        for piece in pieces:
            size += len(piece)
            if size <= self._most_bytes:
                held.append(piece)
            else:
                held.clear()
            yield piece
        if size <= self._most_bytes:
            self._put(name, b"".join(held))

    def _put(self, name: str, file: bytes) -> None:
        with self._lock:
            self._size += len(file) - len(self._files.pop(name, b""))
            self._files[name] = file
            while self._size > self._most_bytes:
                self._size -= len(self._files.popitem(last=False)[1])


def batch_results_handlers(batches: Batches, reads: Reads) -> dict[str, Handler]:
    """What the results function can do with batches."""
    return {
        "get_batch": batch_resource(batches).look,
        "get_results": partial(get_results, batches, reads, KeptFiles()),
    }


def get_results(
    batches: Batches, reads: Reads, kept: KeptFiles, request: Request, batch_id: str
) -> Response:
    """200 with one row per input row, streamed, whether they have ended or not.

    The file of a batch that has ended is the same until a retry: it has an ETag, and is kept.
    With `since`, only the rows that have ended since then.
    """
    name, since = _format(request), _since(request)
    batch = batches.get(batch_id).batch
    content_type, write = FORMATS[name]
    if since:
        ended = batches.ended_rows(batch_id, since)
        reads.take(client_of(request, batches.settings), len(ended))
        return _pollable(Response(_chunks(write(ended)), content_type=content_type), batches)
    etag = digest({"id": batch.id, "round": batch.round, "format": name})
    if batch.finished_at and (known := kept.get(etag)) is not None:
        # In pieces, so that whoever reads slowly has not all of it lie ready for long.
        response = Response(_pieces(known), content_type=content_type)
        response.content_length = len(known)
    elif batch.finished_at and request.if_none_match.contains_weak(etag):
        response = Response(content_type=content_type)
    else:
        reads.take(client_of(request, batches.settings), batch.total)
        chunks = _chunks(write(batches.rows(batch_id)))
        if batch.finished_at:
            chunks = kept.keep(etag, chunks)
        # The first piece is fetched now, so that a store that is away is a 503 and no empty file.
        response = Response(chain([next(chunks, b"")], chunks), content_type=content_type)
    named = _file_name(batch.id, batch.metadata.get("file", ""), name)
    response.headers.set("Content-Disposition", "attachment", **_names(named))
    if not batch.finished_at:
        return _pollable(response, batches)
    response.headers["Cache-Control"] = "private, no-cache"
    return conditional(request, response, etag)


def _format(request: Request) -> str:
    name = request.args.get("format", "jsonl")
    if name not in FORMATS:
        fault = FieldError("/query/format", f"This is one of {', '.join(FORMATS)}.")
        raise ValidationFailed("There is no such format.", errors=[fault])
    return name


def _since(request: Request) -> datetime | None:
    text = request.args.get("since")
    if not text:
        return None
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if moment.tzinfo:
            return moment.astimezone(UTC)
    fault = FieldError("/query/since", "This is a time as the header Next-Since has it.")
    raise ValidationFailed("There is no such time.", errors=[fault])


def _pollable(response: Response, batches: Batches) -> Response:
    # Workers' clocks differ, and what has ended a moment ago may not be stored yet.
    response.headers["Next-Since"] = format_time(batches.clock() - timedelta(seconds=OVERLAP_S))
    return response


def _chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= CHUNK_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def _pieces(file: bytes) -> Iterator[bytes]:
    return (file[start : start + CHUNK_BYTES] for start in range(0, len(file), CHUNK_BYTES))


def _file_name(batch_id: str, upload: str, ending: str) -> str:
    """What a browser calls the results: after the upload, where the metadata name its `file`."""
    letters = (letter for letter in upload[-200:] if letter.isprintable() and letter not in '/\\"')
    stem = "".join(letters).rsplit(".", 1)[0]
    return f"{stem}-songs.{ending}" if stem else f"{batch_id}.{ending}"


def _names(name: str) -> dict[str, str]:
    # RFC 6266: a header is ASCII, and what is not is told a second time.
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return {"filename": plain} | ({} if plain == name else {"filename*": f"UTF-8''{quote(name)}"})
