"""Writes songs: one or several at a time, over one shared engine.

Owns opening a bundle and giving each song its share of the engine. Knows no lines, no jobs, no
storage and no HTTP.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lyricist.bundle.manifest import Bundle, BundleFormat, read_bundle
from lyricist.engine.lanes import Lanes, one_at_a_time, run_side_by_side
from lyricist.engine.port import Engine
from lyricist.engine.sessions import run_together
from lyricist.engine.threads import usable_processors, usable_threads
from lyricist.errors import Abandoned, BundleError, LyricistError
from lyricist.songs import Section, Song, SongRequest
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.tokens import Tokens
from lyricist.vocabulary.word_file import words_of
from lyricist.vocabulary.word_table import WordTable, derive_words
from lyricist.writing.free_verse import write_freely
from lyricist.writing.share import Desk, SongSession
from lyricist.writing.verse import write_verse

if TYPE_CHECKING:
    from lyricist.engine.litert import LiteRtEngine
    from lyricist.engine.tensorflow import TensorFlowEngine

__all__ = ["OnLines", "OnSong", "Section", "Song", "SongRequest", "Writer"]

#: Called with a request's index and all its lines so far; False abandons that request.
OnLines = Callable[[int, Sequence[str]], bool]

#: Called with a request's index and its song, or why there is none, as soon as that is known.
OnSong = Callable[[int, Song | LyricistError], None]

MOST_SONGS = 8
#: A vocabulary with fewer words than this to end a line with cannot rhyme.
FEWEST_END_WORDS = 100


class Writer:
    """A loaded model that writes. Not thread-safe."""

    def __init__(
        self,
        engine: Engine,
        tokens: Tokens,
        model_name: str,
        model_digest: str,
        session: SongSession | None = None,
        drafts: int | None = None,
        lanes: Lanes | None = None,
    ) -> None:
        """`session` writes each song; by default verses that rhyme, if the vocabulary can.

        `drafts`: how many of a song's rows of an engine are used; None uses all.
        `lanes`: engines for several songs at once; None writes them all on `engine`.
        """
        self.model_name = model_name
        self.model_digest = model_digest
        self._engine, self._tokens, self._drafts = engine, tokens, drafts
        self._session = session or _best_session(tokens)
        self._lanes = lanes or Lanes(lambda: engine, most=1)

    @classmethod
    def open(
        cls,
        path: Path,
        threads: int | None = None,
        session: SongSession | None = None,
        drafts: int | None = None,
    ) -> "Writer":
        """Loads the bundle in the folder `path`; BundleError if it is missing or damaged.

        `drafts` candidates are written for each line, side by side, and the best is kept; None
        takes as many as the bundle is laid out for, which costs the least.
        `threads`: for one song as many as are idle, for several as many as there are processors,
        at most 4; the songs do not depend on it.
        """
        bundle = read_bundle(path)
        check = _Check(bundle)
        check.start()
        # Imported and read while the other thread hashes the weights; the runtime sees no byte of
        # them before they are known to be whole.
        make_engine = _engine_of(bundle)
        tokens = Tokens(bundle)
        session = session or _best_session(tokens, words_of(bundle, tokens))
        check.join_or_raise()
        drafts = drafts or bundle.drafts
        make = partial(make_engine, bundle, max_rows=rows_for(bundle, drafts))
        engine = make(threads=threads or usable_threads())
        lanes = None
        if bundle.format is BundleFormat.LITERT:  # TensorFlow's own runtime has its own threads
            lanes = Lanes(lambda: make(threads=1), threads or usable_processors())
        return cls(engine, tokens, bundle.name, bundle.digest, session, drafts, lanes)

    def write(
        self,
        requests: Sequence[SongRequest],
        on_lines: OnLines,
        should_stop: Callable[[], bool] = lambda: False,
        on_song: OnSong = lambda _index, _song: None,
    ) -> list[Song | LyricistError]:
        """Writes 1 to 8 songs together, each the same as if it were written alone.

        A short one ends before a long one beside it, and `on_song` is told of it then. What is
        called back is called by one thread at a time, but not always by the same.

        `should_stop` is asked at every token; once True, all songs end as they are. A song that
        was not finished has the lines that it had; one that could not be written is its error.
        """
        if not 1 <= len(requests) <= MOST_SONGS:
            raise ValueError(f"1 to {MOST_SONGS} songs at a time, not {len(requests)}.")
        lock = threading.Lock()
        batch = _Batch(
            requests,
            one_at_a_time(lock, on_lines),
            one_at_a_time(lock, should_stop),
            one_at_a_time(lock, on_song),
        )
        engines = [self._engine] if len(requests) == 1 else self._lanes.take(len(requests))
        run_side_by_side(
            [
                partial(
                    batch.write,
                    range(len(requests))[lane :: len(engines)],
                    engine,
                    self._tokens,
                    self._session,
                    self._drafts,
                )
                for lane, engine in enumerate(engines)
            ]
        )
        return batch.songs


class _Batch:
    """Songs that are written together, on one engine or on several."""

    def __init__(
        self,
        requests: Sequence[SongRequest],
        on_lines: OnLines,
        should_stop: Callable[[], bool],
        on_song: OnSong,
    ) -> None:
        self._requests = requests
        self._on_lines, self._should_stop, self._on_song = on_lines, should_stop, on_song
        self._shown: list[Sequence[str]] = [()] * len(requests)
        self.songs: list[Song | LyricistError] = [_unfinished(request, ()) for request in requests]

    def write(
        self,
        indices: Sequence[int],
        engine: Engine,
        tokens: Tokens,
        session: SongSession,
        drafts: int | None,
        is_called_off: Callable[[], bool],
    ) -> None:
        """Writes the songs of `indices` on `engine`, until they are called off."""
        share = engine.max_rows // MOST_SONGS
        sessions = [
            session(
                self._requests[index],
                Desk(
                    engine=engine,
                    tokens=tokens,
                    rows=tuple(range(place * share, (place + 1) * share))[:drafts],
                    show=partial(self._show, index),
                ),
            )
            for place, index in enumerate(indices)
        ]
        run_together(
            engine,
            sessions,
            lambda: is_called_off() or self._should_stop(),
            lambda place, result: self._end(indices[place], result),
        )

    def _show(self, index: int, lines: Sequence[str]) -> None:
        self._shown[index] = tuple(lines)
        if not self._on_lines(index, self._shown[index]):
            raise Abandoned("Nobody waits for this song any more.")

    def _end(self, index: int, result: Song | LyricistError) -> None:
        if isinstance(result, Abandoned):
            result = _unfinished(self._requests[index], self._shown[index])
        self.songs[index] = result
        self._on_song(index, result)


def rows_for(bundle: Bundle, drafts: int) -> int:
    """How many rows an engine needs, so that no two songs are in one family."""
    families = -(-drafts // bundle.drafts)
    return MOST_SONGS * families * bundle.drafts


def _best_session(tokens: Tokens, words: WordTable | None = None) -> SongSession:
    """Verses that rhyme; free ones where too few tokens are whole words that could end a line."""
    words = words or derive_words(tokens.pieces)
    if len(words.end_words) < FEWEST_END_WORDS:
        tokens.prepare()
        return write_freely
    return partial(write_verse, Lexicon(words, tokens.encode))


def _engine_of(bundle: Bundle) -> "type[LiteRtEngine | TensorFlowEngine]":
    if bundle.format is BundleFormat.SAVED_MODEL:
        try:
            from lyricist.engine.tensorflow import TensorFlowEngine
        except ModuleNotFoundError as error:
            raise BundleError(
                f"The model in {bundle.folder} is a SavedModel, and {error.name} is not installed."
            ) from error
        return TensorFlowEngine
    from lyricist.engine.litert import LiteRtEngine

    return LiteRtEngine


def _unfinished(request: SongRequest, lines: Sequence[str]) -> Song:
    return Song(
        title=lines[0] if lines else "",
        sections=(Section("Verse", tuple(lines)),) if lines else (),
        rhyme_scheme=request.rhyme_scheme,
        rhyme_score=None,
        tokens=0,
        finished=False,
    )


class _Check(threading.Thread):
    """Verifies a bundle's files beside other work."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(name="verify-bundle", daemon=True)
        self._bundle = bundle
        self._error: BundleError | None = None

    def run(self) -> None:
        try:
            self._bundle.verify()
        except BundleError as error:
            self._error = error

    def join_or_raise(self) -> None:
        self.join()
        if self._error is not None:
            raise self._error
