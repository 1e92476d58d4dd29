"""The command line inside the test's own process, against a server that is named to it."""

from collections.abc import Callable

from click.testing import CliRunner, Result

from versequeue.cli.main import main

Run = Callable[..., Result]
LOST = {"type": "/problems/worker-lost", "title": "Lost", "detail": "The worker is lost."}


def runner(url: str) -> Run:
    """A function that runs one command and gives what it printed and how it ended."""

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        environ = {"VERSEQUEUE_URL": url, "VERSEQUEUE_API_KEY": ""}
        return CliRunner().invoke(main, list(arguments), input=stdin, env=environ)

    return run
