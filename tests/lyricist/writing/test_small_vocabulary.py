"""A vocabulary with hardly a whole word of its own: its lines end in words of several tokens."""

import json
from collections import Counter

import numpy as np
import pytest
from tokenizers import Tokenizer

from lyricist.building.release import packaged_gguf
from lyricist.bundle.prompt_form import PLAIN
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.language.metrics import scheme_relations
from lyricist.language.rhyme import RhymeKind
from lyricist.lines.ends import Ends
from lyricist.songs import Effort, Song, SongRequest
from lyricist.tokenizing.byte_level import byte_level_tokenizer, first_merges
from lyricist.tokenizing.sentencepiece_model import sentencepiece_of_model
from lyricist.tokenizing.tokenizer_source import GgufVocabulary, SentencePieceModel
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.spelled_words import MOST_TOKENS
from lyricist.vocabulary.tokens import Vocabulary, token_texts
from lyricist.vocabulary.word_table import WordTable, derive_word_table
from lyricist.writing.writer import FEWEST_END_WORDS, Writer
from tests.support.counted_engine import CountedEngine
from tests.support.paths import ROOT
from tests.support.sentencepiece_models import trained

#: Some 760 tokens: the bytes, markup, and what the first merges make.
MERGES = 500


@pytest.fixture(scope="module", params=["byte-level", "SentencePiece"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    if request.param == "SentencePiece":
        return sentencepiece_of_model(SentencePieceModel(trained("bpe", prefix=True))).tokenizer
    whole = GgufFile(packaged_gguf()).tokenizer().vocabulary
    assert isinstance(whole, GgufVocabulary)
    return byte_level_tokenizer(first_merges(whole, MERGES)).tokenizer


class SmallVocabulary(Vocabulary):
    """Of a tokenizer that is in no bundle."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer, self.prompt = tokenizer, PLAIN
        self.size, self.ends = tokenizer.get_vocab_size(), frozenset()
        self.newline = self.encode("\n")[0]


@pytest.fixture(scope="module")
def vocabulary(tokenizer: Tokenizer) -> Vocabulary:
    return SmallVocabulary(tokenizer)


@pytest.fixture(scope="module")
def table(vocabulary: Vocabulary) -> WordTable:
    return derive_word_table(vocabulary.texts, vocabulary.encode)


@pytest.fixture(scope="module")
def writer(vocabulary: Vocabulary) -> Writer:
    """One that writes as the project's own songs do, three tokens in a row at a time."""
    verses = (ROOT / "corpus" / "verses.jsonl").read_text(encoding="utf-8").splitlines()
    songs = ["\n".join(json.loads(verse)["lines"]) for verse in verses[:300]]
    engine = CountedEngine(vocabulary.size, vocabulary.encode("\n".join(songs)))
    return Writer(engine, vocabulary, "counted", "digest")


def test_few_words_are_tokens_and_the_common_ones_are_spelled(
    table: WordTable, vocabulary: Vocabulary
) -> None:
    size = vocabulary.size
    whole = [end for end in table.end_words.tolist() if end < size]
    assert len(whole) < FEWEST_END_WORDS, "so that without the others it could not rhyme"
    assert len(table.spellings) > 10 * FEWEST_END_WORDS
    for at, spelling in enumerate(table.spellings):
        assert 2 <= len(spelling) <= MOST_TOKENS
        assert "".join(vocabulary.texts[token] for token in spelling) == table.texts[size + at]
    assert len(table.starts) == size, "what may come next is tokens only"


def test_a_vocabulary_that_spells_few_words_is_left_to_write_freely(tokenizer: Tokenizer) -> None:
    texts = token_texts(tokenizer, tokenizer.get_vocab_size())
    assert not derive_word_table(texts, lambda text: list(range(len(text)))).spellings


def test_what_a_spelled_word_takes_of_its_first_token_is_a_share(table: WordTable) -> None:
    shares: Counter[int] = Counter()
    for spelling, share in zip(table.spellings, np.exp(table.spelled_shares), strict=True):
        shares[spelling[0]] += share
    assert 0 < min(shares.values()) <= max(shares.values()) < 1.001


def test_a_spelled_word_is_found_by_its_tokens_and_used_up_by_its_name(
    table: WordTable, vocabulary: Vocabulary
) -> None:
    lexicon = Lexicon(table, vocabulary.encode)
    end = next(end for end in table.end_words.tolist() if end >= vocabulary.size)
    word = table.words[end]
    assert lexicon.end_of_tokens(lexicon.tokens_of_end(end)) == end
    assert end in lexicon.ends_of(word).tolist()
    assert end not in lexicon.tokens_of(word).tolist()
    assert lexicon.end_of_tokens((1, 2, 3)) is None


def test_a_spelled_word_that_has_no_place_in_a_song_ends_no_line_of_it(
    table: WordTable, vocabulary: Vocabulary
) -> None:
    lexicon = Lexicon(table, vocabulary.encode)
    end = int(table.end_words[-1])
    nothing = np.zeros(len(table.end_words), np.float32)
    assert end in Ends(lexicon, explicit=False).anchors(0, nothing)[0]
    unasked = Ends(lexicon, explicit=False, unasked=[table.words[end]])
    assert end not in unasked.anchors(0, nothing)[0]


@pytest.mark.parametrize("effort", [Effort.QUICK, Effort.NORMAL])
def test_a_small_vocabulary_rhymes_in_words_of_several_tokens(
    writer: Writer, vocabulary: Vocabulary, effort: Effort
) -> None:
    request = SongRequest("the old kitchen", lines=4, seed=3, effort=effort)
    [song] = writer.write([request], lambda _index, _lines: True)
    assert isinstance(song, Song)
    [section] = song.sections
    relations = scheme_relations("AABB", section.lines)
    assert set(relations) <= {RhymeKind.PERFECT, RhymeKind.SLANT}
    ends = [vocabulary.encode(f" {line.split()[-1]}") for line in section.lines]
    assert any(len(end) > 1 for end in ends), section.lines
