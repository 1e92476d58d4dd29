"""A person whose tab is closed is told by the browser, and a click opens what it is about."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_api import BATCH, JOB, Answer, PageApi, problem, succeeded, writing
from tests.support.push_service import Subscriber
from tests.support.pushed_browser import PushedBrowser, pushed_browser
from tests.support.waiting import wait_until
from tests.support.watching import AT_JOB, HIDE

pytestmark = pytest.mark.browser
KEY = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
GIVEN = Subscriber().subscription("https://push.example/abc")
TOLD = "You will be told, also with this page closed."
OPEN = "You will be told as long as this tab is open."
NO = "The browser forbids it. The tab’s title will tell."


@pytest.fixture(scope="module")
def profile(site: str) -> Iterator[PushedBrowser]:
    """A browser whose person lets the page notify."""
    with pushed_browser(site) as opened:
        yield opened


@pytest.fixture
def browsing(profile: PushedBrowser) -> Iterator[PushedBrowser]:
    """The same with no tab open, before and after."""
    yield profile
    profile.close_all()


def a_watched_job(page: Page, *pushes: Answer) -> PageApi:
    """The page at a job that is being written, on a played API."""
    api = PageApi().install(page)
    api.job(writing(3))
    api.on("GET", "/v1/push-key", Answer({"public_key": KEY}))
    api.on("POST", f"/v1/jobs/{JOB}/push", *(pushes or [Answer(writing(3))]))
    page.goto(AT_JOB)
    return api


def ask(page: Page) -> None:
    page.get_by_role("button", name="Tell me when it is done").click()


def registered(browsing: PushedBrowser) -> None:
    """Ask for a push on the page, and close it."""
    page = browsing.new_page(GIVEN)
    a_watched_job(page)
    ask(page)
    expect(page.locator("#told")).to_have_text(TOLD)
    page.goto("about:blank")  # a tab that is about to close is one that somebody looks at
    page.close()


@pytest.mark.parametrize(
    ("message", "body"),
    [
        ({"type": "job.succeeded", "title": "Roll"}, "Your song is ready: Roll"),
        ({"type": "job.succeeded", "title": ""}, "Your song is ready: Untitled"),
        ({"type": "job.failed", "title": ""}, "It ended without lyrics"),
        ({"type": "job.expired", "title": ""}, "It ended without lyrics"),
        ({"type": "of.another.version"}, "It ended without lyrics"),
        (
            {"type": "batch.completed", "title": "a.csv", "succeeded": 1498, "total": 1500},
            "Your file is done: 1,498 of 1,500 songs",
        ),
    ],
)
def test_a_push_is_shown_in_the_pages_words(
    browsing: PushedBrowser, message: dict[str, Any], body: str
) -> None:
    registered(browsing)
    link = f"?batch={BATCH}" if "total" in message else f"?job={JOB}"
    browsing.deliver({**message, "link": link})
    (shown,) = wait_until(browsing.shown, 20)
    assert shown["body"] == body
    assert browsing.click() == [f"{browsing.origin}/{link}"]


def test_whatever_a_push_says_its_click_leads_to_this_page(browsing: PushedBrowser) -> None:
    registered(browsing)
    browsing.deliver({"type": "job.succeeded", "title": "", "link": "https://evil.example/x?job=1"})
    wait_until(browsing.shown, 20)
    assert browsing.click() == [f"{browsing.origin}/?job=1"]


def test_who_looks_at_the_song_is_not_disturbed_and_one_who_looks_elsewhere_is(
    browsing: PushedBrowser,
) -> None:
    registered(browsing)
    page = browsing.new_page()
    a_watched_job(page)
    page.bring_to_front()
    browsing.note()
    seen = {"type": "job.succeeded", "title": "", "link": f"?job={JOB}"}
    for message in (seen, {**seen, "link": "?job=job_other"}):
        assert browsing.worker.evaluate(HEAR, message) is None
    assert [each["tag"] for each in browsing.shown()] == ["?job=job_other"]


#: A push as the worker hears it, while a tab stays in front.
HEAR = """async (message) => {
  const push = new PushEvent("push", { data: JSON.stringify(message) });
  const work = [];
  push.waitUntil = (doing) => work.push(doing);
  dispatchEvent(push);
  await Promise.all(work);
}"""


def test_the_subscription_goes_to_the_server_with_the_servers_key(browsing: PushedBrowser) -> None:
    page = browsing.new_page(GIVEN)
    api = a_watched_job(page)
    ask(page)
    expect(page.locator("#told")).to_have_text(TOLD)
    expect(page.locator("#live")).to_have_text(TOLD)
    (request,) = api.asked("POST", f"/v1/jobs/{JOB}/push")
    assert request.post_data_json == GIVEN
    assert page.evaluate("subscribed") == [KEY]


def test_a_subscription_with_a_key_that_the_server_had_before_is_made_anew(
    browsing: PushedBrowser,
) -> None:
    page = browsing.new_page(GIVEN)
    page.add_init_script(OLD_KEY)
    a_watched_job(page)
    ask(page)
    expect(page.locator("#told")).to_have_text(TOLD)
    assert page.evaluate("unsubscribed") == 1


OLD_KEY = """
globalThis.unsubscribed = 0;
const subscribe = PushManager.prototype.subscribe;
const unsubscribe = async () => { unsubscribed += 1; };
PushManager.prototype.getSubscription = async () => ({ unsubscribe });
PushManager.prototype.subscribe = function (options) {
  if (!unsubscribed) throw new DOMException("Another key.", "InvalidStateError");
  return subscribe.call(this, options);
};
"""


def test_the_end_seen_by_a_hidden_tab_and_the_push_are_one_notification(
    browsing: PushedBrowser,
) -> None:
    page = browsing.new_page(GIVEN)
    page.clock.install()
    page.add_init_script(HIDE)
    api = a_watched_job(page)
    ask(page)
    expect(page.locator("#told")).to_have_text(TOLD)
    page.evaluate("setHidden(true)")
    api.job(succeeded())
    page.clock.run_for(16_000)
    (of_page,) = wait_until(lambda: page.evaluate("notes"), 20)
    page.goto("about:blank")
    browsing.deliver({"type": "job.succeeded", "title": "Roll Me Home", "link": f"?job={JOB}"})
    assert wait_until(browsing.shown, 20) == [of_page], "with one tag it is one"


def test_a_person_who_says_no_is_told_so_and_asked_no_more(browsing: PushedBrowser) -> None:
    page = browsing.new_page(GIVEN)
    page.add_init_script(REFUSES)
    api = a_watched_job(page)
    ask(page)
    expect(page.locator("#told")).to_have_text(NO)
    expect(page.locator("#tell")).to_be_hidden()
    assert not api.asked("POST", f"/v1/jobs/{JOB}/push")
    assert page.evaluate("subscribed") == []


#: The answer of the person to the browser's question.
REFUSES = """
Object.defineProperty(Notification, "permission", { get: () => "default" });
Notification.requestPermission = async () => "denied";
"""
NO_WORKERS = 'Object.defineProperty(Navigator.prototype, "serviceWorker", { value: undefined });'
NO_PUSH = """Object.defineProperty(
  ServiceWorkerRegistration.prototype, "pushManager", { value: undefined });"""
NO_MODULES = """ServiceWorkerContainer.prototype.register = async () => {
  throw new TypeError("No.");
};"""
FORBIDDEN = """PushManager.prototype.subscribe = async () => {
  throw new DOMException("", "NotAllowedError");
};"""
#: As a private window does it: the question is never answered.
SILENT = "PushManager.prototype.subscribe = () => new Promise(() => {});"


@pytest.mark.parametrize("browser_is", [NO_WORKERS, NO_PUSH, NO_MODULES, FORBIDDEN, SILENT])
def test_a_browser_that_takes_no_pushes_tells_in_its_open_tab_and_says_so(
    browsing: PushedBrowser, browser_is: str
) -> None:
    page = browsing.new_page()
    page.clock.install()
    page.add_init_script(browser_is + HIDE)
    api = a_watched_job(page)
    ask(page)
    page.clock.run_for(16_000)
    expect(page.locator("#told")).to_have_text(OPEN)
    assert not api.asked("POST", f"/v1/jobs/{JOB}/push")


@pytest.mark.parametrize(
    "refusal", [problem(409, "push-taken"), problem(422, "validation"), problem(503, "x")]
)
def test_a_server_that_takes_no_subscription_leaves_it_to_the_open_tab(
    browsing: PushedBrowser, refusal: Answer
) -> None:
    page = browsing.new_page(GIVEN)
    a_watched_job(page, refusal)
    ask(page)
    expect(page.locator("#told")).to_have_text(OPEN)


def test_who_has_asked_once_is_told_of_the_next_song_too(browsing: PushedBrowser) -> None:
    page = browsing.new_page(GIVEN)
    api = a_watched_job(page)
    ask(page)
    expect(page.locator("#told")).to_have_text(TOLD)
    following = {**writing(1), "id": "job_next"}
    api.on("POST", "/v1/jobs", Answer(following, 202, {"Retry-After": "1"}))
    api.on("GET", "/v1/jobs/job_next", Answer(following))
    api.on("POST", "/v1/jobs/job_next/push", Answer(following))
    page.evaluate("history.pushState(null, '', '/'); dispatchEvent(new PopStateEvent('popstate'))")
    expect(page.locator("#told")).to_be_hidden()
    page.get_by_label("What is your song about?").fill("the next one")
    page.get_by_role("button", name="Write my song").click()
    expect(page.locator("#told")).to_have_text(TOLD)
    (request,) = api.asked("POST", "/v1/jobs/job_next/push")
    assert request.post_data_json == GIVEN
