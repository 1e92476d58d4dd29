"""Songs of which some lines are given, or whose shape is: from the tiny model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyricist.arrays import FloatArray
from lyricist.bundle.manifest import DRAFTS, read_bundle
from lyricist.engine.litert import LiteRtEngine
from lyricist.engine.sessions import run_together
from lyricist.errors import LyricistError
from lyricist.language.rhyme import RhymeKind, relation
from lyricist.language.syllables import syllables
from lyricist.language.words import split_words
from lyricist.lines.ends import Ends
from lyricist.lines.history import History
from lyricist.lines.topic import SongTopic
from lyricist.songs import MOST_SONGS, Section, Song, SongRequest
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.tokens import Vocabulary
from lyricist.vocabulary.word_table import derive_word_table
from lyricist.writing.free_verse import MOST_RETRIES, MOST_TOKENS, write_freely
from lyricist.writing.given_lines import sing_given, tokens_of
from lyricist.writing.take import Take
from lyricist.writing.writer import Writer

RHYMING = (RhymeKind.PERFECT, RhymeKind.SLANT)


@pytest.fixture(scope="module")
def engine(tiny_bundle: Path) -> LiteRtEngine:
    return LiteRtEngine(read_bundle(tiny_bundle), MOST_SONGS * DRAFTS, threads=1)


@pytest.fixture(scope="module")
def vocabulary(tiny_bundle: Path) -> Vocabulary:
    return Vocabulary(read_bundle(tiny_bundle))


@pytest.fixture(scope="module")
def writer(engine: LiteRtEngine, vocabulary: Vocabulary) -> Writer:
    return Writer(engine, vocabulary, "tiny", "digest")


def write(writer: Writer, request: SongRequest) -> tuple[Song, list[list[str]]]:
    """The song, and the lines as they were shown each time."""
    shown: list[list[str]] = []

    def show(_index: int, lines: Sequence[str]) -> bool:
        shown.append([*lines])
        return True

    [song] = writer.write([request], show)
    assert isinstance(song, Song), song
    return song, shown


def lines_of(song: Song) -> list[str]:
    return [line for section in song.sections for line in section.lines]


def end_of(line: str) -> str:
    return split_words(line)[-1]


@pytest.mark.parametrize(
    ("scheme", "pairs"), [("AABB", ((0, 1), (2, 3))), ("ABBA", ((0, 3), (1, 2)))]
)
def test_what_is_written_rhymes_with_what_is_given_before_and_after_it(
    writer: Writer, scheme: str, pairs: tuple[tuple[int, int], ...]
) -> None:
    given = ("The cat is on the floor", None, None, "A Quiet HOUSE - again!")
    request = SongRequest("a night bus", lines=4, rhyme_scheme=scheme, given=given)
    song, shown = write(writer, request)
    lines = lines_of(song)
    assert (lines[0], lines[3]) == (given[0], given[3])
    if scheme == "AABB":
        assert all(relation(end_of(lines[a]), end_of(lines[b])) in RHYMING for a, b in pairs)
    assert song.rhyme_score == (1.0 if scheme == "AABB" else 0.5)
    assert shown[0] == [given[0]]
    assert shown[-1] == lines
    assert [len(offered) for offered in song.sections[0].alternatives][::3] == [0, 0]


def test_what_is_written_repeats_nothing_that_is_given_later(writer: Writer) -> None:
    given = (None, None, None, "We ride the bus tonight, the bus tonight")
    song, _ = write(writer, SongRequest("a night bus tonight", lines=4, given=given))
    written = [word for line in lines_of(song)[:3] for word in split_words(line)]
    assert not {"bus", "tonight"} & {*written}


def test_a_given_line_that_nothing_rhymes_with_gets_a_free_partner_and_the_song_says_so(
    writer: Writer,
) -> None:
    given = ("Wir fahren über Zürichs Brücke", None, None, None)
    song, _ = write(writer, SongRequest("a night bus", lines=4, given=given))
    assert song.missed == ((1, 2),)
    assert song.rhyme_score == 0.5


def test_a_given_chorus_is_sung_wherever_it_stands(writer: Writer) -> None:
    given = (None, None, "Oh my love", None, None, None)
    structure = "verse 2, chorus 1, verse 2, chorus"
    song, _ = write(writer, SongRequest("a night bus", structure=structure, given=given))
    assert [section.name for section in song.sections] == ["Verse 1", "Chorus", "Verse 2", "Chorus"]
    assert song.sections[1] == song.sections[3] == Section("Chorus", ("Oh my love",), "AABB", ((),))


def test_parts_have_schemes_and_lines_of_their_own(writer: Writer) -> None:
    structure = "intro 1, verse 4 ABAB, bridge 3 A-A, outro 2"
    song, _ = write(writer, SongRequest("a night bus", structure=structure))
    shape = [(section.name, len(section.lines), section.scheme) for section in song.sections]
    assert shape == [
        ("Intro", 1, "AABB"), ("Verse 1", 4, "ABAB"), ("Bridge", 3, "A-A"), ("Outro", 2, "AABB")
    ]  # fmt: skip
    assert song.rhyme_scheme == ""
    assert song.missed == ()


def test_lines_have_the_syllables_that_are_counted(writer: Writer) -> None:
    song, _ = write(writer, SongRequest("a night bus", lines=4, syllables="8 5"))
    counts = [sum(map(syllables, split_words(line))) for line in lines_of(song)]
    assert counts == [8, 5, 8, 5]


def test_a_song_to_a_tune_has_its_lines_syllables_and_rhymes(writer: Writer) -> None:
    tune = "Row your boat\nGently down the stream\nMerrily, merrily\nLife is but a dream"
    song, _ = write(writer, SongRequest("a night bus", tune=tune))
    [section] = song.sections
    counts = [sum(map(syllables, split_words(line))) for line in section.lines]
    assert (section.scheme, counts) == ("-A-A", [3, 5, 6, 5])
    assert song.missed == ()


def test_a_song_is_called_what_it_is_to_be_called_and_follows_its_title(writer: Writer) -> None:
    plain = SongRequest("a night bus", lines=4, given=("The cat is on the floor", None, None, None))
    called = replace(plain, title="Moon of the floor")
    song, _ = write(writer, called)
    assert song.title == called.title
    assert lines_of(song) != lines_of(write(writer, plain)[0]), "the title is read before the lines"
    assert write(writer, called)[0] == song
    # What is read of a title leaves room for the lines, however long it is.
    long = replace(plain, title="\N{NIGHT WITH STARS}" * 200)
    assert write(writer, long)[0].title == long.title


def test_free_verse_sings_what_is_given_in_its_place(
    engine: LiteRtEngine, vocabulary: Vocabulary
) -> None:
    free = Writer(engine, vocabulary, "tiny", "digest", write_freely)
    given = (None, "The cat is on the floor", None, "Gone")
    song, _ = write(free, SongRequest("a night bus", lines=4, title="Bus", given=given))
    assert song.title == "Bus"
    assert lines_of(song)[1::2] == [given[1], given[3]]
    assert len(lines_of(song)) == 4


def test_free_verse_reads_a_given_line_in_one_pass(
    engine: LiteRtEngine, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes = 0
    step = engine.step

    def counted(tokens: Mapping[int, int]) -> dict[int, FloatArray]:
        nonlocal passes
        passes += 1
        return step(tokens)

    monkeypatch.setattr(engine, "step", counted)
    free = Writer(engine, vocabulary, "tiny", "digest", write_freely)
    given = (*[f"Line {n} of the cat on the floor and the road" for n in range(15)], None)
    write(free, SongRequest("a night bus", lines=16, given=given))
    assert passes <= MOST_TOKENS * (MOST_RETRIES + 1) + 1


def test_the_same_request_gives_the_same_alternatives(writer: Writer) -> None:
    request = SongRequest("a night bus", lines=4, seed=5)
    first, second = write(writer, request)[0], write(writer, request)[0]
    assert first == second
    offered = [line for section in first.sections for line in section.alternatives]
    assert len(offered) == 4
    assert any(offered)


def test_any_word_has_the_rhymes_of_all_its_pronunciations(vocabulary: Vocabulary) -> None:
    lexicon = Lexicon(derive_word_table(vocabulary.texts, vocabulary.encode), vocabulary.encode)
    perfect, slant = (
        {lexicon.words[end] for end in ends.tolist()} for ends in lexicon.rhymes_with("read")
    )
    assert {"bed", "head", "need", "speed"} <= perfect
    assert not {"read", "red"} & (perfect | slant)
    assert not perfect & slant
    kinds = {relation("read", word) for word in slant}
    assert kinds == {RhymeKind.SLANT}


def test_of_several_takes_the_one_is_best_in_which_a_given_line_is_expected(
    engine: LiteRtEngine, vocabulary: Vocabulary
) -> None:
    lexicon = Lexicon(derive_word_table(vocabulary.texts, vocabulary.encode), vocabulary.encode)
    given = "The cat is on the floor"
    tokens = tokens_of(given, engine, lexicon)
    takes = []
    for row in (0, 1):
        engine.rewind(row, 0)
        logits = engine.prefill(row, vocabulary.encode("A night\n"))
        # The second take hopes for the line's first word.
        logits = logits + np.float32(row * 20) * (np.arange(len(logits)) == tokens[0])
        takes.append(
            Take(row, logits, History(), SongTopic("", lexicon, False), Ends(lexicon, False))
        )
    [sung] = run_together(engine, [sing_given(takes, given, tokens, engine)])
    assert not isinstance(sung, LyricistError)
    first, second = sung
    assert first.lines == second.lines == (given,)
    assert second.score > first.score
    assert engine.length(0) == engine.length(1) == len(vocabulary.encode("A night\n")) + len(tokens)
