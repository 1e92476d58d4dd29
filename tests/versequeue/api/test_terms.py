"""When a song is to be written, as requests say it: deadlines, later jobs, by when."""

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.api import ApiUnderTest, is_problem, make_api
from tests.support.batches import a_batch, jobs_of, look, upload
from versequeue.config import Settings
from versequeue.ports.queue import Topic
from versequeue.service.sweep import sweep

#: The clock of `make_api` begins at noon.
HOUR, SOON, PAST = "2026-03-01T13:00:00.000Z", "2026-03-01T12:20:00Z", "2026-03-01T11:00:00Z"
FORM = "application/x-www-form-urlencoded"


def told(answer: TestResponse) -> list[tuple[str, str]]:
    errors = is_problem(answer, 422, "validation")["errors"]
    return [(error["pointer"], error["detail"]) for error in errors]


def swept(api: ApiUnderTest) -> list[list[str]]:
    """The jobs that a sweep has written, by message; nobody hears of later ones but so."""
    sweep(api.store, api.queue, api.clock)
    assert api.messages(Topic.JOBS) == []
    return [message["job_ids"] for message in api.messages(Topic.BULK)]


def test_a_job_shows_its_deadline_and_that_it_is_for_now() -> None:
    api = make_api()
    job = api.post_job({"prompt": "rain"}).get_json()
    assert (job["when"], job["ready_by"]) == ("now", None)
    assert job["deadline_at"] == "2026-03-02T12:00:00.000Z"
    sooner = api.post_job({"prompt": "rain", "deadline_s": 90.5}).get_json()
    assert sooner["deadline_at"] == "2026-03-01T12:01:30.500Z"


@pytest.mark.parametrize("seconds", [-1, 0, 10**9, "60", True, [], 10**400])
def test_a_deadline_that_cannot_be_had_is_refused_with_a_sentence(seconds: Any) -> None:
    api = make_api()
    text = json.dumps({"prompt": "rain", "deadline_s": seconds})
    answer = api.client.post("/v1/jobs", data=text, content_type="application/json")
    [(pointer, detail)] = told(answer)
    assert pointer == "/deadline_s"
    assert detail.startswith("This is to be ")
    assert detail.count(".") == 1


def test_a_deadline_that_is_no_number_of_json_is_refused() -> None:
    text = '{"prompt": "rain", "deadline_s": NaN}'
    answer = make_api().client.post("/v1/jobs", data=text, content_type="application/json")
    assert "NaN" in is_problem(answer, 400, "invalid-json")["detail"]


def test_an_owner_who_gives_less_time_is_heard() -> None:
    api = make_api(Settings(deadline_s=60.0))
    assert api.post_job({"prompt": "rain", "deadline_s": 60}).status_code == 202
    [(_, detail)] = told(api.post_job({"prompt": "rain", "deadline_s": 61}))
    assert detail == "This is to be at most 60, as long as a job may wait here."
    described = api.client.get("/v1/openapi.json").get_json()["components"]["schemas"]
    assert described["JobBody"]["properties"]["deadline_s"]["anyOf"][0]["maximum"] == 60
    assert described["FormJob"]["properties"]["deadline_s"]["anyOf"][0]["maximum"] == 60


def test_a_form_says_when_as_well() -> None:
    api = make_api()
    fields = {"prompt": "rain", "lines": "8", "deadline_s": "3600", "when": "later"}
    job = api.client.post("/v1/jobs", data={**fields, "ready_by": SOON}).get_json()
    assert (job["options"]["lines"], job["when"]) == (8, "later")
    assert job["ready_by"] == "2026-03-01T12:20:00.000Z"
    assert job["deadline_at"] == HOUR
    for text in ("nan", "soon", "-1"):
        [(pointer, _)] = told(api.client.post("/v1/jobs", data={**fields, "deadline_s": text}))
        assert pointer == "/deadline_s"


def test_a_form_for_a_model_with_options_of_its_own_says_when_as_well() -> None:
    api = make_api(Settings(own_options=True))
    fields = {"prompt": "seven", "size": "big", "when": "later", "deadline_s": "60"}
    job = api.client.post("/v1/jobs", data=fields).get_json()
    assert job["options"] == {"size": "big"}
    assert (job["when"], job["ready_by"]) == ("later", "2026-03-01T12:01:00.000Z")


