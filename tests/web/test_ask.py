"""Asking: the field, the choices, what is sent, and every way in which a server can refuse it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_api import BROKEN, JOB, Answer, Opener, PageApi, Reply, job, problem
from tests.support.waiting import wait_until

pytestmark = pytest.mark.browser
ACCEPTED = Answer(job(), 202, {"Retry-After": "1"})


def write(page: Page, words: str = "a slow train home") -> None:
    page.get_by_label("What is your song about?").fill(words)
    page.get_by_role("button", name="Write my song").click()


def answers(*replies: Reply) -> Any:
    """The submit function answers with these; the job, once there is one, waits in the queue."""

    def serve(api: PageApi) -> None:
        api.on("POST", "/v1/jobs", *replies)
        api.job(job())

    return serve


def sent(api: PageApi) -> Any:
    return api.asked("POST", "/v1/jobs")[-1].post_data_json


def test_the_words_and_the_choices_are_sent_and_the_job_is_shown(open_page: Opener) -> None:
    page, api = open_page("/", answers(ACCEPTED))
    page.locator("#choices").click()
    page.get_by_text("Folk", exact=True).click()
    page.get_by_label("Rhymes").select_option("ABAB")
    page.get_by_label("Mood").fill("wistful")
    page.get_by_label("Allow explicit words").check()
    page.get_by_text("Best").click()
    write(page, "  a slow\ttrain home ")
    expect(page.locator("#watch")).to_be_visible()
    assert sent(api) == {
        "prompt": "a slow train home",
        "options": {
            "style": "folk", "structure": "verse", "rhyme_scheme": "ABAB", "lines": 16,
            "syllables": "", "tune": "", "title": "", "mood": "wistful", "explicit": True,
            "continue_prompt": False, "effort": "best", "model": "",
        },
    }  # fmt: skip
    assert page.url.endswith(f"/?job={JOB}")
    expect(page.locator("#ask")).to_be_hidden()


def test_enter_sends_and_the_keyboard_alone_is_enough(open_page: Opener) -> None:
    page, api = open_page("/", answers(ACCEPTED))
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("#prompt")).to_be_focused()
    page.keyboard.type("rain on a tin roof")
    page.keyboard.press("Enter")
    expect(page.locator("#words")).to_be_focused()
    assert sent(api)["prompt"] == "rain on a tin roof"


def test_an_example_fills_the_field_but_sends_nothing(open_page: Opener) -> None:
    page, api = open_page()
    page.get_by_role("button", name="a bakery at dawn").click()
    expect(page.locator("#prompt")).to_have_value("a bakery at dawn")
    expect(page.locator("#prompt")).to_be_focused()
    assert not api.asked("POST", "/v1/jobs")


def test_the_choices_are_remembered_on_this_device(open_page: Opener) -> None:
    page, _ = open_page()
    page.locator("#choices").click()
    page.get_by_text("Soul", exact=True).click()
    page.get_by_text("Verse, chorus, verse, chorus").click()
    page.reload()
    expect(page.locator("#choices")).to_have_text("Soul · AABB · 16 lines · with a chorus")


def test_choices_from_an_older_page_do_no_harm(open_page: Opener) -> None:
    page, _ = open_page()
    page.evaluate("""localStorage.setItem("versequeue.choices",
        '{"style":"polka","rhyme_scheme":"XYZ","lines":"many"}')""")
    page.reload()
    expect(page.locator("#choices")).to_contain_text("Rap · AABB")


def test_a_tune_has_lines_a_shape_and_syllables_of_its_own(open_page: Opener) -> None:
    said = "A tune is a verse of 4 to 64 lines, and this has 3."
    refused = problem(422, "validation", errors=[{"pointer": "/options/tune", "detail": said}])
    page, api = open_page("/", answers(refused, ACCEPTED))
    page.locator("#choices").click()
    page.get_by_text("Verse, chorus, verse, chorus").click()
    page.get_by_label("Syllables of a line").fill("8, 6")
    expect(page.locator("#choices")).to_have_text(
        "Rap · AABB · 16 lines · with a chorus · 8, 6 syllables"
    )
    page.get_by_label("To the tune").fill("La la la la\n\n  la la\nla la \n")
    page.get_by_label("Title").fill("Mine")
    expect(page.locator("#choices")).to_have_text("Rap · to a tune · 3 lines · “Mine”")
    expect(page.locator("#lines")).to_be_hidden()
    for field in ("One verse", "Rhymes", "Syllables of a line"):
        expect(page.get_by_label(field)).to_be_disabled()
    write(page)
    expect(page.locator("#tune-error")).to_have_text(said)
    expect(page.get_by_label("To the tune")).to_be_focused()
    expect(page.locator("#tune-error")).to_be_in_viewport()
    expect(page.locator("#tune-error")).to_have_css("border-top-style", "none")
    page.get_by_label("To the tune").fill("La la la la\nla la\nla la\nla")
    write(page)
    expect(page.locator("#watch")).to_be_visible()
    options = sent(api)["options"]
    assert options["tune"] == "La la la la\nla la\nla la\nla"
    assert (options["title"], options["structure"], options["syllables"]) == ("Mine", "verse", "")
    assert "lines" not in options
    page.goto("/")
    # A tune and a title are one song's.
    expect(page.locator("#choices")).to_have_text(
        "Rap · AABB · 16 lines · with a chorus · 8, 6 syllables"
    )


@pytest.mark.parametrize(
    ("words", "said"), [("   ", "Anything can be a song"), ("é" * 501, "1 character too many")]
)
def test_bad_words_are_refused_at_the_field_and_not_sent(
    open_page: Opener, words: str, said: str
) -> None:
    page, api = open_page()
    write(page, words)
    expect(page.locator("#prompt-error")).to_contain_text(said)
    expect(page.locator("#prompt")).to_be_focused()
    expect(page.locator("#prompt")).to_have_attribute("aria-invalid", "true")
    assert not api.asked("POST", "/v1/jobs")


def test_500_emoji_are_500_characters(open_page: Opener) -> None:
    page, _ = open_page("/", answers(ACCEPTED))
    write(page, "🎵" * 500)
    expect(page.locator("#watch")).to_be_visible()


def test_what_the_server_refuses_is_marked_at_its_field(open_page: Opener) -> None:
    errors = [
        {"pointer": "/options/mood", "detail": "A mood is too long."},
        {"pointer": "/options/style", "detail": "There is no such style."},
        {"pointer": "", "detail": "And the whole is odd."},
    ]
    page, _ = open_page("/", answers(problem(422, "validation", errors=errors), ACCEPTED))
    write(page)
    expect(page.locator("#mood-error")).to_have_text("A mood is too long.")
    expect(page.locator("#mood")).to_be_focused()
    expect(page.locator("#style-error")).to_have_text("There is no such style.")
    expect(page.locator("#refused")).to_contain_text("And the whole is odd.")
    page.get_by_role("button", name="Write my song").click()
    expect(page.locator("#watch")).to_be_visible()


def test_a_rate_limit_counts_down_and_then_lets_go(open_page: Opener) -> None:
    page, api = open_page("/", answers(problem(429, "rate-limited", retry_after=40), ACCEPTED))
    page.clock.install()
    write(page)
    expect(page.get_by_role("heading", name="A little too fast")).to_be_visible()
    again = page.get_by_role("button", name="Try again")
    expect(again).to_be_disabled()
    expect(page.locator("#refused")).to_contain_text("in 40 s")
    page.clock.fast_forward(41_000)
    expect(again).to_be_enabled()
    again.click()
    expect(page.locator("#watch")).to_be_visible()
    assert len(api.asked("POST", "/v1/jobs")) == 2


def test_a_spent_budget_says_so_in_hours(open_page: Opener) -> None:
    page, _ = open_page("/", answers(problem(429, "budget-exhausted", retry_after=36_000)))
    write(page)
    expect(page.locator("#refused")).to_contain_text("Today’s songs are used up")
    expect(page.locator("#refused")).to_contain_text("in 10 h")


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (problem(401, "unauthorized"), "This server asks for a key"),
        (problem(403, "forbidden"), "This server asks for a key"),
        (problem(413, "payload-too-large", "The body is over 64 KiB."), "The body is over 64 KiB."),
        (problem(503, "store-unavailable", "The store rests.", retry_after=2), "The store rests."),
        (Answer("<html>Bad gateway", 502), "Nothing is lost. Give it a moment."),
        (Answer({"detail": "no type"}, 418), "no type"),
    ],
)
def test_every_refusal_has_words(open_page: Opener, reply: Reply, said: str) -> None:
    page, _ = open_page("/", answers(reply))
    write(page)
    expect(page.locator("#refused")).to_contain_text(said)
    expect(page.locator("#prompt")).to_have_value("a slow train home")
    expect(page.get_by_role("button", name="Write my song")).to_be_enabled()


def test_a_retry_after_a_lost_answer_has_the_same_key(open_page: Opener) -> None:
    page, api = open_page("/", answers(BROKEN, problem(503, "store-unavailable"), ACCEPTED))
    write(page)
    for _ in range(2):
        page.get_by_role("button", name="Try again").click()
    expect(page.locator("#watch")).to_be_visible()
    keys = [request.headers["idempotency-key"] for request in api.asked("POST", "/v1/jobs")]
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert re.fullmatch(r"[\w-]{16,255}", keys[0])


def test_the_same_words_again_are_a_new_song_with_a_new_key(open_page: Opener) -> None:
    page, api = open_page("/", answers(ACCEPTED))
    for _ in range(2):
        write(page)
        expect(page.locator("#watch")).to_be_visible()
        page.go_back()
    keys = {request.headers["idempotency-key"] for request in api.asked("POST", "/v1/jobs")}
    assert len(keys) == 2


def test_two_clicks_send_one_prompt(open_page: Opener) -> None:
    page, api = open_page("/", answers(ACCEPTED))
    page.locator("#prompt").fill("twice")
    page.evaluate(
        "() => { const form = document.getElementById('form'); form.requestSubmit();"
        " form.requestSubmit(); }"
    )
    expect(page.locator("#watch")).to_be_visible()
    assert len(api.asked("POST", "/v1/jobs")) == 1


def test_being_offline_is_told_from_a_server_that_is_gone(open_page: Opener) -> None:
    page, _ = open_page("/", answers(BROKEN))
    write(page)
    expect(page.get_by_role("heading", name="The server does not answer")).to_be_visible()
    page.context.set_offline(True)
    page.get_by_role("button", name="Write my song").click()
    expect(page.get_by_role("heading", name="You are offline")).to_be_visible()


def test_the_page_wakes_the_worker_once_and_tells_the_wait(open_page: Opener) -> None:
    waits = {"cold": 6.2, "warm": 3}
    cold = {"worker": "cold", "queue_depth": 3, "expected_wait_seconds": waits, "model": "m"}
    page, api = open_page("/", lambda api: api.on("GET", "/v1/status", Answer(cold)))
    expect(page.locator("#server")).to_have_text(
        "The model is waking up for you, which takes about 3.2 s. 3 songs ahead of yours."
    )
    page.locator("#prompt").fill("x")
    assert len(api.asked("POST", "/v1/warmup")) == 1


def test_every_effort_tells_its_likely_time_for_the_lines_that_are_chosen(
    open_page: Opener,
) -> None:
    page, _ = open_page()
    efforts = page.locator("#effort label")
    expect(efforts).to_have_text(["Quick · 3 s", "Normal · 8 s", "Best · 12 s"])
    page.locator("#choices").click()
    page.get_by_label("lines").fill("48")
    expect(efforts).to_have_text(["Quick · 9 s", "Normal · 23 s", "Best · 36 s"])
    page.get_by_text("Verse, chorus, verse, chorus").click()
    expect(efforts).to_have_text(["Quick · 7 s", "Normal · 18 s", "Best · 29 s"])
    page.get_by_label("Rhymes").select_option("none")
    expect(efforts).to_have_text(["Quick · 5 s", "Normal · 14 s", "Best · 22 s"])


@pytest.mark.parametrize(
    ("depth", "ahead"),
    [(2, "2 songs ahead of yours, about 14 s."), (0, "One is being written ahead of yours, about")],
)
def test_what_is_before_a_new_song_is_told_and_counts_in_its_time(
    open_page: Opener, depth: int, ahead: str
) -> None:
    waits = {"cold": 6, "warm": 3, "efforts": {"quick": 3, "normal": 7, "best": 12}, "queue": 14.2}
    busy = {"worker": "warm", "queue_depth": depth, "expected_wait_seconds": waits, "model": "m"}
    page, _ = open_page("/", lambda api: api.on("GET", "/v1/status", Answer(busy)))
    expect(page.locator("#server")).to_contain_text(f"The model is awake. {ahead}")
    expect(page.locator("#effort label")).to_have_text(
        ["Quick · 17 s", "Normal · 21 s", "Best · 26 s"]
    )


def test_without_a_measured_time_an_effort_tells_none(open_page: Opener) -> None:
    new = {"worker": "unknown", "queue_depth": 0, "expected_wait_seconds": {}, "model": None}
    page, _ = open_page("/", lambda api: api.on("GET", "/v1/status", Answer(new)))
    expect(page.locator("#server")).to_have_text("The model is waking up for you.")
    expect(page.locator("#effort label")).to_have_text(["Quick", "Normal", "Best"])


def test_a_tab_in_the_background_wakes_nobody_until_it_is_seen(open_page: Opener) -> None:
    page, api = open_page("about:blank")
    page.add_init_script(HIDE)
    page.goto("/")
    expect(page.locator("#send")).to_be_visible()
    assert not api.seen
    page.evaluate("setHidden(false)")
    wait_until(lambda: page.evaluate("1") and api.asked("POST", "/v1/warmup"), 20)


#: A page that believes to be hidden, until a test says otherwise.
HIDE = """
let hidden = true;
Object.defineProperty(document, "hidden", { get: () => hidden });
globalThis.setHidden = (value) => {
  hidden = value;
  document.dispatchEvent(new Event("visibilitychange"));
};
"""


def test_without_a_status_the_page_still_works(open_page: Opener) -> None:
    def serve(api: PageApi) -> None:
        answers(ACCEPTED)(api)
        api.on("GET", "/v1/status", BROKEN)
        api.on("POST", "/v1/warmup", problem(503, "store-unavailable"))

    page, _ = open_page("/", serve)
    write(page)
    expect(page.locator("#watch")).to_be_visible()


def test_a_browser_that_keeps_nothing_can_still_ask(open_page: Opener) -> None:
    page, _ = open_page("about:blank", answers(ACCEPTED))
    page.add_init_script(
        "Storage.prototype.getItem = Storage.prototype.setItem ="
        " () => { throw new DOMException('no', 'SecurityError') }"
    )
    page.goto("/")
    write(page)
    expect(page.locator("#watch")).to_be_visible()


def test_markup_in_the_words_stays_words(open_page: Opener) -> None:
    words = "<img src=x onerror=alert(1)> & <b>bold</b>"
    shown = job(
        "succeeded",
        prompt=words,
        output={"title": words, "sections": [{"name": words, "lines": [words]}]},
    )

    page, _ = open_page(f"/?job={JOB}", lambda api: api.job(shown))
    expect(page.locator("#words")).to_have_text(words)
    expect(page.locator("#title")).to_have_text(words)
    expect(page.locator("#lyrics .words")).to_have_text(words)
