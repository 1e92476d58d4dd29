"""A file of prompts in the browser: checked by line, sent unchanged, watched, its results."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_api import BATCH, BROKEN, Answer, Opener, PageApi, batch, fine, problem

pytestmark = pytest.mark.browser
PATH = f"/v1/batches/{BATCH}"
AT_BATCH = f"/?batch={BATCH}"


def choose(page: Page, name: str, content: str | bytes) -> None:
    data = content.encode() if isinstance(content, str) else content
    page.locator("#file-title").click()
    page.locator("#file").set_input_files({"name": name, "mimeType": "", "buffer": data})


def told(**counts: int) -> Any:
    return lambda api: api.on("GET", PATH, fine(batch(**counts)))


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.txt", "one\n\n  two  \r\nthree", 3),
        ("a.jsonl", '\ufeff{"prompt":"one"}\n{"custom_id":"x","prompt":"two","options":{}}\n', 2),
        ("a.csv", 'custom_id,Prompt,style\n1,"rain, ""rain""",folk\n2,sun,pop\n\n', 2),
        ("a.csv", "prompt;lines\nrain;8\n", 1),
        ("a.csv", 'prompt\n5" of rain\nsun\n', 2),
        ("no-suffix", "just one", 1),
    ],
)
def test_a_good_file_is_counted_before_anything_is_sent(
    open_page: Opener, name: str, content: str, rows: int
) -> None:
    page, api = open_page()
    choose(page, name, content)
    expect(page.locator("#report h3")).to_contain_text(f"{rows} prompt")
    expect(page.locator("#report h3")).to_contain_text("all fine")
    expect(page.locator("#report")).to_be_focused()
    assert not [request for request in api.seen if "batches" in request.url]


@pytest.mark.parametrize(
    ("name", "content", "faults"),
    [
        ("a.jsonl", '{"prompt":"x"}\nnot json\n[1]\n', [("2", "not a JSON"), ("3", "no prompt")]),
        ("a.jsonl", '{"prompt":"x","custom_id":"2"}\n{"prompt":"y"}', [("2", "there twice")]),
        ("a.txt", "fine\n" + "é" * 501, [("2", "more than 500")]),
        ("a.txt", "fine\na\x07b", [("2", "control characters")]),
        ("a.csv", "text\nrain\n", [("1", "no column")]),
        ("a.csv", 'prompt\n"two\nlines"\n""\nok', [("2", "control characters")]),
        ("a.csv", 'prompt\nok\n"never closed', [("3", "never closed")]),
        ("a.txt", "", [("1", "no prompts")]),
        ("a.txt", "x\n" * 1001, [("1001", "more than 1,000")]),
        ("a.txt", "x" * (2**20 + 1), [("1", "more than 1 MiB")]),
        ("a.txt", "caf\xe9".encode("latin-1"), [("1", "not a text file")]),
        ("a.csv", b"PK\x03\x04\x00\x00", [("1", "not a text file")]),
    ],
)
def test_a_bad_file_is_told_by_line_and_cannot_be_sent(
    open_page: Opener, name: str, content: str | bytes, faults: list[tuple[str, str]]
) -> None:
    page, _ = open_page()
    choose(page, name, content)
    rows = page.locator("#report tbody tr")
    for line, said in faults:
        row = rows.filter(has_text=said)
        expect(row.locator("td").first).to_have_text(line)
    expect(page.locator("#report h3")).to_contain_text("Nothing was sent")
    expect(page.locator("#report button")).to_have_count(0)


def test_the_file_is_sent_as_it_is_with_the_choices(open_page: Opener) -> None:
    page, api = open_page("/", told(queued=2))
    api.on("POST", "/v1/batches", BROKEN, Answer(batch(queued=2), 202))
    content = "prompt,style\nrain,folk\nsun,\n"
    choose(page, "weather.csv", content)
    page.get_by_role("button", name="Write 2 songs").click()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#words")).to_have_text("weather.csv, 2 prompts")
    first, second = api.asked("POST", "/v1/batches")
    assert second.post_data == content
    assert second.headers["content-type"] == "text/csv"
    assert "style=rap" in second.url
    assert "mood" not in second.url
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert page.url.endswith(AT_BATCH)
    expect(page.locator("#list li")).to_contain_text("weather.csv, 2 prompts")


def test_what_the_server_finds_is_shown_by_line(open_page: Opener) -> None:
    errors = [{"line": 2, "custom_id": "b", "code": "invalid-option", "detail": "No style “x”."}]
    page, api = open_page()
    api.on("POST", "/v1/batches", problem(422, "batch-invalid", errors=errors))
    choose(page, "a.txt", "one\ntwo")
    page.get_by_role("button", name="Write 2 songs").click()
    expect(page.locator("#refused")).to_contain_text("The server refused the file")
    expect(page.locator("#refused tbody tr")).to_have_text(re.compile("2.*b.*No style “x”"))


def test_a_file_can_be_dropped_on_the_page(open_page: Opener) -> None:
    page, _ = open_page()
    files = page.evaluate_handle(
        "() => { const data = new DataTransfer();"
        " data.items.add(new File(['one\\ntwo'], 'dropped.txt')); return data }"
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": files})
    expect(page.locator("#drop")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": files})
    expect(page.locator("#report h3")).to_have_text("2 prompts in dropped.txt, all fine")
    expect(page.locator("#drop")).to_be_hidden()


def test_a_batch_is_watched_by_its_counts_until_it_is_done(open_page: Opener) -> None:
    page, api = open_page(AT_BATCH, told(succeeded=61, running=8, queued=130, failed=1))
    expect(page.locator("#clock")).to_contain_text("62 of 200")
    expect(page.locator("#clock")).to_contain_text("to go")
    expect(page.locator("#sub")).to_have_text(
        "130 in the queue · 8 being written · 61 done · 1 failed"
    )
    expect(page.locator("#bar")).to_have_js_property("value", 62)
    told(succeeded=198, failed=2)(api)
    expect(page.locator("#why")).to_have_text("198 songs of 200 were written.")
    expect(page.locator("#live")).to_have_text("198 songs of 200 were written.")
    expect(page.locator("#ask")).to_be_visible()
    again = page.get_by_role("button", name="Try the 2 failed ones again")
    told(succeeded=198, running=2)(api)
    api.on("POST", f"{PATH}/retry-failed", Answer(batch(succeeded=198, queued=2), 202))
    again.click()
    expect(page.locator("#sub")).to_have_text("2 being written · 198 done")
    expect(again).to_be_hidden()


def test_a_batch_in_which_nothing_succeeded_says_so(open_page: Opener) -> None:
    page, _ = open_page(AT_BATCH, told(failed=3))
    expect(page.locator("#why")).to_have_text("It ended, and no song was written.")


def test_the_results_can_be_downloaded_in_three_formats(open_page: Opener) -> None:
    page, _ = open_page(AT_BATCH, told(succeeded=2))
    for name in ("txt", "csv", "jsonl"):
        link = page.get_by_role("link", name=name.upper(), exact=True)
        expect(link).to_have_attribute("href", f"{PATH}/results?format={name}")


def test_a_running_batch_can_be_canceled(open_page: Opener) -> None:
    page, api = open_page(AT_BATCH, told(running=1, queued=9))
    expect(page.locator("#clock")).to_contain_text("0 of 10")

    def serve(api: PageApi) -> None:
        ended = {**batch(canceled=9, succeeded=1), "status": "canceled"}
        api.on("GET", PATH, fine(ended))
        api.on("POST", f"{PATH}/cancel", Answer(ended))

    serve(api)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#sub")).to_have_text("1 done · 9 canceled")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
