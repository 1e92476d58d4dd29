"""Pictures of a push, for docs/push.md: `python -m tests.web.push_screenshots`.

A real server with the default model, a push service that decrypts, and a Chromium whose tab is
closed. Chromium without a screen draws no notification: the first picture is of what its own list
of notifications has, the second of what the click opens.
"""

import argparse
import html
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.push_service import push_service
from tests.support.pushed_browser import PushedBrowser, pushed_browser
from tests.support.server import running_server
from tests.support.waiting import wait_until
from tests.web.screenshots import DESKTOP, MODEL

LIMIT_S = 280
#: Keeps what the browser lists as shown, which without a screen it does for a moment only: what a
#: person sees of it, and what its click is given.
KEEPS = """() => {
  globalThis.listed = [];
  const show = ServiceWorkerRegistration.prototype.showNotification;
  ServiceWorkerRegistration.prototype.showNotification = async function (...args) {
    await show.apply(this, args);
    globalThis.listed = (await this.getNotifications())
      .map(({ title, body, icon, tag, data }) => ({ title, body, icon, tag, data }));
  };
}"""
STYLE = """body { font: 17px/1.5 system-ui, sans-serif; margin: 40px; max-width: 960px }
h1 { font-size: 20px; margin: 36px 0 8px } table { border-collapse: collapse; width: 100% }
td, th { border-top: 1px solid #bbb; padding: 6px 12px; text-align: left; vertical-align: top }
th { width: 120px; font-weight: 600 } td { font-family: monospace; overflow-wrap: anywhere }
img { height: 48px; display: block; margin-bottom: 4px }"""


def ask(page: Page) -> str:
    """Have a song written, ask to be told of it, close the tab; gives the job's id."""
    page.goto("/")
    page.get_by_label("What is your song about?").fill("a lighthouse keeper's last night")
    page.get_by_role("button", name="Write my song").click()
    page.get_by_role("button", name="Tell me when it is done").click()
    expect(page.locator("#told")).to_contain_text("You will be told")
    job_id = page.url.partition("?job=")[2]
    page.close()
    return job_id


def shown(browsing: PushedBrowser, message: dict[str, Any]) -> dict[str, Any]:
    """The one notification that the browser lists once the push has arrived."""
    browsing.note()
    browsing.worker.evaluate(KEEPS)
    browsing.deliver(message)
    (found,) = wait_until(lambda: browsing.worker.evaluate("globalThis.listed"), 20)
    listed: dict[str, Any] = found
    return listed


def drawn(message: Mapping[str, Any], notification: Mapping[str, Any]) -> str:
    """Both, on an empty page."""
    icon = f'<img src="{html.escape(str(notification["icon"]))}" alt="">'
    return (
        f"<style>{STYLE}</style><h1>The push, as its subscription's keys decrypt it</h1>"
        f"{table(message)}<h1>The notification, as the browser lists it: the tab is closed</h1>"
        f"{icon}{table(notification)}"
    )


def table(values: Mapping[str, Any]) -> str:
    """A row for each value."""
    told = {name: each if isinstance(each, str) else json.dumps(each)
            for name, each in values.items()}  # fmt: skip
    rows = (f"<tr><th>{name}<td>{html.escape(each)}" for name, each in told.items())
    return f"<table>{''.join(rows)}</table>"


def take(folder: Path) -> Iterator[Path]:
    """The notification's data, and the page that a click on it opens."""
    with (
        tempfile.TemporaryDirectory() as data,
        running_server(Path(data), MODEL) as server,
        push_service() as service,
        pushed_browser(server.url) as browsing,
    ):
        job_id = ask(browsing.new_page(service.subscription))
        wait_until(lambda: service.hook.calls, LIMIT_S)
        (message,) = service.messages()
        assert message["link"] == f"?job={job_id}"
        notification = shown(browsing, message)
        (opened,) = browsing.click()

        page = browsing.new_page()
        page.set_viewport_size({"width": DESKTOP, "height": 560})
        page.set_content(drawn(message, notification))
        page.wait_for_load_state("networkidle")
        yield save(page, folder / "push.png")
        page.set_viewport_size({"width": DESKTOP, "height": 900})
        page.emulate_media(reduced_motion="reduce", color_scheme="light")
        page.goto(opened)
        page.locator("#tools").wait_for()
        yield save(page, folder / "push-opened.png")


def save(page: Page, file: Path) -> Path:
    """A picture of the window."""
    page.screenshot(path=file)
    return file


def main() -> None:
    """Take both pictures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"))
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    for file in take(folder):
        print(file)


if __name__ == "__main__":
    main()
