"""The documentation against the program: what it names exists, what exists is named, and every
example in the README and in the page for API users does what it says."""

import ast
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from tests.support.errors import error_tree
from tests.support.model_bundles import built
from tests.support.paths import ROOT
from tests.support.server import Server, running_server
from tests.support.written import PUBLISHED_URL, Example, Shell, examples
from versequeue.api.routes import ROUTES
from versequeue.cli.main import COMMANDS
from versequeue.config import ClientSettings, Settings, variables
from versequeue.intake.job_body import FormJob
from versequeue.rules.terms import TERM_NAMES

README = ROOT / "README.md"
API = ROOT / "docs" / "api.md"
CLIENT = ROOT / "docs" / "client.md"
#: Errors that never leave the house.
INTERNAL = {"lease-lost", "not-allowed"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("data")
    with running_server(folder, built("tiny")) as running:
        yield running


@pytest.mark.processes
def test_every_command_line_for_api_users_does_what_it_says(server: Server, tmp_path: Path) -> None:
    shell = Shell(tmp_path, server.url)
    answers = {example.text: shell.run(example) for example in examples(API, "sh")}

    assert len(answers) >= 20
    job = json.loads(server.get(f"/v1/jobs/{shell.variables['JOB']}").text)
    documented = json.loads(examples(API, "json")[0].text)
    assert set(job) == set(documented)
    assert set(job["metrics"]) == set(documented["metrics"])
    assert (tmp_path / "songs.csv").read_text("utf-8-sig").startswith("custom_id,line,id")
    replayed = next(text for example, text in answers.items() if "'a boat'" in example)
    assert "Idempotent-Replayed: true" in replayed
    refused = next(text for example, text in answers.items() if "bad.jsonl" in example)
    assert [fault["line"] for fault in json.loads(refused)["errors"]] == [2, 3]
    invalid = next(text for example, text in answers.items() if "lines=1000" in example)
    assert json.loads(invalid) == json.loads(examples(API, "json")[1].text)


@pytest.mark.processes
def test_every_example_of_the_readme_does_what_it_says(server: Server, tmp_path: Path) -> None:
    shell = Shell(tmp_path, server.url)
    for example in examples(README, "sh"):
        if "make " not in example.text:
            shell.run(example)
    for example in examples(README, "python"):
        script = tmp_path / "example.py"
        script.write_text(example.text.replace(PUBLISHED_URL, server.url))
        assert shell.run(Example("sh", "", f"python {script}")).strip()


@pytest.mark.processes
def test_every_example_of_the_client_does_what_it_says(server: Server, tmp_path: Path) -> None:
    shell, script = Shell(tmp_path, server.url), tmp_path / "example.py"
    blocks = [example.text for example in examples(CLIENT, "python")]
    script.write_text("\n".join(blocks).replace(PUBLISHED_URL, server.url))
    told = shell.run(Example("sh", "", f"python {script}"))
    assert "3 succeeded" in told
    assert "validation Some fields of the request are not valid.\n  lines: " in told


def test_what_the_tours_write_leaves_nothing_to_commit() -> None:
    pages = [README, *(ROOT / "docs").glob("*.md")]
    blocks = [example.text for page in pages for example in examples(page, "sh")]
    written = {name for text in blocks for name in re.findall(r"(?:>|-o|--out) ([\w.]+)", text)}
    assert {"prompts.txt", "songs.csv", "bad.jsonl"} <= written
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert sorted(name for name in written if f"/{name}" not in ignored) == []


def test_the_readme_begins_with_the_two_commands() -> None:
    first = examples(README, "sh")[0].text
    assert "make up" in first
    assert "make test" in first


def test_webhooks_are_verified_by_the_code_that_the_page_shows() -> None:
    namespace: dict[str, object] = {}
    code = examples(API, "python")[0].text
    exec(compile(ast.parse(code), "docs/api.md", "exec"), namespace)  # our own page
    is_genuine = namespace["is_genuine"]
    assert callable(is_genuine)
    secret = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"type":"job.succeeded"}'

    headers = signed(secret, body)
    assert is_genuine(secret, headers, body)
    rotated = {**headers, "webhook-signature": f"v1,AAAA {headers['webhook-signature']}"}
    assert is_genuine(secret, rotated, body)
    assert not is_genuine(secret, headers, body + b" ")
    assert not is_genuine("whsec_" + "A" * 32, headers, body)
    assert not is_genuine(secret, signed(secret, body, age_s=400), body)


def signed(secret: str, body: bytes, age_s: float = 0) -> dict[str, str]:
    from datetime import UTC, datetime

    sent_at = datetime.fromtimestamp(time.time() - age_s, tz=UTC)
    signature = Webhook(secret).sign("msg_1", sent_at, body.decode())
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(sent_at.timestamp())),
        "webhook-signature": signature,
    }


def test_every_setting_is_in_the_readme_and_none_that_does_not_exist() -> None:
    exist = {*variables(Settings).values(), *variables(ClientSettings).values()}
    named = set(re.findall(r"^\| `(VERSEQUEUE_\w+)`", README.read_text(), re.MULTILINE))
    assert named == exist


def test_every_command_is_in_the_readme() -> None:
    text = README.read_text()
    assert [name for name in COMMANDS if f"versequeue {name}" not in text] == []


def test_every_route_is_in_the_page_for_api_users() -> None:
    text = API.read_text()
    for route in ROUTES:
        path = re.sub(r"<(?:\w+_)?(\w+)>", r"{\1}", route.path)
        assert f"`{route.method} {path}`" in text, route


def test_whatever_says_when_is_in_the_page() -> None:
    rows = API.read_text()
    assert [name for name in TERM_NAMES if f"\n| `{name}` |" not in rows] == []


def test_every_option_is_in_the_page_with_its_default() -> None:
    text = API.read_text()
    for name, option in FormJob.model_fields.items():
        if name == "prompt" or name in TERM_NAMES:
            continue
        row = re.search(rf"^\| `{name}` \| ([^|]*) \|", text, re.MULTILINE)
        assert row, name
        shown = {"": "empty", None: "random", False: "false"}.get(option.default, option.default)
        assert row.group(1).strip().strip("`") == str(shown), name


def test_every_error_has_a_paragraph_and_none_is_made_up() -> None:
    described = set(re.findall(r"^### `([\w-]+)`\n\S", API.read_text(), re.MULTILINE))
    assert described == {kind.slug for kind in error_tree()} - INTERNAL


def test_every_code_of_a_bad_row_is_in_the_page() -> None:
    text = API.read_text()
    codes = set()
    for name in ("prompt_files", "raw_rows"):
        source = (ROOT / "versequeue" / "intake" / f"{name}.py").read_text()
        codes |= set(re.findall(r'"((?:\w+-)+\w+)"', source)) - {"utf-8-sig"}
    assert sorted(code for code in codes if f"`{code}`" not in text and "/" not in code) == []


PAGES = [README, *(page for name in ("docs", "examples") for page in (ROOT / name).rglob("*.md"))]


@pytest.mark.parametrize("page", sorted(PAGES), ids=str)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path) if path else page
        assert found.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(found), f"{page}: {target}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}
