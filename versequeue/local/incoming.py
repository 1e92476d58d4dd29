"""A request as it comes in to the HTTP front, and the refusal of one that reaches no handler."""

import json
from http import HTTPStatus
from typing import Any

from waitress.parser import HTTPRequestParser
from waitress.task import ErrorTask
from waitress.utilities import BadRequest

from versequeue.errors import InvalidRequest, PayloadTooLarge, VerseQueueError

#: Of a chunk's length, or of what follows the last chunk.
MAX_CHUNK_LINE_BYTES = 1024


class Parser(HTTPRequestParser):  # type: ignore[misc] # waitress has no types
    """A request as it comes in; the lines between chunks have an end, too."""

    completed: bool
    #: what came behind this request before it was answered
    behind = b""

    def received(self, data: bytes) -> int:
        """Take some bytes, behind the request's end as well; how many were taken."""
        try:
            consumed: int = super().received(data)
        except ValueError:  # Content-Length has more digits than int() reads
            self.error = BadRequest("Content-Length is no number of bytes.")
            self.completed = True
            return len(data)
        if self.chunked and not self.completed:
            longest = max(len(self.body_rcv.control_line), len(self.body_rcv.trailer))
            if longest > MAX_CHUNK_LINE_BYTES:
                self.error = BadRequest("A line between two chunks does not end.")
                self.completed = True
        if self.completed and not self.empty:
            self.behind = data[consumed:]
            return len(data)
        return consumed


class Refusal(ErrorTask):  # type: ignore[misc]
    """The answer to what never reaches a handler: a problem document like all others."""

    def execute(self) -> None:
        """Answer, and take no more of this connection."""
        error = _error_for(self.request.error, self.channel.adj.max_request_body_size - 1)
        problem = error.problem(getattr(self.request, "path", ""))
        body = json.dumps(problem.document()).encode()
        self.status = f"{error.status} {HTTPStatus(error.status).phrase}"
        self.response_headers += [
            ("Content-Type", "application/problem+json"),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        self.channel.refused = True
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


def _error_for(fault: Any, limit_bytes: int) -> VerseQueueError:
    if fault.code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return PayloadTooLarge(f"At most {limit_bytes:,} bytes are taken here.")
    if fault.code == HTTPStatus.INTERNAL_SERVER_ERROR:
        return VerseQueueError()
    return InvalidRequest(fault.body)
