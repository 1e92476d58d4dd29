"""A Chromium with a profile, as the service workers of a push need one, and a push service for it.

What Chromium would ask its maker's push service for is played: `subscribe` hands out a subscription
to a push service of the test. What that is sent is delivered by the debugging protocol.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import BrowserContext, CDPSession, Page, Worker, sync_playwright

from tests.support.browser import BROWSER_ARGS, PATIENCE_MS, chromium_path, missing
from tests.support.waiting import wait_until

#: Hands out a subscription, and notes what it was asked for with.
SUBSCRIBES = """
globalThis.subscribed = [];
PushManager.prototype.subscribe = async function ({ applicationServerKey }) {
  subscribed.push(applicationServerKey);
  return { toJSON: () => (%s) };
};
"""
#: Notes what is shown, in a page or in the worker. Chromium without a screen forgets it soon.
NOTES = """
globalThis.notes = [];
const show = ServiceWorkerRegistration.prototype.showNotification;
ServiceWorkerRegistration.prototype.showNotification = async function (title, options) {
  await show.call(this, title, options);
  const { body, tag, data } = options;
  globalThis.notes.push({ title, body, tag, data });
};
"""
#: What a click does, but for the permission to open a window, which only a person's click gives.
CLICK = """async () => {
  const opened = [];
  clients.openWindow = async (url) => opened.push(url);
  const { data } = globalThis.notes.at(-1);
  const work = [];
  const click = new Event("notificationclick");
  click.notification = { data, close: () => globalThis.notes.pop() };
  click.waitUntil = (doing) => work.push(doing);
  dispatchEvent(click);
  await Promise.all(work);
  return opened;
}"""


@dataclass
class PushedBrowser:
    """One person's browser."""

    context: BrowserContext
    #: the page's address without a slash at its end
    origin: str

    def new_page(self, subscription: dict[str, Any] | None = None) -> Page:
        """A tab; with a `subscription`, the one that its browser will be given."""
        page = self.context.new_page()
        page.add_init_script(NOTES)
        if subscription:
            page.add_init_script(SUBSCRIBES % json.dumps(subscription))
        return page

    def deliver(self, message: dict[str, Any]) -> None:
        """Let a push arrive, though no tab of the page is open."""
        self.note()
        blank = self.context.pages[0]
        debugging = self.context.new_cdp_session(blank)
        push = {"origin": self.origin, "registrationId": self._registration(debugging, blank)}
        push["data"] = json.dumps(message)
        debugging.send("ServiceWorker.deliverPushMessage", push)

    def close_all(self) -> None:
        """Close every tab of the page, and what is shown."""
        for page in self.context.pages[1:]:
            page.close()
        for worker in self.context.service_workers:
            worker.evaluate("() => { globalThis.notes &&= []; }")

    def note(self) -> None:
        """Note what the worker shows from now on."""
        self.worker.evaluate(f"() => {{ if (!globalThis.notes) {{ {NOTES} }} }}")

    @property
    def worker(self) -> Worker:
        """The page's service worker, once it runs."""
        return wait_until(lambda: next(iter(self.context.service_workers), None), 20)

    def shown(self) -> list[dict[str, Any]]:
        """What the worker has shown, and nobody has clicked."""
        found: list[dict[str, Any]] = self.worker.evaluate("globalThis.notes")
        return found

    def click(self) -> list[str]:
        """Click the latest notification, which closes it; the windows that this opens."""
        opened: list[str] = self.worker.evaluate(CLICK)
        return opened

    def _registration(self, debugging: CDPSession, tab: Page) -> str:
        found: list[dict[str, Any]] = []

        def hear(event: dict[str, Any]) -> None:
            found.extend(event["registrations"])

        def first() -> str | None:
            tab.evaluate("1")  # lets the browser's events come in
            return found[0]["registrationId"] if found else None

        debugging.on("ServiceWorker.workerRegistrationUpdated", hear)
        debugging.send("ServiceWorker.enable")
        return wait_until(first, 20)


@contextmanager
def pushed_browser(origin: str) -> Iterator[PushedBrowser]:
    """A browser with a profile of its own, whose person lets `origin` notify."""
    path = chromium_path()
    if path is None:
        missing("pushes to the page, because Chromium was not found (set CHROMIUM or install it)")
    with tempfile.TemporaryDirectory() as profile, sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=path, args=BROWSER_ARGS, base_url=origin
        )
        context.set_default_timeout(PATIENCE_MS)
        context.grant_permissions(["notifications"], origin=origin)
        try:
            yield PushedBrowser(context, origin)
        finally:
            context.close()
