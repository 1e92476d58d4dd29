"""The example, end to end: its server, its page, its worker's process and its own trained model."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from examples.digits.drawings import draw, read
from examples.digits.worker import DigitReader
from tests.support.example import running_digits
from tests.support.paths import ROOT
from tests.support.receivers import answer, receiver
from tests.support.server import Server
from tests.support.waiting import wait_until
from tests.support.written import Shell, examples
from versequeue.client import Client

pytestmark = pytest.mark.long

EXAMPLE = ROOT / "examples" / "digits"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_digits(tmp_path_factory.mktemp("data")) as running:
        yield running


def as_text(cells: Any) -> str:
    return " ".join(f"{int(''.join('01'[int(cell)] for cell in row), 2):04x}" for row in cells)


def a_drawing(digit: int, seed: int = 200_000) -> str:
    """One that the model has never seen."""
    return as_text(draw(digit, np.random.default_rng(seed)))


@pytest.mark.processes
def test_a_drawing_goes_the_way_of_every_job(server: Server) -> None:
    with receiver(answer(200)) as listener:
        given = {
            "prompt": a_drawing(3),
            "options": {"guesses": 2, "whose": "mine"},
            "webhook": {"url": listener.url},
        }
        job = server.post("/v1/jobs", json=given).json()
        assert (job["status"], job["stage"]) == ("queued", "waiting")
        job = server.wait_done(job["id"])
        wait_until(lambda: listener.calls, 30)

    assert job["status"] == "succeeded"
    assert job["options"] == given["options"]
    assert job["progress"] == {"completed": 1, "total": 1, "unit": "lines"}
    assert "loading_model" in [event["detail"] for event in job["events"]]
    assert job["metrics"]["model_load_s"] > 0
    output = job["output"]
    assert output["lyrics"] == "3"
    assert output["guesses"][0]["digit"] == 3
    assert len(output["guesses"]) == 2
    assert output["receipt"]["model"] == "digits"
    assert output["receipt"]["model_digest"].startswith("sha256:")
    told = json.loads(listener.calls[0].body)
    assert told["type"] == "job.succeeded"
    assert told["data"]["output"] == output
    assert server.get(f"/v1/jobs/{job['id']}/lyrics").text == "3\n"
    # What is known of the worker is kept for a moment.
    wait_until(lambda: server.get("/v1/status").json()["model"] == "digits", 30)


@pytest.mark.processes
def test_it_reads_what_it_has_never_seen(server: Server) -> None:
    client = Client(server.url)
    jobs = [client.submit(a_drawing(number % 10, 200_000 + number)) for number in range(30)]
    outputs = [client.wait(job.id).output for job in jobs]
    right = [output and output.lyrics == str(number % 10) for number, output in enumerate(outputs)]
    assert right.count(True) >= 25


@pytest.mark.processes
@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({"prompt": "a seven"}, "16 rows"),
        ({"prompt": a_drawing(7), "options": {"guesses": 0}}, "from 1 to 10"),
        ({"prompt": a_drawing(7), "options": {"guesses": "all"}}, "from 1 to 10"),
    ],
)
def test_what_cannot_be_read_fails_at_once_and_says_why(
    server: Server, asked: dict[str, Any], detail: str
) -> None:
    job = server.wait_done(server.post("/v1/jobs", json=asked).json()["id"])
    assert (job["status"], job["attempt"]) == ("failed", 1)
    assert detail in job["error"]["detail"]


@pytest.mark.processes
def test_every_command_of_its_page_does_what_it_says(server: Server, tmp_path: Path) -> None:
    shell = Shell(tmp_path, server.url)
    [tour] = [each for each in examples(EXAMPLE / "README.md", "sh") if "curl" in each.text]
    told = shell.run(tour)
    assert '"lyrics":"7"' in told
    assert '"model":"digits"' in told


@pytest.mark.processes
@pytest.mark.browser
def test_a_stroke_on_the_page_is_read_when_the_pen_is_lifted(
    server: Server, new_context: Any
) -> None:
    page = new_context().new_page()
    page.goto(server.url)
    box = page.locator("#paper").bounding_box()
    middle = box["x"] + box["width"] * 0.5
    page.mouse.move(middle, box["y"] + box["height"] * 0.1)
    page.mouse.down()
    page.mouse.move(middle, box["y"] + box["height"] * 0.9, steps=5)
    page.mouse.up()
    page.get_by_text("That is a 1.").wait_for()
    assert page.locator("#guesses li").count() == 3
    page.get_by_role("button", name="Clear").click()
    assert page.locator("#guesses li").count() == 0


@pytest.mark.parametrize("file", ["bundle.json", "model.tflite"])
def test_a_damaged_model_is_told_from_one_that_is_away(file: str, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text('{"name": "digits", "digest": "sha256:1"}')
    with pytest.raises(FileNotFoundError):
        DigitReader(tmp_path)
    (tmp_path / "model.tflite").write_bytes(b"no network")
    (tmp_path / file).write_bytes(b"\xff half of it")
    with pytest.raises(ValueError):  # noqa: PT011 - in the words of whoever parses it
        DigitReader(tmp_path)


def test_a_drawing_is_the_text_that_it_was() -> None:
    cells = draw(8, np.random.default_rng(1))
    assert (read(as_text(cells)) == cells).all()


def test_it_is_under_a_hundred_lines_and_knows_no_lyrics() -> None:
    texts = [file.read_text() for file in EXAMPLE.glob("*.py")]
    assert sum(bool(line.strip()) for text in texts for line in text.splitlines()) < 100
    imports = [node for text in texts for node in ast.walk(ast.parse(text))]
    modules = [node.module or "" for node in imports if isinstance(node, ast.ImportFrom)]
    assert [module for module in modules if module.startswith("lyricist")] == []
