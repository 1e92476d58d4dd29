"""The commands for one job and for the server's state: what is printed where, and how each ends."""

import json

import pytest
from click.testing import CliRunner

from tests.support.command_line import LOST, Run
from tests.support.fake_api import LINES, FakeApi
from versequeue.cli.main import main


def test_submit_prints_the_lyrics_on_stdout_and_the_way_there_on_stderr(run: Run) -> None:
    result = run("submit", "rain over the city")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == LINES
    told = [line.rsplit(" · ", 1)[0] for line in result.stderr.splitlines()]
    assert told[0].startswith("job_0 is at http://127.0.0.1:"), "said before anything is waited for"
    assert told[1:4] == [
        "In the queue · place 2 · about 12 s to go",
        "Waking the model up",
        "Writing · line 1 of 2",
    ]
    assert "“Gray”" in result.stderr
    assert "Succeeded" not in result.stderr


def test_submit_sends_only_the_options_that_were_given(run: Run, api: FakeApi) -> None:
    run("submit", "rain", "--no-wait")
    run(
        *("submit", "rain", "--no-wait", "--lines", "8", "--rhyme-scheme", "ABAB"),
        *("--structure", "song", "--style", "folk", "--mood", "calm", "--temperature", "0.5"),
        *("--top-p", "0.9", "--seed", "7", "--explicit", "--continue-prompt"),
    )

    bare, full = [json.loads(call.body) for call in api.calls("POST")]
    assert bare == {"prompt": "rain"}
    assert full["options"] == {
        "lines": 8,
        "rhyme_scheme": "ABAB",
        "structure": "song",
        "style": "folk",
        "mood": "calm",
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": 7,
        "explicit": True,
        "continue_prompt": True,
    }


def test_submit_without_waiting_prints_the_id_alone_on_stdout(run: Run) -> None:
    result = run("submit", "rain", "--no-wait")
    assert result.stdout == "job_0\n"
    assert "versequeue get job_0" in result.stderr


def test_submit_prints_the_servers_own_document_for_programs(run: Run) -> None:
    waited = json.loads(run("submit", "rain", "--json").stdout)
    assert waited["status"] == "succeeded"
    assert waited["a_field_of_tomorrow"] == {"nested": True}
    queued = json.loads(run("submit", "rain", "--json", "--no-wait").stdout)
    assert queued["status"] == "queued"


def test_submit_reads_a_prompt_from_stdin(run: Run, api: FakeApi) -> None:
    assert run("submit", "-", "--no-wait", stdin="réin\n").exit_code == 0
    assert json.loads(api.calls("POST")[0].body)["prompt"] == "réin\n"
    refused = run("submit", "-", stdin=b"r\xe9in")
    assert refused.exit_code == 2
    assert "not UTF-8" in refused.stderr


@pytest.mark.parametrize("status", ["failed", "canceled", "expired", "archived"])
@pytest.mark.parametrize("more", [(), ("--json",)])
def test_a_job_without_a_song_ends_with_status_one(
    run: Run, api: FakeApi, status: str, more: tuple[str, ...]
) -> None:
    api.steps = [{"status": status, "stage": None, "done": True, "error": LOST}]

    result = run("submit", "rain", *more)

    assert result.exit_code == 1
    assert f"ended as {status}: The worker is lost." in result.stderr
    assert bool(result.stdout) == bool(more)


def test_get_shows_a_job_with_its_song(run: Run) -> None:
    run("submit", "rain")
    result = run("get", "job_0")
    assert result.exit_code == 0
    assert "Succeeded" in result.stdout
    assert "tiny, seed 7" in result.stdout
    assert LINES[1] in result.stdout


def test_get_shows_the_lines_so_far_of_an_unfinished_job(run: Run, api: FakeApi) -> None:
    api.steps = [{"status": "running", "stage": "writing", "lines": 1, "attempt": 2}]
    run("submit", "rain", "--no-wait")
    result = run("get", "job_0")
    assert result.exit_code == 0
    assert "Writing · line 1 of 2 · attempt 2 of 5" in result.stdout
    assert "03:04:05  created" in result.stdout
    assert result.stdout.splitlines()[-1] == LINES[0]


def test_get_shows_why_a_job_failed_and_ends_with_status_one(run: Run, api: FakeApi) -> None:
    api.steps = [{"status": "failed", "error": LOST}]
    run("submit", "rain", "--no-wait")
    result = run("get", "job_0")
    assert result.exit_code == 1
    assert "The worker is lost." in result.stdout
    assert json.loads(run("get", "job_0", "--json").stdout)["status"] == "failed"


def test_who_looks_at_a_canceled_job_sees_what_was_asked_for_and_who_waits_gets_no_song(
    run: Run, api: FakeApi
) -> None:
    api.steps = [{"status": "canceled"}]
    run("submit", "rain", "--no-wait")
    assert run("get", "job_0").exit_code == 0
    assert run("get", "job_0", "--wait").exit_code == 1
    assert run("get", "job_0", "--lyrics").exit_code == 1


def test_get_can_print_the_lyrics_alone_and_wait_for_them(run: Run) -> None:
    run("submit", "rain", "--no-wait")
    early = run("get", "job_0", "--lyrics")
    assert early.exit_code == 1
    assert early.stdout == ""
    assert "has no lyrics yet" in early.stderr
    late = run("get", "job_0", "--lyrics", "--wait")
    assert late.exit_code == 0
    assert late.stdout.splitlines() == LINES


def test_the_api_key_comes_from_the_environment(api: FakeApi) -> None:
    environ = {"VERSEQUEUE_URL": api.url, "VERSEQUEUE_API_KEY": "secret"}
    assert CliRunner().invoke(main, ["status"], env=environ).exit_code == 0
    assert api.requests[0].headers["X-Api-Key"] == "secret"


def test_an_unknown_id_ends_with_status_two(run: Run) -> None:
    result = run("get", "job_nowhere")
    assert result.exit_code == 2
    assert "There is no such job." in result.stderr


def test_cancel_ends_a_job(run: Run) -> None:
    run("submit", "rain", "--no-wait")
    assert "job_0 is canceled" in run("cancel", "job_0").stderr
    assert json.loads(run("cancel", "job_0", "--json").stdout)["status"] == "canceled"


def test_status_says_what_a_new_job_has_to_wait_for(run: Run) -> None:
    told = run("status").stdout
    assert "cold" in told
    assert "3 jobs" in told
    assert "4.0 s" in told
    assert "1.5 s" in told
    assert json.loads(run("status", "--json").stdout)["new_field"] == 1
