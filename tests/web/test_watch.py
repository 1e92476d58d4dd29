"""Watching and reading one song: the timeline, the lines, every end, links, polling, history."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_api import (
    BROKEN,
    JOB,
    LINES,
    Answer,
    Opener,
    PageApi,
    Reply,
    event,
    fine,
    job,
    loading,
    problem,
    succeeded,
    writing,
)
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser
AT_JOB = f"/?job={JOB}"
PATH = f"/v1/jobs/{JOB}"


def told(*replies: Reply | dict[str, Any]) -> Any:
    return lambda api: api.job(*replies)


def asked(page: Page, api: PageApi) -> int:
    """How often the job was asked for; the evaluation lets the browser's events come in."""
    page.evaluate("1")
    return len(api.asked("GET", PATH))


def step(page: Page, name: str) -> Any:
    return page.locator("#steps li").filter(has_text=name)


def test_the_wait_is_told_as_a_story_and_ends_on_done(open_page: Opener) -> None:
    page, api = open_page(AT_JOB, told(job(queue_position=2)))
    expect(page.locator("#clock")).to_contain_text("number 2 in the queue")
    expect(step(page, "In the queue")).to_have_attribute("aria-current", "step")
    expect(page.locator("#live")).to_have_text("In the queue")
    api.job(loading())
    expect(page.locator("#why")).to_contain_text("The model sleeps while nobody writes")
    expect(step(page, "In the queue")).to_contain_text("0.4 s")
    expect(page.locator("#live")).to_have_text("Waking the model up")
    expect(page).to_have_title("Waking the model up · VerseQueue")
    api.job(writing(3))
    expect(page.locator("#lyrics li")).to_have_count(3)
    expect(page.locator("#meta")).to_have_text("3 of 8 lines")
    expect(page.locator("#bar")).to_have_js_property("value", 3)
    api.job(writing(5))
    expect(page.locator("#lyrics li")).to_have_count(5)
    expect(page.locator("#live")).to_have_text("Writing")
    api.job(succeeded())
    expect(page.get_by_role("heading", name="Roll Me Home")).to_be_visible()
    expect(page.locator("#live")).to_have_text("Done: “Roll Me Home”, 8 lines.")
    expect(page.locator("#ask")).to_be_visible()
    expect(step(page, "Waking the model up")).to_contain_text("1.9 s")
    expect(page.locator("#clock")).to_contain_text("6.2 s")
    count = asked(page, api)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("dispatchEvent(new Event('online'))")
    assert asked(page, api) == count


def test_a_status_that_the_page_does_not_know_ends_it_too(open_page: Opener) -> None:
    archived = job("archived", error={"detail": "Somebody tidied up."})
    page, api = open_page("about:blank", told(archived))
    page.clock.install()
    page.goto(AT_JOB)
    expect(page.locator("#end")).to_contain_text("This one has ended")
    expect(page.locator("#end")).to_contain_text("Somebody tidied up.")
    page.clock.run_for(60_000)
    assert asked(page, api) == 1


def test_a_warm_worker_is_not_said_to_have_been_woken(open_page: Opener) -> None:
    shown = succeeded()
    shown["events"] = [one for one in shown["events"] if one["detail"] != "loading_model"]
    page, _ = open_page(AT_JOB, told(shown))
    expect(step(page, "Waking the model up")).to_contain_text("awake")


def test_a_second_try_says_why(open_page: Opener) -> None:
    again = loading()
    lapse = event(
        datetime.now(UTC), 1, "lease_lapsed", "The worker of attempt 1 stopped reporting."
    )
    again = {**again, "attempt": 2, "events": [again["events"][0], lapse, again["events"][1]]}
    page, _ = open_page(AT_JOB, told(again))
    expect(page.locator("#why")).to_contain_text("Try 2 of 5, because the one before stopped")
    expect(page.locator("#why")).to_contain_text("stopped reporting")


def test_rhymes_are_marked_by_letter_and_colour(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded(as_song=True)))
    expect(page.get_by_role("heading", name="[Chorus]")).to_have_count(2)
    expect(page.locator("#lyrics section").first.locator("i")).to_have_text(["A", "A", "B", "B"])
    marks = page.locator("#lyrics section").first.locator("mark")
    expect(marks).to_have_text(["track", "back", "glass", "pass"])
    colours = marks.evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)")
    assert colours[0] == colours[1] != colours[2] == colours[3]
    expect(page.locator("#meta")).to_contain_text("Rhymes AABB, 100% of them land")


def test_free_verse_has_no_marks(open_page: Opener) -> None:
    shown = succeeded()
    shown["output"]["rhyme"] = {"scheme": "none", "score": None}
    page, _ = open_page(AT_JOB, told(shown))
    expect(page.locator("#meta")).to_have_text("Free verse")
    expect(page.locator("#lyrics mark")).to_have_count(0)