def test_a_later_job_says_so_and_wakes_nobody() -> None:
    api = make_api()
    answer = api.post_job({"prompt": "rain", "when": "later"})
    job = answer.get_json()
    assert (job["status"], job["when"], job["ready_by"]) == ("queued", "later", HOUR)
    assert (job["eta_seconds"], job["queue_position"]) == (3600, None)
    assert swept(api) == []
    assert api.client.get("/v1/status").get_json()["queue_depth"] == 0
    api.clock.pass_s(3299)
    assert swept(api) == []
    api.clock.pass_s(1)
    assert swept(api) == [[job["id"]]]
    assert api.client.get(f"/v1/jobs/{job['id']}").get_json()["eta_seconds"] == 300
    api.clock.pass_s(300)
    late = api.client.get(f"/v1/jobs/{job['id']}").get_json()
    assert (late["status"], late["eta_seconds"]) == ("queued", None), "nobody knows of a late one"
    api.write(job["id"])
    assert api.client.get(f"/v1/jobs/{job['id']}").get_json()["status"] == "succeeded"


def test_eight_later_jobs_are_written_together_and_the_ninth_waits() -> None:
    api = make_api()
    ids = [api.submit(when="later") for _ in range(9)]
    assert swept(api) == [ids[:8]]
    assert swept(api) == []
    api.clock.pass_s(61)
    assert swept(api) == [ids[:8]], "a message that nobody has heard is sent again"


def test_a_visitor_has_nobody_later_before_him() -> None:
    api = make_api()
    for _ in range(8):
        api.submit(when="later")
    sweep(api.store, api.queue, api.clock)
    api.clock.pass_s(1)
    job = api.post_job({"prompt": "rain"}).get_json()
    assert job["queue_position"] == 1
    assert api.messages(Topic.JOBS) == [{"job_ids": [job["id"]]}]


def test_a_later_job_is_canceled_and_expires_like_any_other() -> None:
    api = make_api()
    job_id = api.submit(when="later")
    assert api.client.post(f"/v1/jobs/{job_id}/cancel").get_json()["status"] == "canceled"
    short = api.submit(when="later", deadline_s=1)
    api.clock.pass_s(2)
    swept(api)
    assert api.client.get(f"/v1/jobs/{short}").get_json()["status"] == "expired"


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"when": "later", "ready_by": PAST}, "This time is past."),
        ({"ready_by": SOON}, "This goes with “later” as its “when” alone."),
        ({"when": "later", "ready_by": "tonight"}, "a time with its zone"),
        ({"when": "later", "ready_by": "2026-03-01T12:20:00"}, "a time with its zone"),
        ({"when": "later", "ready_by": 7}, "a time with its zone"),
        ({"when": "later", "ready_by": "9999-01-01T00:00:00Z"}, "a time with its zone"),
        ({"when": "later", "ready_by": "2026-03-09T12:00:00Z"}, "within 86400 s"),
        ({"when": "later", "ready_by": SOON, "deadline_s": 60}, "within 60 s"),
    ],
)
def test_a_time_that_cannot_be_had_is_refused_with_a_sentence(
    terms: dict[str, Any], sentence: str
) -> None:
    [(pointer, detail)] = told(make_api().post_job({"prompt": "rain", **terms}))
    assert pointer == "/ready_by"
    assert sentence in detail


def test_another_word_than_now_and_later_is_refused() -> None:
    refused = told(make_api().post_job({"prompt": "rain", "when": "soon"}))
    assert refused == [("/when", "This is to be 'now' or 'later'.")]


