"""What a finished job and a finished file tell of their cost, over the wire."""

from typing import Any

from tests.support.api import ApiUnderTest, make_api
from tests.support.batches import upload
from tests.support.samples import song_of
from versequeue.rules.job import Metrics, Stage


def write(api: ApiUnderTest, job_id: str, worker_s: float) -> None:
    attempt = api.worker_side.claim(job_id, Stage.WRITING)
    assert attempt
    attempt.succeed(song_of("one", "two"), Metrics(generate_s=worker_s, worker_s=worker_s))


def test_a_job_tells_its_cost_once_it_has_ended_and_the_machine_that_did_not_run() -> None:
    api = make_api()
    job_id = api.submit()
    before: Any = api.client.get(f"/v1/jobs/{job_id}").get_json()["metrics"]
    write(api, job_id, 2.0)
    after: Any = api.client.get(f"/v1/jobs/{job_id}").get_json()["metrics"]
    assert (before["cost_usd"], before["machine_usd"]) == (None, None)
    assert 0.0001 < after["cost_usd"] < 0.001
    assert (after["worker_s"], after["machine_usd"]) == (2.0, 12.0)


def test_a_batch_tells_the_cost_of_all_its_rows_once_the_last_has_ended() -> None:
    api = make_api()
    batch_id = upload(api, b"rain\nsun\nsnow\n", "text/plain").get_json()["id"]
    path = f"/v1/batches/{batch_id}"
    rows = [job.id for job in api.batches.rows(batch_id)]
    for job_id in rows[:2]:
        write(api, job_id, 2.0)
    assert api.client.get(path).get_json()["cost_usd"] is None
    write(api, rows[2], 2.0)
    cost_usd = api.client.get(path).get_json()["cost_usd"]
    of_rows = [api.client.get(f"/v1/jobs/{each}").get_json()["metrics"] for each in rows]
    assert sum(each["cost_usd"] for each in of_rows) < cost_usd < 0.002
    assert api.batches.get(batch_id).batch.worker_s == 6.0
