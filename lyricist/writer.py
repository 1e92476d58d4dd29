"""Writes songs: one or several at a time, over one shared engine.

Knows prompts, lines and sections; knows no jobs, no storage and no HTTP.
"""

from collections.abc import Callable, Sequence

from lyricist.songs import Section, Song, SongRequest

#: Called with a request's index and all its lines so far; False abandons that request.
OnLines = Callable[[int, Sequence[str]], bool]

__all__ = ["OnLines", "Section", "Song", "SongRequest"]
