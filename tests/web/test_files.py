"""A file of prompts on the page: checked by the server, its report, and how it is sent."""

import json
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_api import (
    BATCH,
    BROKEN,
    Answer,
    Opener,
    PageApi,
    batch,
    checked,
    fine,
    problem,
)

pytestmark = pytest.mark.browser
CHECKS = "/v1/file-checks"
TWO = [
    {"line": 1, "custom_id": "1", "prompt": "rain"},
    {"line": 2, "custom_id": "2", "prompt": "sun"},
]


def choose(page: Page, name: str, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    page.locator("#file").set_input_files({"name": name, "mimeType": "", "buffer": data})


def finds(*replies: Any) -> Any:
    def serve(api: PageApi) -> None:
        api.on("POST", CHECKS, *replies)
        api.on("GET", f"/v1/batches/{BATCH}", fine(batch(queued=2)))

    return serve


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.txt", "text/plain"),
        ("a.JSONL", "application/jsonl"),
        ("a.ndjson", "application/jsonl"),
        ("a.csv", "text/csv"),
        ("none", "text/plain"),
    ],
)
def test_the_server_checks_a_file_before_anything_is_queued(
    open_page: Opener, name: str, kind: str
) -> None:
    page, api = open_page("/", finds(checked(200, TWO)))
    choose(page, name, "rain\nsun\n")
    expect(page.locator("#report h3")).to_have_text(f"200 prompts in {name}, all fine")
    expect(page.locator("#report")).to_contain_text("and 198 more")
    expect(page.locator("#report")).to_contain_text(re.compile(r"About 1\.2 ¢, done by 1\d:00"))
    expect(page.locator("#report")).to_be_focused()
    (asked,) = api.asked("POST", CHECKS)
    assert asked.headers["content-type"] == kind
    assert parse_qs(urlsplit(asked.url).query)["rhyme_scheme"] == ["AABB"]
    assert not api.asked("POST", "/v1/batches")


def test_all_faults_are_told_by_line_in_place_and_nothing_can_be_sent(open_page: Opener) -> None:
    errors: list[dict[str, Any]] = [
        {"line": 2, "custom_id": "b", "code": "invalid-option", "detail": "style: No “x”."},
        {"line": 3, "custom_id": None, "code": "missing-prompt", "detail": "There is no prompt."},
    ]
    page, _ = open_page("/", finds(checked(3, errors=errors, fault_count=120)))
    choose(page, "a.jsonl", "x\n")
    expect(page.locator("#report h3")).to_have_text("a.jsonl: 120 problems. Nothing was queued.")
    expect(page.locator("#report tbody tr").nth(0)).to_have_text(re.compile("2.*b.*No “x”"))
    expect(page.locator("#report tbody tr").nth(1)).to_have_text(re.compile("3.*no prompt"))
    expect(page.locator("#report")).to_contain_text("and 118 more")
    expect(page.locator("#report button")).to_have_count(0)
    expect(page.locator("#refused")).to_be_hidden()


def test_a_file_that_is_too_large_does_not_leave_the_device(open_page: Opener) -> None:
    page, api = open_page()
    choose(page, "a.txt", "x" * (2**20 + 1))
    expect(page.locator("#report")).to_contain_text("larger than 1 MiB")
    assert not api.asked("POST", CHECKS)


def test_the_file_is_sent_as_it_is_with_the_choices_and_its_name(open_page: Opener) -> None:
    page, api = open_page("/", finds(checked(2, TWO)))
    api.on("POST", "/v1/batches", BROKEN, Answer(batch(queued=2), 202))
    content = b"\xef\xbb\xbfprompt,style\r\nrain,folk\r\nsun,\r\n"
    choose(page, "weather.csv", content)
    page.get_by_role("button", name="Write 2 songs").click()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#words")).to_have_text("weather.csv, 2 prompts")
    first, second = api.asked("POST", "/v1/batches")
    assert second.post_data_buffer == content
    assert second.headers["content-type"] == "text/csv"
    query = parse_qs(urlsplit(second.url).query)
    assert query["style"] == ["rap"]
    assert "mood" not in query
    assert json.loads(query["metadata"][0]) == {"file": "weather.csv"}
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert page.url.endswith(f"/?batch={BATCH}")
    expect(page.locator("#list li")).to_contain_text("weather.csv, 2 prompts")
    page.go_back()
    expect(page.locator("#report")).to_be_empty()


def test_a_file_is_sent_at_once_unless_its_sender_is_in_no_hurry(open_page: Opener) -> None:
    page, api = open_page("/", finds(checked(2, TWO)))
    api.on("POST", "/v1/batches", BROKEN, Answer(batch(queued=2), 202))
    choose(page, "a.txt", "rain\nsun\n")
    page.get_by_role("button", name="Write 2 songs").click()
    page.get_by_label("No hurry").check()
    page.get_by_role("button", name="Write 2 songs").click()
    expect(page.locator("#words")).to_have_text("a.txt, 2 prompts")
    asked = [parse_qs(urlsplit(each.url).query) for each in api.asked("POST", "/v1/batches")]
    assert [query.get("when") for query in asked] == [None, ["later"]]


def test_a_check_without_an_answer_is_told_in_place_and_can_be_repeated(open_page: Opener) -> None:
    page, _ = open_page("/", finds(BROKEN, problem(429, "rate-limited"), checked(2, TWO)))
    choose(page, "a.txt", "rain\nsun\n")
    report = page.locator("#report")
    expect(report).to_contain_text("The server does not answer")
    report.get_by_role("button", name="Try again").click()
    expect(report).to_contain_text("A little too fast")
    report.get_by_role("button", name="Try again").click()
    expect(page.locator("#report h3")).to_contain_text("all fine")


def test_the_same_file_can_be_chosen_again_after_it_was_corrected(open_page: Opener) -> None:
    page, _ = open_page("/", finds(checked(1, errors=[], fault_count=1), checked(1, TWO[:1])))
    choose(page, "a.txt", "\x07")
    expect(page.locator("#report h3")).to_contain_text("1 problem")
    choose(page, "a.txt", "rain")
    expect(page.locator("#report h3")).to_contain_text("all fine")


def test_a_file_can_be_dropped_on_the_page(open_page: Opener) -> None:
    page, _ = open_page("/", finds(checked(2, TWO)))
    files = page.evaluate_handle(
        "() => { const data = new DataTransfer();"
        " data.items.add(new File(['one\\ntwo'], 'dropped.txt')); return data }"
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": files})
    expect(page.locator("#drop")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": files})
    expect(page.locator("#report h3")).to_have_text("2 prompts in dropped.txt, all fine")
    expect(page.locator("#drop")).to_be_hidden()


def test_the_button_for_a_file_is_one_of_the_page_and_works_by_keyboard(open_page: Opener) -> None:
    page, _ = open_page()
    page.locator("#file-title").click()
    page.keyboard.press("Tab")
    expect(page.locator("#file")).to_be_focused()
    outline = page.locator("label[for=file]").evaluate("one => getComputedStyle(one).outlineStyle")
    assert outline == "solid"
    with page.expect_file_chooser():
        page.get_by_text("Choose a file").click()
