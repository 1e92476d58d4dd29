"""SentencePiece models, trained by its own library."""

import io
from collections.abc import Sequence

import sentencepiece

from tests.support.paths import ROOT


def trained(kind: str, prefix: bool, own: Sequence[str] = ()) -> bytes:
    """A small model as SentencePiece itself trains it on this project's songs."""
    songs = (ROOT / "corpus" / "songs.jsonl").read_text(encoding="utf-8").splitlines()
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(songs),
        model_writer=written,
        vocab_size=700,
        model_type=kind,
        byte_fallback=True,
        add_dummy_prefix=prefix,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        user_defined_symbols=list(own),
        num_threads=1,
        minloglevel=2,
    )
    return written.getvalue()
