"""A push from a click on the page to the song that it opens: a real server, worker and Chromium."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.push_service import claims_of, push_service
from tests.support.pushed_browser import pushed_browser
from tests.support.server import Server, running_server
from tests.support.waiting import wait_until
from versequeue.clock import utc_now

pytestmark = pytest.mark.browser
TOLD = "You will be told, also with this page closed."


@pytest.mark.processes
def test_a_person_whose_tab_is_closed_is_told_and_the_click_opens_the_song(
    tiny_bundle: Path, tmp_path: Path
) -> None:
    with (
        running_server(tmp_path, tiny_bundle) as server,
        push_service() as service,
        pushed_browser(server.url) as browsing,
    ):
        page = browsing.new_page(service.subscription)
        page.goto("/")
        write_at_length(page)
        page.get_by_role("button", name="Tell me when it is done").click()
        expect(page.locator("#told")).to_have_text(TOLD)
        (key,) = page.evaluate("subscribed")
        page.reload()
        expect(page.locator("#told")).to_have_text(TOLD)
        expect(page.locator("#tell")).to_be_hidden()
        job_id = page.url.partition("?job=")[2]
        page.close()

        wait_until(lambda: service.hook.calls, 120)
        job = server.wait_done(job_id)
        (message,) = service.messages()
        title = job["output"]["title"]
        assert message == {"type": "job.succeeded", "title": title, "link": f"?job={job_id}"}
        (call,) = service.hook.calls
        claims_of(call, f"http://127.0.0.1:{service.hook.port}", key, utc_now())
        assert the_delivery(server, job_id)["status_code"] == 201

        browsing.deliver(message)
        (shown,) = wait_until(browsing.shown, 20)
        assert shown == {
            "title": "VerseQueue",
            "body": f"Your song is ready: {title}",
            "tag": f"?job={job_id}",
            "data": {"link": f"?job={job_id}"},
        }
        (opened,) = browsing.click()
        assert browsing.shown() == []
        page = browsing.new_page()
        page.goto(opened)
        expect(page.locator("#title")).to_have_text(title)
        expect(page.locator("#told")).to_be_hidden()


def write_at_length(page: Page) -> None:
    """A song that takes long enough to ask about it."""
    page.get_by_label("What is your song about?").fill("a lighthouse keeper's last night")
    page.locator("#choices").click()
    page.locator("#lines").fill("64")
    page.get_by_text("Best").check()
    page.get_by_role("button", name="Write my song").click()


def the_delivery(server: Server, job_id: str) -> dict[str, Any]:
    def reported() -> list[dict[str, Any]]:
        deliveries: list[dict[str, Any]] = server.job(job_id)["push"]["deliveries"]
        return deliveries

    (found,) = wait_until(reported, 20)
    return found
