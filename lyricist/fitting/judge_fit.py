"""Fits the judge again from a file of ratings, with the model of a bundle."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lyricist.bundle.manifest import read_bundle
from lyricist.engine.litert import LiteRtEngine
from lyricist.errors import LyricistError
from lyricist.fitting.fit import fields_of_any, fields_with_head, write_judge
from lyricist.fitting.ratings import digest_of, read_ratings
from lyricist.fitting.reading import DraftReader
from lyricist.lines.judge import WEIGHTS
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.tokens import Vocabulary
from lyricist.vocabulary.word_table_file import word_table_of

#: Drafts that are read side by side.
_ROWS = 8


def fit_judge(
    folder: Path,
    ratings: Path,
    out: Path,
    on_progress: Callable[[str, float], None],
    of_any_model: bool = False,
) -> Mapping[str, Any]:
    """Writes the judge's weights to `out` and returns those that are new; the others stay.

    They are those of the model in `folder`, or those by which any model is judged. The same ratings
    and bundle give the same weights. LyricistError if the bundle in `folder` gives no hidden
    states, or a line of `ratings` holds none.
    """
    bundle = read_bundle(folder)
    if not bundle.state_layers:
        raise LyricistError(f"The model in {folder} gives no hidden states to fit a head to.")
    places = read_ratings(ratings)
    drafts = reader_of(folder).read(places, lambda done: on_progress("Reading", done / len(places)))
    on_progress("Fitting", 1.0)
    digest = digest_of(ratings)
    if of_any_model:
        name, found = "without_head", fields_of_any(drafts, digest)
    else:
        fields = fields_with_head(drafts, digest, bundle.source_sha256, bundle.state_layers)
        name, found = "with_head", fields
    stored = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    write_judge({**stored, name: found}, out)
    return found


def reader_of(folder: Path, threads: int = 1) -> DraftReader:
    """Reads drafts with the model in `folder`."""
    bundle = read_bundle(folder)
    vocabulary = Vocabulary(bundle)
    lexicon = Lexicon(word_table_of(bundle, vocabulary), vocabulary.encode)
    return DraftReader(LiteRtEngine(bundle, 1, threads, _ROWS), vocabulary, lexicon)
