"""The choice of a model: only where the server has several, with what each of them takes."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.page_api import Answer, Opener, PageApi, job, problem, succeeded

pytestmark = pytest.mark.browser


def listed(name: str, quick_s: float | None, licence: str | None) -> dict[str, Any]:
    efforts = {"quick": quick_s, "normal": 9.0, "best": 30.0} if quick_s else {}
    waits = {"cold": None, "warm": quick_s, "efforts": efforts}
    return {"object": "model", "name": name, "licence": licence, "expected_wait_seconds": waits}


def several(api: PageApi) -> None:
    """A server with two models, one of which was never used."""
    waits: dict[str, Any] = {"cold": None, "warm": None, "efforts": {}}
    status = {"worker": "warm", "queue_depth": 0, "expected_wait_seconds": waits}
    api.on("GET", "/v1/status", Answer({**status, "models": ["small", "big"]}))
    models = [listed("small", 4.0, "apache-2.0"), listed("big", None, None)]
    api.on("GET", "/v1/models", Answer({"object": "list", "data": models}))
    api.accepts(job())


def model_sent(api: PageApi) -> Any:
    [sent] = api.asked("POST", "/v1/jobs")
    body: Any = sent.post_data_json
    return body["options"]["model"]


def options(page: Page) -> None:
    page.locator("#ask summary").first.click()


def test_with_one_model_there_is_no_choice_and_nothing_more_is_asked(open_page: Opener) -> None:
    page, api = open_page()
    expect(page.locator("#server")).to_have_text("The model is awake.")
    options(page)
    expect(page.locator("#mood")).to_be_visible()
    expect(page.locator("#model")).to_be_hidden()
    assert not api.asked("GET", "/v1/models")


def test_the_model_that_is_chosen_is_asked_for_and_remembered(open_page: Opener) -> None:
    page, api = open_page(serve=several)
    options(page)
    select = page.get_by_label("Model", exact=True)
    expect(select.locator("option")).to_have_text(["small · 4 s · apache-2.0", "big"])
    expect(page.locator("#effort")).to_contain_text("Quick · 4 s")
    select.select_option("big")
    expect(page.locator("#effort")).not_to_contain_text("4 s")
    expect(page.locator("#choices")).to_contain_text("big")
    page.locator("#prompt").fill("rain")
    page.locator("#send").click()
    expect(page.locator("#watch")).to_be_visible()
    assert model_sent(api) == "big"
    again, _ = open_page(serve=several, context=page.context)
    options(again)
    expect(again.get_by_label("Model", exact=True)).to_have_value("big")


def test_a_remembered_model_that_is_gone_gives_way_to_the_first(open_page: Opener) -> None:
    page, _ = open_page(serve=several)
    page.evaluate("""localStorage.setItem("versequeue.choices", '{"model": "older"}')""")
    page.reload()
    options(page)
    expect(page.get_by_label("Model", exact=True)).to_have_value("small")


def test_the_page_works_where_the_list_of_models_does_not_come(open_page: Opener) -> None:
    def serve(api: PageApi) -> None:
        several(api)
        api.on("GET", "/v1/models", Answer("not JSON"))

    page, api = open_page(serve=serve)
    options(page)
    expect(page.locator("#model")).to_be_hidden()
    page.locator("#prompt").fill("rain")
    page.locator("#send").click()
    expect(page.locator("#watch")).to_be_visible()
    assert model_sent(api) == ""


def test_a_song_says_which_model_was_asked_for(open_page: Opener) -> None:
    song = succeeded()
    song["options"]["model"] = "big"
    page, _ = open_page(f"/?job={song['id']}", lambda api: api.job(song))
    expect(page.locator("#sub")).to_contain_text("big")


def test_a_refusal_of_a_model_that_cannot_be_chosen_is_read_all_the_same(
    open_page: Opener,
) -> None:
    song = succeeded()
    song["options"]["model"] = "gone"
    detail = "This server has no such model."
    errors = [{"pointer": "/options/model", "detail": detail}]

    def serve(api: PageApi) -> None:
        api.job(song)
        api.on("POST", "/v1/jobs", problem(422, "validation", errors=errors))

    page, _ = open_page(f"/?job={song['id']}", serve)
    page.get_by_role("button", name="Write another version").click()
    expect(page.locator("#refused")).to_contain_text(detail)


def test_a_choice_that_is_made_before_the_models_come_forgets_no_model(open_page: Opener) -> None:
    page, _ = open_page()
    page.evaluate("""localStorage.setItem("versequeue.choices", '{"model": "big"}')""")
    page.reload()
    options(page)
    page.get_by_text("Folk").check()
    kept = page.evaluate("""JSON.parse(localStorage.getItem("versequeue.choices"))""")
    assert (kept["style"], kept["model"]) == ("folk", "big")
