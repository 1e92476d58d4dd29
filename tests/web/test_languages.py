"""The page in each of its languages: complete, chosen by the browser or a link, all of it."""

import re
from functools import cache
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import WEB, overflow_px
from tests.support.page_api import JOB, Opener, job, succeeded
from tests.web.screenshots import AT_JOB, SHOTS, Shot

OTHERS = ("de", "es")
#: Names of a column, of genres, formats and a unit, and words that are the same in two languages.
SAME = {
    *("prompt", "Country", "Folk", "Pop", "Rap", "Rock", "Soul", "MiB", "Markdown", "ChordPro"),
    *("Normal", "Version", "Tokens"),
}
#: What the server or the song says, which the page only shows.
NOT_OURS = (
    "#examples, #lyrics, #sample .lyric, #title, #facts dd, #report td, #report li, #rows ol a"
)
STATES = [shot for shot in SHOTS if shot.own_state and shot.name != "nowhere"]
#: The names of a language, as deep as they go, and how much each function is told.
SHAPE = """async (code) => {
    const shape = (value) => typeof value === "function" ? `f${value.length}` : Array.isArray(value)
        ? value.length : typeof value === "object" ? Object.fromEntries(Object.entries(value)
        .map(([name, inner]) => [name, shape(inner)]).sort()) : "";
    return shape({...await import(`/${code}.js`)});
}"""


@cache
def words_of(code: str) -> frozenset[str]:
    """The texts of a language, those with a hole cut there: three letters at least."""
    source = (WEB / f"{code}.js").read_text(encoding="utf-8")
    body = source.split("export const title", 1)[1]
    literals = [text for one in re.findall(r'"([^"\n]*)"|`([^`]*)`', body) for text in one]
    nested = [inner for text in literals for inner in re.findall(r'"([^"]+)"', text)]
    pieces = [
        piece.strip(" .,:·\n")
        for text in [*literals, *nested]
        for piece in re.split(r"\$\{.*?\}|\\n", text)
    ]
    return frozenset(piece for piece in pieces if len(re.findall(r"[^\W\d_]", piece)) >= 3)


def used() -> set[str]:
    """All that the modules read of the texts, such as `batch.over`."""
    modules = [file for file in WEB.glob("*.js") if file.stem not in ("en", *OTHERS)]
    found = (re.findall(r"\bT\.([\w.]+)", file.read_text(encoding="utf-8")) for file in modules)
    return {name for names in found for name in names}


def open_in(open_page: Opener, shot: Shot, locale: str) -> Page:
    page, _ = open_page(shot.address, shot.serve, locale=locale, reduced_motion="reduce")
    shot.act(page)
    page.wait_for_selector(shot.wait_for)
    return page


def visible_words(page: Page) -> str:
    """What the page itself says, its labels for those who only hear it included."""
    shown: str = page.evaluate(
        """(theirs) => {
            const lines = (one) => one.innerText.split("\\n");
            const hidden = new Set([...document.querySelectorAll(theirs)].flatMap(lines));
            const labels = document.querySelectorAll("[aria-label]");
            const ours = lines(document.body).filter((line) => !hidden.has(line));
            const heard = [...labels].map((one) => one.ariaLabel);
            return [document.title, ...ours, ...heard].join("\\n");
        }""",
        NOT_OURS,
    )
    return shown


@pytest.mark.browser
@pytest.mark.parametrize("code", OTHERS)
def test_a_language_has_every_name_that_english_has_and_no_other(
    open_page: Opener, code: str
) -> None:
    page, _ = open_page()
    english: dict[str, Any] = page.evaluate(SHAPE, "en")
    other: dict[str, Any] = page.evaluate(SHAPE, code)
    assert english["page"].keys() == other["page"].keys()
    assert other == english


def test_every_text_is_used_and_every_text_that_is_used_is_there() -> None:
    source = (WEB / "en.js").read_text(encoding="utf-8")
    top = set(re.findall(r"^export (?:const|function) (\w+)", source, re.M))
    asked = {name.split(".")[0] for name in used()}
    assert asked == top
    for group in ("batch", "told", "server"):
        block = re.search(rf"^export const {group} = \{{(.*?)^\}};$", source, re.M | re.S)
        assert block
        names = set(re.findall(r"^\t(\w+): ", block[1], re.M))
        assert {name.split(".")[1] for name in used() if name.startswith(f"{group}.")} == names


@pytest.mark.browser
@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("shot", STATES, ids=lambda shot: shot.name)
def test_no_english_is_left_on_the_page_in_another_language(
    open_page: Opener, shot: Shot, code: str
) -> None:
    page = open_in(open_page, shot, code)
    shown = visible_words(page)
    english = words_of("en") - SAME
    left = [text for text in english if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", shown)]
    assert left == [], shown
    page.set_viewport_size({"width": 320, "height": 640})
    assert overflow_px(page) == 0


@pytest.mark.browser
def test_the_browser_chooses_the_language_and_the_link_in_the_footer_another(
    open_page: Opener,
) -> None:
    page, _ = open_page(AT_JOB, lambda api: api.job(succeeded()), locale="de-AT")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("#again")).to_have_text("Noch eine Fassung schreiben")
    expect(page.locator("#lyrics")).to_have_attribute("lang", "en")
    page.locator("#languages").get_by_text("Español").click()
    expect(page.locator("#again")).to_have_text("Escribir otra versión")
    assert page.url.endswith(f"?job={JOB}"), (
        "open stays what was, and a link given on says no language"
    )
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.locator("#languages [aria-current]")).to_have_text("Español")


@pytest.mark.browser
@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"])
def test_a_language_that_the_page_does_not_have_is_english(open_page: Opener, locale: str) -> None:
    page, _ = open_page(locale=locale)
    expect(page.locator("#send")).to_have_text("Write my song")
    assert page.title() == "VerseQueue: lyrics from a few words"


@pytest.mark.browser
@pytest.mark.parametrize(("code", "said"), [("de", "englischen"), ("es", "en inglés")])
def test_it_is_said_that_a_song_is_in_english(open_page: Opener, code: str, said: str) -> None:
    page, _ = open_page(locale=code)
    expect(page.locator("#lead")).to_contain_text(said)


@pytest.mark.browser
def test_a_language_that_does_not_come_is_english(open_page: Opener) -> None:
    page, _ = open_page(locale="de")
    page.route("**/de.js", lambda route: route.abort())
    page.reload()
    expect(page.locator("#send")).to_have_text("Write my song")


@pytest.mark.browser
def test_numbers_are_written_as_the_language_does(open_page: Opener) -> None:
    waiting = job(queue_position=1200, eta_seconds=3)
    page, _ = open_page(AT_JOB, lambda api: api.job(waiting), locale="de")
    expect(page.locator("#steps")).to_contain_text("Nummer 1.200")
