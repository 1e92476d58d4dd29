"""Text to token ids and back, and which tokens lyrics may be made of."""

import re
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from tokenizers import Tokenizer

from lyricist.arrays import BoolArray, IntArray
from lyricist.bundle.manifest import TOKENIZER, Bundle
from lyricist.bundle.prompt_form import PromptForm, form_without_template
from lyricist.errors import BundleError, LyricistError, is_panic

_HELD_LINE_END = re.compile(r"[,.!?;:…\"'”’)]+\n+")
#: How SentencePiece writes a byte that is no character of its vocabulary.
_BYTE = re.compile("<0x[0-9A-F]{2}>")
#: A text that a token is decoded after, since the first space of all is often taken away; and what
#: stands for bytes that are no character.
_BEFORE, _NO_CHARACTER = "a", "\ufffd"


class Encoder:
    """Text to token ids, and the form in which a model is told texts."""

    def __init__(self, tokenizer: Tokenizer, prompt: PromptForm) -> None:
        self._tokenizer = tokenizer
        self.prompt = prompt

    def encode(self, text: str, markup: bool = False) -> list[int]:
        """Ids of `text`; names of special tokens in it are plain text unless `markup`.

        LyricistError where a tokenizer fails on it, as one with a costly expression may.
        """
        self._tokenizer.encode_special_tokens = not markup
        try:
            ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        except BaseException as error:
            if isinstance(error, Exception) or is_panic(error):
                why = f"{text[:100]!r}: {str(error)[:200]}"
                raise LyricistError(f"The model's tokenizer fails on {why}.") from error
            raise
        return ids


class Vocabulary(Encoder):
    """All tokens of a model."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError if the bundle's tokenizer.json is no tokenizer, OSError as usual."""
        path = bundle.folder / TOKENIZER
        written = path.read_bytes()
        try:
            tokenizer = Tokenizer.from_buffer(written)
        except BaseException as error:
            if isinstance(error, Exception) or is_panic(error):
                raise BundleError(f"{path} is no tokenizer: {error}") from error
            raise
        super().__init__(tokenizer, bundle.prompt or form_without_template(tokenizer.token_to_id))
        #: As many as the network has logits: its makers may have rounded up.
        self.size = bundle.architecture.vocabulary_size
        ends = (self._tokenizer.token_to_id(token) for token in bundle.end_tokens)
        #: Ids after which the model has nothing more to say.
        self.ends = frozenset(end for end in ends if end is not None)
        #: The id that ends a line.
        self.newline: int = self.encode("\n")[0]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, special tokens left out."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    def written_out(self, ids: Sequence[int]) -> str:
        """The text of `ids`, special tokens by their names."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=False)
        return text

    def prepare(self) -> None:
        """Works out now, in a tenth of a second, what would be worked out on first use."""
        _ = self.writable, self.lettered, self.line_ends

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Every token's text; "" for special tokens and for parts of a character."""
        return token_texts(self._tokenizer, self.size)

    @cached_property
    def writable(self) -> BoolArray:
        """(size,) True for tokens that a line may be made of: whole, visible characters."""
        return np.array([text != "" and text.isprintable() for text in self.texts])

    @cached_property
    def lettered(self) -> BoolArray:
        """(size,) True for tokens that a line may begin with: writable, with a letter first."""
        first = [text.lstrip(" ")[:1] for text in self.texts]
        letters: BoolArray = np.array([letter.isalpha() for letter in first])
        return np.logical_and(self.writable, letters)

    @cached_property
    def line_ends(self) -> IntArray:
        """Ids of all tokens that end a line, perhaps after signs; only `newline` is written."""
        ends = [
            index
            for index, text in enumerate(self.texts)
            if text.startswith("\n") or holds_line_end(text)
        ]
        return np.array(ends, np.intp)


def holds_line_end(text: str) -> bool:
    """Whether the token is one or several signs and the end of a line, such as ",\n".

    Vocabularies that cut after line ends (Llama 3, Qwen) have hundreds of these.
    """
    return _HELD_LINE_END.fullmatch(text) is not None


def token_texts(tokenizer: Tokenizer, size: int) -> tuple[str, ...]:
    """The texts of tokens 0 to `size` - 1, with their spaces.

    "" for markup, for parts of a character, for numbers without a token, and for a byte where
    another token has the same text.
    """
    texts, bytes_of = [""] * size, dict[int, str]()
    added = tokenizer.get_added_tokens_decoder()
    for token, index in tokenizer.get_vocab().items():
        text = _text_of(tokenizer, token)
        if index >= size or (index in added and (added[index].special or not text.isspace())):
            continue
        if _BYTE.fullmatch(token):
            bytes_of[index] = text
        else:
            texts[index] = text
    others = set(texts)
    for index, text in bytes_of.items():
        texts[index] = "" if text in others else text
    return tuple(texts)


def _text_of(tokenizer: Tokenizer, token: str) -> str:
    """What a token says inside of a text; "" if that is not a whole character."""
    if tokenizer.decoder is None:
        return token
    found: str = tokenizer.decoder.decode([_BEFORE, token])
    return "" if _NO_CHARACTER in found else found.removeprefix(_BEFORE)
