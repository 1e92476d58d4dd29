"""The Python client against a server that follows the contract: what is sent, what comes back."""

import json

import pytest
from werkzeug.wrappers import Response

from tests.support.fake_api import LINES, FakeApi, Fault
from versequeue.client.client import Client
from versequeue.client.errors import (
    ApiError,
    JobNotSuccessful,
    WaitTimeout,
)


def test_three_lines_are_enough_for_a_song(api: FakeApi, client: Client) -> None:
    song = client.write("rain over the city", lines=4, style="folk")

    assert song.lyrics.splitlines() == LINES
    assert song.title == "Gray"
    assert song.receipt is not None
    assert song.receipt.seed == 7
    body = json.loads(api.calls("POST")[0].body)
    assert body == {"prompt": "rain over the city", "options": {"lines": 4, "style": "folk"}}


def test_metadata_and_webhook_travel_with_the_job(api: FakeApi, client: Client) -> None:
    client.submit("rain", metadata={"a": "b"}, webhook={"url": "https://example.org/"})

    body = json.loads(api.calls("POST")[0].body)
    assert body["metadata"] == {"a": "b"}
    assert body["webhook"] == {"url": "https://example.org/"}


def test_each_submit_has_a_key_of_its_own(api: FakeApi, client: Client) -> None:
    assert client.submit("rain").id != client.submit("rain").id
    assert client.submit("rain", idempotency_key="mine").id == (
        client.submit("rain", idempotency_key="mine").id
    )


def test_an_answer_that_is_given_again_says_so(client: Client) -> None:
    assert not client.submit("rain", idempotency_key="mine").replayed
    assert client.submit("rain", idempotency_key="mine").replayed


def test_write_raises_when_there_is_no_song(api: FakeApi, client: Client) -> None:
    error = {"type": "/problems/worker-lost", "title": "Lost", "status": 500, "detail": "Lost it."}
    api.steps = [{"status": "failed", "stage": None, "error": error}]

    with pytest.raises(JobNotSuccessful, match="failed: Lost it") as caught:
        client.write("rain")

    assert caught.value.job.error is not None
    assert caught.value.job.error.slug == "worker-lost"


def test_write_gives_up_after_its_time(api: FakeApi, client: Client) -> None:
    api.steps = [{"status": "queued"}]
    with pytest.raises(WaitTimeout):
        client.write("rain", timeout_s=5)


def test_a_job_can_be_canceled(client: Client) -> None:
    job = client.submit("rain")
    assert client.cancel(job.id).status == "canceled"


def test_an_unknown_job_is_a_not_found_error(client: Client) -> None:
    with pytest.raises(ApiError) as caught:
        client.wait("job_nowhere")
    assert caught.value.slug == "not-found"


def test_an_id_cannot_lead_to_another_path(api: FakeApi, client: Client) -> None:
    with pytest.raises(ApiError):
        client.get("../status")
    with pytest.raises(ApiError):
        client.get_batch("../status?a=")
    assert [call.path for call in api.requests] == [
        "/v1/jobs/../status",
        "/v1/batches/../status?a=",
    ]


def test_the_servers_status_has_types(client: Client) -> None:
    status = client.status()
    assert (status.worker, status.queue_depth, status.model) == ("cold", 3, "tiny")
    assert status.expected_wait_seconds.warm == 1.5
    client.warm_up()


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org", "http://", ""])
def test_an_url_that_is_none_is_refused_before_the_first_call(url: str) -> None:
    hint = ", as http://example.org would be$" if url == "example.org" else ""
    with pytest.raises(ValueError, match=f"not an http or https URL{hint}"):
        Client(url)


def test_a_batch_can_be_canceled_and_its_failures_tried_again(api: FakeApi, client: Client) -> None:
    client.cancel_batch("batch_0")
    client.retry_failed("batch_0")
    paths = [call.path for call in api.calls("POST")]
    assert paths == ["/v1/batches/batch_0/cancel", "/v1/batches/batch_0/retry-failed"]


def test_a_list_goes_on_behind_a_page_from_which_all_jobs_are_gone(
    api: FakeApi, client: Client
) -> None:
    client.submit("rain")

    def page(data: list[object], cursor: str | None) -> Fault:
        text = json.dumps({"object": "list", "data": data, "next_cursor": cursor})
        return lambda: Response(text, content_type="application/json")

    job = client.get("job_0").raw
    api.faults = [page([], "a"), page([job], "b"), page([], "b")]
    # The last one leads to itself, as only a server at fault says it.
    assert [each.id for each in client.jobs()] == ["job_0"]
    assert [seen.query.get("cursor") for seen in api.requests[-3:]] == [None, "a", "b"]
