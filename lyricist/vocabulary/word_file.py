"""words.npz: a bundle's word table as it was when the bundle was built, to be read in milliseconds.

Owns the file and how it is known to be out of date: it names the vocabulary, and the code and the
word lists that it was made by. Knows no words.
"""

import hashlib
import json
import logging
import zipfile
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from lyricist.bundle.manifest import TOKENIZER, WORDS, Bundle, record_file
from lyricist.bundle.sources import sources_digest
from lyricist.vocabulary.tokens import Tokens, token_texts
from lyricist.vocabulary.word_table import WordTable, derive_words

log = logging.getLogger(__name__)

#: What a word table follows from, beside the tokens' texts.
_SOURCES = ("language/*.py", "vocabulary/*.py", "data/*.txt", "data/*.gz")
_MASKS = ("starts", "firsts", "pieces", "whole", "slurs", "profane")
_NUMBERS = ("syllables", "class_of", "slant_class_of", "end_words")
_STRINGS = ("texts", "words", "end_phones")


def words_of(bundle: Bundle, tokens: Tokens) -> WordTable:
    """The word table of a bundle, derived anew where the stored one is stale or missing."""
    table = read_words(bundle.words_path, bundle.files[TOKENIZER].sha256)
    if table is None:
        log.warning(
            "%s is missing or of another version: every start takes longer until the model is "
            "built again",
            bundle.words_path,
        )
        table = derive_words(tokens.pieces)
    return table


def write_words_of(folder: Path) -> None:
    """Writes the word table of the tokenizer in `folder` beside it. OSError as usual."""
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    vocabulary = record_file(folder / TOKENIZER).sha256
    write_words(folder / WORDS, derive_words(token_texts(tokenizer)), vocabulary)


def write_words(path: Path, table: WordTable, vocabulary: str) -> None:
    """Writes `table`, that of the tokenizer whose digest is `vocabulary`. OSError as usual."""
    strings = json.dumps([list(getattr(table, name)) for name in _STRINGS], ensure_ascii=False)
    arrays = {name: getattr(table, name) for name in _MASKS}
    arrays |= {name: getattr(table, name).astype(np.int32) for name in _NUMBERS}
    with path.open("wb") as file:
        np.savez(
            file,
            made_by=_as_bytes(made_by(vocabulary)),
            strings=_as_bytes(strings),
            **arrays,
        )


def read_words(path: Path, vocabulary: str) -> WordTable | None:
    """The table in `path`; None if there is none, or it is not what would be derived today."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if file["made_by"].tobytes().decode() != made_by(vocabulary):
                return None
            texts, words, end_phones = json.loads(file["strings"].tobytes())
            masks = {name: file[name] for name in _MASKS}
            numbers = {name: file[name].astype(np.int64) for name in _NUMBERS}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    return WordTable(texts=texts, words=words, end_phones=end_phones, **masks, **numbers)


def made_by(vocabulary: str) -> str:
    """Digest of all that a table follows from."""
    return hashlib.sha256(f"{vocabulary} {sources_digest(*_SOURCES)}".encode()).hexdigest()


def _as_bytes(text: str) -> "np.typing.NDArray[np.uint8]":
    return np.frombuffer(text.encode(), np.uint8)
