"""How often the page asks: ETags, pauses, hidden tabs, and servers that are gone for a while."""

import pytest
from playwright.sync_api import expect

from tests.support.page_api import (
    BROKEN,
    Answer,
    Opener,
    fine,
    succeeded,
    writing,
)
from tests.support.waiting import wait_until
from tests.support.watching import AT_JOB, HIDE, PATH, asked, told

pytestmark = pytest.mark.browser


def test_a_server_that_is_gone_is_waited_for(open_page: Opener) -> None:
    page, api = open_page(AT_JOB, told(writing(3), BROKEN))
    expect(page.locator("#lost")).to_contain_text("The server does not answer")
    expect(page.locator("#lyrics li")).to_have_count(3)
    api.job(succeeded())
    page.get_by_role("button", name="Ask now").click()
    expect(page.get_by_role("heading", name="Roll Me Home")).to_be_visible()
    expect(page.locator("#lost")).to_be_hidden()


def test_a_server_that_is_gone_from_the_start_can_be_asked_again(open_page: Opener) -> None:
    page, api = open_page(AT_JOB, told(BROKEN))
    expect(page.locator("#notice")).to_contain_text("The server does not answer")
    api.job(succeeded())
    page.locator("#notice").get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Roll Me Home")).to_be_visible()


def test_being_back_online_asks_at_once(open_page: Opener) -> None:
    page, api = open_page(AT_JOB, told(writing(3)))
    expect(page.locator("#lyrics li")).to_have_count(3)
    page.context.set_offline(True)
    api.job(BROKEN)
    expect(page.locator("#lost")).to_contain_text("You are offline")
    api.job(succeeded())
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Roll Me Home")).to_be_visible()


def test_polling_sends_the_etag_and_backs_off(open_page: Opener) -> None:
    first = fine(writing(3))
    assert isinstance(first, Answer)
    page, api = open_page("about:blank", told(first, Answer(None, 304)))
    page.clock.install()
    page.goto(AT_JOB)
    expect(page.locator("#lyrics li")).to_have_count(3)
    for minute in range(20):
        page.clock.fast_forward(3_000)
        # Answers come in order, so after this one the page has had its own.
        page.evaluate("fetch('/v1/status').then(answer => answer.text())")
        assert asked(page, api) <= minute + 2
    tags = [request.headers.get("if-none-match") for request in api.asked("GET", PATH)]
    assert tags[0] is None
    assert set(tags[1:]) == {first.headers["ETag"]}
    # In a minute of silence: not 60 questions, and not none.
    assert 6 <= len(tags) <= 14


def test_retry_after_is_kept_even_when_the_tab_comes_back(open_page: Opener) -> None:
    busy = Answer(writing(3), 200, {"Retry-After": "30"})
    page, api = open_page("about:blank", told(busy))
    page.clock.install()
    page.goto(AT_JOB)
    expect(page.locator("#lyrics li")).to_have_count(3)
    page.clock.fast_forward(20_000)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("dispatchEvent(new Event('pageshow'))")
    assert asked(page, api) == 1
    page.clock.fast_forward(11_000)
    wait_until(lambda: asked(page, api) == 2, 20)


def test_a_hidden_tab_asks_almost_never_and_at_once_when_seen(open_page: Opener) -> None:
    page, api = open_page("about:blank", told(writing(3)))
    page.clock.install()
    page.add_init_script(HIDE)
    page.goto(AT_JOB)
    expect(page.locator("#lyrics li")).to_have_count(3)
    page.evaluate("setHidden(true)")
    count = asked(page, api)
    page.clock.run_for(14_000)
    assert asked(page, api) == count
    for _ in range(60):
        page.clock.run_for(60_000)
    assert asked(page, api) <= count + 6
    api.job(succeeded())
    page.evaluate("setHidden(false)")
    expect(page.get_by_role("heading", name="Roll Me Home")).to_be_visible()
