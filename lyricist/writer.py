"""Writes songs: one or several at a time, over one shared engine.

Owns opening a bundle and giving each song its share of the engine. Knows no lines, no jobs, no
storage and no HTTP.
"""

import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from lyricist.bundle import Bundle, BundleFormat, read_bundle
from lyricist.decode import run_together
from lyricist.desk import Desk, SongSession
from lyricist.engine import Engine
from lyricist.errors import Abandoned, BundleError, LyricistError
from lyricist.free_verse import write_freely
from lyricist.lexicon import Lexicon
from lyricist.songs import Section, Song, SongRequest
from lyricist.threads import usable_threads
from lyricist.tokens import Tokens
from lyricist.verse import write_verse
from lyricist.word_file import words_of
from lyricist.word_table import WordTable, derive_words

if TYPE_CHECKING:
    from lyricist.engine_litert import LiteRtEngine
    from lyricist.engine_tensorflow import TensorFlowEngine

__all__ = ["OnLines", "OnSong", "Section", "Song", "SongRequest", "Writer"]

#: Called with a request's index and all its lines so far; False abandons that request.
OnLines = Callable[[int, Sequence[str]], bool]

#: Called with a request's index and its song, or why there is none, as soon as that is known.
OnSong = Callable[[int, Song | LyricistError], None]

MOST_SONGS = 8
#: Candidates for each line: more read better and take longer.
DRAFTS = 4
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
    ) -> None:
        """`session` writes each song; by default verses that rhyme, if the vocabulary can."""
        self.model_name = model_name
        self.model_digest = model_digest
        self._engine, self._tokens = engine, tokens
        self._session = session or _best_session(tokens)

    @classmethod
    def open(
        cls,
        path: Path,
        threads: int | None = None,
        session: SongSession | None = None,
        drafts: int = DRAFTS,
    ) -> "Writer":
        """Loads the bundle in the folder `path`; BundleError if it is missing or damaged.

        `drafts` candidates are written for each line, side by side, and the best is kept.
        `threads`: None takes as many as are idle, at most 4; the songs do not depend on it.
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
        threads = threads or usable_threads()
        engine = make_engine(bundle, max_rows=MOST_SONGS * drafts, threads=threads)
        return cls(engine, tokens, bundle.name, bundle.digest, session)

    def write(
        self,
        requests: Sequence[SongRequest],
        on_lines: OnLines,
        should_stop: Callable[[], bool] = lambda: False,
        on_song: OnSong = lambda _index, _song: None,
    ) -> list[Song | LyricistError]:
        """Writes 1 to 8 songs together, each the same as if it were written alone.

        A short one ends before a long one beside it, and `on_song` is told of it then.

        `should_stop` is asked at every token; once True, all songs end as they are. A song that
        was not finished has the lines that it had; one that could not be written is its error.
        """
        if not 1 <= len(requests) <= MOST_SONGS:
            raise ValueError(f"1 to {MOST_SONGS} songs at a time, not {len(requests)}.")
        share = self._engine.max_rows // MOST_SONGS
        shown: list[Sequence[str]] = [()] * len(requests)

        def show(index: int, lines: Sequence[str]) -> None:
            shown[index] = tuple(lines)
            if not on_lines(index, shown[index]):
                raise Abandoned("Nobody waits for this song any more.")

        sessions = [
            self._session(
                request,
                Desk(
                    engine=self._engine,
                    tokens=self._tokens,
                    rows=tuple(range(index * share, (index + 1) * share)),
                    show=partial(show, index),
                ),
            )
            for index, request in enumerate(requests)
        ]

        def song(index: int, result: Song | LyricistError) -> Song | LyricistError:
            if isinstance(result, Abandoned):
                return _unfinished(requests[index], shown[index])
            return result

        results = run_together(
            self._engine,
            sessions,
            should_stop,
            lambda index, result: on_song(index, song(index, result)),
        )
        return [song(index, result) for index, result in enumerate(results)]


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
            from lyricist.engine_tensorflow import TensorFlowEngine
        except ModuleNotFoundError as error:
            raise BundleError(
                f"The model in {bundle.folder} is a SavedModel, and {error.name} is not installed."
            ) from error
        return TensorFlowEngine
    from lyricist.engine_litert import LiteRtEngine

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
