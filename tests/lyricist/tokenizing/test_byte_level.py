"""Byte-level BPE from a GGUF file's fields cuts and merges every text as its makers' own does."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from lyricist.building.release import packaged_gguf
from lyricist.checkpoints.gguf_file import GgufFile
from lyricist.errors import BuildError
from lyricist.tokenizing.byte_level import byte_level_tokenizer, first_merges
from lyricist.tokenizing.tokenizer_source import GgufVocabulary, PieceKind
from tests.support.hard_texts import hard_texts

DATA = Path(__file__).parent / "data"
LETTERS = tuple("abt\u0120\u010a")
KINDS = (PieceKind.NORMAL,) * len(LETTERS)


def fields_of(original: dict[str, Any], cut: str) -> GgufVocabulary:
    """A tokenizer.json as a GGUF file would list it."""
    ids: dict[str, int] = original["model"]["vocab"]
    special = {token["content"] for token in original["added_tokens"]}
    tokens = tuple(sorted(ids, key=ids.__getitem__))
    kinds = tuple(PieceKind.CONTROL if t in special else PieceKind.NORMAL for t in tokens)
    merges = tuple((left, right) for left, right in original["model"]["merges"])
    return GgufVocabulary("gpt2", tokens, kinds, merges, cut)


@pytest.fixture(scope="module")
def packaged() -> GgufVocabulary:
    found = GgufFile(packaged_gguf()).tokenizer().vocabulary
    assert isinstance(found, GgufVocabulary)
    return found


@pytest.mark.parametrize("cut", ["gpt-2", "qwen2", "llama-bpe", "tekken"])
def test_a_thousand_hard_texts_are_cut_as_their_makers_cut_them(cut: str) -> None:
    content = (DATA / f"{cut}.json").read_text(encoding="utf-8")
    original = Tokenizer.from_str(content)
    rebuilt = byte_level_tokenizer(fields_of(json.loads(content), cut)).tokenizer
    original.encode_special_tokens = rebuilt.encode_special_tokens = True
    texts = hard_texts(1000)
    differing = [
        text
        for text in texts
        if original.encode(text, add_special_tokens=False).ids != rebuilt.encode(text).ids
    ]
    assert not differing


@pytest.mark.parametrize(("cut", "is_whole"), [("llama-bpe", True), ("dbrx", False)])
def test_a_word_that_no_merge_makes_is_found_where_whole_words_come_first(
    cut: str, is_whole: bool
) -> None:
    original = json.loads((DATA / "llama-bpe.json").read_text(encoding="utf-8"))
    tokenizer = byte_level_tokenizer(fields_of(original, cut)).tokenizer
    assert (len(tokenizer.encode(" harmonica").ids) == 1) is is_whole


def test_the_tokenizer_gives_every_text_back(packaged: GgufVocabulary) -> None:
    tokenizer = byte_level_tokenizer(packaged).tokenizer
    for text in ("I don't know,  2024!\n\n", "l'été à Noël", "😀 日本語 Ünï", " <|im_end|>", ""):
        ids = tokenizer.encode(text).ids
        assert tokenizer.decode(ids, skip_special_tokens=False) == text
    assert tokenizer.encode("<|im_end|>").ids == [2]
    assert len(tokenizer.encode("2024").ids) == 4, "every digit is a token of its own"


def test_the_smaller_vocabulary_is_whole(packaged: GgufVocabulary) -> None:
    small = first_merges(packaged, 500)
    tokenizer = byte_level_tokenizer(small).tokenizer
    text = "Every word can still be written — even ünusual ones 😀"
    assert tokenizer.decode(tokenizer.encode(text).ids) == text
    assert len(small.tokens) < 1000
    assert len(small.kinds) == len(small.tokens)
    assert small.kinds.count(PieceKind.CONTROL) == packaged.kinds.count(PieceKind.CONTROL)


def test_a_token_that_is_never_cut_stays_whole_and_is_no_markup() -> None:
    fields = GgufVocabulary("gpt2", (*LETTERS, "ab!"), (*KINDS, PieceKind.USER_DEFINED))
    tokenizer = byte_level_tokenizer(fields).tokenizer
    tokenizer.encode_special_tokens = True
    assert tokenizer.encode("tab!a").tokens == ["t", "ab!", "a"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (GgufVocabulary("gpt2", ("a", "a"), (1, 1)), "holds a token twice"),
        (GgufVocabulary("gpt2", ("a", "b"), (1,)), "does not say of each token"),
        (GgufVocabulary("gpt2", ("a", "b"), (1, 1), (("a", "b"),)), "joins tokens that"),
        (GgufVocabulary("gpt2", LETTERS, KINDS, cut="klingon"), "not known: 'klingon'"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(fields: GgufVocabulary, sentence: str) -> None:
    with pytest.raises(BuildError, match=sentence):
        byte_level_tokenizer(fields)
