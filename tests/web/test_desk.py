"""The songwriter's desk: lines kept, swapped, edited, written anew, paired, and the way back."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.page_api import (
    CHORUS,
    DRAFTS,
    JOB,
    LINES,
    Answer,
    Opener,
    PageApi,
    fine,
    problem,
    succeeded,
    writing,
)
from tests.support.watching import AT_JOB, told

pytestmark = pytest.mark.browser
OTHER = "job_zyxwvutsrqponmlkjihgfe"
ANEW = tuple(f"Another line, number {number}" for number in range(8))


def desk(open_page: Opener, **shown: Any) -> tuple[Page, PageApi]:
    """The desk, open on a song."""
    page, api = open_page(AT_JOB, told(succeeded(**shown)))
    page.get_by_role("button", name="Work on the lines").click()
    expect(page.locator(".handle").first).to_be_visible()
    return page, api


def open_line(page: Page, number: int) -> Locator:
    """What can be done with a line; the first is 1."""
    page.get_by_role("button", name=f"Line {number}", exact=True).click()
    return page.get_by_role("group", name=f"Line {number}", exact=True)


def lines(page: Page) -> list[str]:
    """The lines as they stand on the sheet."""
    found: list[str] = page.locator("#lyrics .words").evaluate_all(
        "all => all.map(one => [...one.childNodes].filter(node => node.tagName !== 'EM')"
        ".map(node => node.textContent).join(''))"
    )
    return found


def serve_rewrite(api: PageApi, given: list[str | None]) -> None:
    """The next submission becomes a job that keeps what is given, in two looks."""
    written = [kept or new for kept, new in zip(given, ANEW, strict=True)]
    done = succeeded(id=OTHER, given=given)
    done["output"]["sections"][0]["lines"] = written
    half = {**writing(2), "id": OTHER, "given": given, "preview": "\n".join(written[:2])}
    api.on("POST", "/v1/jobs", Answer(half, 202, {"Retry-After": "1"}))
    api.on("GET", f"/v1/jobs/{OTHER}", fine(half), fine(done))


def sent(api: PageApi) -> Any:
    """The body of the last submission."""
    return api.asked("POST", "/v1/jobs")[-1].post_data_json


def test_lines_that_are_kept_stay_and_the_rest_is_one_job(open_page: Opener) -> None:
    page, api = desk(open_page)
    for number in (1, 6):
        open_line(page, number).get_by_role("button", name="Keep").click()
    expect(page.locator("#lyrics .kept")).to_have_count(2)
    given = [LINES[0], None, None, None, None, LINES[5], None, None]
    serve_rewrite(api, given)
    page.get_by_role("button", name="Write the other 6 lines anew").click()
    expect(page.locator("#meta")).to_contain_text("2 of 8 lines")
    expect(page.locator("#words")).to_be_focused()
    assert page.locator("#lyrics .kept").count() == 2, "seen while the others are written"
    assert sent(api)["given"] == given
    assert "seed" not in sent(api)["options"]
    assert sent(api)["options"]["structure"] == "verse", "no rhyme was changed"
    assert sent(api)["options"]["title"] == "Roll Me Home"
    expect(page.locator(".handle")).to_have_count(8)
    expect(page.get_by_role("button", name="Line 2", exact=True)).to_be_focused()
    assert lines(page) == [LINES[0], *ANEW[1:5], LINES[5], *ANEW[6:]]
    assert page.url.endswith(OTHER)
    expect(page.locator("#lyrics .kept")).to_have_count(2)
    assert len(api.asked("POST", "/v1/jobs")) == 1
    page.get_by_role("button", name="Undo").click()
    assert lines(page) == list(LINES)
    assert page.url.endswith(JOB)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#lyrics .kept")).to_have_count(1)


def test_another_version_of_a_line_costs_no_job_and_is_still_there_after_a_reload(
    open_page: Opener, new_context: Any
) -> None:
    context = new_context(permissions=["clipboard-read", "clipboard-write"])
    page, api = open_page(AT_JOB, told(succeeded()), context)
    page.get_by_role("button", name="Work on the lines").click()
    others = open_line(page, 3).get_by_role("listitem")
    expect(others).to_have_text(list(DRAFTS))
    others.last.get_by_role("button").click()
    assert lines(page)[2] == DRAFTS[1]
    expect(others).to_have_text([LINES[2], DRAFTS[0]])
    page.get_by_role("button", name="Copy the lyrics").click()
    expect(page.locator("#live")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").splitlines()[2] == DRAFTS[1]
    page.reload()
    expect(page.locator("#lyrics li")).to_have_count(8)
    assert lines(page)[2] == LINES[2], "the link shows what was written"
    page.get_by_role("button", name="Work on the lines").click()
    expect(page.locator("#lyrics .kept")).to_have_count(1)
    assert lines(page)[2] == DRAFTS[1]
    page.get_by_role("button", name="Undo").click()
    assert lines(page)[2] == LINES[2]
    assert not api.asked("POST", "/v1/jobs")


def test_a_line_is_edited_with_the_keyboard_alone(open_page: Opener) -> None:
    page, api = open_page(AT_JOB, told(succeeded()))
    words = [{"word": "glass", "syllables": 1}, {"word": "grass", "syllables": 1}]
    api.on("GET", "/v1/rhymes/pass", Answer({"word": "pass", "perfect": words}))
    expect(page.locator("#work")).to_be_visible()
    page.locator("#work").press("Enter")
    page.get_by_role("button", name="Line 3", exact=True).press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Keep")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="Line 3")
    expect(field).to_be_focused()
    page.get_by_role("button", name="grass").press("Enter")
    expect(field).to_have_value(LINES[2].replace("glass", "grass"))
    page.keyboard.press("Enter")
    assert lines(page)[2] == LINES[2].replace("glass", "grass")
    expect(page.get_by_role("button", name="Line 3", exact=True)).to_be_focused()
    expect(page.locator("#live")).to_have_text("Line 3 is changed and kept.")
    page.keyboard.press("Escape")
    expect(page.locator(".choices")).to_have_count(0)
    expect(page.get_by_role("button", name="Line 3", exact=True)).to_be_focused()


def test_a_line_that_is_refused_is_opened_and_says_why(open_page: Opener) -> None:
    page, api = desk(open_page)
    said = "The lines rhyme: this is to be in Latin letters."
    errors = [{"pointer": "/given/1", "detail": said}, {"pointer": "/prompt", "detail": "No."}]
    api.on("POST", "/v1/jobs", problem(422, "validation", errors=errors))
    open_line(page, 2).get_by_role("button", name="Edit").click()
    # Nothing is cut off in silence, however much is pasted.
    page.get_by_role("textbox", name="Line 2").fill("Дождь " * 300)
    page.keyboard.press("Enter")
    open_line(page, 8)
    page.get_by_role("button", name="Write the other 7 lines anew").click()
    field = page.get_by_role("textbox", name="Line 2")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(said)
    expect(field).to_have_value("Дождь " * 299 + "Дождь")
    expect(page.locator("#line-error")).to_be_in_viewport()
    expect(page.locator("#desk .notice")).to_contain_text("No.")
    field.fill("The rain is on the track")
    page.keyboard.press("Enter")
    expect(page.locator("#line-error")).to_have_count(0)


def test_an_edit_can_be_left(open_page: Opener) -> None:
    page, api = desk(open_page)
    api.on("GET", "/v1/rhymes/track", problem(404, "not-found"))
    open_line(page, 2).get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name="Line 2").fill("never mind")
    page.keyboard.press("Escape")
    assert lines(page) == list(LINES)
    expect(page.locator(".kept")).to_have_count(0)


@pytest.mark.parametrize("act", ["open another line", "write the rest", "close the desk"])
def test_what_is_typed_into_a_line_counts_whatever_is_pressed_next(
    open_page: Opener, act: str
) -> None:
    page, api = desk(open_page)
    api.on("GET", "/v1/rhymes/track", problem(404, "not-found"))
    open_line(page, 2).get_by_role("button", name="Edit").click()
    page.get_by_role("textbox", name="Line 2").fill("my own words of the track")
    if act == "open another line":
        open_line(page, 5)
    elif act == "close the desk":
        page.locator("#work").click()
        page.locator("#work").click()
    else:
        serve_rewrite(api, [None, "my own words of the track", *[None] * 6])
        page.get_by_role("button", name="anew").last.click()
        expect(page.locator("#meta")).to_contain_text("2 of 8 lines")
        assert sent(api)["given"][1] == "my own words of the track"
        return
    expect(page.locator("#lyrics .words").nth(1)).to_contain_text("my own words of the track")


def test_a_forgotten_song_leaves_nothing_of_the_desk_behind(open_page: Opener) -> None:
    page, _ = desk(open_page)
    open_line(page, 2).get_by_role("button", name="Keep").click()
    assert JOB in page.evaluate("localStorage.getItem('versequeue.desk')")
    again = page.evaluate(
        "import('/history.js').then(history => { window.back = history.forget(); })"
        ".then(() => localStorage.getItem('versequeue.desk'))"
    )
    assert again == "{}"
    page.evaluate("window.back()")
    assert JOB in page.evaluate("localStorage.getItem('versequeue.desk')")


def test_one_line_written_anew_gives_all_others_wherever_a_chorus_comes(open_page: Opener) -> None:
    shown = succeeded(as_song=True)
    page, api = open_page(AT_JOB, told(shown))
    page.locator("#work").click()
    api.on("POST", "/v1/jobs", problem(429, "rate-limited", retry_after=20))
    open_line(page, 6).get_by_role("button", name="Write anew").click()
    expect(page.locator("#refused, #notice").first).to_be_attached()
    chorus = [CHORUS[0], None, *CHORUS[2:]]
    assert sent(api)["given"] == [*LINES[:4], *chorus, *LINES[4:], *chorus]
    expect(page.locator(".handle")).to_have_count(16)


@pytest.mark.parametrize("way", ["drag", "keys"])
def test_a_rhyme_is_changed_by_drawing_its_letter_and_with_the_keyboard(
    open_page: Opener, way: str
) -> None:
    page, api = desk(open_page)
    if way == "drag":
        page.locator("#lyrics i").nth(2).hover()
        page.mouse.down()
        page.locator("#lyrics li").nth(0).hover()
        page.mouse.up()
    else:
        open_line(page, 3).get_by_label("Rhymes with line").select_option("0")
        expect(page.get_by_label("Rhymes with line")).to_be_focused()
    expect(page.locator("#live")).to_have_text("Line 3 is to rhyme with line 1.")
    expect(page.locator("#lyrics i")).to_have_text(["A", "A", "A", "", "B", "B", "C", "C"])
    serve_rewrite(api, [None] * 8)
    page.get_by_role("button", name="Write all of it anew").click()
    expect(page.locator(".handle")).to_have_count(8)
    assert sent(api)["options"]["structure"] == "verse 8 AAABCCDD"
    assert "given" not in sent(api)


def test_a_line_need_not_rhyme_at_all(open_page: Opener) -> None:
    page, _ = desk(open_page)
    open_line(page, 1).get_by_label("Rhymes with line").select_option("")
    expect(page.locator("#lyrics i")).to_have_text(["", "", "A", "A", "B", "B", "C", "C"])
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#lyrics i").first).to_have_text("A")


def test_where_every_line_is_kept_there_is_nothing_to_write(open_page: Opener) -> None:
    page, _ = desk(open_page, given=list(LINES))
    rest = page.get_by_role("button", name="Write the other 0 lines anew")
    expect(rest).to_be_disabled()
    expect(page.locator("#desk")).to_contain_text("Every line is kept.")


def test_one_line_that_is_left_is_not_counted(open_page: Opener) -> None:
    page, _ = desk(open_page, given=[*LINES[:7], None])
    rest = page.get_by_role("button", name="Write the other line anew")
    expect(rest).to_be_enabled()


def test_the_desk_is_closed_again_and_leaves_the_sheet_as_it_was(open_page: Opener) -> None:
    page, _ = desk(open_page)
    expect(page.locator("#again")).to_be_hidden()
    page.get_by_role("button", name="Close the desk").click()
    expect(page.locator(".handle, #desk")).to_have_count(0)
    expect(page.locator("#again")).to_be_visible()
    expect(page.get_by_role("button", name="Work on the lines")).to_be_visible()


def test_what_is_on_the_desk_is_saved_as_a_file(open_page: Opener, tmp_path: Path) -> None:
    page, _ = desk(open_page)
    open_line(page, 3).get_by_role("listitem").first.get_by_role("button").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="ChordPro").click()
    assert download.value.suggested_filename == "Roll Me Home.cho"
    download.value.save_as(tmp_path / "song.cho")
    written = (tmp_path / "song.cho").read_text().splitlines()
    assert written[0] == "{title: Roll Me Home}"
    assert written[2:6] == ["{start_of_verse: Verse 1}", LINES[0], LINES[1], DRAFTS[0]]


def test_files_say_what_the_lines_say_in_every_format(open_page: Opener) -> None:
    page, _ = open_page()
    parts = [("Verse 1", ["# one *", "2. [two]"]), ("Chorus", ["{la}"]), ("Chorus", ["{la}"])]
    song = {"title": "A {b}", "sections": [{"name": name, "lines": all_} for name, all_ in parts]}
    found = page.evaluate(
        "given => import('/formats.js').then(({ FORMATS }) => Object.fromEntries("
        "Object.entries(FORMATS).map(([name, { write }]) => [name, write(given)])))",
        song,
    )
    assert found["txt"] == "[Verse 1]\n# one *\n2. [two]\n\n[Chorus]\n{la}\n\n[Chorus]\n{la}\n"
    assert found["md"].splitlines()[2:6] == ["## Verse 1", "", "\\# one \\*  ", "2\\. \\[two\\]"]
    assert found["cho"].splitlines() == [
        *("{title: A b}", "", "{start_of_verse: Verse 1}", " # one *", "2. (two)"),
        *("{end_of_verse}", "", "{start_of_chorus: Chorus}", " {la}", "{end_of_chorus}"),
        *("", "{chorus}"),
    ]


def test_the_buttons_of_the_desk_are_large_enough_to_be_touched(open_page: Opener) -> None:
    page, _ = desk(open_page)
    open_line(page, 3)
    sizes = page.locator("#sheet :is(button, select):visible").evaluate_all(
        "all => all.map(one => [one.textContent, one.offsetHeight, one.offsetWidth])"
    )
    assert [one for one in sizes if min(one[1:]) < 44] == []


def test_a_rewrite_that_was_canceled_leaves_the_desk_as_it_was(open_page: Opener) -> None:
    page, api = desk(open_page)
    open_line(page, 3).get_by_role("listitem").last.get_by_role("button").click()
    canceled = {**writing(2), "id": OTHER, "status": "canceled", "done": True}
    api.on("POST", "/v1/jobs", Answer(canceled, 202))
    page.get_by_role("button", name="Write the other 7 lines anew").click()
    expect(page.locator("#end")).to_contain_text("Canceled")
    page.go_back()
    page.get_by_role("button", name="Work on the lines").click()
    expect(page.locator(".kept")).to_have_count(1)
    assert lines(page)[2] == DRAFTS[1]


def test_two_clicks_open_one_desk(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    expect(page.locator("#work")).to_be_visible()
    page.locator("#work").evaluate("button => { button.click(); button.click(); }")
    expect(page.locator(".handle")).to_have_count(8)
    expect(page.locator("#desk")).to_have_count(1)


def test_a_kept_line_that_was_written_anew_is_not_kept_unseen(open_page: Opener) -> None:
    page, api = desk(open_page)
    open_line(page, 3).get_by_role("button", name="Keep").click()
    serve_rewrite(api, [*LINES[:2], None, *LINES[3:]])
    page.get_by_role("button", name="Write anew", exact=True).click()
    expect(page.locator("#lyrics li").nth(2)).to_contain_text(ANEW[2])
    expect(page.locator(".handle")).to_have_count(8)
    expect(page.locator(".kept")).to_have_count(0)


def test_a_desk_that_does_not_come_is_told(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    page.route("**/desk.js", lambda route: route.abort())
    page.get_by_role("button", name="Work on the lines").click()
    expect(page.locator("#notice")).to_contain_text("The server does not answer")
    expect(page.locator("#title")).to_be_visible()


def test_what_a_browser_kept_of_another_shape_is_not_put_on_the_desk(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    for kept in (
        {"lines": ["one"], "kept": [True], "rhyme": [0]},
        {"lines": [None] * 8, "kept": [True] * 8, "rhyme": [0] * 8},
        {"lines": ["one"] * 8, "kept": "all of it", "rhyme": [0] * 8},
        {"lines": ["one"] * 8, "kept": [True] * 8, "rhyme": "ABCDEFGH"},
    ):
        written = json.dumps({JOB: kept})
        page.evaluate("kept => localStorage.setItem('versequeue.desk', kept)", written)
        page.locator("#work").click()
        expect(page.locator(".handle")).to_have_count(8)
        assert lines(page) == list(LINES)
        page.locator("#work").click()
        expect(page.locator("#desk")).to_have_count(0)
