"""`rewrite` and `verify`: what is asked for again, and what is said of what came back."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command_line import Run
from tests.support.fake_api import LINES, WRITTEN, FakeApi, Step, output_document

ASKED = {"prompt": "rain", "options": {"lines": 4, "seed": 7, "style": "folk"}}


def done(**changes: Any) -> Step:
    """The last step of a job, with this output."""
    output = {**output_document(), **changes}
    return {**WRITTEN[-1], "output": output, "options": {"lines": 4, "seed": 7, "model": ""}}


def receipt(**changes: Any) -> dict[str, Any]:
    """A receipt of today, and what is different in it."""
    return {**output_document()["receipt"], "asked": ASKED, "kernels": "x86_64 avx2", **changes}


def sent(api: FakeApi) -> list[Any]:
    """The bodies of all submissions."""
    return [json.loads(call.body) for call in api.calls("POST", "/v1/jobs")]


def test_rewrite_gives_all_other_lines_and_leaves_out_the_seed(run: Run, api: FakeApi) -> None:
    api.steps = [done()]
    run("submit", "rain", "--no-wait")
    result = run("rewrite", "job_0", "--lines", "2")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == LINES
    assert sent(api)[1] == {
        "prompt": "rain",
        "options": {"lines": 4, "model": "", "title": "Gray"},
        "given": [LINES[0], None],
    }
    assert run("rewrite", "job_0", "--lines", "1", "--seed", "5", "--no-wait").stdout == "job_2\n"
    assert sent(api)[2]["options"]["seed"] == 5


@pytest.mark.parametrize("lines", ["0", "3", "1-9", "x", "", "1,,2", "99999"])
def test_lines_that_a_song_does_not_have_are_refused(run: Run, api: FakeApi, lines: str) -> None:
    api.steps = [done()]
    run("submit", "rain", "--no-wait")
    refused = run("rewrite", "job_0", "--lines", lines)
    assert refused.exit_code == 2
    assert "Error: " in refused.stderr
    assert len(sent(api)) == 1


def test_a_song_that_is_not_written_yet_cannot_be_rewritten(run: Run, api: FakeApi) -> None:
    run("submit", "rain", "--no-wait")
    refused = run("rewrite", "job_0", "--lines", "1")
    assert "is queued: not finished yet." in refused.stderr


def test_a_span_that_runs_backwards_is_refused_in_its_own_words(run: Run, api: FakeApi) -> None:
    refused = run("rewrite", "job_0", "--lines", "1,7-5")
    assert refused.exit_code == 2
    assert "7-5 runs backwards: write 5-7." in refused.stderr
    assert sent(api) == []


def test_a_file_gives_lines_and_dashes_stand_for_those_to_be_written(
    run: Run, api: FakeApi, tmp_path: Path
) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("[Verse 1]\nOne of mine\n-\n\n[Chorus]\n —\nAnother - of mine\n")
    assert run("submit", "rain", "--given", str(file), "--no-wait").exit_code == 0
    assert sent(api)[0] == {
        "prompt": "rain",
        "options": {"lines": 4},
        "given": ["One of mine", None, None, "Another - of mine"],
    }
    file.write_bytes(b"\xff")
    refused = run("submit", "rain", "--given", str(file), "--no-wait")
    assert (refused.exit_code, len(sent(api))) == (2, 1)


def test_a_file_of_given_lines_may_begin_with_a_byte_order_mark_and_is_not_empty(
    run: Run, api: FakeApi, tmp_path: Path
) -> None:
    file = tmp_path / "mine.txt"
    file.write_bytes(b"\xef\xbb\xbf[Verse 1]\r\nOne of mine\r\n-\r\n")
    assert run("submit", "rain", "--given", str(file), "--no-wait").exit_code == 0
    assert sent(api)[0]["given"] == ["One of mine", None]
    file.write_text("[Verse 1]\n\n")
    refused = run("submit", "rain", "--given", str(file), "--no-wait")
    assert (refused.exit_code, len(sent(api))) == (2, 1)
    assert "has no lines" in refused.stderr


def test_the_same_song_is_said_to_be_the_same(run: Run, api: FakeApi, tmp_path: Path) -> None:
    api.steps = [done(receipt=receipt())]
    run("submit", "rain", "--no-wait")
    file = tmp_path / "job.json"
    file.write_text(run("get", "job_0", "--json").stdout)
    for source in ("job_0", f"{api.url}/?job=job_0", str(file), file.read_text()):
        result = run("verify", source)
        assert result.exit_code == 0, result.stderr
        assert result.stdout.startswith("The same: 2 lines, word for word")
        assert sent(api)[-1] == {
            "prompt": "rain",
            "options": {"lines": 4, "seed": 7, "style": "folk"},
        }


def test_a_whole_job_as_text_is_not_taken_for_the_link_in_it(run: Run, api: FakeApi) -> None:
    api.steps = [done(receipt=receipt())]
    links = {"urls": {"self": "http://elsewhere/v1/jobs/job_elsewhere"}}
    document = {**done(receipt=receipt()), **links}
    assert run("verify", json.dumps(document)).exit_code == 0


def test_changed_lyrics_beside_the_digest_of_the_true_ones_are_not_the_same(
    run: Run, api: FakeApi
) -> None:
    api.steps = [done(receipt=receipt())]
    true = hashlib.sha256(output_document()["lyrics"].encode()).hexdigest()
    changed = {"lyrics": f"{LINES[0]}\nForged", "receipt": receipt(lyrics_digest=true)}
    result = run("verify", json.dumps(changed))
    assert result.exit_code == 1
    assert "line 2: Forged" in result.stderr


@pytest.mark.parametrize(
    ("status", "told"), [("running", "when it is written"), ("failed", "has no song")]
)
def test_a_song_that_is_not_there_yet_is_told_from_one_that_never_will_be(
    run: Run, api: FakeApi, status: str, told: str
) -> None:
    refused = run("verify", json.dumps({"status": status, "output": None}))
    assert (refused.exit_code, sent(api)) == (2, [])
    assert told in refused.stderr


@pytest.mark.parametrize("given", [5, [5], {"1": "one"}])
def test_given_lines_of_a_receipt_that_are_none_are_one_sentence(
    run: Run, api: FakeApi, given: Any
) -> None:
    refused = run("verify", json.dumps(receipt(asked={**ASKED, "given": given})))
    assert (refused.exit_code, sent(api)) == (2, [])
    assert "given lines cannot be read" in refused.stderr


def test_a_receipt_with_a_number_that_json_has_not_is_one_sentence(run: Run, api: FakeApi) -> None:
    asked = {**ASKED, "options": {"temperature": float("nan")}}
    refused = run("verify", json.dumps(receipt(asked=asked)))
    assert (refused.exit_code, sent(api)) == (2, [])
    assert "cannot be sent: JSON has no such number" in refused.stderr


def test_a_receipt_with_given_lines_gives_them_again(run: Run, api: FakeApi) -> None:
    api.steps = [done(receipt=receipt())]
    given = {**ASKED, "given": ["One of mine", None]}
    run("verify", json.dumps(done(receipt=receipt(asked=given))["output"]))
    assert sent(api)[0]["given"] == ["One of mine", None]


def test_a_song_that_differs_is_shown_where_and_what_else_was_otherwise(
    run: Run, api: FakeApi
) -> None:
    api.steps = [done(receipt=receipt(version="2", kernels="aarch64 i8mm"))]
    before = {**output_document(), "lyrics": f"{LINES[0]}\nNo way", "receipt": receipt()}
    result = run("verify", json.dumps({"output": before}))
    assert result.exit_code == 1
    assert f"line 2: No way\n     now: {LINES[1]}" in result.stderr
    assert "line 1" not in result.stderr
    assert "The version was 1 and is 2." in result.stderr
    assert "The processor was x86_64 avx2 and is aarch64 i8mm." in result.stderr


def test_a_receipt_alone_is_compared_by_its_digest(run: Run, api: FakeApi) -> None:
    api.steps = [done(receipt=receipt())]
    digest = "f" * 64
    assert run("verify", json.dumps(receipt(lyrics_digest=digest))).exit_code == 1
    nothing = run("verify", json.dumps(receipt()))
    assert nothing.exit_code == 2
    assert "does not say what was written" in nothing.stderr


def test_a_receipt_of_before_is_read_with_its_job(run: Run, api: FakeApi) -> None:
    api.steps = [done()]
    run("submit", "rain", "--no-wait")
    assert run("verify", "job_0").exit_code == 0
    assert sent(api)[-1]["options"] == {"lines": 4, "seed": 7}
    alone = run("verify", json.dumps(output_document()["receipt"]))
    assert alone.exit_code == 2
    assert "give the job's id, or the whole job" in alone.stderr


def test_where_the_model_is_another_one_nothing_is_written(run: Run, api: FakeApi) -> None:
    api.models = [{"name": "", "model": "other"}]
    refused = run("verify", json.dumps(receipt()))
    assert refused.exit_code == 2
    assert "by the model tiny, and this server has other" in refused.stderr
    assert sent(api) == []
    api.models = [{"name": "a", "model": "other"}, {"name": "b", "model": "tiny"}]
    api.steps = [done(receipt=receipt(model_digest="sha256:2"))]
    refused = run("verify", json.dumps(receipt()))
    assert refused.exit_code == 2
    assert "other weights" in refused.stderr
    assert sent(api)[0]["options"]["model"] == "b"


@pytest.mark.parametrize(
    "source", ["", "nothing", "{", "[]", '"text"', "{}", '{"output": null}', '{"output": 3}',
               '{"model_digest": 3, "seed": []}', "/dev", "[" * 20_000, "x" * 5000]
)  # fmt: skip
def test_what_is_no_receipt_is_one_sentence(run: Run, api: FakeApi, source: str) -> None:
    refused = run("verify", source)
    assert refused.exit_code == 2
    assert refused.stderr.count("Error: ") == 1
    assert "Traceback" not in refused.stderr
    assert sent(api) == []
