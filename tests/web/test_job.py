"""A finished song on the page: its rhymes, syllables and receipt, and what can be done with it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Request, expect

from tests.support.page_api import (
    LINES,
    Answer,
    Opener,
    job,
    succeeded,
)
from tests.support.waiting import wait_until
from tests.support.watching import AT_JOB, PATH, told

pytestmark = pytest.mark.browser


def test_rhymes_are_marked_by_letter_and_colour(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded(as_song=True)))
    expect(page.get_by_role("heading", name="[Chorus]")).to_have_count(2)
    expect(page.locator("#lyrics section").first.locator("i")).to_have_text(["A", "A", "B", "B"])
    marks = page.locator("#lyrics section").first.locator("mark")
    expect(marks).to_have_text(["track", "back", "glass", "pass"])
    colours = marks.evaluate_all("all => all.map(one => getComputedStyle(one).backgroundColor)")
    assert colours[0] == colours[1] != colours[2] == colours[3]
    expect(page.locator("#meta")).to_contain_text(
        "Rhymes AABB, 100% of the pairs, perfect or slant"
    )


def test_a_letter_and_a_colour_mean_one_rhyme_in_the_whole_song(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded(as_song=True)))
    expect(page.locator("#lyrics i")).to_have_text(list("AABBCCDDEEFFCCDD"))
    colours = page.locator("#lyrics mark").evaluate_all(
        "all => all.map(one => getComputedStyle(one).backgroundColor)"
    )
    assert len(set(colours)) == 6
    assert colours[4:8] == colours[12:]
    expect(page.locator("#legend")).to_have_text("Same letter, same colour: these lines rhyme.")


def test_free_verse_has_no_marks(open_page: Opener) -> None:
    shown = succeeded()
    shown["output"]["rhyme"] = {"scheme": "none", "score": None}
    shown["output"]["sections"][0]["rhyme_scheme"] = "none"
    page, _ = open_page(AT_JOB, told(shown))
    expect(page.locator("#meta")).to_have_text("Free verse")
    expect(page.locator("#lyrics mark")).to_have_count(0)


def test_the_server_says_where_lines_are_stressed_and_the_page_marks_it(
    open_page: Opener,
) -> None:
    def answer(request: Request) -> Answer:
        lines = parse_qs(urlsplit(request.url).query)["text"][0].split("\n")
        words = [[{"word": word.strip(",."), "stresses": "/x"} for word in line.split()]
                 for line in lines]  # fmt: skip
        return Answer({"lines": [{"syllables": 2 * len(each), "words": each} for each in words]})

    page, api = open_page(AT_JOB, told(succeeded(as_song=True)))
    api.on("GET", "/v1/meter", answer)
    page.get_by_label("Count syllables").check()
    first = page.locator("#lyrics li").first
    expect(first.locator("rt")).to_have_text(["/x"] * 8)
    expect(first.locator("small")).to_have_text("16")
    expect(first.locator("mark ruby")).to_contain_text("track")
    assert len(api.asked("GET", "/v1/meter")) == 1, "a chorus that comes again is asked about once"
    expect(page.locator("#marks")).to_have_text("/ stressed, x not, · either")
    page.locator("#work").click()
    expect(page.locator("#lyrics rt").first).to_be_visible()
    page.get_by_label("Count syllables").uncheck()
    expect(page.locator("#lyrics ruby")).to_have_count(0)
    expect(first.locator(".words")).to_have_text(LINES[0])


def test_where_the_server_does_not_count_nobody_does_and_the_page_says_so(
    open_page: Opener,
) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    expect(page.locator("#lyrics small").first).to_be_hidden()
    page.get_by_label("Count syllables").check()
    expect(page.locator("#marks")).to_have_text("The server does not answer")
    assert set(page.locator("#lyrics small").all_text_contents()) == {""}
    page.get_by_label("Count syllables").uncheck()
    expect(page.locator("#marks")).to_be_empty()


def test_the_receipt_is_there(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    page.get_by_text("Receipt").click()
    for fact in ("SmolLM2-135M-Instruct", "sha256:3f9a", "0.3.0"):
        expect(page.locator("#facts")).to_contain_text(fact)


def test_the_ticket_tells_what_the_song_cost_and_which_machine_did_not_run(
    open_page: Opener,
) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    told_at_end = "0.015 ¢, and no machine at $12 a month"
    expect(page.locator("#clock small")).to_have_text(told_at_end)


def test_copy_gives_the_tagged_text_and_download_a_file(
    open_page: Opener, new_context: Any
) -> None:
    context = new_context(permissions=["clipboard-read", "clipboard-write"])
    page, _ = open_page(AT_JOB, told(succeeded(as_song=True)), context)
    page.get_by_role("button", name="Copy the lyrics").click()
    expect(page.locator("#live")).to_have_text("Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert text.startswith(f"[Verse 1]\n{LINES[0]}\n")
    assert text.count("[Chorus]") == 2
    download = page.get_by_role("link", name="Download")
    expect(download).to_have_attribute("href", f"{PATH}/lyrics")
    expect(download).to_have_attribute("download", "Roll Me Home.txt")
    page.get_by_role("button", name="Copy the link").click()
    wait_until(lambda: page.evaluate("navigator.clipboard.readText()").endswith(AT_JOB), 20)


def test_again_asks_for_the_same_without_the_seed(open_page: Opener) -> None:
    page, api = open_page(AT_JOB, told(succeeded()))
    expect(page.locator("#tools")).to_be_visible()
    api.accepts(job(prompt="again"))
    api.job(job(prompt="again"))
    page.get_by_role("button", name="Write another version").click()
    expect(page.locator("#words")).to_have_text("again")
    body: Any = api.asked("POST", "/v1/jobs")[0].post_data_json
    assert body["prompt"] == "a slow train home in the rain"
    assert body["options"]["style"] == "folk"
    assert "seed" not in body["options"]


def test_the_prompt_can_be_edited_and_sent_again(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, told(succeeded()))
    page.get_by_role("button", name="Edit the prompt").click()
    expect(page.locator("#prompt")).to_have_value("a slow train home in the rain")
    expect(page.locator("#prompt")).to_be_focused()
    expect(page.locator("#choices")).to_have_text("Folk · AABB · 8 lines")


def test_all_that_was_asked_for_is_kept_where_the_prompt_is_edited(open_page: Opener) -> None:
    given = [LINES[0], None, None, LINES[3], None, None, None]
    shown = succeeded(given=given)
    asked = {
        "structure": "verse 4 ABAB, chorus 3 A-A", "lines": 7, "syllables": "8 6", "mood": "wry",
        "title": "Roll Me Home", "temperature": 1.2, "top_p": 0.5, "effort": "best", "tune": "",
        "model": "", "seed": 7,
    }  # fmt: skip
    shown["options"] |= asked
    page, api = open_page(AT_JOB, told(shown))
    page.get_by_role("button", name="Edit the prompt").click()
    expect(page.locator("#choices")).to_have_text(
        "Folk · 7 lines · verse 4 ABAB, chorus 3 A-A · 8 6 syllables · “Roll Me Home” · wry"
    )
    keep = page.get_by_label("Keep the same lines (2)")
    expect(keep).to_be_checked()
    page.locator("#prompt").fill("a night bus")
    api.accepts(job(id="job_of_the_night_bus", prompt="a night bus"))
    page.get_by_role("button", name="Write my song").click()
    expect(page.locator("#words")).to_have_text("a night bus")
    body: Any = api.asked("POST", "/v1/jobs")[0].post_data_json
    assert body["given"] == given
    # The parts say how many lines there are; the seed is the other song's.
    kept = shown["options"] | asked
    assert body["options"] == {name: kept[name] for name in kept if name not in ("lines", "seed")}
    page.go_back()
    page.get_by_role("button", name="Edit the prompt").click()
    keep.uncheck()
    expect(keep).to_be_visible()
    page.locator("#choices").click()
    page.get_by_text("One verse").click()
    expect(page.locator("#choices")).to_contain_text("Folk · AABB · 7 lines · 8 6 syllables")
    page.locator("#lines").fill("9")
    expect(keep).to_be_hidden()
    expect(page.locator("#choices")).to_contain_text("9 lines")
    page.get_by_text("verse 4 ABAB, chorus 3 A-A", exact=True).click()
    expect(keep).to_be_visible()
    page.get_by_role("button", name="Write my song").click()
    expect(page.locator("#words")).to_have_text("a night bus")
    body = api.asked("POST", "/v1/jobs")[1].post_data_json
    assert "given" not in body
