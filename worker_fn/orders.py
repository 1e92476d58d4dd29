"""A job as a request to the lyricist, and the song as the job's output with its receipt."""

import hashlib
import json
from dataclasses import asdict
from typing import Any

from lyricist.songs import Effort, Song, SongRequest
from versequeue import __version__
from versequeue.contract import views
from versequeue.records import to_record
from versequeue.rules.job import Job


def song_request(job: Job) -> SongRequest:
    options = asdict(job.options)
    effort = Effort(options.pop("effort"))
    return SongRequest(prompt=job.prompt, effort=effort, **options)


def output_document(job: Job, song: Song, *, model: str, model_digest: str) -> dict[str, Any]:
    """The job's `output`: lyrics, sections, rhyme, and the receipt that makes it repeatable."""
    asked = {"prompt": job.prompt, "options": asdict(job.options)}
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()
    output = views.Song(
        lyrics=_lyrics(song),
        title=song.title,
        sections=tuple(views.Section(part.name, part.lines) for part in song.sections),
        rhyme=views.Rhyme(song.rhyme_scheme, song.rhyme_score),
        receipt=views.Receipt(
            model=model,
            model_digest=model_digest,
            seed=job.options.seed,
            input_digest=hashlib.sha256(canonical).hexdigest(),
            effort=song.effort.value,
            version=__version__,
        ),
    )
    document: dict[str, Any] = to_record(output)
    return document


def _lyrics(song: Song) -> str:
    """A single verse as its lines; a song with its `[Verse 1]` and `[Chorus]` tags."""
    if len(song.sections) == 1:
        return "\n".join(song.sections[0].lines)
    blocks = ["\n".join((f"[{section.name}]", *section.lines)) for section in song.sections]
    return "\n\n".join(blocks)