def test_a_file_is_later_as_a_whole_and_rows_have_terms_of_their_own() -> None:
    api = make_api()
    rows = b'{"prompt":"a"}\n{"prompt":"b","ready_by":"2026-03-01T12:30:00Z","deadline_s":7200}\n'
    batch_id = a_batch(api, rows, query="?when=later&deadline_s=9000")
    first, second = jobs_of(api, batch_id)
    assert (first.when, second.when) == ("later", "later")
    assert (second.deadline_at - second.created_at).total_seconds() == 7200
    batch = look(api, batch_id)
    assert (batch["when"], batch["ready_by"], batch["eta_seconds"]) == ("later", HOUR, 3600)
    assert swept(api) == []
    api.clock.pass_s(1500)
    assert look(api, batch_id)["eta_seconds"] == 2100
    assert swept(api) == [[first.id, second.id]], "the first goes along"


def test_a_row_that_is_for_now_is_written_now_whatever_the_others_are() -> None:
    api = make_api()
    data = b"prompt,when,deadline_s\na,,\nb,now,60\n"
    batch_id = a_batch(api, data, "text/csv", query=f"?when=later&ready_by={SOON}")
    first, second = jobs_of(api, batch_id)
    assert (first.when, second.when, second.ready_by) == ("later", "now", None)
    assert api.messages(Topic.BULK) == [{"job_ids": [second.id]}]
    assert look(api, batch_id)["when"] == "now"


def test_a_full_file_of_later_rows_is_written_at_the_next_sweep_but_for_its_rest() -> None:
    api = make_api()
    batch_id = a_batch(api, b"a\n" * 150, "text/plain", query="?when=later")
    ids = [job.id for job in jobs_of(api, batch_id)]
    assert swept(api) == [ids[start : start + 8] for start in range(0, 144, 8)]


def test_a_file_whose_rows_have_bad_terms_is_refused_by_line() -> None:
    api = make_api()
    rows = f'{{"prompt":"a","deadline_s":0}}\n{{"prompt":"b","when":"later","ready_by":"{PAST}"}}\n'
    expected = [
        (1, "invalid-option", "deadline_s: This is to be at least 1."),
        (2, "invalid-option", "ready_by: This time is past."),
    ]
    refused = is_problem(upload(api, rows.encode()), 422, "batch-invalid")["errors"]
    assert [(each["line"], each["code"], each["detail"]) for each in refused] == expected
    checked = api.client.post("/v1/file-checks", data=rows, content_type="application/jsonl")
    assert checked.get_json()["errors"] == refused
    whole = upload(api, b"a\n", "text/plain", query="?deadline_s=-1")
    assert told(whole) == [("/deadline_s", "This is to be at least 1.")]


def test_a_row_that_fails_is_tried_again_at_once_and_has_as_much_time_as_before() -> None:
    api = make_api()
    batch_id = a_batch(api, b"a\n", "text/plain", query="?when=later&deadline_s=1800")
    api.clock.pass_s(1500)
    [[job_id]] = swept(api)
    for _ in range(5):
        api.worker_side.fail_unclaimed([job_id], "It broke.")
    assert api.client.post(f"/v1/batches/{batch_id}/retry-failed").status_code == 202
    [again] = [job for job in jobs_of(api, batch_id) if job.id != job_id]
    assert api.messages(Topic.BULK) == [{"job_ids": [again.id]}]
    assert (again.deadline_at - again.created_at).total_seconds() == 1800


def test_what_was_accepted_is_answered_again_though_its_time_is_past() -> None:
    api = make_api()
    key = {"Idempotency-Key": "tonight"}
    body = {"prompt": "rain", "when": "later", "ready_by": SOON}
    first = api.post_job(body, headers=key).get_json()
    query = f"?when=later&ready_by={SOON}"
    batch = upload(api, b"a\n", "text/plain", query, Idempotency_Key="file").get_json()
    api.clock.pass_s(3600)
    again = api.post_job(body, headers=key)
    assert (again.status_code, again.get_json()["id"]) == (202, first["id"])
    assert again.headers["Idempotent-Replayed"] == "true"
    file_again = upload(api, b"a\n", "text/plain", query, Idempotency_Key="file")
    assert file_again.get_json()["id"] == batch["id"]
    assert told(api.post_job({**body, "prompt": "sun"}, headers=key))[0][0] == "/ready_by"
    assert told(api.post_job(body))[0][1] == "This time is past."
