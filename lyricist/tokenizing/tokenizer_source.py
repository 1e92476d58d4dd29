"""What a tokenizer is made of, as the file of a model has it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path


class PieceKind(IntEnum):
    """What a token is, by the numbers that SentencePiece and GGUF share."""

    NORMAL = 1
    UNKNOWN = 2
    #: Markup such as <|im_end|>, never written text.
    CONTROL = 3
    #: Always one token where its text stands, whatever is around it.
    USER_DEFINED = 4
    UNUSED = 5
    #: A byte of a character that has no token, written <0x0A>.
    BYTE = 6


#: Kinds that no text turns into.
MARKUP_KINDS = frozenset({PieceKind.CONTROL, PieceKind.UNKNOWN, PieceKind.UNUSED})


@dataclass(frozen=True)
class GgufVocabulary:
    """The fields of a GGUF file; ids are positions in `tokens`."""

    #: `tokenizer.ggml.model`: "gpt2" is byte-level BPE, "llama" SentencePiece.
    model: str
    tokens: tuple[str, ...]
    #: A `PieceKind` of each token.
    kinds: tuple[int, ...]
    #: Of byte-level BPE, the commonest first; and how text is cut before merging, as llama.cpp
    #: names it.
    merges: tuple[tuple[str, str], ...] = ()
    cut: str = "default"
    #: Of SentencePiece: what scores higher is merged first.
    scores: tuple[float, ...] = ()
    #: Whether a text begins as if a space stood before it.
    adds_space: bool = False


@dataclass(frozen=True)
class TokenizerJson:
    """A tokenizer.json, the form of the `tokenizers` package."""

    content: bytes


@dataclass(frozen=True)
class SentencePieceModel:
    """A tokenizer.model, and the tokens that were added to it later: id -> text, whether markup."""

    content: bytes
    added: Mapping[int, tuple[str, bool]] = field(default_factory=dict)


@dataclass(frozen=True)
class TokenizerSource:
    """The tokenizer of one model and how the model is spoken to."""

    #: Named in errors.
    path: Path
    vocabulary: GgufVocabulary | TokenizerJson | SentencePieceModel
    #: Jinja; "" for a model that is no assistant.
    chat_template: str = ""
    #: The token that a text begins with, "" for none; None where only the tokenizer knows if it is
    #: wanted.
    bos: str = ""
    add_bos: bool | None = None
    #: Tokens, by text or by id, after which the model has nothing more to say.
    ends: tuple[str, ...] = ()
    end_ids: tuple[int, ...] = ()
