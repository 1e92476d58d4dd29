"""The options that the commands share, and the client that they talk through."""

import functools
from collections.abc import Callable
from typing import Any, cast, get_args

import click

from versequeue.client.client import Client
from versequeue.config import ClientSettings
from versequeue.rules import options as rules
from versequeue.rules.options import OPTION_NAMES, ResolvedOptions, SongOptions

#: How long a failing call is tried again: before a job is accepted, and while it is followed.
FIRST_CALL_S, FOLLOWING_S = 2.0, 120.0
Command = Callable[..., Any]


server_option = click.option(
    "--server", metavar="URL", help="The server; else VERSEQUEUE_URL, else http://127.0.0.1:8080."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")


def song_options(function: Command) -> Command:
    """Add the options of a song and hand those that were given over as `options`."""

    @functools.wraps(function)
    def with_options(**arguments: Any) -> Any:
        found = {name: arguments.pop(name) for name in OPTION_NAMES}
        given = {name: value for name, value in found.items() if value is not None}
        return function(options=cast(SongOptions, given), **arguments)

    wrapped: Command = with_options
    for add in reversed(SONG_OPTIONS):
        wrapped = add(wrapped)
    return wrapped


def _span(bounds: rules.Bounds, default: float) -> str:
    return f"{bounds.least:g} to {bounds.most:g} ({default:g})."


def _one_of(words: Any, default: str) -> str:
    *others, last = get_args(words)
    return f"{', '.join(others)} or {last} ({default})."


SONG_OPTIONS = (
    click.option("--lines", type=int, help=_span(rules.LINES, ResolvedOptions.lines)),
    click.option(
        "--rhyme-scheme",
        metavar="SCHEME",
        help=_one_of(rules.RhymeScheme, ResolvedOptions.rhyme_scheme),
    ),
    click.option(
        "--structure", metavar="WORD", help=_one_of(rules.Structure, ResolvedOptions.structure)
    ),
    click.option("--style", metavar="WORD", help=_one_of(rules.Style, ResolvedOptions.style)),
    click.option(
        "--mood",
        metavar="TEXT",
        help=f"In your own words, at most {rules.MAX_MOOD_CHARACTERS} characters.",
    ),
    click.option(
        "--temperature", type=float, help=_span(rules.TEMPERATURE, ResolvedOptions.temperature)
    ),
    click.option("--top-p", type=float, help=_span(rules.TOP_P, ResolvedOptions.top_p)),
    click.option("--seed", type=int, help="The same seed gives the same song (random)."),
    click.option("--explicit/--no-explicit", default=None, help="Leave profanity as it is."),
    click.option(
        "--continue-prompt/--no-continue-prompt",
        default=None,
        help="The prompt begins the first line.",
    ),
    click.option("--effort", metavar="WORD", help=_one_of(rules.Effort, ResolvedOptions.effort)),
)


def connect(server: str | None, *, following: bool = False) -> Client:
    """The client of the server that is meant."""
    settings = ClientSettings.from_environ()
    retry_for_s = FOLLOWING_S if following else FIRST_CALL_S
    try:
        return Client(server or settings.url, settings.api_key or None, retry_for_s=retry_for_s)
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--server") from error


def command_again(name: str, target_id: str, server: str | None) -> str:
    """The command that shows or ends what this one began."""
    return f"versequeue {name} {target_id}" + (f" --server {server}" if server else "")
