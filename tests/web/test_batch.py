"""A batch on the page: watched by its counts, its songs read as links, its files."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.page_api import (
    BATCH,
    BROKEN,
    Answer,
    Opener,
    PageApi,
    batch,
    fine,
    results,
    succeeded,
)

pytestmark = pytest.mark.browser
PATH = f"/v1/batches/{BATCH}"
AT_BATCH = f"/?batch={BATCH}"


def told(**counts: int) -> Any:
    return lambda api: api.on("GET", PATH, fine(batch(**counts)))


def test_a_batch_is_watched_by_its_counts_until_it_is_done(open_page: Opener) -> None:
    page, api = open_page(AT_BATCH, told(succeeded=61, running=8, queued=130, failed=1))
    expect(page.locator("#clock")).to_contain_text("62 of 200")
    expect(page.locator("#clock")).to_contain_text("to go")
    expect(page.locator("#sub")).to_have_text(
        "130 in the queue · 8 being written · 61 done · 1 failed"
    )
    expect(page.locator("#bar")).to_have_js_property("value", 62)
    told(succeeded=198, failed=2)(api)
    expect(page.locator("#why")).to_have_text("198 songs of 200 were written.")
    expect(page.locator("#live")).to_have_text("198 songs of 200 were written.")
    expect(page.locator("#ask")).to_be_visible()
    again = page.get_by_role("button", name="Try the 2 failed ones again")
    told(succeeded=198, running=2)(api)
    api.on("POST", f"{PATH}/retry-failed", Answer(batch(succeeded=198, queued=2), 202))
    again.click()
    expect(page.locator("#sub")).to_have_text("2 being written · 198 done")
    expect(again).to_be_hidden()


def test_a_batch_in_which_nothing_succeeded_says_so(open_page: Opener) -> None:
    page, _ = open_page(AT_BATCH, told(failed=3))
    expect(page.locator("#why")).to_have_text("It ended, and no song was written.")


NAMED = {"metadata": {"file": "weather.csv"}}


def test_its_songs_are_links_and_its_files_are_named_after_the_upload(open_page: Opener) -> None:
    page, api = open_page("about:blank")
    ended = {**batch(succeeded=2, failed=1), **NAMED}
    api.on("GET", PATH, fine(ended))
    api.on("GET", f"{PATH}/results", results("rain", "sun", failed="snow"))
    api.job(succeeded(batch_id=BATCH))
    page.goto(AT_BATCH)
    expect(page.locator("#words")).to_have_text("weather.csv, 3 prompts")
    expect(page.locator("#rows li a")).to_have_text(["Song of rain", "Song of sun", "snow"])
    expect(page.locator("#rows li").nth(2)).to_contain_text("It got lost.")
    for name in ("txt", "csv", "jsonl"):
        link = page.get_by_role("link", name=name.upper(), exact=True)
        expect(link).to_have_attribute("href", f"{PATH}/results?format={name}")
        expect(link).to_have_attribute("download", f"weather-songs.{name}")
    page.get_by_role("link", name="Song of rain").click()
    expect(page.locator("#title")).to_have_text("Roll Me Home")
    page.get_by_role("link", name="Part of a file of prompts").click()
    expect(page.locator("#rows li")).to_have_count(3)


def test_progress_comes_before_results_and_rows_while_it_runs(open_page: Opener) -> None:
    page, api = open_page("about:blank")
    api.on("GET", PATH, fine(batch(queued=3)))
    api.on("GET", f"{PATH}/results", results(queued="rain"))
    page.goto(AT_BATCH)
    expect(page.locator("#rows li")).to_have_text(["1rainin the queue"])
    expect(page.locator("#results")).to_have_count(0)
    api.on("GET", f"{PATH}/results", results("rain"))
    api.on("GET", PATH, fine(batch(succeeded=1, queued=2)))
    expect(page.locator("#results")).to_be_visible()
    expect(page.locator("#rows li a")).to_have_text(["Song of rain"])


def test_rows_are_asked_for_only_as_often_as_their_number_allows(open_page: Opener) -> None:
    page, api = open_page("about:blank")
    counts = [fine(batch(succeeded=n, queued=600 - n)) for n in range(1, 30)]
    api.on("GET", PATH, *counts)
    api.on("GET", f"{PATH}/results", results("rain"))
    page.clock.install()
    page.goto(AT_BATCH)
    expect(page.locator("#clock")).to_contain_text("1 of 600")
    for n in range(2, 20):
        page.clock.run_for(1100)
        expect(page.locator("#clock")).to_contain_text(f"{n} of 600")
    assert len(api.asked("GET", f"{PATH}/results")) == 1
    with page.expect_response(f"**{PATH}/results*"):
        page.clock.run_for(60_000)
    expect(page.locator("#rows li")).to_have_count(1)
    assert len(api.asked("GET", f"{PATH}/results")) == 2


def test_only_rows_that_have_ended_since_the_last_answer_are_asked_for(open_page: Opener) -> None:
    page, api = open_page("about:blank")
    whole = Answer(
        results("rain", queued="sun").body, headers={"Next-Since": "2026-03-01T12:00:00Z"}
    )
    api.on("GET", PATH, fine(batch(succeeded=1, queued=1)))
    api.on("GET", f"{PATH}/results", whole)
    page.clock.install()
    page.goto(AT_BATCH)
    expect(page.locator("#rows li")).to_have_text(["1Song of rainrain", "2sunin the queue"])
    later = results("rain", "sun").body.splitlines()[1]
    api.on("GET", f"{PATH}/results", Answer(later, headers=whole.headers))
    api.on("GET", PATH, fine(batch(succeeded=2)))
    page.clock.run_for(10_000)
    expect(page.locator("#rows li")).to_have_text(["1Song of rainrain", "2Song of sunsun"])
    assert "since=2026-03-01T12%3A00%3A00Z" in api.asked("GET", f"{PATH}/results")[-1].url


def test_rows_that_did_not_come_are_asked_for_again(open_page: Opener) -> None:
    page, api = open_page("about:blank")
    api.on("GET", PATH, fine(batch(succeeded=1)))
    api.on("GET", f"{PATH}/results", BROKEN, results("rain"))
    page.clock.install()
    page.goto(AT_BATCH)
    expect(page.locator("#why")).to_have_text("All songs are written.")
    page.clock.run_for(11_000)
    expect(page.locator("#rows li")).to_have_count(1)


def test_a_long_batch_shows_its_first_hundred_rows_and_the_rest_on_demand(
    open_page: Opener,
) -> None:
    page, api = open_page("about:blank")
    api.on("GET", PATH, fine(batch(succeeded=130)))
    api.on("GET", f"{PATH}/results", results(*(f"number {n}" for n in range(130))))
    page.goto(AT_BATCH)
    expect(page.locator("#rows li")).to_have_count(100)
    page.get_by_role("button", name="Show all 130").click()
    expect(page.locator("#rows li")).to_have_count(130)


def test_a_running_batch_can_be_canceled(open_page: Opener) -> None:
    page, api = open_page(AT_BATCH, told(running=1, queued=9))
    expect(page.locator("#clock")).to_contain_text("0 of 10")

    def serve(api: PageApi) -> None:
        ended = {**batch(canceled=9, succeeded=1), "status": "canceled"}
        api.on("GET", PATH, fine(ended))
        api.on("POST", f"{PATH}/cancel", Answer(ended))

    serve(api)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#sub")).to_have_text("1 done · 9 canceled")
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
