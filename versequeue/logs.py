"""Logs as one JSON object a line, in the shape that Cloud Logging groups by job and by trace.

A prompt's text never goes into a log: ids, attempts, durations and reasons only.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any

#: Keys of `extra=` that become fields of the line.
FIELDS = ("job_id", "batch_id", "attempt", "worker", "trace", "duration_s", "count", "reason")


class JsonLines(logging.Formatter):
    """One record as one line of JSON."""

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
        if "trace" in line:
            line["logging.googleapis.com/trace"] = line.pop("trace")
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logging(level: str = "INFO") -> None:
    """Send every log line of this process to stderr as JSON; safe to call again."""
    root = logging.getLogger()
    if any(isinstance(handler.formatter, JsonLines) for handler in root.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.getLogger("waitress").setLevel(logging.ERROR)
