"""How the page tells of the end in a hidden tab; permission is asked for only on demand."""

import pytest
from playwright.sync_api import expect

from tests.support.page_api import (
    Opener,
    succeeded,
    writing,
)
from tests.support.watching import AT_JOB, HIDE, told

pytestmark = pytest.mark.browser


def test_the_end_changes_title_and_icon_of_a_hidden_tab(open_page: Opener) -> None:
    page, api = open_page("about:blank", told(writing(3)))
    page.clock.install()
    page.add_init_script(HIDE + NOTIFICATIONS)
    page.goto(AT_JOB)
    page.get_by_role("button", name="Tell me when it is done").click()
    expect(page.locator("#live")).to_have_text("You will be told as long as this tab is open.")
    page.evaluate("setHidden(true)")
    api.job(succeeded())
    page.clock.run_for(16_000)
    expect(page).to_have_title("✓ Your song is ready: Roll Me Home · VerseQueue")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", "icon-done.svg")
    assert page.evaluate("notes") == [["VerseQueue", "Your song is ready: Roll Me Home"]]
    page.evaluate("setHidden(false)")
    expect(page.locator("link[rel=icon]")).to_have_attribute("href", "icon.svg")


#: Notifications that are granted and only noted; `asked` counts the questions.
NOTIFICATIONS = """
globalThis.notes = [];
globalThis.asked = 0;
globalThis.Notification = class {
  static permission = "default";
  static async requestPermission() {
    asked += 1;
    return "granted";
  }
  constructor(title, { body }) { notes.push([title, body]); }
};
"""


def test_nobody_is_asked_for_notifications_unasked(open_page: Opener) -> None:
    page, _ = open_page("about:blank", told(succeeded()))
    page.add_init_script(NOTIFICATIONS)
    page.goto(AT_JOB)
    expect(page.get_by_role("heading", name="Roll Me Home")).to_be_visible()
    assert page.evaluate("asked") == 0
