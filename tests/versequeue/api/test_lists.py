"""GET /v1/jobs: one's own by one's key, in pages by time, and what is refused."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from flask import Request
from werkzeug.test import EnvironBuilder

from tests.support.api import ApiUnderTest, is_problem, make_api
from tests.support.batches import upload
from versequeue.api.router import Api
from versequeue.api.submit_jobs import submit_handlers
from versequeue.config import Settings
from versequeue.service.reads import Reads

#: What Firestore takes for no name, or for a path.
NO_NAMES = ("", "a/b", "job_/b", "__job__", "..", "job_" + "1" * 101)
ANNA, BERT = {"X-Api-Key": "anna"}, {"X-Api-Key": "bert"}


@pytest.fixture
def api() -> ApiUnderTest:
    return make_api(Settings(hash_key="test", api_keys=("anna", "bert")))


def ask(api: ApiUnderTest, prompt: str, headers: dict[str, str]) -> str:
    api.clock.pass_s(1)
    job_id: str = api.post_job({"prompt": prompt}, headers=headers).get_json()["id"]
    return job_id


def listed(api: ApiUnderTest, query: str = "", headers: dict[str, str] = ANNA) -> Any:
    answer = api.client.get(f"/v1/jobs{query}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def test_each_key_sees_its_own_jobs_with_the_newest_first(api: ApiUnderTest) -> None:
    mine = [ask(api, "rain", ANNA), ask(api, "sun", ANNA)]
    ask(api, "snow", BERT)
    found = listed(api)
    assert [job["id"] for job in found["data"]] == mine[::-1]
    assert (found["object"], found["next_cursor"]) == ("list", None)
    assert [job["prompt"] for job in listed(api, headers=BERT)["data"]] == ["snow"]


def test_a_job_in_a_list_is_the_job_as_it_is_shown_alone(api: ApiUnderTest) -> None:
    job_id = ask(api, "rain", ANNA)
    api.write(job_id)
    alone = api.client.get(f"/v1/jobs/{job_id}", headers=ANNA).get_json()
    assert listed(api)["data"] == [alone]


def test_pages_lead_from_one_to_the_next_through_all_rows_of_a_file(api: ApiUnderTest) -> None:
    data = "".join(f"song {number}\n" for number in range(7)).encode()
    assert upload(api, data, "text/plain", X_Api_Key="anna").status_code == 202
    seen: list[str] = []
    page = listed(api, "?limit=3")
    sizes = [len(page["data"])]
    while page["next_cursor"]:
        seen += [job["id"] for job in page["data"]]
        page = listed(api, f"?limit=3&cursor={page['next_cursor']}")
        sizes.append(len(page["data"]))
    seen += [job["id"] for job in page["data"]]
    assert (sizes, len(set(seen))) == ([3, 3, 1], 7)


def test_a_key_may_come_as_a_bearers_token(api: ApiUnderTest) -> None:
    ask(api, "rain", ANNA)
    assert len(listed(api, headers={"Authorization": "Bearer anna"})["data"]) == 1
    answer = api.client.get("/v1/jobs", headers={"Authorization": "Bearer nobody"})
    is_problem(answer, 403, "forbidden")


def test_a_server_without_keys_lists_nothing_and_says_what_to_set() -> None:
    api = make_api()
    api.submit()
    problem = is_problem(api.client.get("/v1/jobs"), 401, "unauthorized")
    assert "VERSEQUEUE_API_KEYS" in problem["detail"]


def test_who_has_no_key_sees_no_list(api: ApiUnderTest) -> None:
    is_problem(api.client.get("/v1/jobs"), 401, "unauthorized")


def coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "query",
    [
        *(f"limit={word}" for word in ("0", "-1", "101", "1000000000", "ten", "", "1.5", "9" * 20)),
        "limit=000000001" + "9" * 9, "limit=000000001" + "9" * 5000,
        "cursor=x", "cursor=%00", "cursor=" + "A" * 300, "cursor=" + coded("yesterday job_1"),
        "cursor=" + coded("2026-03-01T12:00:00 job_1"), "curser=x",
        *("cursor=" + coded(f"2026-03-01T12:00:00.000000Z {name}") for name in NO_NAMES),
    ],
)  # fmt: skip
def test_a_page_that_cannot_be_is_refused_in_one_sentence(api: ApiUnderTest, query: str) -> None:
    problem = is_problem(api.client.get(f"/v1/jobs?{query}", headers=ANNA), 422, "validation")
    assert problem["detail"].count(".") == 1
    assert problem["errors"][0]["pointer"].startswith("/query/")


def test_what_is_past_its_retention_is_not_listed(api: ApiUnderTest) -> None:
    ask(api, "rain", ANNA)
    api.clock.pass_s(31 * 86_400)
    assert listed(api)["data"] == []


def test_a_page_of_very_long_songs_ends_sooner_and_leads_on(api: ApiUnderTest) -> None:
    given = ["雨" * 200] * 52 + [None] * 12
    body = {"prompt": "x", "options": {"lines": 64, "rhyme_scheme": "none"}, "given": given}
    for _ in range(50):
        api.clock.pass_s(1)
        assert api.post_job(body, headers=ANNA).status_code == 202
    page = listed(api, "?limit=100")
    assert len(page["data"]) == 40  # two portions, together more than a megabyte
    page = listed(api, f"?limit=100&cursor={page['next_cursor']}")
    assert (len(page["data"]), page["next_cursor"]) == (10, None)


def test_a_job_past_its_retention_among_others_ends_no_list(api: ApiUnderTest) -> None:
    kept = [ask(api, "rain", ANNA), ask(api, "sun", ANNA)]
    # A row that was tried again goes with its batch, and so before what is older.
    gone = ask(api, "snow", ANNA)
    api.store.update_job(gone, lambda job: replace(job, expires_at=api.clock()))
    page = listed(api, "?limit=2")
    assert [job["id"] for job in page["data"]] == kept[1:]
    assert [job["id"] for job in listed(api, f"?cursor={page['next_cursor']}")["data"]] == kept[:1]


def test_a_job_whose_song_is_damaged_hides_no_other_of_a_list(api: ApiUnderTest) -> None:
    ids = [ask(api, "rain", ANNA), ask(api, "sun", ANNA)]
    api.store.update_job(ids[1], lambda job: replace(job, output={"sections": 5}))
    is_problem(api.client.get(f"/v1/jobs/{ids[1]}", headers=ANNA), 503, "unreadable")
    assert [job["id"] for job in listed(api)["data"]] == ids[:1]


def test_both_functions_list_jobs_for_hosts_that_rewrite_by_path_alone(api: ApiUnderTest) -> None:
    ask(api, "rain", ANNA)
    handlers = submit_handlers(api.jobs, api.batches, Reads(0))
    submit = Api("submit", handlers, api.jobs.settings, Reads(0))
    builder = EnvironBuilder("/v1/jobs", headers=list(ANNA.items()))
    answer = submit(Request(builder.get_environ()))
    assert [job["prompt"] for job in answer.get_json()["data"]] == ["rain"]
