"""The results function: shows jobs, batches, lyrics, and the state of the service."""

from functools import cache

import functions_framework
from flask import Request, Response
from flask import request as request_in_hand

from lyricist.language.meter import scanned
from lyricist.language.rhyming_words import Rhyming, nearest_words, rhyming_words
from versequeue.api.results_jobs import results_handlers
from versequeue.api.router import Api
from versequeue.contract.server_views import MeterLine, MeterWord, RhymesView, RhymingView
from versequeue.functions import wiring


class TableOfSounds:
    """The writer's own table, which is read at the first word that is asked for."""

    def rhymes(self, word: str) -> RhymesView | None:
        """What rhymes with `word`; None if it is not known."""
        found = rhyming_words(word)
        if found is None:
            return None
        return RhymesView(found.word, found.syllables, _views(found.perfect), _views(found.slant))

    def nearest(self, word: str) -> tuple[str, ...]:
        """Words that are spelled nearly as `word`."""
        return nearest_words(word)

    def meter(self, line: str) -> MeterLine:
        """The words of `line` with a sign for each syllable."""
        words = tuple(MeterWord(word, signs) for word, signs in scanned(line))
        return MeterLine(sum(len(each.stresses) for each in words), words)


def _views(words: tuple[Rhyming, ...]) -> tuple[RhymingView, ...]:
    return tuple(RhymingView(one.word, one.syllables) for one in words)


@cache
def _api() -> Api:
    settings, reads = wiring.settings(), wiring.reads()
    handlers = results_handlers(wiring.jobs(), wiring.batches(), reads, TableOfSounds())
    return Api("results", handlers, settings, reads)


@functions_framework.http
def results(request: Request) -> Response:
    """Answer one request; made on the first one, since a fork comes between import and that."""
    return _api()(request)


@functions_framework.errorhandler(404)  # type: ignore[untyped-decorator]
def unrouted(_fault: Exception) -> Response:
    """Answer what the framework has no route for, such as a path with a line end in it."""
    return _api()(request_in_hand)
