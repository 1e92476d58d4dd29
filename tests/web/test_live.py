"""The page against a real `versequeue up`: nothing is played, a worker process writes."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.support.browser import axe_violations
from tests.support.server import Server, running_server

#: From a cold worker to the last line, on a machine that has other work to do.
WRITTEN_MS = 120_000


@pytest.fixture(scope="module")
def server(
    tiny_bundle: Path, site: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    env = {"VERSEQUEUE_CORS_ORIGINS": site, "VERSEQUEUE_RATE_PER_MINUTE": "0"}
    with running_server(tmp_path_factory.mktemp("page"), tiny_bundle, env=env) as running:
        yield running


@pytest.fixture
def page(new_context: Callable[..., BrowserContext], server: Server) -> Iterator[Page]:
    """The page as `up` serves it; its console may not have an error."""
    context = new_context(base_url=server.url)
    opened = context.new_page()
    errors = hear_errors(opened)
    opened.goto("/")
    yield opened
    assert errors == []


def hear_errors(page: Page) -> list[str]:
    errors: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            errors.append(f"{message.text} {message.location}")

    page.on("console", hear)
    page.on("pageerror", lambda error: errors.append(str(error)))
    return errors


def write(page: Page, words: str) -> None:
    page.get_by_label("What is your song about?").fill(words)
    page.get_by_role("button", name="Write my song").click()


@pytest.mark.browser
@pytest.mark.processes
def test_a_visitor_asks_watches_and_reads(page: Page, server: Server) -> None:
    expect(page.locator("#server")).to_contain_text("The model is")
    write(page, "a lighthouse keeper's last night")
    expect(page.locator("#words")).to_have_text("a lighthouse keeper's last night")
    expect(page.locator("#steps li")).to_have_count(4)
    expect(page.locator("#tools")).to_be_visible(timeout=WRITTEN_MS)
    expect(page.locator("#lyrics li")).to_have_count(16)
    expect(page.locator("#lyrics h3")).to_have_text("[Verse 1]")
    expect(page.locator("#lyrics mark")).to_have_count(16)
    expect(page.locator("#list li")).to_contain_text("done")
    job = server.job(page.url.split("job=")[1])
    assert job["status"] == "succeeded"
    shown = page.locator("#lyrics .words").all_inner_texts()
    assert shown == [line for part in job["output"]["sections"] for line in part["lines"]]
    assert axe_violations(page) == []
    download = page.request.get(page.locator("#download").get_attribute("href") or "")
    assert download.text().strip() == job["output"]["lyrics"]


@pytest.mark.browser
@pytest.mark.processes
def test_a_second_song_is_one_click_away_and_a_reload_keeps_it(page: Page) -> None:
    write(page, "the first of two")
    expect(page.locator("#tools")).to_be_visible(timeout=WRITTEN_MS)
    first = page.url
    page.get_by_role("button", name="Write another version").click()
    page.wait_for_url(lambda url: url != first)
    page.reload()
    expect(page.locator("#tools")).to_be_visible(timeout=WRITTEN_MS)
    expect(page.locator("#list li")).to_have_count(2)
    page.go_back()
    expect(page.locator("#tools")).to_be_visible()
    assert page.url == first


@pytest.mark.browser
@pytest.mark.processes
def test_what_the_server_refuses_is_shown_at_its_field(page: Page, server: Server) -> None:
    # A refusal is an error for the console, so it happens in a tab that nobody listens to.
    refused = page.context.new_page()
    refused.goto(server.url)
    refused.locator("#choices").click()
    refused.get_by_label("Mood").evaluate("field => { field.maxLength = 400 }")
    refused.get_by_label("Mood").fill("m" * 41)
    refused.get_by_label("Syllables of a line").fill("0 0")
    write(refused, "too much feeling")
    expect(refused.locator("#mood-error")).to_be_visible()
    expect(refused.locator("#syllables-error")).to_contain_text("A line has 3 to 16 syllables")
    refused.get_by_label("To the tune").fill("word")
    write(refused, "too much feeling")
    expect(refused.locator("#tune-error")).to_contain_text("a verse of 4 to 64 lines")
    refused.goto(f"{server.url}/?job=job_nobody")
    expect(refused.locator("#notice")).to_contain_text("There is nothing behind this link")


@pytest.mark.browser
@pytest.mark.processes
def test_a_song_can_be_canceled(page: Page, server: Server) -> None:
    write(page, "never mind this one")
    page.locator("#cancel").click()
    expect(page.locator("#cancel")).to_be_hidden(timeout=WRITTEN_MS)
    job_id = page.url.split("job=")[1]
    ended = server.wait_done(job_id)
    # A tiny model may have been quicker than the click.
    assert ended["status"] in ("canceled", "succeeded")
    expect(page.locator("#ask")).to_be_visible(timeout=WRITTEN_MS)


@pytest.mark.browser
@pytest.mark.processes
def test_a_file_of_prompts_becomes_songs(page: Page) -> None:
    page.locator("#choices").click()
    page.get_by_label("lines").fill("4")
    page.locator("#file-title").click()
    rows = "custom_id,prompt,lines\n" + "".join(f"n{n},a song for {n},\n" for n in range(1, 6))
    page.locator("#file").set_input_files(
        {"name": "five.csv", "mimeType": "text/csv", "buffer": rows.encode()}
    )
    page.get_by_role("button", name="Write 5 songs").click()
    expect(page.locator("#why")).to_have_text("All songs are written.", timeout=WRITTEN_MS)
    expect(page.locator("#clock")).to_contain_text("5 of 5")
    expect(page.locator("#words")).to_have_text("five.csv, 5 prompts")
    expect(page.locator("#rows li a")).to_have_count(5)
    expect(page.locator("#rows li").nth(2)).to_contain_text("a song for 3")
    with page.expect_download() as download:
        page.get_by_role("link", name="TXT", exact=True).click()
    assert download.value.suggested_filename == "five-songs.txt"
    link = page.get_by_role("link", name="CSV", exact=True).get_attribute("href") or ""
    results = page.request.get(link).text()
    assert [row.split(",")[0] for row in results.splitlines() if row.startswith("n")]
    page.locator("#rows li a").first.click()
    expect(page.locator("#lyrics li")).to_have_count(4)
    page.get_by_role("link", name="Part of five.csv").click()
    expect(page.locator("#rows li a")).to_have_count(5)


@pytest.mark.browser
@pytest.mark.processes
def test_a_bad_file_is_told_in_full_before_it_is_sent(page: Page) -> None:
    page.locator("#file-title").click()
    rows = b'{"prompt":"x","options":{"lines":1,"style":"polka"}}\n{"prompt":""}\nnot json\n'
    page.locator("#file").set_input_files({"name": "bad.jsonl", "mimeType": "", "buffer": rows})
    expect(page.locator("#report h3")).to_have_text("bad.jsonl: 4 problems. Nothing was queued.")
    expect(page.locator("#report tbody tr")).to_have_count(4)


@pytest.mark.browser
@pytest.mark.processes
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("README.md", b"# Songs\n\nSome of mine.\n", "This is Markdown"),
        ("list.json", b'["rain", "sun"]', "This is JSON, not a prompt on each line."),
    ],
)
def test_a_file_that_is_no_list_of_prompts_is_not_taken_for_one(
    page: Page, name: str, content: bytes, said: str
) -> None:
    page.locator("#file-title").click()
    page.locator("#file").set_input_files({"name": name, "mimeType": "", "buffer": content})
    expect(page.locator("#report h3")).to_have_text(f"{name}: 1 problem. Nothing was queued.")
    expect(page.locator("#report tbody tr")).to_contain_text(said)
    expect(page.get_by_role("button", name=re.compile(r"^Write \d+ songs"))).to_have_count(0)


@pytest.mark.browser
@pytest.mark.processes
def test_a_wrong_address_leads_back(page: Page, server: Server) -> None:
    # The refusal is an error for the console, so it happens in a tab that nobody listens to.
    lost = page.context.new_page()
    lost.goto(f"{server.url}/songs/of/nobody")
    expect(lost.get_by_role("heading", name="There is no page here")).to_be_visible()
    background = lost.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert background == "rgb(244, 236, 220)"
    lost.get_by_role("link", name="Write a song").click()
    expect(lost.locator("#prompt")).to_be_visible()


@pytest.mark.browser
@pytest.mark.processes
def test_the_page_works_from_another_host_than_the_functions(
    browser: Browser, site: str, server: Server
) -> None:
    # The policy lets the page talk to https only, which a test on one machine does not have.
    context = browser.new_context(base_url=site, bypass_csp=True)
    page = context.new_page()
    errors = hear_errors(page)
    config = f'export const SUBMIT_BASE = "{server.url}";\nexport const RESULTS_BASE = SUBMIT_BASE;'
    page.route(
        "**/config.js", lambda route: route.fulfill(content_type="text/javascript", body=config)
    )
    page.goto("/")
    write(page, "from somewhere else")
    expect(page.locator("#tools")).to_be_visible(timeout=WRITTEN_MS)
    assert errors == []
    context.close()


@pytest.mark.browser
@pytest.mark.model
def test_the_real_model_writes_on_the_page(
    browser: Browser, default_bundle: Path, tmp_path: Path
) -> None:
    with running_server(tmp_path, default_bundle) as running:
        context = browser.new_context(base_url=running.url)
        page = context.new_page()
        errors = hear_errors(page)
        page.goto("/")
        write(page, "a slow train home in the rain")
        expect(page.locator("#tools")).to_be_visible(timeout=WRITTEN_MS)
        expect(page.locator("#lyrics li")).to_have_count(16)
        expect(page.locator("#steps li").nth(1)).to_have_text(re.compile("Was awake|Waking up"))
        page.locator("#receipt").click()
        expect(page.locator("#facts")).to_contain_text("SmolLM2-135M-Instruct")
        assert errors == []
        context.close()
