"""What a visitor's first sight costs, in bytes that Chromium fetches, and what comes later."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect

from tests.support.page_api import BATCH, JOB, PageApi, batch, fine, succeeded

pytestmark = pytest.mark.browser
FIRST_LOAD_BYTES = 60_000
#: What the songwriter's desk is made of, and what it may weigh.
DESK = {"/desk.js", "/desk.css", "/formats.js"}
DESK_BYTES = 20_000


def fetched(page: Page, address: str) -> dict[str, int]:
    """The files of the page that `address` makes Chromium fetch, with their sizes in bytes."""
    answers: list[Response] = []

    def hear(answer: Response) -> None:
        answers.append(answer)

    page.on("response", hear)
    page.goto(address)
    page.wait_for_load_state("networkidle")
    bodies = {urlsplit(answer.url).path: len(answer.body()) for answer in answers}
    return {path: size for path, size in bodies.items() if not path.startswith("/v1/")}


@pytest.mark.parametrize("language", ["en", "de", "es"])
def test_the_first_load_is_smaller_than_60_kilobytes(
    new_context: Callable[..., BrowserContext], language: str
) -> None:
    context = new_context(locale=language)
    PageApi().install(context)
    page = context.new_page()
    sizes = fetched(page, "/")
    expect(page.locator("#sample li")).to_have_count(8)
    assert {"/", "/style.css", "/app.js", f"/{language}.js", "/sample.js"} <= sizes.keys()
    assert not {"/watch.js", "/watch.css", "/batch.js", "/files.js", *DESK} & sizes.keys()
    assert sum(sizes.values()) < FIRST_LOAD_BYTES, sizes


def test_the_desk_is_fetched_when_it_is_opened_and_takes_20_kilobytes(
    new_context: Callable[..., BrowserContext],
) -> None:
    context = new_context()
    PageApi().install(context).job(succeeded())
    page = context.new_page()
    assert not DESK & fetched(page, f"/?job={JOB}").keys()
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    page.locator("#work").click()
    expect(page.locator(".handle")).to_have_count(8)
    sizes = {urlsplit(answer.url).path: len(answer.body()) for answer in answers}
    assert sizes.keys() == DESK
    assert sum(sizes.values()) < DESK_BYTES, sizes


@pytest.mark.parametrize(
    ("address", "needed", "spared"),
    [
        (f"/?job={JOB}", {"/watch.js", "/watch.css", "/job.js"}, {"/batch.js", "/files.js"}),
        (f"/?batch={BATCH}", {"/watch.js", "/batch.js"}, {"/files.js"}),
    ],
)
def test_a_state_loads_what_it_needs(
    new_context: Callable[..., BrowserContext], address: str, needed: set[str], spared: set[str]
) -> None:
    context = new_context()
    api = PageApi().install(context)
    api.job(succeeded())
    api.on("GET", f"/v1/batches/{BATCH}", fine(batch(succeeded=1)))
    page = context.new_page()
    sizes = fetched(page, address)
    expect(page.locator("#watch")).to_be_visible()
    assert needed <= sizes.keys()
    assert not spared & sizes.keys()


def test_a_part_that_does_not_come_is_told_and_comes_with_a_reload(
    new_context: Callable[..., BrowserContext],
) -> None:
    context = new_context()
    PageApi().install(context).job(succeeded())
    page = context.new_page()
    page.route("**/watch.js", lambda route: route.abort())
    page.goto(f"/?job={JOB}")
    expect(page.locator("#notice")).to_contain_text("The server does not answer")
    page.unroute("**/watch.js")
    page.locator("#notice").get_by_role("button", name="Try again").click()
    expect(page.locator("#title")).to_have_text("Roll Me Home")
