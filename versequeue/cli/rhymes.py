"""The command `versequeue rhymes`: a word's rhymes, by syllables."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import click

from versequeue.cli.jobs import json_text, say
from versequeue.cli.options import connect, json_option, server_option
from versequeue.client.types import Rhymes
from versequeue.contract.server_views import RhymingView

#: So many words of one kind are shown.
SHOWN = 40


@click.command()
@click.argument("word")
@json_option
@server_option
def rhymes(word: str, as_json: bool, server: str | None) -> None:
    """Show the words that rhyme with WORD: those that do, then those that nearly do."""
    with connect(server) as client:
        found = client.rhymes(word)
    say(json_text(found.raw) if as_json else rhymes_text(found))


def rhymes_text(found: Rhymes) -> str:
    """The rhymes as a person reads them: the commonest of each kind, those of a length together."""
    kinds = (("Rhymes", found.perfect), ("Slant rhymes", found.slant))
    blocks = [[name, *_lines(words[:SHOWN])] for name, words in kinds if words]
    return "\n\n".join("\n".join(block) for block in blocks) or "Nothing rhymes with it."


def _lines(words: Iterable[RhymingView]) -> Iterator[str]:
    by_length = sorted(words, key=lambda one: one.syllables)
    for length, group in groupby(by_length, key=lambda one: one.syllables):
        yield f"  {length}  {', '.join(one.word for one in group)}"
