"""Logs as one JSON object a line, for Cloud Logging. A prompt's text never goes into one."""

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

#: Keys of `extra=` that become fields of the line.
FIELDS = ("job_id", "batch_id", "attempt", "worker", "duration_s", "count", "reason")
#: The id of a trace, in W3C's `traceparent` and in Google's older header.
_TRACES = (
    ("traceparent", re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-")),
    ("X-Cloud-Trace-Context", re.compile(r"([0-9a-f]{32})(?:/|$)")),
)


class JsonLines(logging.Formatter):
    """One record as one line of JSON, under the trace of its request if there is a `project`."""

    def __init__(self, project: str = "") -> None:
        super().__init__()
        self._project = project

    def format(self, record: logging.LogRecord) -> str:
        """The line for `record`, without a line end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "severity": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        for name in FIELDS:
            if (value := getattr(record, name, None)) is not None:
                line[name] = value
        if "job_id" in line:
            line["logging.googleapis.com/labels"] = {"job_id": str(line["job_id"])}
        if trace := request_trace() if self._project else "":
            line["logging.googleapis.com/trace"] = f"projects/{self._project}/traces/{trace}"
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def request_trace() -> str:
    """The trace of the HTTP request that this thread is answering, or nothing."""
    from flask import has_request_context, request  # only where requests are served

    if has_request_context():
        for header, pattern in _TRACES:
            if found := pattern.match(request.headers.get(header, "")):
                return found[1]
    return ""


def configure_logging(level: str = "INFO", project: str = "") -> None:
    """Send every log line of this process to stderr as JSON; safe to call again."""
    root = logging.getLogger()
    if any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(project))
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("waitress").setLevel(logging.ERROR)
