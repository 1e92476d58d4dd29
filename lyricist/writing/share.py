"""What a song is written with: rows of the engine, the vocabulary, somebody who reads along."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lyricist.engine.port import Engine
from lyricist.engine.sessions import Session
from lyricist.songs import Song, SongRequest
from lyricist.vocabulary.tokens import Tokens


@dataclass(frozen=True)
class Desk:
    """One song's share of the writer."""

    engine: Engine
    tokens: Tokens
    #: The engine's rows that are this song's alone; their contents are anything at all.
    rows: tuple[int, ...]
    #: To be called with all lines so far, after each line. Raises Abandoned to end the song.
    show: Callable[[Sequence[str]], None]


#: Writes one song: the seam between `writer`, which runs several at once, and how they are written.
SongSession = Callable[[SongRequest, Desk], Session[Song]]
