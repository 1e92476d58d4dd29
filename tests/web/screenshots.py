"""Pictures of the page in each of its states, on a played API: `python -m tests.web.screenshots`.

With `--real` the two pictures of the README instead, of a song that the default model writes.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, Page

from tests.support.browser import WEB, chromium_path, open_browser, serve_folder
from tests.support.page_api import (
    BATCH,
    JOB,
    LINES,
    Answer,
    PageApi,
    batch,
    checked,
    fine,
    iso,
    job,
    loading,
    problem,
    results,
    succeeded,
    writing,
)
from tests.support.server import running_server

DESKTOP = 1120
PLACES = (
    "the quay at night",
    "a kitchen in May",
    "the night bus",
    "an attic window",
    "the old mill",
)
MODEL = WEB.parent / ".versequeue" / "models" / "default"


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
    page.locator("#prompt").fill("a slow train home")
    page.locator("#send").click()


def _submit_to(answer: object) -> Callable[[PageApi], None]:
    return lambda api: api.on("POST", "/v1/jobs", answer)  # type: ignore[arg-type]


def _batch(answer: Answer, **counts: int) -> Callable[[PageApi], None]:
    def serve(api: PageApi) -> None:
        named = {**batch(**counts), "metadata": {"file": "places.csv"}}
        api.on("GET", f"/v1/batches/{BATCH}", fine(named))
        api.on("GET", f"/v1/batches/{BATCH}/results", answer)

    return serve


def _checked(answer: Answer) -> Callable[[PageApi], None]:
    return lambda api: api.on("POST", "/v1/file-checks", answer)


def _choose_file(page: Page) -> None:
    page.locator("#file").set_input_files({"name": "places.csv", "mimeType": "", "buffer": b"x"})


def _own_songs(page: Page) -> None:
    names = ("Roll Me Home", "The Baker's Hands", "A door that will not close", "Low tide")
    songs = [
        {"id": f"job_{name}", "kind": "job", "name": name, "status": "succeeded", "at": 1.7e12}
        for name in names
    ]
    page.evaluate("all => localStorage.setItem('versequeue.songs', JSON.stringify(all))", songs)
    page.reload()


def _forget_them(page: Page) -> None:
    _own_songs(page)
    page.locator("#forget").click()


def _open_desk(page: Page) -> None:
    page.locator("#work").click()
    page.locator(".handle").first.wait_for()


def _open_line(page: Page) -> None:
    _open_desk(page)
    page.locator(".handle").nth(1).click()
    page.locator(".choices button").first.click()
    page.locator(".handle").nth(2).click()


def _with_rhymes(api: PageApi) -> None:
    api.job(DONE)
    words = [{"word": word, "syllables": 1} for word in ("class", "grass", "last", "brass")]
    api.on("GET", "/v1/rhymes/pass", Answer({"word": "pass", "perfect": words, "slant": []}))
    errors = [{"pointer": "/given/2", "detail": "The lines rhyme: this is to be in Latin letters."}]
    api.on("POST", "/v1/jobs", problem(422, "validation", errors=errors))


def _with_meter(api: PageApi) -> None:
    api.job(DONE)
    lines = [line for part in DONE["output"]["sections"] for line in part["lines"]]
    words = [[{"word": word.strip(",."), "stresses": "/x"[: 1 + (len(word) > 5)]}
              for word in line.split()] for line in dict.fromkeys(lines)]  # fmt: skip
    told = [{"syllables": sum(len(one["stresses"]) for one in each), "words": each}
            for each in words]  # fmt: skip
    api.on("GET", "/v1/meter", Answer({"lines": told}))


def _count(page: Page) -> None:
    page.locator("#count").check()


def _edit_line(page: Page) -> None:
    _open_line(page)
    page.locator(".choices button").nth(1).click()


def _send_line(page: Page) -> None:
    _edit_line(page)
    page.locator(".edit").fill("Дождь по стеклу")
    page.locator("#desk .main").click()
    page.locator("#line-error").wait_for()


def _focus_and_choices(page: Page) -> None:
    page.locator("#choices").click()
    page.locator("#tune").fill("One line\nand another line\none more line\nand the last")
    page.locator("#called").fill("Roll Me Home")
    page.locator("#prompt").focus()


AT_JOB = f"/?job={JOB}"
AT_BATCH = f"/?batch={BATCH}"
FIRST = [
    {"line": number, "custom_id": str(number), "prompt": prompt}
    for number, prompt in enumerate(PLACES[:3], start=2)
]
FAULTS = [
    {"line": 3, "custom_id": "2", "code": "missing-prompt", "detail": "There is no prompt."},
    {"line": 5, "custom_id": "4", "code": "invalid-option", "detail": "lines: This is 4 to 64."},
    {"line": 5, "custom_id": "4", "code": "invalid-option", "detail": "style: This is rap or pop."},
]
DONE = succeeded(as_song=True)
GIVEN = [None, LINES[1], None, None, None, LINES[5], None, None]
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
    Shot("ask-choices", act=_focus_and_choices),
    Shot("ask-songs", act=_own_songs, wait_for="#list li"),
    Shot("ask-songs-phone", act=_own_songs, wait_for="#list li", width=320, height=640),
    Shot("ask-forgotten", act=_forget_them, wait_for="#undo"),
    Shot("ask-invalid", act=lambda page: page.locator("#send").click()),
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
    Shot("read-stresses", AT_JOB, _with_meter, act=_count, wait_for="#lyrics rt"),
    Shot("desk", AT_JOB, lambda api: api.job(DONE), act=_open_desk, wait_for=".handle"),
    Shot("desk-line", AT_JOB, lambda api: api.job(DONE), act=_open_line, wait_for=".choices"),
    Shot("desk-edit", AT_JOB, _with_rhymes, act=_send_line, wait_for=".choices .chips"),
    Shot("desk-dark", AT_JOB, lambda api: api.job(DONE), act=_open_line, wait_for=".choices",
         dark=True),
    Shot("desk-phone", AT_JOB, lambda api: api.job(DONE), act=_open_line, wait_for=".choices",
         width=320, height=640),
    Shot("desk-writing", AT_JOB, lambda api: api.job({**writing(3), "given": GIVEN}),
         wait_for=".kept"),
    Shot("failed", AT_JOB, lambda api: api.job(FAILED), wait_for="#end"),
    Shot("unknown-link", AT_JOB, wait_for="#notice"),
    Shot("expired-link", AT_JOB, lambda api: api.job(problem(410, "gone")), wait_for="#notice"),
    Shot("nowhere", "/404.html", wait_for="#nowhere"),
    Shot("file-bad", serve=_checked(checked(9, errors=FAULTS)), act=_choose_file,
         wait_for="#report table"),
    Shot("file-good", serve=_checked(checked(200, FIRST)), act=_choose_file,
         wait_for="#report button"),
    Shot("batch-begun", AT_BATCH, _batch(results(queued=PLACES[0]), queued=5), wait_for="#rows li"),
    Shot("batch", AT_BATCH, _batch(results(*PLACES[:3], queued=PLACES[4]), succeeded=3, queued=2),
         wait_for="#rows li"),
    Shot("batch-done", AT_BATCH, wait_for="#rows li",
         serve=_batch(results(*PLACES[:4], failed=PLACES[4]), succeeded=4, failed=1)),
    Shot("batch-done-phone", AT_BATCH, _batch(results(*PLACES), succeeded=5), wait_for="#rows li",
         width=320, height=640),
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
    page.wait_for_selector("main:not([hidden])", state="attached")
    shot.act(page)
    page.wait_for_selector(shot.wait_for)
    file = folder / f"{shot.name}.png"
    page.screenshot(path=file, full_page=True)
    context.close()
    return file


def take_real(browser: Browser, folder: Path) -> Iterator[Path]:
    """A song being written and the same one written, by the default model on a real server."""
    with tempfile.TemporaryDirectory() as data, running_server(Path(data), MODEL) as server:
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": DESKTOP, "height": 900},
            color_scheme="light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(120_000)
        page = context.new_page()
        page.goto("/")
        page.locator("#choices").click()
        page.get_by_text("Folk", exact=True).click()
        page.get_by_label("lines").fill("8")
        page.get_by_text("Best").click()
        page.get_by_label("What is your song about?").fill("a slow train home in the rain")
        page.get_by_role("button", name="Write my song").click()
        page.mouse.move(0, 0)
        page.locator("#lyrics li").nth(3).wait_for()
        yield _save(page, folder / "writing.png")
        page.locator("#tools").wait_for()
        yield _save(page, folder / "read.png")
        context.close()


def _save(page: Page, file: Path) -> Path:
    page.screenshot(path=file)
    return file


def main() -> int:
    """Take all pictures, or those named; 2 if Chromium is missing."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("names", nargs="*", help="; ".join(shot.name for shot in SHOTS))
    parser.add_argument("--out", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--real", action="store_true", help="the README's two, of a real song")
    asked = parser.parse_args()
    path = chromium_path()
    if path is None:
        print("Chromium was not found: install it, or say where it is in CHROMIUM.")
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    wanted = [shot for shot in SHOTS if not asked.names or shot.name in asked.names]
    with serve_folder(WEB) as site, open_browser(path) as browser:
        if asked.real:
            files = take_real(browser, asked.out)
        else:
            files = (take(browser, site, shot, asked.out) for shot in wanted)
        for file in files:
            print(file)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
