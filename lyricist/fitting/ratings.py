"""Drafts of lines as one rater rated them, in their place in a song."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lyricist.errors import LyricistError
from lyricist.writing.styles import DEFAULT_STYLE

#: Drafts of the untuned model, by which any model is judged; and of the tuned one, for its head.
RATINGS = Path(__file__).parent / "ratings.jsonl"
HEAD_RATINGS = Path(__file__).parent / "head_ratings.jsonl"
#: Drafts that the default model has learned to prefer, or not to.
PREFERENCES = Path(__file__).parent / "preferences.jsonl"
LOWEST, HIGHEST = 0, 9


@dataclass(frozen=True)
class RatedPlace:
    """One place in a song, and drafts for it that were compared with each other."""

    prompt: str
    title: str
    #: The song's lines so far.
    before: Sequence[str]
    #: Whether the line has to rhyme with one before it.
    is_answer: bool
    target_syllables: int
    #: Lines, and how good each of them is there, LOWEST to HIGHEST.
    drafts: Sequence[tuple[str, int]]
    style: str = DEFAULT_STYLE


def read_ratings(path: Path) -> list[RatedPlace]:
    """All places of a file, one JSON object a line. LyricistError names a line that is none."""
    places = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            places.append(_place(json.loads(line)))
        except (ValueError, LookupError, TypeError) as error:
            raise LyricistError(f"{path}, line {number} holds no rated drafts: {error}") from error
    return places


def digest_of(path: Path) -> str:
    """SHA-256 of a file of ratings, which says what a judge was fitted to."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _place(fields: dict[str, Any]) -> RatedPlace:
    drafts = [(str(line), int(rating)) for line, rating in fields["drafts"]]
    if not drafts or not all(line and LOWEST <= rating <= HIGHEST for line, rating in drafts):
        raise ValueError(f"a draft has words and a rating from {LOWEST} to {HIGHEST}")
    return RatedPlace(
        str(fields["prompt"]),
        str(fields["title"]),
        [str(line) for line in fields["before"]],
        bool(fields["is_answer"]),
        int(fields["target_syllables"]),
        drafts,
        str(fields.get("style", DEFAULT_STYLE)),
    )
