"""SentencePiece's tokenizers give the tokens that the sentencepiece library itself gives."""

import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencepiece import sentencepiece_model_pb2 as messages

from lyricist.errors import BuildError
from lyricist.tokenizing.sentencepiece_model import (
    MOST_MODEL_BYTES,
    sentencepiece_of_fields,
    sentencepiece_of_model,
)
from lyricist.tokenizing.tokenizer_source import GgufVocabulary, PieceKind, SentencePieceModel
from lyricist.tokenizing.whole_tokenizer import Spaces, WholeTokenizer
from lyricist.vocabulary.tokens import token_texts
from tests.support.hard_texts import hard_texts
from tests.support.sentencepiece_models import trained


@pytest.fixture(scope="module")
def bpe() -> bytes:
    return trained("bpe", prefix=True)


def fields_of(content: bytes) -> GgufVocabulary:
    """A tokenizer.model as a GGUF file lists it."""
    found = messages.ModelProto()
    found.ParseFromString(content)
    return GgufVocabulary(
        "llama",
        tuple(piece.piece for piece in found.pieces),
        tuple(piece.type for piece in found.pieces),
        scores=tuple(piece.score for piece in found.pieces),
        adds_space=found.normalizer_spec.add_dummy_prefix,
    )


def differing(whole: WholeTokenizer, content: bytes) -> list[str]:
    """The hard texts that the library cuts in another way."""
    library = sentencepiece.SentencePieceProcessor(model_proto=content)
    whole.tokenizer.encode_special_tokens = True
    before = "" if whole.spaces is Spaces.NEVER else " "
    return [
        text
        for text in hard_texts(1000)
        if library.encode(text) != whole.tokenizer.encode(before + text).ids
    ]


@pytest.mark.parametrize("prefix", [True, False])
def test_a_model_cuts_a_thousand_hard_texts_as_the_library_does(prefix: bool) -> None:
    content = trained("bpe", prefix)
    whole = sentencepiece_of_model(SentencePieceModel(content))
    assert whole.spaces is (Spaces.ALWAYS if prefix else Spaces.NEVER)
    assert not differing(whole, content)


def test_the_fields_of_a_gguf_file_cut_a_thousand_hard_texts_as_the_library_does(
    bpe: bytes,
) -> None:
    assert not differing(sentencepiece_of_fields(fields_of(bpe)), bpe)


def test_tokens_that_are_never_cut_come_before_all_merges() -> None:
    content = trained("bpe", prefix=False, own=["\n", "\n\n", "▁▁", "[INST]"])
    assert not differing(sentencepiece_of_model(SentencePieceModel(content)), content)


def test_tokens_that_were_added_later_have_their_ids(bpe: bytes) -> None:
    added = {3: ("<tool>", False), 700: ("<|im_start|>", True), 702: ("<|im_end|>", True)}
    whole = sentencepiece_of_model(SentencePieceModel(bpe, added))
    found = whole.tokenizer.encode("<|im_start|>a<|im_end|><tool>").ids
    assert (found[0], found[-2], found[-1]) == (700, 702, 3)
    assert whole.tokenizer.get_vocab_size() == 703


def test_the_texts_of_tokens_have_their_spaces_and_each_byte_once(bpe: bytes) -> None:
    whole = sentencepiece_of_model(SentencePieceModel(bpe))
    texts = token_texts(whole.tokenizer, 705)
    assert len(texts) == 705
    ids = whole.tokenizer.get_vocab()
    assert texts[ids["▁the"]] == " the"
    assert texts[ids["<0x0A>"]] == "\n", "no other token is a line's end"
    assert texts[ids["<0x61>"]] == "", "the letter has a token of its own"
    assert texts[ids["<0xE2>"]] == "", "not a whole character"
    assert texts[ids["<s>"]] == texts[704] == ""


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (SentencePieceModel(b"\x00 no model"), "no SentencePiece model"),
        (SentencePieceModel(b""), "has 0 tokens"),
        (SentencePieceModel(b"0" * (MOST_MODEL_BYTES + 1)), "larger than 64 MB"),
    ],
)
def test_what_is_no_sentencepiece_model_is_refused(
    model: SentencePieceModel, sentence: str
) -> None:
    with pytest.raises(BuildError, match=sentence):
        sentencepiece_of_model(model)


def test_a_unigram_model_is_refused() -> None:
    """The library and `tokenizers` take different ways where two cost the same."""
    with pytest.raises(BuildError, match="not of SentencePiece's BPE"):
        sentencepiece_of_model(SentencePieceModel(trained("unigram", prefix=True)))


def test_added_tokens_with_impossible_ids_are_refused(bpe: bytes) -> None:
    with pytest.raises(BuildError, match="ids that no vocabulary has"):
        sentencepiece_of_model(SentencePieceModel(bpe, {1 << 40: ("far", True)}))


def test_a_vocabulary_without_scores_is_refused() -> None:
    with pytest.raises(BuildError, match="what it scores"):
        sentencepiece_of_fields(GgufVocabulary("llama", ("a",), (PieceKind.NORMAL,)))


@settings(max_examples=60, deadline=2000)
@given(at=st.integers(0, 8000), byte=st.integers(0, 255))
def test_a_damaged_sentencepiece_model_is_read_or_refused(bpe: bytes, at: int, byte: int) -> None:
    at %= len(bpe)
    changed = bpe[:at] + bytes([byte]) + bpe[at + 1 :]
    try:
        whole = sentencepiece_of_model(SentencePieceModel(changed))
    except BuildError:
        return
    whole.tokenizer.encode("the river waits\n")
