"""Byte-level BPE out of a GGUF file's fields, and the tiny preset's smaller one."""

from dataclasses import replace

from tokenizers import AddedToken, Tokenizer, decoders, models

from lyricist.errors import BuildError
from lyricist.tokenizing.cuts import cut_named
from lyricist.tokenizing.tokenizer_source import MARKUP_KINDS, GgufVocabulary, PieceKind
from lyricist.tokenizing.whole_tokenizer import Spaces, WholeTokenizer


def byte_level_tokenizer(fields: GgufVocabulary) -> WholeTokenizer:
    """A byte-level BPE tokenizer; BuildError if its parts do not fit or its cut is not known."""
    ids = checked_ids(fields)
    if any(not {left, right, left + right} <= ids.keys() for left, right in fields.merges):
        raise BuildError("The tokenizer joins tokens that its vocabulary does not hold.")
    cut = cut_named(fields.cut)
    bpe = models.BPE(vocab=ids, merges=list(fields.merges), ignore_merges=cut.whole_words)
    tokenizer = Tokenizer(bpe)
    normalizer = cut.normalizer()
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = cut.pre_tokenizer()
    tokenizer.decoder = decoders.ByteLevel()
    add_markup(tokenizer, fields)
    spaces = Spaces.ALWAYS if fields.adds_space else Spaces.NEVER
    return WholeTokenizer(tokenizer, spaces, cut.adds_bos)


def checked_ids(fields: GgufVocabulary) -> dict[str, int]:
    """Token -> id; BuildError if a token stands twice or the lists differ in length."""
    ids = {token: index for index, token in enumerate(fields.tokens)}
    if len(ids) != len(fields.tokens):
        raise BuildError("The model's vocabulary holds a token twice.")
    if len(fields.kinds) != len(fields.tokens):
        raise BuildError("The model's vocabulary does not say of each token what it is.")
    return ids


def add_markup(tokenizer: Tokenizer, fields: GgufVocabulary, *, normalized: bool = False) -> None:
    """Sets apart the tokens that no text turns into, and those that are never cut.

    `normalized`: whether the latter are written as a normalized text has them.
    """
    pairs = list(zip(fields.tokens, fields.kinds, strict=True))
    markup = [token for token, kind in pairs if kind in MARKUP_KINDS]
    own = [token for token, kind in pairs if kind == PieceKind.USER_DEFINED]
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in markup])
    tokenizer.add_tokens([AddedToken(t, normalized=normalized, special=False) for t in own])
    if tokenizer.get_vocab_size() != len(fields.tokens):
        raise BuildError("The model's special tokens are not part of its vocabulary.")


def first_merges(fields: GgufVocabulary, merges: int) -> GgufVocabulary:
    """The smaller tokenizer that only ever learned the first `merges` merges.

    Merges stand in the order of their frequency, and each joins two tokens that exist before it,
    so what remains is whole: markup, the single bytes and the commonest words.
    """
    kept_merges = fields.merges[:merges]
    learned = {left + right for left, right in kept_merges}
    made_later = {left + right for left, right in fields.merges} - learned
    kept = [index for index, token in enumerate(fields.tokens) if token not in made_later]
    return replace(
        fields,
        tokens=tuple(fields.tokens[index] for index in kept),
        kinds=tuple(fields.kinds[index] for index in kept),
        merges=kept_merges,
    )
