"""Log lines are JSON that Cloud Logging groups by job and by trace, without what people wrote."""

import json
import logging
import sys
from typing import Any

import pytest
from flask import Flask

from versequeue.logs import JsonLines

TRACE = "0af7651916cd43dd8448eb211c80319c"


def written(project: str = "songs", level: int = logging.INFO, **extra: object) -> dict[str, Any]:
    record = logging.LogRecord(
        "versequeue.service.worker", level, __file__, 1, "claimed %s", ("it",), None
    )
    vars(record).update(extra)
    line = JsonLines(project).format(record)
    assert "\n" not in line
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_a_line_has_the_fields_that_cloud_logging_reads() -> None:
    line = written(level=logging.WARNING, job_id="job_1", attempt=2)

    assert line["severity"] == "WARNING"
    assert line["message"] == "claimed it"
    assert line["time"].endswith("+00:00")
    assert line["attempt"] == 2
    assert line["logging.googleapis.com/labels"] == {"job_id": "job_1"}


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"},
        {"X-Cloud-Trace-Context": f"{TRACE}/123;o=1"},
        {"X-Cloud-Trace-Context": TRACE},
        {"traceparent": "nonsense", "X-Cloud-Trace-Context": f"{TRACE}/1"},
    ],
)
def test_lines_of_one_request_share_its_trace(headers: dict[str, str]) -> None:
    with Flask("test").test_request_context(headers=headers):
        assert written()["logging.googleapis.com/trace"] == f"projects/songs/traces/{TRACE}"


@pytest.mark.parametrize("headers", [{}, {"traceparent": '00-"}\n'}, {"traceparent": "00-ab-01"}])
def test_a_request_without_a_readable_trace_has_none(headers: dict[str, str]) -> None:
    with Flask("test").test_request_context(headers={k: v.strip() for k, v in headers.items()}):
        assert "logging.googleapis.com/trace" not in written()


def test_outside_of_requests_and_of_a_project_there_is_no_trace() -> None:
    assert "logging.googleapis.com/trace" not in written()
    with Flask("test").test_request_context(headers={"traceparent": f"00-{TRACE}-1-01"}):
        assert "logging.googleapis.com/trace" not in written(project="")


def test_an_exception_is_part_of_its_line() -> None:
    try:
        int("broken")
    except ValueError:
        line = written(exc_info=sys.exc_info())

    assert "ValueError: invalid literal" in line["exception"]
