"""Which tokens are texts, and which of them end a line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

from lyricist.bundle.manifest import read_bundle
from lyricist.bundle.prompt_form import CHAT_ML, PLAIN
from lyricist.errors import LyricistError
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.tokens import Encoder, Vocabulary, holds_line_end, token_texts
from lyricist.vocabulary.word_table import derive_word_table


@pytest.mark.parametrize("text", [",\n", ".\n\n", "!\n", "?”\n", '"\n', "...\n", ")\n"])
def test_signs_and_a_line_end_are_an_end_of_a_line(text: str) -> None:
    assert holds_line_end(text)


@pytest.mark.parametrize("text", ["\n", "\n\n", ",", " \n", "a\n", ",\nAnd", "{\n", ",\r\n", ""])
def test_line_ends_alone_and_words_are_no_such_ends(text: str) -> None:
    assert not holds_line_end(text)


def test_a_line_that_stops_by_signs_and_a_line_end_has_stopped() -> None:
    texts = ["\n", ",", ".", "a", ",\n", ".\n\n", " and", "{\n"]
    lexicon = Lexicon(derive_word_table(texts), lambda text: [texts.index(text)])
    assert set(lexicon.line_ends.tolist()) == {0, 1, 2, 4, 5}


def test_a_network_may_have_more_logits_than_there_are_tokens(tiny_bundle: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    size = bundle.architecture.vocabulary_size
    wide = replace(bundle, architecture=replace(bundle.architecture, vocabulary_size=size + 9))
    vocabulary = Vocabulary(wide)
    assert len(vocabulary.texts) == vocabulary.size == size + 9
    assert vocabulary.texts[size:] == ("",) * 9
    assert not vocabulary.writable[size:].any()


def test_a_bundle_that_was_built_before_forms_were_kept_is_told_as_then(tiny_bundle: Path) -> None:
    bundle = read_bundle(tiny_bundle)
    assert Vocabulary(replace(bundle, prompt=None)).prompt == CHAT_ML == bundle.prompt
    assert Vocabulary(replace(bundle, prompt=PLAIN)).prompt == PLAIN


def test_white_space_that_was_added_is_text_and_markup_is_none() -> None:
    tokenizer = Tokenizer(models.BPE({"a": 0, "b": 1}, []))
    own = [AddedToken("\n\n", special=False), AddedToken("<think>", special=False)]
    tokenizer.add_tokens(own)
    tokenizer.add_special_tokens([AddedToken(" ", special=True)])
    assert token_texts(tokenizer, 6) == ("a", "b", "\n\n", "", "", "")


def test_a_tokenizer_that_fails_on_a_text_says_so_in_a_sentence() -> None:
    tokenizer = Tokenizer(models.BPE({"a": 0}, []))
    costly = Regex(r"((a+)+)+\d$")  # Rust gives up on it, with what is no Exception
    tokenizer.pre_tokenizer = pre_tokenizers.Split(costly, "isolated")
    encoder = Encoder(tokenizer, PLAIN)
    assert encoder.encode("aa") == [0, 0]
    with pytest.raises(LyricistError, match=r"tokenizer fails on 'a+': Onig: .* retry-limit"):
        encoder.encode("a" * 60)


def test_single_tokens_end_lines_where_there_are_enough_of_them(tiny_bundle: Path) -> None:
    vocabulary = Vocabulary(read_bundle(tiny_bundle))
    table = derive_word_table(vocabulary.texts, vocabulary.encode)
    assert not table.spellings
    assert len(table.texts) == vocabulary.size
    lexicon = Lexicon(table, vocabulary.encode)
    assert np.array_equal(lexicon.first_tokens, np.arange(vocabulary.size))
    assert not lexicon.rests.any()
