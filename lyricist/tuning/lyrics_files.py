"""Reads lyrics to learn from: JSON lines, or plain text with an empty line between songs.

Whatever is wrong is one sentence that names the file and the line. Bounds: bytes of a file, lines
of a song, characters of a line.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lyricist.errors import TuningError
from lyricist.songs import Section
from lyricist.tuning.plain_text import songs_of_text
from lyricist.tuning.training_song import TrainingSong, frozen_prompt_near
from lyricist.writing.styles import DEFAULT_STYLE, STYLES

MOST_BYTES = 8 << 20
MOST_LINES = 100_000
MOST_SONG_LINES = 400
MOST_LINE_CHARACTERS = 200
MOST_PROMPT_CHARACTERS = 500
FEWEST_SONGS = 10
_TOO_MANY = f"more than {MOST_LINES:,} lines, which would take days; use fewer songs."


def read_lyrics(paths: Sequence[Path], style: str = DEFAULT_STYLE) -> list[TrainingSong]:
    """All songs of the files; `style` is that of songs which name none. Raises TuningError."""
    songs = [song for path in paths for song in _LyricsFile(path, style).songs()]
    names = " and ".join(map(str, paths))
    if len(songs) < FEWEST_SONGS:
        few = "one song" if len(songs) == 1 else f"{len(songs)} songs"
        raise TuningError(
            f"{names} has {few}, and a model needs at least {FEWEST_SONGS} to learn from."
        )
    if sum(len(song.lines) for song in songs) > MOST_LINES:
        raise TuningError(f"{names} has {_TOO_MANY}")
    return songs


class _LyricsFile:
    def __init__(self, path: Path, style: str) -> None:
        self._path, self._style = path, style

    def songs(self) -> list[TrainingSong]:
        text = self._text()
        if not text.strip():
            raise TuningError(f"{self._path} is empty.")
        if text.lstrip().startswith("{"):
            rows = enumerate(text.split("\n"), 1)
            return [self._song_of(row, at) for at, row in rows if row.strip()]
        for at, line in enumerate(text.splitlines(), 1):
            self._check_line(line, at)
        songs = songs_of_text(text, self._style)
        if not songs:
            raise TuningError(f"{self._path} has a title and no lyrics.")
        return songs

    def _text(self) -> str:
        try:
            with self._path.open("rb") as file:
                content = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise TuningError(f"{self._path} cannot be read: {error.strerror}.") from error
        if len(content) > MOST_BYTES:
            raise TuningError(f"{self._path} has more than {MOST_BYTES >> 20} MB; use fewer songs.")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise TuningError(f"{self._path} is not text in UTF-8 (byte {error.start}).") from error
        if text.count("\n") > MOST_LINES:
            raise TuningError(f"{self._path} has {_TOO_MANY}")
        return text

    def _song_of(self, row: str, at: int) -> TrainingSong:
        try:
            fields = json.loads(row)
        except (ValueError, RecursionError) as error:
            raise self._fault(at, "is not a song in JSON") from error
        if not isinstance(fields, dict):
            raise self._fault(at, "is not a song in JSON")
        prompt, title = self._word(fields, "prompt", at), self._word(fields, "title", at)
        if not prompt:
            raise self._fault(at, "has no prompt")
        frozen = frozen_prompt_near(prompt)
        if frozen is not None:
            raise self._fault(
                at,
                f"has the prompt {prompt!r}, near {frozen!r}, one of the fifty by which models are "
                "compared and from which none may learn",
            )
        sections = self._sections(fields, at)
        if not any(section.lines for section in sections):
            raise self._fault(at, "has a prompt and no lyrics")
        song = TrainingSong(prompt, self._word(fields, "style", at) or self._style, title, sections)
        if len(song.lines) > MOST_SONG_LINES:
            raise self._fault(at, f"has a song of more than {MOST_SONG_LINES} lines")
        if song.style not in STYLES:
            raise self._fault(at, f"has a style that is none of {', '.join(STYLES)}")
        return song

    def _word(self, fields: dict[str, Any], name: str, at: int) -> str:
        value = fields.get(name, "")
        if not isinstance(value, str) or len(value) > MOST_PROMPT_CHARACTERS:
            raise self._fault(
                at, f"has a {name} that is no text of at most {MOST_PROMPT_CHARACTERS} characters"
            )
        return " ".join(value.split())

    def _sections(self, fields: dict[str, Any], at: int) -> tuple[Section, ...]:
        if "sections" not in fields:
            return (Section("Verse 1", self._lines(fields.get("lines", []), at)),)
        found = fields["sections"]
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise self._fault(at, "has sections that are no list of names and lines")
        return tuple(
            Section(self._word(each, "name", at) or "Verse", self._lines(each.get("lines"), at))
            for each in found
        )

    def _lines(self, value: Any, at: int) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
            raise self._fault(at, "has lines that are no list of texts")
        for line in value:
            self._check_line(line, at)
        return tuple(" ".join(line.split()) for line in value if line.strip())

    def _check_line(self, line: str, at: int) -> None:
        if len(line) > MOST_LINE_CHARACTERS:
            raise self._fault(
                at, f"has more than {MOST_LINE_CHARACTERS} characters in a line of lyrics"
            )
        if not line.replace("\t", " ").isprintable():
            raise self._fault(at, "has characters that cannot be shown")

    def _fault(self, at: int, what: str) -> TuningError:
        return TuningError(f"{self._path}: line {at} {what}.")
