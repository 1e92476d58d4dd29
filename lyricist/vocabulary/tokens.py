"""Text to token ids and back, and which tokens lyrics may be made of."""

from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property

import numpy as np
from tokenizers import Tokenizer

from lyricist.arrays import BoolArray, IntArray
from lyricist.bundle.manifest import TOKENIZER, Bundle
from lyricist.errors import BundleError


class Encoder:
    """Text to token ids."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def encode(self, text: str, markup: bool = False) -> list[int]:
        """Ids of `text`; names of special tokens in it are plain text unless `markup`."""
        self._tokenizer.encode_special_tokens = not markup
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


class Vocabulary(Encoder):
    """All tokens of a model."""

    def __init__(self, bundle: Bundle) -> None:
        """Raises BundleError if the bundle's tokenizer.json is no tokenizer, OSError as usual."""
        path = bundle.folder / TOKENIZER
        written = path.read_bytes()
        try:
            super().__init__(Tokenizer.from_buffer(written))
        except Exception as error:
            raise BundleError(f"{path} is no tokenizer: {error}") from error
        self.size: int = self._tokenizer.get_vocab_size()
        ends = (self._tokenizer.token_to_id(token) for token in bundle.end_tokens)
        #: Ids after which the model has nothing more to say.
        self.ends = frozenset(end for end in ends if end is not None)
        #: The id that ends a line.
        self.newline: int = self.encode("\n")[0]

    def decode(self, ids: Sequence[int]) -> str:
        """The text of `ids`, special tokens left out."""
        text: str = self._tokenizer.decode(list(ids), skip_special_tokens=True)
        return text

    def prepare(self) -> None:
        """Works out now, in a tenth of a second, what would be worked out on first use."""
        _ = self.writable, self.lettered, self.line_ends

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Every token's text; "" for special tokens and for parts of a character."""
        return token_texts(self._tokenizer)

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
        """Ids of all tokens that begin with a line end; only `newline` is ever written."""
        starts = [index for index, text in enumerate(self.texts) if text.startswith("\n")]
        return np.array(starts, np.intp)


def token_texts(tokenizer: Tokenizer) -> tuple[str, ...]:
    """Every token's text; "" for special tokens and for parts of a character."""
    special = set(tokenizer.get_added_tokens_decoder())
    table = _byte_of_character()
    texts = [""] * tokenizer.get_vocab_size()
    for token, index in tokenizer.get_vocab(with_added_tokens=False).items():
        if index not in special:
            with suppress(KeyError, UnicodeDecodeError):
                texts[index] = bytes(table[character] for character in token).decode()
    return tuple(texts)


def _byte_of_character() -> dict[str, int]:
    """Byte-level BPE's alphabet (Radford et al. 2019): printable bytes stand for themselves, the
    others for the characters from U+0100 on, in order."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    table = {chr(byte): byte for byte in plain}
    return table | {chr(0x100 + index): byte for index, byte in enumerate(rest)}
