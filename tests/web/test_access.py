"""The page for everyone: axe-core in every state, narrow and wide, dark, calm, on paper."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser import axe_violations, overflow_px
from tests.support.page_api import JOB, Opener, succeeded, writing
from tests.web.screenshots import SHOTS, Shot

pytestmark = pytest.mark.browser
AT_JOB = f"/?job={JOB}"
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 5


def show(open_page: Opener, shot: Shot, **options: Any) -> Page:
    page, _ = open_page(shot.address, shot.serve, reduced_motion="reduce", **options)
    shot.act(page)
    page.wait_for_selector(shot.wait_for)
    return page


@pytest.mark.parametrize("shot", [shot for shot in SHOTS if shot.own_state], ids=lambda s: s.name)
def test_every_state_is_accessible_and_nothing_sticks_out(open_page: Opener, shot: Shot) -> None:
    page = show(open_page, shot, viewport={"width": 1120, "height": 800})
    assert axe_violations(page) == []
    page.emulate_media(color_scheme="dark")
    assert axe_violations(page) == []
    for width in (320, 480, 900, 1920):
        page.set_viewport_size({"width": width, "height": 640})
        assert overflow_px(page) == 0, width


def test_a_very_long_word_breaks_instead_of_widening_the_page(open_page: Opener) -> None:
    shown = succeeded(prompt=LONG[:500])
    shown["output"]["title"] = LONG[:90]
    shown["output"]["sections"][0]["lines"][0] = LONG[:200]
    page, _ = open_page(AT_JOB, lambda api: api.job(shown), viewport={"width": 320, "height": 640})
    expect(page.locator("#title")).to_be_visible()
    page.get_by_label("Count syllables").check()
    page.get_by_text("Receipt").click()
    assert overflow_px(page) == 0


def test_dark_is_dark_and_light_is_light(open_page: Opener) -> None:
    page, _ = open_page(color_scheme="dark")
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    assert page.evaluate(colour) == "rgb(21, 18, 14)"
    page.emulate_media(color_scheme="light")
    assert page.evaluate(colour) == "rgb(244, 236, 220)"


def test_nothing_moves_for_those_who_asked_for_calm(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, lambda api: api.job(writing()), reduced_motion="reduce")
    expect(page.locator("#lyrics li")).to_have_count(5)
    assert page.evaluate("document.getAnimations().length") == 0
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate("document.getAnimations().length") > 0


def test_on_paper_there_is_only_the_lyric(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, lambda api: api.job(succeeded()))
    expect(page.locator("#title")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("#lyrics")).to_be_visible()
    for away in ("header", ".ticket", "#ask", "#songs", "#tools", "#footer"):
        expect(page.locator(away).first).to_be_hidden()


def rgb(page: Page, selector: str, style: str) -> list[int]:
    value = page.locator(selector).first.evaluate(f"one => getComputedStyle(one).{style}")
    return [int(number) for number in re.findall(r"\d+", value)[:3]]


def luminance(colour: list[int]) -> float:
    """Relative luminance after WCAG 2.2."""
    parts = [each / 255 for each in colour]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("light", ["light", "dark"])
def test_the_lines_of_fields_are_seen_and_focus_is_not_the_red_of_errors(
    open_page: Opener, light: str
) -> None:
    page, _ = open_page(color_scheme=light)
    lines = [
        int(n)
        for n in re.findall(
            r"rgb\((\d+), (\d+), (\d+)\)",
            page.locator("#prompt").evaluate("one => getComputedStyle(one).backgroundImage"),
        )[-1]
    ]
    paper = rgb(page, "form .sheet", "backgroundColor")
    for colour in (lines, rgb(page, "#style label", "borderTopColor")):
        one, two = sorted([luminance(colour), luminance(paper)])
        assert (two + 0.05) / (one + 0.05) >= 3
    page.locator("#prompt").click()
    assert page.locator("#prompt").evaluate("one => getComputedStyle(one).outlineStyle") == "none"
    page.keyboard.press("Tab")
    outline = rgb(page, "#examples button", "outlineColor")
    assert outline == ([36, 28, 21] if light == "light" else [255, 200, 61])


def test_touch_targets_are_large_enough(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, lambda api: api.job(succeeded()))
    expect(page.locator("#title")).to_be_visible()
    heights = page.locator("button:visible, summary:visible, select:visible").evaluate_all(
        "all => all.map(one => [one.id, one.getBoundingClientRect().height])"
    )
    assert [one for one in heights if one[1] < 44] == []


def test_the_lines_are_not_announced_one_by_one(open_page: Opener) -> None:
    page, _ = open_page(AT_JOB, lambda api: api.job(writing()))
    expect(page.locator("#live")).to_have_text("Writing")
    live = "[aria-live], [role=status], [role=alert], [role=log]"
    assert page.locator(f"#lyrics :is({live}), :is({live}) #lyrics").count() == 0
    assert page.locator("#clock").evaluate(f"one => one.closest('{live}')") is None