def test_syllables_are_counted_on_demand(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    first = page.locator("#lyrics small").first
    expect(first).to_be_hidden()
    page.get_by_label("Count syllables").check()
    expect(first).to_have_text("10")


def test_the_receipt_is_there(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    page.get_by_text("Receipt").click()
    for fact in ("SmolLM2-135M-Instruct", "sha256:3f9a", "0.1.0"):
        expect(page.locator("#facts")).to_contain_text(fact)


def test_copy_gives_the_tagged_text_and_download_a_file(
    open_page: Opener, new_context: Any
) -> None:
    context = new_context(permissions=["clipboard-read", "clipboard-write"])
    page, _ = open_page(AT_JOB, told(succeeded(as_song=True)), context)
    page.get_by_role("button", name="Copy the lyrics").click()
    expect(page.locator("#live")).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith(f"[Verse 1]\n{LINES[0]}\n")
    assert text.count("[Chorus]") == 2
    download = page.get_by_role("link", name="Download")
    expect(download).to_have_attribute("href", f"{PATH}/lyrics")
    expect(download).to_have_attribute("download", "Roll Me Home.txt")
    page.get_by_role("button", name="Copy the link").click()
    wait_until(lambda: page.evaluate("navigator.clipboard.readText()").endswith(AT_JOB), 20)


def test_again_asks_for_the_same_without_the_seed(open_page: Opener) -> None:
    page, api = open_page(AT_JOB, told(succeeded()))
    expect(page.locator("#tools")).to_be_visible()
    api.accepts(job(prompt="again"))
    api.job(job(prompt="again"))
    page.get_by_role("button", name="Again, other words").click()
    expect(page.locator("#words")).to_have_text("again")
    body: Any = api.asked("POST", "/v1/jobs")[0].post_data_json
    assert body["prompt"] == "a slow train home in the rain"
    assert body["options"]["style"] == "folk"
    assert "seed" not in body["options"]


def test_one_more_like_this_fills_the_field(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    page.get_by_role("button", name="One more like this").click()
    expect(page.locator("#prompt")).to_have_value("a slow train home in the rain")
    expect(page.locator("#prompt")).to_be_focused()
    expect(page.locator("#choices")).to_have_text("Folk · AABB · 8 lines")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("failed", "This one did not work out"),
        ("canceled", "You stopped this one"),
        ("expired", "It waited too long"),
    ],
)
def test_every_end_has_its_words_and_a_way_on(open_page: Opener, status: str, said: str) -> None:
    ended = job(status, preview="A line before", error={"detail": "The reason."})
    page, api = open_page(AT_JOB, told(ended))
    api.accepts(job(prompt="another try"))
    expect(page.locator("#end")).to_contain_text(said)
    expect(page.locator("#end")).to_contain_text("The reason.")
    expect(page.locator("#meta")).to_have_text("Written before it ended:")
    api.job(job(prompt="another try"))
    page.locator("#end").get_by_role("button").click()
    expect(page.locator("#words")).to_have_text("another try")


def test_cancel_stops_the_song(open_page: Opener) -> None:
    page, api = open_page(AT_JOB, told(writing()))
    asked_for = {**writing(), "cancel_requested_at": "2026-01-01T00:00:00Z"}
    api.on("POST", f"{PATH}/cancel", Answer(asked_for))
    expect(page.locator("#lyrics li")).to_have_count(5)
    api.job(asked_for)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#why")).to_have_text("Stopping at the next line.")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    api.job(job("canceled"))
    expect(page.locator("#end")).to_contain_text("Canceled")
    expect(page.locator("#live")).to_have_text("Canceled")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (problem(404, "not-found"), "There is nothing behind this link"),
        (problem(410, "gone"), "This link has expired"),
    ],
)
def test_a_bad_link_says_so_and_leads_on(open_page: Opener, reply: Reply, said: str) -> None:
    page, api = open_page(AT_JOB, told(reply))
    expect(page.locator("#notice")).to_contain_text(said)
    expect(page.locator("#ask")).to_be_visible()
    assert asked(page, api) == 1
    page.get_by_role("button", name="Write a new song").click()
    expect(page).to_have_url(re.compile(r"/$"))


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


#: A page whose tab can be hidden by `setHidden(true)`.
HIDE = """
let hidden = false;
Object.defineProperty(document, "hidden", { get: () => hidden });
globalThis.setHidden = (value) => {
  hidden = value;
  document.dispatchEvent(new Event("visibilitychange"));
};
"""


def test_the_end_changes_title_and_icon_of_a_hidden_tab(open_page: Opener) -> None:
    page, api = open_page("about:blank", told(writing(3)))
    page.clock.install()
    page.add_init_script(HIDE + NOTIFICATIONS)
    page.goto(AT_JOB)
    page.get_by_role("button", name="Tell me when it is done").click()
    expect(page.locator("#live")).to_have_text("You will be told.")
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
    expect(page.locator("#songs")).to_be_focused()


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
