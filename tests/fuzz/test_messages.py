"""What other machines say: pushes, Retry-After, webhook addresses, traces."""

import base64
import contextlib
import json
from datetime import UTC, datetime
from typing import Any

from tests.fuzz.cases import fuzz
from tests.fuzz.made_up import damaged, texts, values
from versequeue.contract.retry_after import MAX_RETRY_AFTER_S, http_date, retry_after_s
from versequeue.errors import WebhookUrlForbidden
from versequeue.functions.push import job_ids, push_body, read_message
from versequeue.rules.batch import JOBS_PER_MESSAGE
from versequeue.webhooks.addresses import read_url

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MESSAGE: Any = {"job_ids": ["job_1", "job_2"]}
PUSH = push_body(MESSAGE, "5")
DATE = b"Sun, 01 Mar 2026 12:01:30 GMT"


@fuzz(data=values)
def test_a_push_of_any_values(data: Any) -> None:
    inner = base64.b64encode(json.dumps(data).encode()).decode()
    for pushed in (
        data,
        {"message": data},
        {"message": {"data": data}},
        {"message": {"data": inner}},
    ):
        _is_read(pushed)


@fuzz(body=damaged(PUSH, base64.b64encode(json.dumps(MESSAGE).encode())))
def test_a_damaged_push(body: bytes) -> None:
    with contextlib.suppress(ValueError, RecursionError):  # as the framework that reads it does
        _is_read(json.loads(body))
    _is_read({"message": {"data": body.decode("latin-1")}})
    _is_read({"message": {"data": base64.b64encode(body).decode()}})


def _is_read(pushed: Any) -> None:
    message = read_message(pushed)
    if message is not None:
        found = job_ids(message)
        assert len(found) <= JOBS_PER_MESSAGE
        assert all(isinstance(job_id, str) for job_id in found)


@fuzz(text=texts, date=damaged(DATE))
def test_retry_after(text: str, date: bytes) -> None:
    for said in (text, date.decode("latin-1")):
        sent = http_date(said)
        assert sent is None or sent.tzinfo
        for moment in (NOW, sent):
            wait_s = retry_after_s(said, moment)
            assert wait_s is None or 0 <= wait_s <= MAX_RETRY_AFTER_S


@fuzz(text=texts)
def test_a_webhooks_address(text: str) -> None:
    for url in (
        text,
        f"https://{text}/",
        f"https://example.com:{text}/",
        f"https://example.com/{text}",
    ):
        with contextlib.suppress(WebhookUrlForbidden):
            assert read_url(url, allow_private=False).host
