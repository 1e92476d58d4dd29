"""Chromium for the page's tests: the browser, the page's files on a port, and axe-core.

Knows nothing of the API. Its fixtures reach the tests through conftest.py.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.paths import ROOT

WEB = ROOT / "web"
#: A busy machine with two cores is slow; a limit is only ever reached by a failure.
PATIENCE_MS = 20_000
BROWSER_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=PATIENCE_MS)


def chromium_path() -> str | None:
    """Where Chromium is: the CHROMIUM environment variable, else the search path."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    return found if found and Path(found).exists() else None


def headless_path() -> str | None:
    """Where the same Chromium without its windows is: a page takes it a quarter of the time.

    Where that is missing, or the CHROMIUM environment variable names another, the whole one, which
    alone can be pushed to.
    """
    shell = None if os.environ.get("CHROMIUM") else shutil.which("chromium-headless-shell")
    return shell or chromium_path()


def missing(what: str) -> None:
    """Skip with one loud line on a laptop, fail in CI."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"MISSING IN CI: {what}", pytrace=False)
    pytest.skip(f"NOT TESTED: {what}")


class _Files(SimpleHTTPRequestHandler):
    extensions_map = {  # noqa: RUF012 - the base class's own attribute
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript",
        ".svg": "image/svg+xml",
        ".webmanifest": "application/manifest+json",
    }

    def log_message(self, *args: Any) -> None:
        """Keep the test's output to itself."""


@contextmanager
def serve_folder(folder: Path) -> Iterator[str]:
    """Serve `folder` on a free port of the loopback; gives the URL without a slash at its end."""
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: _Files(*args, directory=str(folder))
    )
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def open_browser(path: str) -> Iterator[Browser]:
    """A Chromium that talks to nobody but the page's server."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for a test module: closed with it, so that no event loop is left running."""
    path = headless_path()
    if path is None:
        missing("the page, because Chromium was not found (set CHROMIUM or install it)")
        return
    with open_browser(path) as opened:
        yield opened


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The page's files on a port of their own, without the functions behind them."""
    with serve_folder(WEB) as url:
        yield url


@pytest.fixture
def new_context(browser: Browser, site: str) -> Iterator[Callable[..., BrowserContext]]:
    """Makes browser contexts that are closed after the test."""
    opened: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"base_url": site, **options})
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        return context

    yield make
    for context in opened:
        context.close()


@cache
def node_package(path: str) -> Path:
    """A file of the development tools in package.json, installed on first use."""
    found = ROOT / "node_modules" / path
    if not found.exists():
        npm = shutil.which("npm")
        if npm is None:
            missing(f"{path}, because npm was not found")
        command = [npm or "npm", "install", "--no-package-lock", "--no-audit", "--no-fund"]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
        )
        if not found.exists():
            missing(f"{path}, because npm could not install it: {done.stderr[-300:]}")
    return found


#: Resolves when nothing fades in any more: half faded text has half the contrast.
STANDS_STILL = """Promise.allSettled(document.getAnimations()
    .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
    .map((each) => each.finished))"""


def axe_violations(page: Page) -> list[str]:
    """What axe-core finds on the page once it stands still, one line for each place."""
    page.evaluate(STANDS_STILL)
    page.evaluate(node_package("axe-core/axe.min.js").read_text(encoding="utf-8"))
    results = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in results["violations"]
        for node in violation["nodes"]
    ]


def overflow_px(page: Page) -> int:
    """By how much the page is wider than its window."""
    wider: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wider
