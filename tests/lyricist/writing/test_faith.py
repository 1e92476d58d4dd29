"""A model that would speak of its faith: it may where that was asked for, and nowhere else."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyricist.bundle.manifest import DRAFTS, read_bundle
from lyricist.engine.litert import LiteRtEngine
from lyricist.language import faith
from lyricist.language.faith import saves_a_soul, unasked_words
from lyricist.language.metrics import topic_coverage
from lyricist.language.words import split_words, word_list
from lyricist.lines.ends import Ends
from lyricist.songs import MOST_SONGS, Song, SongRequest
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.tokens import Vocabulary
from lyricist.vocabulary.word_table import derive_word_table
from lyricist.writing.writer import Writer
from tests.support.obsessed import Obsessed

OF_FAITH = unasked_words("")
SEEDS = range(3)
PLAIN = SongRequest("a bakery at dawn", lines=8, rhyme_scheme="none")
DEVOUT = replace(PLAIN, prompt="a prayer at dawn")


@pytest.fixture(scope="module")
def vocabulary(tiny_bundle: Path) -> Vocabulary:
    return Vocabulary(read_bundle(tiny_bundle))


def writer(tiny_bundle: Path, vocabulary: Vocabulary, words: Sequence[str]) -> Writer:
    """Of a model that would rather say these words than any other."""
    spelled = {
        token
        for word in words
        for text in (f" {word}", f" {word.capitalize()}", word.capitalize())
        if len(tokens := vocabulary.encode(text)) == 1
        for token in tokens
    }
    engine = LiteRtEngine(read_bundle(tiny_bundle), MOST_SONGS * DRAFTS, threads=1)
    return Writer(Obsessed(engine, sorted(spelled)), vocabulary, "devout", "digest")


def write(writer: Writer, request: SongRequest) -> Song:
    (song,) = writer.write([request], lambda _index, _lines: True)
    assert isinstance(song, Song)
    return song


def lines_of(song: Song) -> list[list[str]]:
    return [split_words(line) for section in song.sections for line in section.lines]


def words_of(song: Song) -> set[str]:
    return {word for words in [split_words(song.title), *lines_of(song)] for word in words}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_model_that_wants_to_preach_does_so_only_where_it_was_asked(
    tiny_bundle: Path, vocabulary: Vocabulary, seed: int
) -> None:
    devout = writer(tiny_bundle, vocabulary, sorted(word_list("faith")))
    plain = write(devout, replace(PLAIN, seed=seed))
    assert words_of(plain) & OF_FAITH == set()
    asked = write(devout, replace(DEVOUT, seed=seed))
    assert words_of(asked) & OF_FAITH
    assert topic_coverage(DEVOUT.prompt, [" ".join(words) for words in lines_of(asked)]) == 1


def test_no_line_of_a_worldly_song_saves_a_soul(
    tiny_bundle: Path, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tiny model knows no soul: as if it were a night that is not to be saved.
    monkeypatch.setattr(faith, "_SAVES", frozenset({"time"}))
    monkeypatch.setattr(faith, "_SOULS", frozenset({"night"}))
    saver = writer(tiny_bundle, vocabulary, ["time", "night"])
    found = [
        [any(map(saves_a_soul, lines_of(write(saver, replace(each, seed=seed))))) for seed in SEEDS]
        for each in (PLAIN, DEVOUT)
    ]
    assert not any(found[0])
    assert any(found[1])


def test_a_first_line_that_is_given_may_be_of_faith(
    tiny_bundle: Path, vocabulary: Vocabulary
) -> None:
    devout = writer(tiny_bundle, vocabulary, ["god"])
    request = SongRequest("come and save my soul", lines=4, continue_prompt=True)
    assert lines_of(write(devout, request))[0][2:5] == ["save", "my", "soul"]


def test_a_title_of_a_worldly_song_is_not_of_faith(
    tiny_bundle: Path, vocabulary: Vocabulary
) -> None:
    devout = writer(tiny_bundle, vocabulary, ["heaven", "holy", "lord"])
    titles = [write(devout, SongRequest("socks", lines=4, seed=seed)).title for seed in range(4)]
    assert not {word for title in titles for word in split_words(title)} & OF_FAITH


def test_rhymes_of_faith_are_not_counted_on_where_they_may_not_be_sung(
    tiny_bundle: Path, vocabulary: Vocabulary
) -> None:
    """An anchor whose only answers are such words would leave its line without one."""
    lexicon = Lexicon(derive_word_table(vocabulary.texts), vocabulary.encode)
    expected = np.ones(len(lexicon.end_words), np.float32)
    worldly, any_ends = Ends(lexicon, False, OF_FAITH), Ends(lexicon, False)
    may = [
        {lexicon.words[end] for end in ends.anchors(0, expected)[0].tolist()}
        for ends in (worldly, any_ends)
    ]
    assert may[1] - may[0] == may[1] & OF_FAITH
    assert "faith" in may[1]
