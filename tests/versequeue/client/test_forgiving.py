"""What one would guess: plain prompts, paths as text, options in either way, jobs for ids."""

import json
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from tests.support.fake_api import LINES, FakeApi
from versequeue.client.client import Client
from versequeue.client.errors import ApiError


def test_prompts_may_be_plain_texts_beside_rows(api: FakeApi, client: Client) -> None:
    client.submit_batch(["rain", {"prompt": "sun", "custom_id": "b"}])
    rows = [json.loads(line) for line in api.calls("POST")[0].body.splitlines()]
    assert rows == [{"prompt": "rain"}, {"prompt": "sun", "custom_id": "b"}]


def test_a_file_may_be_named_by_text(api: FakeApi, client: Client, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("prompt\nrain\n")
    client.submit_batch(str(file))
    assert api.calls("POST")[0].body == b"prompt\nrain\n"
    assert api.calls("POST")[0].headers["Content-Type"] == "text/csv"
    with pytest.raises(FileNotFoundError):
        client.submit_batch("rain")


def test_options_are_given_by_name_or_together_and_the_name_wins(
    api: FakeApi, client: Client
) -> None:
    client.submit("rain", {"lines": 4, "style": "folk"}, lines=8)
    client.write("rain", {"lines": 4})
    client.submit_batch(["rain"], {"style": "folk"}, lines=8)
    first, second, batch = api.calls("POST")
    assert json.loads(first.body)["options"] == {"lines": 8, "style": "folk"}
    assert json.loads(second.body)["options"] == {"lines": 4}
    assert batch.query == {"lines": "8", "style": "folk"}


def test_a_job_or_batch_stands_for_its_id(api: FakeApi, client: Client) -> None:
    job = client.submit("rain")
    assert client.get(job).id == client.get(job.id).id == job.id
    assert client.cancel(job).id == job.id
    batch = client.submit_batch(["rain"])
    assert client.get_batch(batch).id == batch.id
    assert len(list(client.results(batch))) == len(list(client.results(batch.id)))


def test_a_job_has_its_lyrics_at_hand(client: Client) -> None:
    job = client.submit("rain")
    assert job.lyrics == ""
    assert client.wait(job).lyrics.splitlines() == LINES


def test_an_errors_text_names_the_field_and_the_line(api: FakeApi, client: Client) -> None:
    document = {
        "type": "/problems/validation",
        "detail": "Some fields are not valid.",
        "errors": [
            {"pointer": "/options/lines", "detail": "At most 64."},
            {"line": 3, "custom_id": None, "code": "missing-prompt", "detail": "No prompt."},
        ],
    }
    text, kind = json.dumps(document), "application/problem+json"
    api.faults = [lambda: Response(text, 422, content_type=kind)]
    with pytest.raises(ApiError) as caught:
        client.submit("rain")
    assert str(caught.value).splitlines() == [
        "Some fields are not valid.",
        "  lines: At most 64.",
        "  line 3: No prompt.",
    ]


def test_a_song_reads_as_its_lyrics_and_its_title_stands_beside_them(
    api: FakeApi, client: Client
) -> None:
    job = client.submit("rain")
    assert job.title == ""
    song = client.wait(job).output
    assert song is not None
    assert str(song) == song.lyrics == client.get(job).lyrics
    assert client.get(job).title == song.title != ""
    batch = client.submit_batch(["rain"])
    assert next(client.results(client.wait_batch(batch))).title == song.title
