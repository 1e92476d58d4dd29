"""Watching one job on the page: where it is opened, what it is answered, what it has asked."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page

from tests.support.page_api import JOB, PageApi, Reply

AT_JOB = f"/?job={JOB}"
PATH = f"/v1/jobs/{JOB}"

#: A page whose tab can be hidden by `setHidden(true)`.
HIDE = """
let hidden = false;
Object.defineProperty(document, "hidden", { get: () => hidden });
globalThis.setHidden = (value) => {
  hidden = value;
  document.dispatchEvent(new Event("visibilitychange"));
};
"""


def told(*replies: Reply | dict[str, Any]) -> Callable[[PageApi], None]:
    """For `open_page`: the job is answered like this from the start."""
    return lambda api: api.job(*replies)


def asked(page: Page, api: PageApi) -> int:
    """How often the job was asked for; the evaluation lets the browser's events come in."""
    page.evaluate("1")
    return len(api.asked("GET", PATH))


def step(page: Page, name: str) -> Locator:
    """One step of the timeline."""
    return page.locator("#steps li").filter(has_text=name)
