"""`versequeue jobs` against a server with keys, and against one without."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from click.testing import CliRunner, Result
from werkzeug.serving import make_server

from tests.support.api import ApiUnderTest, make_api
from versequeue.cli.main import main
from versequeue.config import Settings

KEY = {"X-Api-Key": "anna"}


@contextmanager
def served(api: ApiUnderTest) -> Iterator[str]:
    """The address at which this API answers."""
    server = make_server("127.0.0.1", 0, api.client.application)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def run(url: str, *arguments: str, key: str = "anna") -> Result:
    environ = {"VERSEQUEUE_URL": url, "VERSEQUEUE_API_KEY": key}
    return CliRunner().invoke(main, ["jobs", *arguments], env=environ)


def with_jobs(*prompts: str) -> ApiUnderTest:
    api = make_api(Settings(hash_key="test", api_keys=("anna", "bert")))
    for prompt in prompts:
        api.clock.pass_s(1)
        assert api.post_job({"prompt": prompt}, headers=KEY).status_code == 202
    return api


def test_ones_jobs_are_listed_with_the_newest_first_and_what_they_cost() -> None:
    api = with_jobs("rain over the city", "a very long prompt " * 9)
    first = api.store.newest_jobs(None, None, 9)[-1].id
    api.write(first)
    with served(api) as url:
        lines = run(url).stdout.splitlines()
        assert run(url, key="bert").stderr == "There are none.\n"
    assert lines[0].split()[:1] == ["Asked"]
    assert "a very long prompt" in lines[2]
    assert lines[2].endswith("…")
    assert first in lines[3]
    assert "succeeded  0.00" in lines[3]


def test_a_program_gets_one_job_a_line_and_as_many_as_it_asked_for() -> None:
    with served(with_jobs(*(f"song {number}" for number in range(5)))) as url:
        told = run(url, "--json", "--limit", "3").stdout.splitlines()
    assert [json.loads(line)["prompt"] for line in told] == ["song 4", "song 3", "song 2"]


def test_a_server_without_keys_says_so_in_one_sentence() -> None:
    with served(make_api()) as url:
        refused = run(url)
    assert refused.exit_code == 2
    assert "VERSEQUEUE_API_KEYS" in refused.stderr
    assert "Traceback" not in refused.stderr
