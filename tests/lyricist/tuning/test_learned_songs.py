"""A tuned model does not sing the lines that it learned from."""

from functools import partial
from pathlib import Path

import pytest

from lyricist.bundle.manifest import read_bundle
from lyricist.engine.litert import LiteRtEngine
from lyricist.language.learned_phrases import LearnedPhrases
from lyricist.language.words import split_words
from lyricist.lines.effort import MOST_ROWS
from lyricist.lines.judge import Judge
from lyricist.songs import Effort, Song, SongRequest
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.tokens import Vocabulary
from lyricist.vocabulary.word_table_file import word_table_of
from lyricist.writing.verse import write_verse
from lyricist.writing.writer import Writer


def lines_of(folder: Path, request: SongRequest, learned: LearnedPhrases) -> list[str]:
    bundle = read_bundle(folder)
    vocabulary = Vocabulary(bundle)
    lexicon = Lexicon(word_table_of(bundle, vocabulary), vocabulary.encode)
    engine = LiteRtEngine(bundle, threads=1, wide_rows=MOST_ROWS)
    write_song = partial(write_verse, lexicon, Judge.without_head(), learned)
    writer = Writer(engine, vocabulary, "tiny", "digest", write_song)
    (song,) = writer.write([request], lambda _index, _lines: True)
    assert isinstance(song, Song)
    assert song.finished
    return [line for section in song.sections for line in section.lines]


def taken(lines: list[str], learned: LearnedPhrases) -> list[str]:
    """The learned phrases that the lines sing."""
    return [
        " ".join(words[at : at + 4])
        for words in map(split_words, lines)
        for at in range(len(words) - 3)
        if learned.is_begun_by(words[at : at + 3])
        and learned.is_ended_by(words[at : at + 3], words[at + 3])
    ]


@pytest.mark.parametrize("effort", [Effort.QUICK, Effort.NORMAL])
def test_a_song_takes_over_no_phrase_that_was_learned(tiny_bundle: Path, effort: Effort) -> None:
    request = SongRequest("rain on the road", lines=8, effort=effort)
    before = lines_of(tiny_bundle, request, LearnedPhrases())
    learned = LearnedPhrases.of_songs([before])
    assert len(taken(before, learned)) > 5
    after = lines_of(tiny_bundle, request, learned)
    assert len(after) == 8
    assert taken(after, learned) == []
