"""The songs that this browser has asked for: reloads, the way back, the list, and two tabs."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_api import (
    Opener,
    job,
    loading,
    succeeded,
    writing,
)
from tests.support.watching import AT_JOB, told

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("state", [job(), loading(), writing(3), succeeded(), job("failed")])
def test_a_reload_keeps_the_job_in_every_state(open_page: Opener, state: dict[str, Any]) -> None:
    page, _ = open_page(AT_JOB, told(state))
    expect(page.locator("#words")).to_have_text(state["prompt"])
    page.reload()
    expect(page.locator("#words")).to_have_text(state["prompt"])
    assert page.url.endswith(AT_JOB)


def test_back_and_forward_walk_through_the_states(open_page: Opener) -> None:
    page, api = open_page("/", told(succeeded()))
    api.accepts(job())
    page.get_by_label("What is your song about?").fill("back and forth")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Roll Me Home")).to_be_visible()
    page.go_back()
    expect(page.locator("#watch")).to_be_hidden()
    expect(page.locator("#prompt")).to_have_value("back and forth")
    page.go_forward()
    expect(page.get_by_role("heading", name="Roll Me Home")).to_be_visible()


def test_own_songs_are_listed_reopened_and_deleted(open_page: Opener) -> None:
    page, api = open_page("/", told(succeeded()))
    api.accepts(job())
    page.get_by_label("What is your song about?").fill("listed")
    page.keyboard.press("Enter")
    entry = page.locator("#list li")
    expect(entry).to_contain_text("Roll Me Home")
    expect(entry).to_contain_text("done")
    page.get_by_role("link", name="New song").click()
    entry.get_by_role("link").click()
    expect(page.locator("#title")).to_have_text("Roll Me Home")
    page.get_by_role("button", name="Take “Roll Me Home” off the list").click()
    expect(entry).to_have_count(0)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    undo.click()
    expect(entry).to_contain_text("Roll Me Home")
    expect(page.locator("#songs")).to_be_focused()
    expect(undo).to_be_hidden()


def remember(page: Page, names: list[str]) -> None:
    """Put finished songs of these names in the list, the newest first, and open the page anew."""
    songs = [
        {"id": f"job_{name}", "kind": "job", "name": name, "status": "succeeded", "at": 0}
        for name in names
    ]
    page.evaluate("all => localStorage.setItem('versequeue.songs', JSON.stringify(all))", songs)
    page.reload()


def test_forgetting_them_all_can_be_undone_and_keeps_what_came_since(open_page: Opener) -> None:
    page, api = open_page("/", told(succeeded()))
    remember(page, ["rain", "sun"])
    page.get_by_role("button", name="Forget them all").click()
    expect(page.locator("#list li")).to_have_count(0)
    api.accepts(job())
    page.get_by_label("What is your song about?").fill("a third")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("Roll Me Home")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#list a")).to_have_text(["Roll Me Home", "rain", "sun"])
    page.reload()
    expect(page.locator("#list a")).to_have_count(3)


def test_a_long_list_shows_the_newest_until_all_are_asked_for(open_page: Opener) -> None:
    page, _ = open_page()
    remember(page, [f"number {number}" for number in range(1, 12)])
    expect(page.locator("#list li")).to_have_count(8)
    page.get_by_role("button", name="Show all 11").click()
    expect(page.locator("#list li")).to_have_count(11)
    expect(page.get_by_role("link", name="number 9")).to_be_focused()


def test_a_sample_stands_where_nobody_has_songs_yet(open_page: Opener) -> None:
    page, _ = open_page()
    expect(page.locator("#sample li")).to_have_count(8)
    for odd in ('{"rain": 1}', '[null, "rain"]', '"rain"'):
        page.evaluate("odd => localStorage.setItem('versequeue.songs', odd)", odd)
        page.reload()
        expect(page.locator("#sample li")).to_have_count(8)
    page.locator("#sample").get_by_role("button", name="Try these words").click()
    expect(page.locator("#prompt")).to_have_value("my grandmother's kitchen radio")
    remember(page, ["rain"])
    expect(page.locator("#list li")).to_have_count(1)
    expect(page.locator("#sample")).to_be_hidden()


def test_somebody_elses_link_does_not_enter_the_list(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    expect(page.locator("#title")).to_be_visible()
    expect(page.locator("#list li")).to_have_count(0)


def test_an_unfinished_song_is_offered_the_next_day(open_page: Opener) -> None:
    page, api = open_page("/", told(writing(3)))
    api.accepts(job())
    page.get_by_label("What is your song about?").fill("tomorrow")
    page.keyboard.press("Enter")
    expect(page.locator("#lyrics li")).to_have_count(3)
    page.goto("/")
    expect(page.locator("#notice")).to_contain_text("Still being written")
    page.get_by_role("button", name="Watch it").click()
    expect(page.locator("#lyrics li")).to_have_count(3)
    api.job(succeeded())
    expect(page.locator("#title")).to_be_visible()
    page.goto("/")
    expect(page.locator("#list li")).to_contain_text("Roll Me Home")
    expect(page.locator("#notice")).to_be_hidden()


def test_two_tabs_share_one_list(open_page: Opener, new_context: Any) -> None:
    context = new_context()
    one, api = open_page("/", told(succeeded()), context)
    two, _ = open_page("/", told(succeeded()), context)
    api.accepts(job())
    one.get_by_label("What is your song about?").fill("shared")
    one.keyboard.press("Enter")
    expect(two.locator("#list li")).to_contain_text("Roll Me Home")
    two.get_by_role("button", name="Forget them all").click()
    expect(one.locator("#list li")).to_have_count(0)
