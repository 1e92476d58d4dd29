"""Writes songs: one or several at a time, over one shared engine."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lyricist.bundle.manifest import Bundle, BundleFormat, read_bundle
from lyricist.bundle.phrases_file import phrases_of
from lyricist.engine.adapters import engine_class_for
from lyricist.engine.lanes import Lanes, run_side_by_side
from lyricist.engine.port import Engine
from lyricist.engine.sessions import Session, run_together
from lyricist.engine.threads import usable_processors, usable_threads
from lyricist.errors import Abandoned, LyricistError
from lyricist.language.learned_phrases import LearnedPhrases
from lyricist.lines.effort import MOST_ROWS
from lyricist.lines.judge import Judge
from lyricist.songs import MOST_SONGS, Effort, Section, Song, SongRequest
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.tokens import Vocabulary
from lyricist.vocabulary.word_table import WordTable, derive_word_table
from lyricist.vocabulary.word_table_file import word_table_of
from lyricist.writing.free_verse import write_freely
from lyricist.writing.share import EngineShare, WriteSong
from lyricist.writing.verse import write_verse

#: Called with a request's index and all its lines so far; False abandons that request.
OnLines = Callable[[int, Sequence[str]], bool]

#: Called with a request's index and its song, or why there is none, as soon as that is known.
OnSong = Callable[[int, Song | LyricistError], None]

#: A vocabulary with fewer words than this to end a line with, spelled ones included, cannot rhyme.
FEWEST_END_WORDS = 100


class Writer:
    """A loaded model that writes. Not thread-safe."""

    def __init__(
        self,
        engine: Engine,
        vocabulary: Vocabulary,
        model_name: str,
        model_digest: str,
        write_song: WriteSong | None = None,
        lanes: Lanes | None = None,
        model_licence: str = "",
    ) -> None:
        """`write_song` writes each song; by default verses that rhyme, if the vocabulary can.

        `lanes`: engines for several songs at once; None writes them all on `engine`.
        """
        self.model_name = model_name
        self.model_digest = model_digest
        self.model_licence = model_licence
        self._engine, self._vocabulary = engine, vocabulary
        self._write_song = write_song or _rhymed_if_possible(
            vocabulary,
            Judge.without_head(),
            LearnedPhrases(),
            derive_word_table(vocabulary.texts, vocabulary.encode),
        )
        self._lanes = lanes or Lanes(lambda: engine, most=1)

    @classmethod
    def open(
        cls, path: Path, threads: int | None = None, write_song: WriteSong | None = None
    ) -> "Writer":
        """Loads the bundle in the folder `path`; BundleError if it is damaged.

        BundleAway or OSError where it cannot be reached: a later try may find it.

        `threads`: for one song as many as are idle, for several as many as there are processors,
        at most 4; the songs do not depend on it.
        """
        bundle = read_bundle(path)
        with ThreadPoolExecutor(1, thread_name_prefix="verify-bundle") as beside:
            verified = beside.submit(bundle.verify)
            # Meanwhile the runtime is imported and the vocabulary read. The runtime is given the
            # weights only when they are known to be whole.
            make_engine = engine_class_for(bundle)
            vocabulary = Vocabulary(bundle)
            write_song = write_song or best_way(bundle, vocabulary)
            verified.result()

        def make(threads: int) -> Engine:
            return make_engine(bundle, MOST_SONGS * bundle.drafts, threads, MOST_ROWS)

        engine = make(threads or usable_threads())
        lanes = None
        if bundle.format is BundleFormat.LITERT:  # TensorFlow's own runtime has its own threads
            lanes = Lanes(partial(make, 1), threads or usable_processors())
        about = bundle.name, bundle.digest
        return cls(engine, vocabulary, *about, write_song, lanes, bundle.licence)

    @property
    def most_lanes(self) -> int:
        """How many of several songs are written at the same time."""
        return self._lanes.most

    def write(
        self,
        requests: Sequence[SongRequest],
        on_lines: OnLines,
        should_stop: Callable[[], bool] = lambda: False,
        on_song: OnSong = lambda _index, _song: None,
    ) -> list[Song | LyricistError]:
        """Writes 1 to MOST_SONGS songs together, each the same as if it were written alone.

        A short one ends before a long one beside it, and `on_song` is told of it then. What is
        called back is called by one thread at a time, but not always by the same.

        `should_stop` is asked at every token, by any thread and at any time, so that what is told
        of one song, which may take a while, holds up no other. Once True, all songs end as they
        are. A song that was not finished has the lines that it had; one that could not be written
        is its error.
        """
        if not 1 <= len(requests) <= MOST_SONGS:
            raise ValueError(f"1 to {MOST_SONGS} songs at a time, not {len(requests)}.")
        group = _SongGroup(requests, on_lines, should_stop, on_song)
        engines = [self._engine] if len(requests) == 1 else self._lanes.take(len(requests))
        works = [
            partial(self._write_lane, group, range(len(requests))[lane :: len(engines)], engine)
            for lane, engine in enumerate(engines)
        ]
        run_side_by_side(works)
        return group.songs

    def _write_lane(
        self,
        group: "_SongGroup",
        indices: Sequence[int],
        engine: Engine,
        is_called_off: Callable[[], bool],
    ) -> None:
        """Writes those songs of the group on `engine`, until they are called off.

        Those that fill a pass are written one after the other, all others together before them.
        """
        wide = [index for index in indices if self._is_wide(group.requests[index], engine)]
        together = [index for index in indices if index not in wide]
        for songs in [together, *[[index] for index in wide]]:
            run_together(
                engine,
                [self._session(group, index, at, engine) for at, index in enumerate(songs)],
                lambda: is_called_off() or group.should_stop(),
                partial(group.end_of, songs),
            )

    def _session(self, group: "_SongGroup", index: int, at: int, engine: Engine) -> Session[Song]:
        """A song of the group, as the one at place `at` of those that are written together."""
        request = group.requests[index]
        if self._is_wide(request, engine):
            rows = range(engine.max_rows, engine.max_rows + engine.wide_rows)
        else:
            own = engine.max_rows // MOST_SONGS
            rows = range(at * own, (at + 1) * own)
        # What an earlier song has left would take slots, and so change the order of this one's.
        for row in rows:
            engine.rewind(row, 0)
        share = EngineShare(engine, self._vocabulary, tuple(rows), partial(group.show, index))
        return self._write_song(request, share)

    def _is_wide(self, request: SongRequest, engine: Engine) -> bool:
        """Whether a song takes the engine's wide family."""
        is_searched = self._write_song is not write_freely and request.effort is not Effort.QUICK
        return is_searched and engine.wide_rows > 0


