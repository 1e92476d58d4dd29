"""A browser's subscription over HTTP: with a job or batch, or after it; what is refused."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.support.api import ApiUnderTest, api_on_disk, is_problem, make_api, pointers
from tests.support.push_service import Subscriber, base64url
from versequeue.config import Settings
from versequeue.rules.push import PUSH_EVENTS
from versequeue.webhooks.push_keys import PushKey

ENDPOINT = "https://push.example/abc"
SUBSCRIBER = Subscriber()
GIVEN = SUBSCRIBER.subscription(ENDPOINT)
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
HELD: dict[str, Any] = {"deliveries": []}


def other(endpoint: str = "https://push.example/other") -> dict[str, Any]:
    return Subscriber().subscription(endpoint)


def with_keys(**keys: str) -> dict[str, Any]:
    return {**GIVEN, "keys": {**GIVEN["keys"], **keys}}


def form_with(subscription: dict[str, Any]) -> dict[str, Any]:
    return {"file": (BytesIO(b"rain\nsun"), "songs.txt"), "push": json.dumps(subscription)}


def post(api: ApiUnderTest, path: str, body: Any) -> Any:
    return api.client.post(path, json=body)


def test_a_subscription_travels_with_a_job_and_no_answer_shows_it() -> None:
    api = make_api()
    answer = api.post_job({"prompt": "rain", "push": GIVEN})
    job_id = answer.get_json()["id"]
    job = api.store.get_job(job_id)
    assert job is not None
    assert job.push is not None
    assert (job.push.url, job.push.events) == (ENDPOINT, PUSH_EVENTS)
    assert {"p256dh": job.push.p256dh, "auth": job.push.auth} == GIVEN["keys"]
    seen = [answer, api.client.get(f"/v1/jobs/{job_id}")]
    seen.append(api.client.post(f"/v1/jobs/{job_id}/cancel"))
    for each in seen:
        assert each.get_json()["push"] == HELD
        assert not [text for text in (ENDPOINT, *GIVEN["keys"].values()) if text in each.text]


def test_a_browser_writes_its_subscription_with_a_time_of_expiry_which_is_not_looked_at() -> None:
    api = make_api()
    for time in (None, 1772366400000, 1772366400000.5):
        assert api.submit(push={**GIVEN, "expirationTime": time})


def test_a_subscription_travels_with_a_batch_in_a_field_of_the_form_and_not_with_its_rows() -> None:
    api = make_api()
    answer = api.client.post("/v1/batches", data=form_with(GIVEN))
    assert answer.status_code == 202
    assert answer.get_json()["push"] == HELD
    batch = api.store.get_batch(answer.get_json()["id"])
    assert batch is not None
    assert batch.push is not None
    assert batch.push.url == ENDPOINT
    assert not any(job.push for job in api.batches.rows(batch.id))


def test_a_subscription_in_an_address_is_refused_since_addresses_are_logged() -> None:
    api = make_api()
    query = {"push": json.dumps(GIVEN)}
    for path in ("/v1/batches", "/v1/file-checks"):
        answer = api.client.post(path, query_string=query, data="rain", content_type="text/plain")
        problem = is_problem(answer, 422, "validation")
        assert pointers(problem) == ["/push"]


def test_a_job_and_a_batch_that_wait_can_be_told_of_later() -> None:
    api = make_api()
    job_id = api.submit()
    answer = api.client.post("/v1/batches", data="rain\nsun", content_type="text/plain")
    for path in (f"/v1/jobs/{job_id}", f"/v1/batches/{answer.get_json()['id']}"):
        for _ in range(2):
            told = post(api, f"{path}/push", GIVEN)
            assert told.status_code == 200
            assert told.get_json()["push"] == HELD
        is_problem(post(api, f"{path}/push", other()), 409, "push-taken")


def test_what_has_ended_is_shown_as_it_is_and_nobody_is_told() -> None:
    api = make_api()
    job_id = api.submit()
    api.write(job_id)
    answer = post(api, f"/v1/jobs/{job_id}/push", GIVEN)
    assert answer.status_code == 200
    assert answer.get_json()["push"] is None
    batch = api.client.post("/v1/batches", data="rain", content_type="text/plain").get_json()
    api.client.post(f"/v1/batches/{batch['id']}/cancel")
    assert post(api, f"/v1/batches/{batch['id']}/push", GIVEN).get_json()["push"] is None


def test_nothing_can_be_subscribed_to_that_is_not_there() -> None:
    api = make_api()
    is_problem(post(api, "/v1/jobs/job_nobody/push", GIVEN), 404, "not-found")
    is_problem(post(api, "/v1/batches/batch_nobody/push", GIVEN), 404, "not-found")


LONG = "https://push.example/" + "a" * 10_000
FAULTS = [
    (
        {**GIVEN, "endpoint": "http://push.example/"},
        "/endpoint",
        "A URL here begins with https://.",
    ),
    (
        {**GIVEN, "endpoint": "https://10.0.0.1/"},
        "/endpoint",
        "The URL's address is not a public one.",
    ),
    (
        {**GIVEN, "endpoint": "https://169.254.169.254/"},
        "/endpoint",
        "The URL's address is not a public one.",
    ),
    (
        {**GIVEN, "endpoint": "https://localhost/"},
        "/endpoint",
        "The URL's host name is not a public one.",
    ),
    ({**GIVEN, "endpoint": LONG}, "/endpoint", "This has at most 2048 characters."),
    ({**GIVEN, "endpoint": ""}, "/endpoint", "This is empty."),
    (
        {**GIVEN, "endpoint": "https://\ud800/"},
        "/endpoint",
        "There is half of a character in this.",
    ),
    ({**GIVEN, "endpoint": 7}, "/endpoint", "This is to be a text."),
    ({"endpoint": ENDPOINT}, "/keys", "This field is required."),
    ({**GIVEN, "more": 1}, "/more", "This field is not known."),
    (
        with_keys(auth=base64url(bytes(15))),
        "/keys/auth",
        "This is to be the base64url of 16 bytes.",
    ),
    (with_keys(auth="not base64"), "/keys/auth", "This is to be the base64url of 16 bytes."),
    (
        with_keys(p256dh=base64url(bytes(64))),
        "/keys/p256dh",
        "This is to be the base64url of 65 bytes.",
    ),
    (
        with_keys(p256dh=base64url(bytes(65))),
        "/keys/p256dh",
        "This is no public key of the curve P-256.",
    ),
]


@pytest.mark.parametrize(("subscription", "pointer", "sentence"), FAULTS)
def test_a_bad_subscription_is_refused_with_a_sentence_before_anything_is_stored(
    subscription: dict[str, Any], pointer: str, sentence: str
) -> None:
    api = make_api(Settings(hash_key="test"))
    told = [{"pointer": f"/push{pointer}", "detail": sentence}]
    answer = api.post_job({"prompt": "rain", "push": subscription})
    assert is_problem(answer, 422, "validation")["errors"] == told
    answer = api.client.post("/v1/batches", data=form_with(subscription))
    assert is_problem(answer, 422, "validation")["errors"] == told
    assert api.store.count_queued() == 0
    job_id = api.submit()
    problem = is_problem(post(api, f"/v1/jobs/{job_id}/push", subscription), 422, "validation")
    assert problem["errors"] == [{"pointer": pointer, "detail": sentence}]


def test_a_server_that_only_its_own_machine_reaches_takes_a_push_service_on_loopback() -> None:
    assert make_api().submit(push=SUBSCRIBER.subscription("http://127.0.0.1:9/push"))


@pytest.mark.parametrize(
    ("body", "kind", "status", "slug"),
    [
        (b"", "application/json", 400, "invalid-json"),
        (b"{", "application/json", 400, "invalid-json"),
        (b"[]", "application/json", 422, "validation"),
        (b"null", "application/json", 422, "validation"),
        (b"{}", "text/plain", 415, "unsupported-media-type"),
        (b"x" * 70_000, "application/json", 413, "payload-too-large"),
        (b"[" * 60_000, "application/json", 400, "invalid-json"),
    ],
)
def test_a_body_that_is_no_subscription_is_refused(
    body: bytes, kind: str, status: int, slug: str
) -> None:
    api = make_api()
    path = f"/v1/jobs/{api.submit()}/push"
    is_problem(api.client.post(path, data=body, content_type=kind), status, slug)


def test_many_subscriptions_of_one_client_end_at_its_rate() -> None:
    api = make_api(Settings(hash_key="test", rate_per_minute=20))
    path = f"/v1/jobs/{api.submit()}/push"
    assert post(api, path, GIVEN).status_code == 200
    for number in range(300):  # the first one stays, so that none of these costs a write
        assert post(api, path, other_at(number)).status_code == 409
    statuses = [api.post_job({"prompt": "rain", "push": GIVEN}).status_code for _ in range(30)]
    assert statuses.count(202) == 18, "two of the twenty are used: the job and its subscription"
    assert set(statuses) == {202, 429}


def other_at(number: int) -> dict[str, Any]:
    return {**GIVEN, "endpoint": f"https://push.example/{number}"}


def test_a_subscription_counts_as_a_request_of_who_asked_for_the_job() -> None:
    api = make_api(Settings(hash_key="test", rate_per_minute=2))
    first, second = api.submit(), api.submit()
    is_problem(post(api, f"/v1/jobs/{first}/push", GIVEN), 429, "rate-limited")
    api.clock.pass_s(61)
    assert post(api, f"/v1/jobs/{first}/push", GIVEN).status_code == 200
    assert post(api, f"/v1/jobs/{second}/push", GIVEN).status_code == 200
    assert post(api, f"/v1/jobs/{second}/push", GIVEN).status_code == 200, "it changes nothing"


def test_the_key_to_subscribe_with_is_told_where_there_is_one() -> None:
    api = make_api(Settings(hash_key="test", push_key=KEY))
    told = api.client.get("/v1/push-key").get_json()
    assert told == {"public_key": PushKey.read(KEY).public_key}
    problem = is_problem(make_api().client.get("/v1/push-key"), 404, "not-found")
    assert problem["detail"] == "This server pushes nothing to browsers."


def test_the_same_key_and_subscription_again_make_one_job(tmp_path: Path) -> None:
    api = api_on_disk(tmp_path)
    headers = {"Idempotency-Key": "one"}
    first = api.post_job({"prompt": "rain", "push": GIVEN}, headers=headers).get_json()
    again = api.post_job({"prompt": "rain", "push": GIVEN}, headers=headers)
    assert again.get_json()["id"] == first["id"]
    changed = api.post_job({"prompt": "rain", "push": other()}, headers=headers)
    is_problem(changed, 422, "idempotency-key-reused")
