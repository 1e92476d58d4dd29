"""Watching one job on the page: the timeline, every end, canceling, and links that lead nowhere."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, Request, expect

from tests.support.page_api import (
    Answer,
    Opener,
    Reply,
    event,
    job,
    loading,
    problem,
    succeeded,
    writing,
)
from tests.support.watching import AT_JOB, PATH, asked, step, told


def test_the_wait_is_told_as_a_story_and_ends_on_done(open_page: Opener) -> None:
    page, api = open_page(AT_JOB, told(job(queue_position=2)))
    expect(step(page, "In the queue")).to_contain_text("number 2")
    expect(step(page, "In the queue")).to_have_attribute("aria-current", "step")
    expect(page.locator("#live")).to_have_text("In the queue")
    api.job(loading())
    expect(page.locator("#hint")).to_contain_text("The model sleeps while nobody writes")
    expect(step(page, "In the queue")).to_contain_text("0.4 s")
    expect(page.locator("#live")).to_have_text("Waking up")
    expect(page).to_have_title("Waking up · VerseQueue")
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
    expect(page.locator("#server")).to_have_text("The model is awake.")
    expect(step(page, "Waking up")).to_contain_text("1.9 s")
    expect(page.locator("#clock")).to_contain_text("6.2 s")
    count = asked(page, api)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.evaluate("dispatchEvent(new Event('online'))")
    assert asked(page, api) == count


def tops(page: Page) -> dict[str, float]:
    """Where things begin, in pixels from the top of the page."""
    found: dict[str, float] = page.evaluate(
        "names => Object.fromEntries(names.map(name =>"
        " [name, document.querySelector(name).getBoundingClientRect().top + scrollY]))",
        [".ticket", "#sheet", "#end", "#meta", "#lyrics", "#cancel", "#share"],
    )
    return found


def sheet_height(page: Page) -> float:
    found: float = page.evaluate("document.getElementById('sheet').offsetHeight")
    return found


def test_the_clock_takes_the_same_room_on_a_phone_whatever_it_says(open_page: Opener) -> None:
    heights = set()
    for age_s in (0, 12, 130):
        created_at = (datetime.now(UTC) - timedelta(seconds=age_s)).isoformat()
        waiting = {**job(queue_position=2), "created_at": created_at}
        page, _ = open_page(AT_JOB, told(waiting), viewport={"width": 320, "height": 800})
        expect(page.locator("#hint")).to_be_visible()
        heights.add(page.evaluate("document.getElementById('clock').offsetHeight"))
    assert len(heights) == 1


@pytest.mark.parametrize("width", [320, 1120])
def test_nothing_jumps_while_lines_arrive(open_page: Opener, width: int) -> None:
    page, api = open_page(
        AT_JOB, told(job(queue_position=2)), viewport={"width": width, "height": 800}
    )
    expect(page.locator("#hint")).to_be_visible()
    before = tops(page)
    height = sheet_height(page)
    assert before[".ticket"] < before["#sheet"] + 1
    for lines in (0, 1, 5):
        api.job(writing(lines) if lines else loading())
        expect(page.locator("#lyrics li")).to_have_count(lines)
        expect(page.locator("#meta")).to_have_text(f"{lines} of 8 lines")
        assert tops(page) == before, lines
        # On a phone a line may need two rows, so that the sheet grows at its end.
        assert sheet_height(page) > height - 1
        assert width == 320 or sheet_height(page) < height + 1
    api.job(succeeded())
    expect(page.locator("#title")).to_have_text("Roll Me Home")
    after = tops(page)
    for name in (".ticket", "#sheet", "#meta", "#lyrics"):
        if width > 320 or name == ".ticket":
            assert after[name] == before[name], name


def test_a_wait_that_may_be_much_longer_is_told_as_a_range(open_page: Opener) -> None:
    shown = {**writing(1), "eta_seconds": 20.0, "eta_at_most_seconds": 45.0}
    page, api = open_page(AT_JOB, told(shown))
    expect(page.locator("#clock")).to_contain_text(re.compile(r"\d+ to \d+ s to go"))
    api.job({**writing(2), "eta_seconds": 20.0, "eta_at_most_seconds": 22.0})
    expect(page.locator("#clock")).to_contain_text(re.compile(r"about \d+ s to go"))
    api.job({**writing(3), "eta_seconds": 141.0, "eta_at_most_seconds": 205.0})
    expect(page.locator("#clock")).to_contain_text("2 min to 3 min to go")


def test_a_wait_that_rises_says_that_it_takes_longer_and_no_more_once_it_has_fallen_again(
    open_page: Opener,
) -> None:
    for first_s, then_s, is_said in ((4.0, 11.0, True), (20.0, 24.0, False), (60.0, 70.0, False)):
        page, api = open_page(AT_JOB, told({**writing(1), "eta_seconds": first_s}))
        expect(page.locator("#clock")).to_contain_text("to go")
        api.job({**writing(2), "eta_seconds": then_s})
        expect(page.locator("#meta")).to_have_text("2 of 8 lines")
        clock = expect(page.locator("#clock"))
        (clock.to_contain_text if is_said else clock.not_to_contain_text)("it takes longer: about")
        api.job({**writing(3), "eta_seconds": first_s - 1})
        expect(page.locator("#meta")).to_have_text("3 of 8 lines")
        clock.not_to_contain_text("it takes longer")


def test_there_is_one_clock(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(writing(3)))
    expect(step(page, "Waking up")).to_contain_text("1.9 s")
    expect(step(page, "Writing")).to_have_text("Writing")
    expect(page.locator("#clock")).to_have_text(re.compile(r"^\d+ s"))


def test_a_song_that_has_just_been_asked_for_has_taken_no_time_yet(open_page: Opener) -> None:
    asked = job(eta_seconds=None)
    created = datetime.fromisoformat(asked["created_at"])
    page, _ = open_page("about:blank", told(asked))
    page.clock.set_fixed_time(created + timedelta(seconds=0.9))
    page.goto(AT_JOB)
    expect(page.locator("#clock")).to_have_text("Just begun")
    page.clock.set_fixed_time(created + timedelta(seconds=1.1))
    expect(page.locator("#clock")).to_have_text("1 sso far")


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
    expect(page.locator("#steps li")).to_contain_text(["In the queue", "Was awake", "Writing"])


def test_a_second_try_says_why(open_page: Opener) -> None:
    again = loading()
    lapse = event(
        datetime.now(UTC), 1, "lease_lapsed", "The worker of attempt 1 stopped reporting."
    )
    again = {**again, "attempt": 2, "events": [again["events"][0], lapse, again["events"][1]]}
    page, _ = open_page(AT_JOB, told(again))
    expect(page.locator("#why")).to_contain_text("Try 2 of 5, because the one before stopped")
    expect(page.locator("#why")).to_contain_text("stopped reporting")


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
    order = tops(page)
    assert order["#end"] < order["#meta"] < order["#lyrics"], "the lines follow their heading"
    api.job(job(prompt="another try"))
    page.locator("#end").get_by_role("button").click()
    expect(page.locator("#words")).to_have_text("another try")


def test_cancel_stops_the_song(open_page: Opener) -> None:
    page, api = open_page(AT_JOB, told(writing()))
    asked_for = {**writing(), "cancel_requested_at": "2026-01-01T00:00:00Z"}

    def cancel(_request: Request) -> Answer:
        api.job(asked_for)
        return Answer(asked_for)

    api.on("POST", f"{PATH}/cancel", cancel)
    expect(page.locator("#lyrics li")).to_have_count(5)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#why")).to_have_text("Stopping at the next line.")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    expect(page.locator("#tell")).to_be_hidden()
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
    expect(page.locator("#claim")).to_contain_text("A few words in")
    assert asked(page, api) == 1
    page.get_by_role("button", name="Write a new song").click()
    expect(page).to_have_url(re.compile(r"/$"))
