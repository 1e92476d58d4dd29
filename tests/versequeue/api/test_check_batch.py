"""Checking a file over HTTP: what its submission would find, and nothing stored for it."""

import io
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.support.api import ApiUnderTest, is_problem, make_api
from tests.support.batches import LINES, upload
from tests.support.cpu_limit import cpu_limit
from versequeue.config import Settings
from versequeue.errors import StoreUnavailable
from versequeue.ports.queue import Topic
from versequeue.rules.batch import MAX_FILE_BYTES

BAD = b'{"prompt":"x","options":{"lines":1,"mod":1}}\n{"prompt":""}\nnot JSON\n'


def check(
    api: ApiUnderTest, data: bytes = LINES, kind: str = "application/jsonl", query: str = ""
) -> TestResponse:
    return api.client.post(f"/v1/file-checks{query}", data=data, content_type=kind)


def test_a_good_file_is_counted_and_its_first_rows_are_shown() -> None:
    data = b"prompt;custom_id\nrain;a\n\nsun;\nwind;\nsnow;\n"
    found: Any = check(make_api(), data, "text/csv").get_json()
    assert found.pop("cost_usd") > 0
    assert found == {
        "object": "file_check",
        "rows": 4,
        "fault_count": 0,
        "detail": "4 rows, no fault.",
        "errors": [],
        "ready_by": None,
        "first": [
            {"line": 2, "custom_id": "a", "prompt": "rain"},
            {"line": 4, "custom_id": "2", "prompt": "sun"},
            {"line": 5, "custom_id": "3", "prompt": "wind"},
        ],
    }


def test_a_webhook_that_refuses_the_file_refuses_its_check() -> None:
    api = make_api(Settings(hash_key="test"))
    query = "?webhook_url=https://10.0.0.1/"
    refusal = is_problem(upload(api, LINES, query=query), 422, "webhook-url-forbidden")
    assert (
        is_problem(check(api, query=query), 422, "webhook-url-forbidden")["detail"]
        == (refusal["detail"])
    )


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (BAD, "application/jsonl"),
        (b"", "text/plain"),
        (b"x\n" * 1200, "text/plain"),
        (b"\n" + b"a\x07b\n" * 150, "text/plain"),
        (b"caf\xe9", "text/plain"),
        (b"text\nrain\n", "text/csv"),
    ],
)
def test_the_faults_are_those_that_refuse_the_file(data: bytes, kind: str) -> None:
    api = make_api()
    answer = check(api, data, kind)
    refusal: Any = upload(api, data, kind).get_json()
    assert answer.status_code == 200
    found: Any = answer.get_json()
    assert (found["errors"], found["detail"]) == (refusal["errors"], refusal["detail"])
    assert found["fault_count"] >= len(found["errors"]) > 0
    assert found["first"] == []


def test_the_check_of_a_good_file_tells_what_it_will_cost_and_when_it_is_ready() -> None:
    api = make_api()
    unknown: Any = check(api).get_json()
    api.write(api.submit())  # now it is known how long a song takes
    found: Any = check(api).get_json()
    assert found["ready_by"] > api.clock().isoformat()
    assert 0 < found["cost_usd"] != unknown["cost_usd"]
    faulty: Any = check(api, BAD).get_json()
    assert (faulty["cost_usd"], faulty["ready_by"]) == (None, None)


def test_a_file_is_checked_also_while_the_store_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    api = make_api()

    def away(_: str) -> Any:
        raise StoreUnavailable()

    monkeypatch.setattr(api.store, "get_state", away)
    found: Any = check(api).get_json()
    assert (found["fault_count"], found["cost_usd"], found["ready_by"]) == (0, None, None)


def test_options_of_rows_are_checked_with_those_of_all_rows() -> None:
    found: Any = check(make_api(), BAD, query="?style=pop").get_json()
    assert [(each["line"], each["code"]) for each in found["errors"]] == [
        (1, "invalid-option"),
        (1, "invalid-option"),
        (2, "missing-prompt"),
        (3, "invalid-json-line"),
    ]


def test_all_rows_of_a_file_with_too_many_are_counted() -> None:
    found: Any = check(make_api(), b"x\n" * 1200, "text/plain").get_json()
    assert (found["rows"], found["fault_count"]) == (1200, 1)


def test_nothing_is_stored_or_queued_and_nothing_is_used_up() -> None:
    api = make_api(Settings(hash_key="test", rate_per_minute=1, daily_budget=1))
    for _ in range(3):
        assert check(api).status_code == 200
    assert api.store.count_queued() == 0
    assert api.messages(Topic.BULK) == []
    assert api.client.post("/v1/jobs", json={"prompt": "still mine"}).status_code == 202


@pytest.mark.parametrize(
    ("data", "kind", "query", "status"),
    [
        (b"x" * (MAX_FILE_BYTES + 1), "text/plain", "", 413),
        (b"x", "image/png", "", 415),
        (b"x", "text/plain", "?lines=1000", 422),
        (b"x", "text/plain", "?metadata=1", 422),
    ],
)
def test_the_limits_are_those_of_a_submission(
    data: bytes, kind: str, query: str, status: int
) -> None:
    api = make_api()
    assert check(api, data, kind, query).status_code == status
    assert upload(api, data, kind, query).status_code == status


def test_a_form_with_the_file_is_taken_too() -> None:
    form = {"file": (io.BytesIO(b"rain\nsun\n"), "weather.txt"), "lines": "8"}
    found: Any = make_api().client.post("/v1/file-checks", data=form).get_json()
    assert found["rows"] == 2


@pytest.mark.parametrize(
    ("data", "kind", "faults"),
    [
        (("a" + "\u0300\u0327" * 50_000).encode(), "text/plain", 1),
        (b'{"prompt": "x", "options": {%s}}' % b",".join(b'"%x":1' % n for n in range(110_000)),
         "application/jsonl", 1),
        (b"{}\n" * 349_000, "application/jsonl", 1001),
        (b"prompt\n" + b"x\n" * 524_000, "text/csv", 1),
    ],
    ids=["combining marks", "unknown options", "JSON lines", "CSV rows"],
)  # fmt: skip
def test_no_file_keeps_the_processor_for_long(data: bytes, kind: str, faults: int) -> None:
    api = make_api()
    with cpu_limit(4):
        found: Any = check(api, data, kind).get_json()
    assert found["fault_count"] == faults
