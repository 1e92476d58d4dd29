"""The page as the local server hands it out: its headers, and nothing beside it."""

import pytest

from tests.support.api import ApiUnderTest


def test_the_page_comes_with_a_strict_policy(app: ApiUnderTest) -> None:
    answer = app.client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/../versequeue/config.py", "/..%2fREADME.md", "/nothing", "/" + "a" * 300, "/a\0"]
)
def test_nothing_outside_the_page_is_served(app: ApiUnderTest, path: str) -> None:
    assert app.client.get(path).status_code == 404


def test_a_browser_gets_a_page_that_leads_on_and_a_program_a_line(app: ApiUnderTest) -> None:
    browser = app.client.get("/nothing", headers={"Accept": "text/html,*/*;q=0.8"})
    assert browser.status_code == 404
    assert browser.content_type == "text/html; charset=utf-8"
    assert 'href="/"' in browser.text
    for language in ("de", "es"):
        assert f'<a class="button" href="/?lang={language}" lang="{language}">' in browser.text
    assert "default-src 'none'" in browser.headers["Content-Security-Policy"]
    for accept in ("*/*", "application/json"):
        program = app.client.get("/nothing", headers={"Accept": accept})
        assert program.status_code == 404
        assert program.text == "There is no such page here.\n"
