"""The options that the commands share, and the client that they talk through."""

import functools
import math
import shlex
from collections.abc import Callable
from typing import Any, cast, get_args

import click

from versequeue.client.client import Client
from versequeue.config import ClientSettings
from versequeue.rules import options as rules
from versequeue.rules.options import OPTION_NAMES, ResolvedOptions, SongOptions
from versequeue.rules.structure import PRESETS, RhymeScheme
from versequeue.rules.terms import JobTerms

#: How long a failing call is tried again: before a job is accepted, and while it is followed.
FIRST_CALL_S, FOLLOWING_S = 2.0, 120.0
Command = Callable[..., Any]
Add = Callable[[Command], Command]


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


def term_options(function: Command) -> Command:
    """Add when a song is to be written, and hand what was given over as `terms`."""

    @functools.wraps(function)
    def with_terms(
        deadline: float | None, later: bool, ready_by: str | None, **arguments: Any
    ) -> Any:
        when = "later" if later or ready_by else None
        found = {"deadline_s": deadline, "when": when, "ready_by": ready_by}
        given = {name: value for name, value in found.items() if value is not None}
        return function(terms=cast(JobTerms, given), **arguments)

    wrapped: Command = with_terms
    for add in reversed(TERM_OPTIONS):
        wrapped = add(wrapped)
    return wrapped


def _seconds(_: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("this is to be a number of seconds.")
    return value


TERM_OPTIONS = (
    click.option(
        "--later", is_flag=True, help="In no hurry, for less: it waits to share a pass with others."
    ),
    click.option(
        "--ready-by",
        metavar="TIME",
        help="And by when, with its zone: 2026-03-01T18:00Z (in an hour).",
    ),
    click.option(
        "--deadline",
        type=float,
        callback=_seconds,
        metavar="SECONDS",
        help="It expires unless it has ended by then (as the server has it).",
    ),
)


def _number(name: str, bounds: rules.Bounds, kind: type[float]) -> Add:
    span = f"{bounds.least:g} to {bounds.most:g} ({getattr(ResolvedOptions, name):g})."
    return click.option(f"--{name.replace('_', '-')}", type=kind, help=span)


def _word(name: str, words: Any, metavar: str = "WORD") -> Add:
    *others, last = get_args(words)
    choices = f"{', '.join(others)} or {last} ({getattr(ResolvedOptions, name)})."
    spelled = {word.lower(): word for word in (*others, last)}

    def as_spelled(_ctx: click.Context, _param: click.Parameter, typed: str | None) -> str | None:
        return typed and spelled.get(typed.lower(), typed)

    return click.option(
        f"--{name.replace('_', '-')}", metavar=metavar, help=choices, callback=as_spelled
    )


_STRUCTURE = f"{', '.join(PRESETS)} (verse), or parts such as 'verse 4 ABAB, chorus 4'."
_SYLLABLES = "Of each line, repeated over the lines: 8, or '8 6 8 6' (as the style has it)."
_TUNE = "A verse, a line on each line, whose syllables, stresses and rhymes the song has."
_TITLE = "What the song is called (what the model calls it)."
_MOOD = f"In your own words, at most {rules.MAX_MOOD_CHARACTERS} characters."
SONG_OPTIONS = (
    _number("lines", rules.LINES, int),
    _word("rhyme_scheme", RhymeScheme, "SCHEME"),
    click.option("--structure", metavar="PARTS", help=_STRUCTURE),
    click.option("--syllables", metavar="NUMBERS", help=_SYLLABLES),
    click.option("--tune", metavar="TEXT", help=_TUNE),
    click.option("--title", metavar="TEXT", help=_TITLE),
    _word("style", rules.Style),
    click.option("--mood", metavar="TEXT", help=_MOOD),
    _number("temperature", rules.TEMPERATURE, float),
    _number("top_p", rules.TOP_P, float),
    click.option("--seed", type=int, help="The same seed gives the same song (random)."),
    click.option("--explicit/--no-explicit", default=None, help="Leave profanity as it is."),
    click.option(
        "--continue-prompt/--no-continue-prompt",
        default=None,
        help="The prompt begins the first line.",
    ),
    _word("effort", rules.Effort),
    click.option("--model", metavar="NAME", help="One of the server's models (its first)."),
)


def address_of(server: str | None) -> str:
    """Where the server is that is meant."""
    return server or ClientSettings.from_environ().url


def connect(server: str | None, *, following: bool = False) -> Client:
    """The client of the server that is meant."""
    settings = ClientSettings.from_environ()
    # Who follows a job has been answered before, by another client.
    retry_s = FOLLOWING_S if following else FIRST_CALL_S
    try:
        return Client(
            address_of(server),
            settings.api_key or None,
            retry_for_s=retry_s,
            retry_unheard_for_s=retry_s,
        )
    except ValueError as error:
        raise click.BadParameter(f"{error}.", param_hint="--server") from error


def command_again(name: str, target_id: str, server: str | None) -> str:
    """The command that shows or ends what this one began."""
    words = ["versequeue", name, target_id, *(("--server", server) if server else ())]
    return shlex.join(words)
