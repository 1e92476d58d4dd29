"""words.npz, the file in a bundle that holds its word table, so that a start need not derive it.

It names the tokenizer, the code and the word lists that it was made by: so it can be out of date.
"""

import hashlib
import json
import logging
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from lyricist.bundle.manifest import TOKENIZER, WORD_TABLE, Bundle, record_file
from lyricist.bundle.prompt_form import PLAIN
from lyricist.bundle.sources import sources_digest
from lyricist.vocabulary.tokens import Encoder, Vocabulary, token_texts
from lyricist.vocabulary.word_table import WordTable, derive_word_table

log = logging.getLogger(__name__)

#: The files that a word table follows from, beside the tokenizer.
_SOURCES = ("language/*.py", "vocabulary/*.py", "language/data/*.txt", "language/data/*.gz")
_MASKS = ("starts", "firsts", "pieces", "whole", "slurs", "profane")
_NUMBERS = ("syllables", "class_of", "slant_class_of", "end_words")
_LISTS = ("texts", "words", "end_phones", "spellings")


def word_table_of(bundle: Bundle, vocabulary: Vocabulary) -> WordTable:
    """The word table of a bundle, derived anew where the stored one is stale or missing."""
    path = bundle.folder / WORD_TABLE
    table = read_word_table(path, bundle.files[TOKENIZER].sha256)
    if table is None:
        log.warning(
            "%s is missing or of another version: every start takes longer until the model is "
            "built again",
            path,
        )
        table = derive_word_table(vocabulary.texts, vocabulary.encode)
    return table


def write_word_table_of(folder: Path, size: int) -> None:
    """Writes the word table of the tokenizer in `folder` beside it. OSError as usual.

    `size`: how many logits the network has.
    """
    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    digest = record_file(folder / TOKENIZER).sha256
    table = derive_word_table(token_texts(tokenizer, size), Encoder(tokenizer, PLAIN).encode)
    write_word_table(folder / WORD_TABLE, table, digest)


def write_word_table(path: Path, table: WordTable, tokenizer_digest: str) -> None:
    """Writes `table`, that of the tokenizer with this digest. OSError as usual."""
    lists = json.dumps([list(getattr(table, name)) for name in _LISTS], ensure_ascii=False)
    texts = {"made_by": made_by(tokenizer_digest), "lists": lists}
    arrays: dict[str, Any] = {
        name: np.frombuffer(text.encode(), np.uint8) for name, text in texts.items()
    }
    arrays |= {name: getattr(table, name) for name in _MASKS}
    arrays |= {name: getattr(table, name).astype(np.int32) for name in _NUMBERS}
    arrays["spelled_shares"] = table.spelled_shares
    with path.open("wb") as file:
        np.savez(file, **arrays)


def read_word_table(path: Path, tokenizer_digest: str) -> WordTable | None:
    """The table in `path`; None if there is none, or if this code would derive another one."""
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            if file["made_by"].tobytes().decode() != made_by(tokenizer_digest):
                return None
            texts, words, end_phones, spellings = json.loads(file["lists"].tobytes())
            shares = file["spelled_shares"]
            masks = {name: file[name] for name in _MASKS}
            numbers = {name: file[name].astype(np.int64) for name in _NUMBERS}
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return None
    return WordTable(
        texts=texts,
        words=words,
        end_phones=end_phones,
        spellings=spellings,
        spelled_shares=shares,
        **masks,
        **numbers,
    )


def made_by(tokenizer_digest: str) -> str:
    """Digest of all that a table follows from."""
    return hashlib.sha256(f"{tokenizer_digest} {sources_digest(*_SOURCES)}".encode()).hexdigest()
