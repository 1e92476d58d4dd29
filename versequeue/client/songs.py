"""A finished song in a program's hands: which of its lines stay, and having the others anew."""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any, Protocol, Self, Unpack

from versequeue.client.types import Job
from versequeue.contract.views import Song
from versequeue.rules.options import SongOptions


class Server(Protocol):
    """As much of a client as a song needs to be written anew."""

    def rewrite(self, job: Job | str, numbers: Iterable[int], **more: Unpack[SongOptions]) -> Job:
        """Queue the song again with the lines of these numbers to be written."""

    def song_of(self, job: Job | str, *, timeout_s: float | None = None) -> "WrittenSong":
        """The song of a job, waited for."""


@dataclass(frozen=True)
class WrittenSong(Song):
    """A song with the job that wrote it."""

    job: Job = field(kw_only=True, repr=False, compare=False)
    server: Server = field(kw_only=True, repr=False, compare=False)

    @classmethod
    def of(cls, song: Song, job: Job, server: Server) -> Self:
        """`song`, which `job` wrote on `server`."""
        same: dict[str, Any] = {each.name: getattr(song, each.name) for each in fields(Song)}
        return cls(**same, job=job, server=server)

    def __str__(self) -> str:
        """The lyrics."""
        return self.lyrics

    def rewrite(
        self, numbers: Iterable[int], *, timeout_s: float | None = None, **more: Unpack[SongOptions]
    ) -> "WrittenSong":
        """The same song with the lines of these numbers written anew; the first is 1.

        All other lines stay. Raises ValueError for a line that there is none of, else as `write`.
        """
        job = self.server.rewrite(self.job, numbers, **more)
        return self.server.song_of(job, timeout_s=timeout_s)


def given_but(song: Song, numbers: Iterable[int]) -> list[str | None]:
    """The lines as they are sung, with None for those to be written anew, numbered from 1.

    A line of a part that comes again is written anew wherever it comes. Raises ValueError for a
    number that no line has.
    """
    lines = [
        ((part.name, part.lines, at), line)
        for part in song.sections
        for at, line in enumerate(part.lines)
    ]
    rewritten = sorted(set(numbers))
    if wrong := [number for number in rewritten if not 1 <= number <= len(lines)]:
        raise ValueError(f"There is no line {wrong[0]}: the song has lines 1 to {len(lines)}.")
    anew = {lines[number - 1][0] for number in rewritten}
    return [None if place in anew else line for place, line in lines]
