"""What the framework has no route for is answered by our own, as a problem document."""

from collections.abc import Iterator
from pathlib import Path

import functions_framework
import pytest

from tests.support.api import is_problem
from tests.support.paths import ROOT
from versequeue.functions import wiring


@pytest.fixture
def _wired(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("VERSEQUEUE_DATA_DIR", str(tmp_path))
    caches = (wiring.settings, wiring.store, wiring.queue, wiring.seats, wiring.reads)
    for cached in caches:
        cached.cache_clear()
    yield
    wiring.store().close()
    wiring.queue().close()
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("_wired")
@pytest.mark.parametrize("name", ["submit", "results"])
@pytest.mark.parametrize("path", ["/v1/jobs/a%0Ab", "/%0A", "/favicon.ico"])
def test_a_path_that_the_framework_has_no_route_for_is_a_problem_document(
    name: str, path: str
) -> None:
    app = functions_framework.create_app(  # type: ignore[no-untyped-call]
        name, str(ROOT / f"{name}_fn" / "main.py"), "http"
    )
    answer = app.test_client().get(path)
    assert is_problem(answer, 404, "not-found")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
