"""Answers that are not as expected: fields that are null, and servers that are not VerseQueue."""

import json

import pytest
from werkzeug.wrappers import Response

from tests.support.fake_api import FakeApi
from versequeue.client.client import Client
from versequeue.client.errors import (
    UnexpectedAnswer,
)


def test_null_where_a_value_is_expected_counts_as_left_out(api: FakeApi, client: Client) -> None:
    document = {"id": "job_1", "status": "queued", "events": None, "progress": None, "urls": None}
    api.faults = [lambda: Response(json.dumps(document), content_type="application/json")]
    job = client.get("job_1")
    assert (job.events, job.progress.total, job.urls) == ((), 0, {})


@pytest.mark.parametrize(
    "body", ["<h1>Hello</h1>", "[]", '{"id": "job_1"}', '{"id": "j", "status": "q", "events": 3}']
)
def test_something_else_that_listens_there_is_an_unexpected_answer(
    api: FakeApi, client: Client, body: str
) -> None:
    api.faults = [lambda: Response(body, content_type="application/json")]
    with pytest.raises(UnexpectedAnswer):
        client.get("job_1")
