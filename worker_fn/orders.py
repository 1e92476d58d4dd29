"""A job as a request to the lyricist, and the song as the job's output."""

from dataclasses import asdict
from itertools import chain
from typing import Any

from lyricist.songs import Effort, Section, Song, SongRequest
from versequeue.contract import views
from versequeue.records import to_record
from versequeue.rules.job import Job


def song_request(job: Job) -> SongRequest:
    options = asdict(job.options)
    effort = Effort(options.pop("effort"))
    del options["model"]  # which says whom to ask, not for what
    return SongRequest(prompt=job.prompt, effort=effort, given=job.given, **options)


def song_output(song: Song) -> dict[str, Any]:
    """Lyrics, title, sections and rhyme, as in the contract."""
    output = views.Song(
        lyrics=_lyrics(song),
        title=song.title,
        sections=tuple(views.Section(part.name, part.lines, part.scheme) for part in song.sections),
        rhyme=views.Rhyme(song.rhyme_scheme, song.rhyme_score, song.slant, song.missed),
        alternatives=tuple(chain.from_iterable(map(_alternatives, song.sections))),
    )
    document: dict[str, Any] = to_record(output)
    return document


def _alternatives(section: Section) -> tuple[tuple[str, ...], ...]:
    return section.alternatives or ((),) * len(section.lines)


def _lyrics(song: Song) -> str:
    """A single verse as its lines; a song with its `[Verse 1]` and `[Chorus]` tags."""
    if len(song.sections) == 1:
        return "\n".join(song.sections[0].lines)
    blocks = ["\n".join((f"[{section.name}]", *section.lines)) for section in song.sections]
    return "\n\n".join(blocks)
