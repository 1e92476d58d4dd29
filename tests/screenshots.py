"""Pictures of the page in each of its states: `python -m tests.screenshots OUT_DIR [NAME…]`."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.browser import WEB, chromium_path, open_browser, serve_folder
from tests.page_api import (
    BATCH,
    JOB,
    PageApi,
    batch,
    fine,
    iso,
    job,
    loading,
    problem,
    succeeded,
    writing,
)

DESKTOP = 1120


@dataclass(frozen=True)
class Shot:
    """One picture: what the server says, where the page is opened, what is done on it."""

    name: str
    address: str = "/"
    serve: Callable[[PageApi], None] = lambda _api: None
    act: Callable[[Page], None] = lambda _page: None
    wait_for: str = "#server:not(:empty)"
    width: int = DESKTOP
    height: int = 860
    dark: bool = False

    @property
    def own_state(self) -> bool:
        """Whether the picture is of a state, and not of one in other light or width."""
        return not self.dark and self.width == DESKTOP


def _submit(page: Page) -> None:
    page.get_by_label("What is your song about?").fill("a slow train home")
    page.get_by_role("button", name="Write my song").click()


def _submit_to(answer: object) -> Callable[[PageApi], None]:
    return lambda api: api.on("POST", "/v1/jobs", answer)  # type: ignore[arg-type]


def _batch(**counts: int) -> Callable[[PageApi], None]:
    return lambda api: api.on("GET", f"/v1/batches/{BATCH}", fine(batch(**counts)))


def _choose_bad_file(page: Page) -> None:
    rows = b'{"prompt":"fine"}\n{"prompt":""}\nnot json\n{"prompt":"x","lyne":3}\n'
    page.locator("#file").set_input_files({"name": "prompts.jsonl", "mimeType": "", "buffer": rows})


def _choose_good_file(page: Page) -> None:
    rows = "\n".join(f"a song about the number {number}" for number in range(1, 201)).encode()
    page.locator("#file").set_input_files({"name": "numbers.txt", "mimeType": "", "buffer": rows})


AT_JOB = f"/?job={JOB}"
AT_BATCH = f"/?batch={BATCH}"
DONE = succeeded(as_song=True)
FAILED = job(
    "failed",
    attempt=5,
    finished_at=iso(datetime.now(UTC) + timedelta(seconds=9)),
    error={"detail": "The model file is damaged."},
)
SHOTS = [
    Shot("ask"),
    Shot("ask-dark", dark=True),
    Shot("ask-phone", width=320, height=640),
    Shot("ask-choices", act=lambda page: page.locator("#choices").click()),
    Shot("ask-invalid", act=lambda page: page.get_by_role("button", name="Write my song").click()),
    Shot("ask-limited", serve=_submit_to(problem(429, "rate-limited", retry_after=20)),
         act=_submit, wait_for="#refused"),
    Shot("ask-budget", serve=_submit_to(problem(429, "budget-exhausted", retry_after=30000)),
         act=_submit, wait_for="#refused"),
    Shot("watch-queued", AT_JOB, lambda api: api.job(job(queue_position=2, eta_seconds=14)),
         wait_for="#watch"),
    Shot("watch-waking", AT_JOB, lambda api: api.job(loading()), wait_for="#watch"),
    Shot("watch-writing", AT_JOB, lambda api: api.job(writing()), wait_for="#watch"),
    Shot("watch-writing-phone", AT_JOB, lambda api: api.job(writing()), wait_for="#watch",
         width=320, height=640),
    Shot("read", AT_JOB, lambda api: api.job(DONE), wait_for="#tools"),
    Shot("read-dark", AT_JOB, lambda api: api.job(DONE), wait_for="#tools", dark=True),
    Shot("read-phone", AT_JOB, lambda api: api.job(DONE), wait_for="#tools", width=320),
    Shot("read-wide", AT_JOB, lambda api: api.job(DONE), wait_for="#tools", width=1800),
    Shot("failed", AT_JOB, lambda api: api.job(FAILED), wait_for="#end"),
    Shot("unknown-link", AT_JOB, wait_for="#notice"),
    Shot("expired-link", AT_JOB, lambda api: api.job(problem(410, "gone")), wait_for="#notice"),
    Shot("file-bad", act=_choose_bad_file, wait_for="#report table"),
    Shot("file-good", act=_choose_good_file, wait_for="#report button"),
    Shot("batch", AT_BATCH, _batch(succeeded=61, running=8, queued=130, failed=1),
         wait_for="#watch"),
    Shot("batch-done", AT_BATCH, _batch(succeeded=198, failed=2), wait_for="#watch"),
]  # fmt: skip


def take(browser: Browser, site: str, shot: Shot, folder: Path) -> Path:
    """Take one picture; gives its file."""
    context = browser.new_context(
        base_url=site,
        viewport={"width": shot.width, "height": shot.height},
        color_scheme="dark" if shot.dark else "light",
        reduced_motion="reduce",
    )
    api = PageApi().install(context)
    shot.serve(api)
    page = context.new_page()
    page.goto(shot.address)
    shot.act(page)
    page.wait_for_selector(shot.wait_for)
    file = folder / f"{shot.name}.png"
    page.screenshot(path=file, full_page=True)
    context.close()
    return file


def main(arguments: list[str]) -> int:
    """Take all pictures, or those named, into a folder; 2 if Chromium is missing."""
    path = chromium_path()
    if path is None or not arguments:
        print("usage: python -m tests.screenshots OUT_DIR [NAME…]; Chromium must be installed")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [shot for shot in SHOTS if len(arguments) == 1 or shot.name in arguments[1:]]
    with serve_folder(WEB) as site, open_browser(path) as browser:
        for shot in wanted:
            print(take(browser, site, shot, folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
