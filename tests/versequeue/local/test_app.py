"""The page as the local server hands it out: its headers, and nothing beside it."""

from pathlib import Path

import pytest

from tests.support.in_process import InProcess, in_process


@pytest.fixture
def app(tmp_path: Path) -> InProcess:
    return in_process(tmp_path)


def test_the_page_comes_with_a_strict_policy(app: InProcess) -> None:
    answer = app.client.get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert answer.status_code == 200
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/../versequeue/config.py", "/..%2fREADME.md", "/nothing"])
def test_nothing_outside_the_page_is_served(app: InProcess, path: str) -> None:
    assert app.client.get(path).status_code == 404
