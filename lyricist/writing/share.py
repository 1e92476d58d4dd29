"""One song's share of the writer: rows of the engine, the vocabulary, somebody who reads along."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lyricist.engine.port import Engine
from lyricist.engine.sessions import Session
from lyricist.songs import Song, SongRequest
from lyricist.vocabulary.tokens import Vocabulary


@dataclass(frozen=True)
class EngineShare:
    """What one song is written with."""

    engine: Engine
    vocabulary: Vocabulary
    #: The engine's rows that are this song's alone, empty at first.
    rows: tuple[int, ...]
    #: To be called with all lines so far, after each line. Raises Abandoned to end the song.
    show: Callable[[Sequence[str]], None]


WriteSong = Callable[[SongRequest, EngineShare], Session[Song]]
