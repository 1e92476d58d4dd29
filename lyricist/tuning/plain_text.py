"""Songs as people keep them: lines, an empty line between songs, perhaps a title and sections.

A song's first line may be its title ("Title: Rain"), a line in brackets names a section
("[Chorus]"). Nobody says what such a song was asked for by: the words that it alone says often
stand for that.
"""

import re
from collections import Counter
from collections.abc import Sequence

from lyricist.language.words import topic_words
from lyricist.songs import Section
from lyricist.tuning.training_song import TrainingSong

#: How many of a song's own words make its prompt.
_PROMPT_WORDS = 3
_TITLE = re.compile(r"(?:title:|#)(.*)", re.IGNORECASE)
_SECTION = re.compile(r"\[([^\[\]]{1,40})\]")


def songs_of_text(text: str, style: str) -> list[TrainingSong]:
    """The songs of a text; blocks without any lyrics in them are left out."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line:
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    parted = [parts for block in blocks if (parts := _parted(block))[1]]
    said = [Counter(topic_words(" ".join(_lines(sections)))) for _title, sections in parted]
    songs_with = Counter(word for words in said for word in words)
    return [
        TrainingSong(_prompt(words, songs_with, sections), style, title, sections)
        for words, (title, sections) in zip(said, parted, strict=True)
    ]


def _parted(block: Sequence[str]) -> tuple[str, tuple[Section, ...]]:
    """The title of a block, "" if it has none, and those of its sections that have lines."""
    title = ""
    if block and (found := _TITLE.fullmatch(block[0])):
        title, block = found[1].strip(' "'), block[1:]
    names: list[str] = ["Verse 1"]
    parts: list[list[str]] = [[]]
    for line in block:
        if named := _SECTION.fullmatch(line):
            names.append(named[1])
            parts.append([])
        else:
            parts[-1].append(line)
    named_parts = zip(names, map(tuple, parts), strict=True)
    return title, tuple(Section(name, lines) for name, lines in named_parts if lines)


def _prompt(words: Counter[str], songs_with: Counter[str], sections: Sequence[Section]) -> str:
    """The words that the song says most and few others say, in the order of the song."""
    best = sorted(words, key=lambda word: (songs_with[word] - words[word], word))[:_PROMPT_WORDS]
    in_order = [word for word in words if word in best]
    return " and ".join(in_order) or _lines(sections)[0]


def _lines(sections: Sequence[Section]) -> list[str]:
    return [line for section in sections for line in section.lines]
