"""The command line against a server that follows the contract: what is printed where, and how
each kind of trouble ends."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.wrappers import Response

from tests.support.fake_api import LINES, FakeApi, fake_api, problem
from versequeue.cli import options
from versequeue.cli.failures import duration
from versequeue.cli.live import BatchProgress, LiveLine, job_line
from versequeue.cli.main import COMMANDS, LazyGroup, main
from versequeue.client.types import Batch, Counts, Job, Progress
from versequeue.errors import StartupError
from versequeue.local.host import UpOptions

Run = Callable[..., Result]
LOST = {"type": "/problems/worker-lost", "title": "Lost", "detail": "The worker is lost."}


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    monkeypatch.setattr(options, "FIRST_CALL_S", 0.4)
    with fake_api() as server:
        yield server


@pytest.fixture
def run(api: FakeApi) -> Run:
    def run_it(*arguments: str, stdin: str | bytes | None = None) -> Result:
        environ = {"VERSEQUEUE_URL": api.url, "VERSEQUEUE_API_KEY": ""}
        return CliRunner().invoke(main, list(arguments), input=stdin, env=environ)

    return run_it


def test_submit_prints_the_lyrics_on_stdout_and_the_way_there_on_stderr(run: Run) -> None:
    result = run("submit", "rain over the city")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == LINES
    told = [line.rsplit(" · ", 1)[0] for line in result.stderr.splitlines()]
    assert told[:3] == [
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


def test_a_refused_prompt_ends_with_status_two_and_names_the_field(run: Run, api: FakeApi) -> None:
    body = {
        "type": "/problems/validation",
        "detail": "Some fields are not valid.",
        "errors": [{"pointer": "/options/lines", "detail": "At most 64."}],
    }
    api.faults = [lambda: Response(json.dumps(body), 422, content_type="application/problem+json")]

    result = run("submit", "rain", "--lines", "65")

    assert result.exit_code == 2
    assert result.stderr == "Error: Some fields are not valid.\n  lines: At most 64.\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit",),
        ("submit", "rain", "--lines", "many"),
        ("submit", "rain", "--server", "nonsense"),
        ("batch", "/does/not/exist"),
        ("up", "--port", "65536"),
        ("nonsense",),
    ],
)
def test_wrong_usage_ends_with_status_two(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments", [("submit", "rain"), ("get", "job_1"), ("cancel", "job_1"), ("status",)]
)
def test_a_server_that_is_not_there_ends_with_status_three(
    run: Run, arguments: tuple[str, ...]
) -> None:
    result = run(*arguments, "--server", "http://127.0.0.1:1")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "http://127.0.0.1:1 could not be reached" in result.stderr
    assert "versequeue up" in result.stderr


def test_a_server_that_is_busy_for_long_ends_with_status_three(run: Run, api: FakeApi) -> None:
    api.faults = [problem(429, "budget-exhausted", "Today's songs are sung.", Retry_After="7200")]
    result = run("submit", "rain")
    assert result.exit_code == 3
    assert "Today's songs are sung. Try again in 2 h 0 min." in result.stderr


def test_something_else_that_listens_there_ends_with_status_three(run: Run, api: FakeApi) -> None:
    api.faults = [lambda: Response("<h1>Hello</h1>", content_type="text/html")]
    result = run("status")
    assert result.exit_code == 3
    assert "not VerseQueue" in result.stderr


def test_an_interrupted_wait_says_how_to_come_back(run: Run, api: FakeApi) -> None:
    def interrupt() -> Response:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("versequeue.client.client.follow", lambda *_: interrupt())
        result = run("submit", "rain", "--server", api.url)

    assert result.exit_code == 130
    assert f"versequeue get job_0 --server {api.url}" in result.stderr
    assert f"versequeue cancel job_0 --server {api.url}" in result.stderr
    assert "Error" not in result.stderr


def test_ctrl_c_before_anything_was_accepted_just_stops(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("versequeue.client.client.Client.submit", interrupt)
    result = run("submit", "rain")
    assert result.exit_code == 130
    assert result.stderr == "Stopped.\n"


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


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    file = tmp_path / "prompts.txt"
    file.write_text("rain\nsun\nwind\nsnow\n")
    return file


def test_batch_prints_its_progress_on_stderr_and_writes_the_results(
    run: Run, prompts: Path, tmp_path: Path
) -> None:
    out = tmp_path / "songs.jsonl"

    result = run("batch", str(prompts), "--out", str(out), "--lines", "4")

    assert result.exit_code == 0
    assert result.stdout == ""
    assert "4 rows accepted as batch_0" in result.stderr
    assert "2 of 4 rows" in result.stderr
    assert "4 of 4 rows" in result.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["prompt"] for row in rows] == ["rain", "sun", "wind", "snow"]
    assert sorted(tmp_path.iterdir()) == [prompts, out]


@pytest.mark.parametrize(
    ("name", "asked"), [("a.csv", "csv"), ("a.TXT", "txt"), ("a", "txt"), ("a.ndjson", "jsonl")]
)
def test_the_results_have_the_format_of_the_files_name(
    run: Run, api: FakeApi, prompts: Path, name: str, asked: str
) -> None:
    run("batch", str(prompts), "--out", str(prompts.with_name(name)))
    assert api.requests[-1].query == {"format": asked}


def test_batch_without_a_file_for_the_results_prints_them(
    run: Run, api: FakeApi, prompts: Path
) -> None:
    result = run("batch", str(prompts), "--json")
    assert len(result.stdout.splitlines()) == 4
    assert api.requests[-1].query == {"format": "jsonl"}
    run("batch", str(prompts))
    assert api.requests[-1].query == {"format": "txt"}


def test_a_batch_with_failed_rows_names_them_and_ends_with_status_one(
    run: Run, api: FakeApi, prompts: Path, tmp_path: Path
) -> None:
    api.row_ends = ["succeeded", "failed"]
    out = tmp_path / "songs.txt"

    result = run("batch", str(prompts), "--out", str(out))

    assert result.exit_code == 1
    assert "line 2: failed: It got lost." in result.stderr
    assert "line 4: failed: It got lost." in result.stderr
    assert "2 of 4 rows have no song." in result.stderr
    assert out.exists()


def test_a_batch_run_again_picks_the_first_one_up(run: Run, api: FakeApi, prompts: Path) -> None:
    first = run("batch", str(prompts), "--no-wait")
    again = run("batch", str(prompts), "--json")

    assert first.stdout == "batch_0\n"
    assert "Sent before as batch_0: 0 of 4 rows are done." in again.stderr
    keys = {call.headers["Idempotency-Key"] for call in api.calls("POST", "/v1/batches")}
    assert len(keys) == 1
    run("batch", str(prompts), "--no-wait", "--again")
    assert api.calls("POST")[-1].headers["Idempotency-Key"] not in keys


def test_a_batch_run_again_can_try_its_failed_rows_again(
    run: Run, api: FakeApi, prompts: Path
) -> None:
    api.row_ends = ["succeeded", "failed"]
    run("batch", str(prompts))
    run("batch", str(prompts), "--retry-failed")
    assert api.calls("POST")[-1].path == "/v1/batches/batch_0/retry-failed"


def test_a_refused_file_names_every_bad_line(run: Run, api: FakeApi, prompts: Path) -> None:
    errors = [
        {"line": 1, "custom_id": None, "code": "missing-prompt", "detail": "No prompt."},
        {"line": 3, "custom_id": "x", "code": "invalid-option", "detail": "Too many lines."},
    ]
    body = {"type": "/problems/batch-invalid", "detail": "Two bad rows.", "errors": errors}
    api.faults = [lambda: Response(json.dumps(body), 422, content_type="application/problem+json")]

    result = run("batch", str(prompts))

    assert result.exit_code == 2
    assert result.stderr == (
        "Error: Two bad rows.\n  line 1: No prompt.\n  line 3: Too many lines.\n"
    )


def test_a_result_file_that_cannot_be_written_is_refused_before_anything_is_sent(
    run: Run, api: FakeApi, prompts: Path
) -> None:
    result = run("batch", str(prompts), "--out", "/nowhere/at/all.jsonl")
    assert result.exit_code == 2
    assert api.requests == []


def test_results_that_break_off_leave_no_file_behind(run: Run, api: FakeApi, prompts: Path) -> None:
    api.results_break = True
    old = prompts.with_name("songs.txt")
    old.write_text("the songs of yesterday")

    result = run("batch", str(prompts), "--out", str(old))

    assert result.exit_code == 3
    assert "broke off" in result.stderr
    assert old.read_text() == "the songs of yesterday"
    assert sorted(prompts.parent.iterdir()) == [prompts, old]


def test_an_interrupted_batch_says_how_to_come_back(
    run: Run, prompts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("versequeue.client.client.follow", interrupt)
    result = run("batch", str(prompts))
    assert result.exit_code == 130
    assert "same command again" in result.stderr
    assert "versequeue cancel batch_0" in result.stderr


def test_get_and_cancel_know_batches(run: Run, api: FakeApi, prompts: Path) -> None:
    run("batch", str(prompts), "--no-wait")
    assert "4: 2 queued, 2 succeeded" in run("get", "batch_0").stdout
    assert "asked to end" in run("cancel", "batch_0").stderr
    waited = run("get", "batch_0", "--wait")
    assert waited.exit_code == 0
    assert "4 succeeded" in waited.stdout
    assert run("get", "batch_0", "--lyrics").exit_code == 0
    assert api.requests[-1].query == {"format": "txt"}
    assert json.loads(run("get", "batch_0", "--json").stdout)["done"] is True


@dataclass
class Terminal(io.StringIO):
    """A stream that somebody looks at."""

    def __post_init__(self) -> None:
        super().__init__()

    def isatty(self) -> bool:
        return True


def test_a_terminal_sees_one_line_that_is_redrawn_and_then_gone() -> None:
    from tests.support.waiting import wait_until

    stream = Terminal()
    with LiveLine(stream) as live:
        live.show("Writing · line 1 of 2", tail="a line\x1b[2J")
        wait_until(lambda: stream.getvalue().count("line 1 of 2") >= 2, 5)
    assert "\n" not in stream.getvalue()
    assert "a line[2J" in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[2K")


def test_a_pipe_sees_each_change_once() -> None:
    stream = io.StringIO()
    with LiveLine(stream, clock=lambda: 5.0) as live:
        live.show("Waking the model up")
        live.show("Waking the model up")
    assert stream.getvalue() == "Waking the model up · 0.0 s\n"


def test_a_stage_of_tomorrow_is_shown_as_it_is_called() -> None:
    assert job_line(Job("job_1", "running", stage="tuning_guitar")) == "Tuning guitar"
    assert job_line(Job("job_1", "pondering")) == "Pondering"
    progress = Progress(completed=3, total=8)
    assert job_line(Job("j", "running", stage="writing", progress=progress)) == (
        "Writing · line 3 of 8"
    )


def test_a_batch_tells_its_rate_and_the_time_left() -> None:
    times = iter([0.0, 60.0, 120.0])
    progress = BatchProgress(clock=lambda: next(times))
    seen = [progress.text(running(done, failed)) for done, failed in ((10, 0), (40, 0), (100, 5))]
    assert [text.partition(" ")[2] for text in seen] == [
        "10 of 100 rows",
        "40 of 100 rows · 30 a minute · 2 min 0 s left",
        "100 of 100 rows · 45 a minute · 5 without a song",
    ]
    assert [text.count("█") for text in seen] == [2, 9, 24]


def running(done: int, failed: int = 0) -> Batch:
    counts = Counts(total=100, queued=100 - done, succeeded=done - failed, failed=failed)
    return Batch("batch_1", "running", done=done == 100, request_counts=counts)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (3.21, "3.2 s"), (59.4, "59 s"), (65, "1 min 5 s"), (12000, "3 h 20 min")],
)
def test_durations_read_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_up_hands_its_options_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[UpOptions] = []

    def run_up(options: UpOptions) -> int:
        seen.append(options)
        return 0

    monkeypatch.setattr("versequeue.local.up.run_up", run_up)
    arguments = ["up", "--port", "0", "--data-dir", str(tmp_path), "--model", "tiny"]

    result = CliRunner().invoke(main, [*arguments, "--idle-timeout", "7"])

    assert result.exit_code == 0
    options = seen[0]
    assert (options.host, options.port, options.model) == ("127.0.0.1", 0, "tiny")
    assert (options.data_dir, options.idle_timeout_s) == (tmp_path, 7.0)
    environ = {"VERSEQUEUE_MODEL": "other", "VERSEQUEUE_DATA_DIR": "elsewhere"}
    CliRunner().invoke(main, ["up"], env=environ)
    assert (seen[1].model, seen[1].data_dir) == ("other", Path("elsewhere"))


def test_a_server_that_cannot_start_says_why_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> int:
        raise StartupError("Port 8080 is taken.")

    monkeypatch.setattr("versequeue.local.up.run_up", refuse)
    result = CliRunner().invoke(main, ["up"])
    assert result.exit_code == 2
    assert result.stderr == "Error: Port 8080 is taken.\n"


def test_every_command_is_there_and_has_help() -> None:
    group = main
    assert isinstance(group, LazyGroup)
    for name in COMMANDS:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0, name
        assert result.stdout.startswith("Usage:"), name
        assert name in CliRunner().invoke(main, ["--help"]).stdout


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = (
        "import sys; from versequeue.cli.main import main; main(['--help'], standalone_mode=False);"
        "print(sorted({'requests', 'tqdm', 'pydantic', 'flask', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
