"""SentencePiece tokenizers, out of a GGUF file's fields or of a tokenizer.model (Kudo and
Richardson 2018): spaces are written ▁, characters without a token as bytes <0x0A>."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.message import DecodeError
from tokenizers import Regex, Tokenizer, decoders, models, normalizers

from lyricist.errors import BuildError
from lyricist.tokenizing.byte_level import add_markup, checked_ids
from lyricist.tokenizing.tokenizer_source import (
    GgufVocabulary,
    PieceKind,
    SentencePieceModel,
)
from lyricist.tokenizing.whole_tokenizer import Spaces, WholeTokenizer

SPACE = "▁"
#: Gemma's has 262,144 tokens in 4.7 MB.
MOST_MODEL_BYTES = 64 << 20
MOST_TOKENS = 1 << 20
#: Longer tokens than this are not merged from parts: each is tried at every place.
_LONGEST_TOKEN = 256
_BPE = 2


def sentencepiece_of_fields(fields: GgufVocabulary) -> WholeTokenizer:
    """The tokenizer that a GGUF file lists as "llama"; BuildError if its parts do not fit."""
    if len(fields.scores) != len(fields.tokens):
        raise BuildError("The model's vocabulary does not say of each token what it scores.")
    return _tokenizer(fields, [])


def sentencepiece_of_model(model: SentencePieceModel) -> WholeTokenizer:
    """The tokenizer in a tokenizer.model; BuildError if that is none or of another kind."""
    if len(model.content) > MOST_MODEL_BYTES:
        raise BuildError(f"The tokenizer is larger than {MOST_MODEL_BYTES >> 20} MB.")
    found = _parsed(model.content)
    fields = _with_added(_fields(found), model.added)
    if found.trainer_spec.model_type != _BPE:
        raise BuildError(
            "The tokenizer.model is not of SentencePiece's BPE, the only kind that can be read; a "
            "tokenizer.json of the same tokenizer can be of another."
        )
    spec = found.normalizer_spec
    before: list[normalizers.Normalizer] = []
    if spec.precompiled_charsmap:
        try:
            before.append(normalizers.Precompiled(spec.precompiled_charsmap))
        except Exception as error:
            raise BuildError(f"The tokenizer's table of characters is damaged: {error}") from error
    if spec.remove_extra_whitespaces:
        before.append(normalizers.Replace(Regex(" {2,}"), " "))
    return _tokenizer(fields, before)


def _parsed(content: bytes) -> Any:
    from sentencepiece import sentencepiece_model_pb2  # only where such a model is built

    found = sentencepiece_model_pb2.ModelProto()
    try:
        found.ParseFromString(content)
    except DecodeError as error:
        raise BuildError(f"The tokenizer is no SentencePiece model: {error}.") from error
    if not 0 < len(found.pieces) <= MOST_TOKENS:
        raise BuildError(f"The tokenizer has {len(found.pieces)} tokens, not 1 to {MOST_TOKENS}.")
    return found


def _fields(found: Any) -> GgufVocabulary:
    tokens = tuple(piece.piece for piece in found.pieces)
    if not all(isinstance(token, str) for token in tokens):  # protobuf leaves what is no UTF-8
        raise BuildError("The tokenizer has tokens that are no text.")
    return GgufVocabulary(
        model="llama",
        tokens=tokens,
        kinds=tuple(piece.type for piece in found.pieces),
        scores=tuple(piece.score for piece in found.pieces),
        adds_space=found.normalizer_spec.add_dummy_prefix,
    )


def _with_added(fields: GgufVocabulary, added: Mapping[int, tuple[str, bool]]) -> GgufVocabulary:
    """The vocabulary with tokens that were added to it later, at their ids."""
    if added and not 0 <= min(added) <= max(added) < MOST_TOKENS:
        raise BuildError("The tokenizer's added tokens have ids that no vocabulary has.")
    size = max([len(fields.tokens), *(index + 1 for index in added)])
    missing = range(len(fields.tokens), size)
    tokens = [*fields.tokens, *(f"<|unused_{index}|>" for index in missing)]
    kinds = [*fields.kinds, *(PieceKind.UNUSED for _ in missing)]
    for index, (text, is_markup) in added.items():
        tokens[index] = text
        kinds[index] = PieceKind.CONTROL if is_markup else PieceKind.USER_DEFINED
    scores = (*fields.scores, *(0.0 for _ in missing))
    return GgufVocabulary(
        "llama", tuple(tokens), tuple(kinds), scores=scores, adds_space=fields.adds_space
    )


def _tokenizer(fields: GgufVocabulary, before: list[normalizers.Normalizer]) -> WholeTokenizer:
    tokenizer = Tokenizer(_bpe(fields))
    tokenizer.normalizer = normalizers.Sequence([*before, normalizers.Replace(" ", SPACE)])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    add_markup(tokenizer, fields, normalized=True)
    spaces = Spaces.ALWAYS if fields.adds_space else Spaces.NEVER
    return WholeTokenizer(tokenizer, spaces, adds_bos=True)


def _bpe(fields: GgufVocabulary) -> models.Model:
    """SentencePiece merges the pair that makes the token of the highest score; `tokenizers` the
    pair that stands first in a list."""
    ids = checked_ids(fields)
    made = [
        index
        for index, (token, kind) in enumerate(zip(fields.tokens, fields.kinds, strict=True))
        if kind == PieceKind.NORMAL and 1 < len(token) <= _LONGEST_TOKEN
    ]
    pairs = zip(fields.tokens, fields.kinds, strict=True)
    parts = {token for token, kind in pairs if kind == PieceKind.NORMAL}
    merges = []
    for index in sorted(made, key=lambda index: -fields.scores[index]):
        token = fields.tokens[index]
        splits = [(token[:at], token[at:]) for at in range(1, len(token))]
        known = [(left, right) for left, right in splits if left in parts and right in parts]
        merges += sorted(known, key=lambda pair: (ids[pair[0]], ids[pair[1]]))
    return models.BPE(
        vocab=ids,
        merges=merges,
        unk_token=_unknown(fields),
        fuse_unk=True,
        byte_fallback=_has_bytes(fields),
    )


def _unknown(fields: GgufVocabulary) -> str | None:
    pairs = zip(fields.tokens, fields.kinds, strict=True)
    return next((token for token, kind in pairs if kind == PieceKind.UNKNOWN), None)


def _has_bytes(fields: GgufVocabulary) -> bool:
    return PieceKind.BYTE in fields.kinds
