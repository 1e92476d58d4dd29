"""Reading batches over HTTP: counts, ETag and waiting, and the rows out in their order."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from tests.support.api import make_api
from tests.support.batches import a_batch, end, end_all, jobs_of, look, rows_of
from versequeue.config import Settings
from versequeue.rules.job import Status


def test_results_are_readable_while_the_batch_runs_in_the_order_of_the_file() -> None:
    api = make_api()
    batch_id = a_batch(api, b"x\n" * 250, "text/plain")
    for job in reversed(jobs_of(api, batch_id)[::2]):
        end(api, job, Status.SUCCEEDED)
    rows = rows_of(api, batch_id)
    assert [row["line"] for row in rows] == list(range(1, 251))
    assert [row["status"] for row in rows] == ["succeeded", "queued"] * 125
    assert look(api, batch_id)["request_counts"]["succeeded"] == 125


@pytest.mark.parametrize("name", ["jsonl", "csv", "txt"])
def test_results_come_as_a_file_of_each_format(name: str) -> None:
    api = make_api()
    batch_id = a_batch(api)
    answer = api.client.get(f"/v1/batches/{batch_id}/results?format={name}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f"attachment; filename={batch_id}.{name}"
    assert answer.headers["Cache-Control"] == "no-store"
    assert b"two" in answer.data
    refused = api.client.get(f"/v1/batches/{batch_id}/results?format=xlsx")
    assert (refused.status_code, refused.get_json()["type"]) == (422, "/problems/validation")


@pytest.mark.parametrize(
    ("upload", "named"),
    [
        ("weather.csv", "filename=weather-songs.txt"),
        ("my songs", 'filename="my songs-songs.txt"'),
        ("../été.txt", "filename*=UTF-8''..%C3%A9t%C3%A9-songs.txt"),
        ("/", "filename=batch_"),
    ],
)
def test_the_results_are_called_after_the_upload_where_it_was_named(
    upload: str, named: str
) -> None:
    api = make_api()
    batch_id = a_batch(api, query=f"?metadata={quote(json.dumps({'file': upload}))}")
    answer = api.client.get(f"/v1/batches/{batch_id}/results?format=txt")
    assert named in answer.headers["Content-Disposition"]


def test_one_failed_row_does_not_touch_its_neighbours_and_the_counts_say_so() -> None:
    api = make_api()
    batch_id = a_batch(api)
    end_all(api, batch_id, Status.SUCCEEDED, Status.FAILED, Status.SUCCEEDED)
    batch = look(api, batch_id)
    assert (batch["status"], batch["done"]) == ("completed", True)
    assert batch["finished_at"] == "2026-03-01T12:01:01.000Z"
    assert batch["request_counts"]["failed"] == 1
    assert [row["status"] for row in rows_of(api, batch_id)] == ["succeeded", "failed", "succeeded"]
    assert rows_of(api, batch_id)[1]["error"]["detail"] == "It broke."


def test_a_batch_has_an_etag_that_changes_with_its_counts() -> None:
    api = make_api()
    batch_id = a_batch(api)
    first = api.client.get(f"/v1/batches/{batch_id}")
    assert first.headers["Cache-Control"] == "no-store"
    assert first.headers["Retry-After"]
    known = {"If-None-Match": first.headers["ETag"]}
    assert api.client.get(f"/v1/batches/{batch_id}", headers=known).status_code == 304
    api.clock.pass_s(5)
    assert api.client.get(f"/v1/batches/{batch_id}", headers=known).status_code == 304
    end(api, jobs_of(api, batch_id)[0], Status.SUCCEEDED)
    changed = api.client.get(f"/v1/batches/{batch_id}", headers=known)
    assert changed.status_code == 200
    assert changed.get_json()["eta_seconds"] == 10.0


def test_a_waiting_reader_is_answered_when_the_wait_is_over() -> None:
    api = make_api()
    batch_id = a_batch(api)
    patient = api.client.get(f"/v1/batches/{batch_id}", headers={"Prefer": "wait=0"})
    assert patient.status_code == 200
    for job in jobs_of(api, batch_id):
        end(api, job, Status.SUCCEEDED)
    done = api.client.get(f"/v1/batches/{batch_id}", headers={"Prefer": "wait=20"})
    assert done.get_json()["done"]
    assert done.headers["Preference-Applied"] == "wait=20"
    assert "Retry-After" not in done.headers


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/results"),
        ("POST", "/cancel"),
        ("POST", "/retry-failed"),
    ],
)
def test_an_unknown_batch_is_not_found_and_an_old_one_is_gone(method: str, path: str) -> None:
    api = make_api()
    missing = api.client.open(f"/v1/batches/batch_none{path}", method=method)
    assert (missing.status_code, missing.get_json()["type"]) == (404, "/problems/not-found")
    batch_id = a_batch(api)
    api.clock.pass_s(timedelta(days=30).total_seconds())
    gone = api.client.open(f"/v1/batches/{batch_id}{path}", method=method)
    assert (gone.status_code, gone.get_json()["type"]) == (410, "/problems/gone")


def test_rows_are_told_as_they_end_without_the_whole_file_each_time() -> None:
    api = make_api()
    batch_id = a_batch(api)
    first, second, third = jobs_of(api, batch_id)
    path = f"/v1/batches/{batch_id}/results"
    seen: list[list[str]] = []
    since = api.client.get(path).headers["Next-Since"]
    for job in (second, first, third):
        end(api, job, Status.SUCCEEDED)
        api.clock.pass_s(11)
        answer = api.client.get(path, query_string={"since": since})
        seen.append([json.loads(row)["id"] for row in answer.data.splitlines()])
        since = answer.headers["Next-Since"]
    assert seen == [[second.id], [first.id], [third.id]]


def test_a_row_that_ends_by_a_clock_that_is_behind_is_told_all_the_same() -> None:
    api = make_api()
    batch_id = a_batch(api)
    path = f"/v1/batches/{batch_id}/results"
    since = api.client.get(path).headers["Next-Since"]
    api.clock.pass_s(-9)
    end(api, jobs_of(api, batch_id)[0], Status.SUCCEEDED)
    assert len(api.client.get(path, query_string={"since": since}).data.splitlines()) == 1


@pytest.mark.parametrize("since", ["yesterday", "2026-03-01", "0001-01-01T00:00:00+23:00", "1"])
def test_a_time_that_is_none_is_refused(since: str) -> None:
    api = make_api()
    batch_id = a_batch(api)
    answer = api.client.get(f"/v1/batches/{batch_id}/results", query_string={"since": since})
    assert answer.status_code == 422, answer.text
    assert answer.get_json()["errors"][0]["pointer"] == "/query/since"


def test_rows_since_cost_their_own_number_of_reads_and_not_the_whole_file_s() -> None:
    api = make_api(Settings(hash_key="test", reads_per_minute=300))
    batch_id = a_batch(api, b"x\n" * 250, "text/plain")
    path = f"/v1/batches/{batch_id}/results"
    since = {"since": api.client.get(path).headers["Next-Since"]}
    end(api, jobs_of(api, batch_id)[0], Status.SUCCEEDED)
    answers = [api.client.get(path, query_string=since) for _ in range(4)]
    assert [len(answer.data.splitlines()) for answer in answers] == [1, 1, 1, 1]
    assert api.client.get(path).status_code == 429
