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