@dataclass
class _SongGroup:
    """Songs that are written together: their lines and results so far, and whom to tell of them."""

    requests: Sequence[SongRequest]
    on_lines: OnLines
    should_stop: Callable[[], bool]
    on_song: OnSong

    def __post_init__(self) -> None:
        #: Lanes are threads: whoever is told of songs is called by one at a time.
        self._calls = threading.Lock()
        self._shown: list[Sequence[str]] = [()] * len(self.requests)
        self.songs: list[Song | LyricistError] = [_unfinished(each, ()) for each in self.requests]

    def show(self, index: int, lines: Sequence[str]) -> None:
        """Tells of a song's lines so far. Raises Abandoned if nobody waits for more."""
        self._shown[index] = tuple(lines)
        with self._calls:
            goes_on = self.on_lines(index, self._shown[index])
        if not goes_on:
            raise Abandoned("Nobody waits for this song any more.")

    def end_of(self, songs: Sequence[int], at: int, result: Song | LyricistError) -> None:
        """Notes and tells how the song at place `at` of `songs` ended."""
        index = songs[at]
        if isinstance(result, Abandoned):
            result = _unfinished(self.requests[index], self._shown[index])
        self.songs[index] = result
        with self._calls:
            self.on_song(index, result)


def best_way(bundle: Bundle, vocabulary: Vocabulary) -> WriteSong:
    """How the model of a bundle writes best."""
    judge = Judge.for_model(bundle.source_sha256, bundle.state_layers)
    table = word_table_of(bundle, vocabulary)
    return _rhymed_if_possible(vocabulary, judge, phrases_of(bundle), table)


def _rhymed_if_possible(
    vocabulary: Vocabulary, judge: Judge, learned: LearnedPhrases, table: WordTable
) -> WriteSong:
    """Verses that rhyme; free ones where too few tokens are whole words that could end a line."""
    if len(table.end_words) < FEWEST_END_WORDS:
        vocabulary.prepare()
        return write_freely
    return partial(write_verse, Lexicon(table, vocabulary.encode), judge, learned)


def _unfinished(request: SongRequest, lines: Sequence[str]) -> Song:
    title = lines[0] if lines else ""
    sections = (Section("Verse", tuple(lines)),) if lines else ()
    return Song(title, sections, request.rhyme_scheme, rhyme_score=None, tokens=0, finished=False)
