"""A natural guess that is wrong, and what is said to it."""

import json
from pathlib import Path

import pytest
from werkzeug.wrappers import Response

from tests.support.command_line import Run
from tests.support.fake_api import FakeApi, job_document
from versequeue.cli.options import command_again


def test_a_prompt_without_quotes_is_shown_with_them(run: Run, api: FakeApi) -> None:
    result = run("submit", "rain", "over", "the", "cat's", "city", "--lines", "4")
    assert result.exit_code == 2
    hint = "Error: A prompt is in quotes: versequeue submit 'rain over the cat'\"'\"'s city'"
    assert result.stderr.splitlines()[-1] == hint
    assert api.requests == []


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("sumbit", "Did you mean “submit”?"),
        ("stats", "Did you mean “status”?"),
        ("watch", "Did you mean “get --wait”?"),
        ("x", "There are"),
    ],
)
def test_a_command_that_there_is_not_is_answered_with_the_one_that_was_meant(
    run: Run, typed: str, hint: str
) -> None:
    result = run(typed)
    assert result.exit_code == 2
    assert f"No such command “{typed}”. {hint}" in result.stderr


def test_a_link_to_a_job_or_a_batch_is_as_good_as_its_id(run: Run, api: FakeApi) -> None:
    run("submit", "rain", "--no-wait")
    for link in (f"{api.url}/v1/jobs/job_0/cancel", "/v1/jobs/job_0", f"{api.url}/?job=job_0"):
        assert run("get", link).stdout.startswith("Job       job_0")
    result = run("get", "/v1/jobs")
    assert result.exit_code == 2
    assert "no id of a job or batch is in it" in result.stderr


def test_a_command_to_come_back_with_can_be_pasted_whatever_is_in_it() -> None:
    assert command_again("get", "job_0", None) == "versequeue get job_0"
    told = command_again("get", "job; reboot", "http://x/?a&b")
    assert told == "versequeue get 'job; reboot' --server 'http://x/?a&b'"


def test_canceling_what_has_ended_says_that_nothing_was_canceled(run: Run, api: FakeApi) -> None:
    run("submit", "rain", "--no-wait")
    ended = job_document("job_0", "rain", {"status": "succeeded"})
    api.faults = [lambda: Response(json.dumps(ended), content_type="application/json")]
    result = run("cancel", "job_0")
    assert result.exit_code == 0
    assert result.stderr == "job_0 had ended already, as succeeded: nothing was canceled.\n"


def test_a_batch_that_has_songs_says_how_to_see_them(run: Run, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("rain\n")
    run("batch", str(prompts), "--no-wait")
    assert run("get", "batch_0").stderr == ""
    result = run("get", "batch_0")
    assert "See its songs with: versequeue get batch_0" in result.stderr
    assert "--lyrics" in result.stderr
    assert "songs" not in result.stdout


def test_words_of_the_options_may_be_written_large_or_small(run: Run, api: FakeApi) -> None:
    run("submit", "rain", "--no-wait", "--style", "Folk", "--rhyme-scheme", "abab")
    (sent,) = [json.loads(call.body) for call in api.calls("POST")]
    assert sent["options"] == {"style": "folk", "rhyme_scheme": "ABAB"}
