"""What a bundle is: its model, its words, what the model is told, and how fast it writes here."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from lyricist.bundle.manifest import Bundle, read_bundle
from lyricist.songs import SongRequest
from lyricist.speed import Pace
from lyricist.vocabulary.tokens import Vocabulary
from lyricist.vocabulary.word_table_file import word_table_of
from lyricist.writing.instructions import instructions
from lyricist.writing.writer import FEWEST_END_WORDS

#: A rhyme class of so many words is one that lines can be written in again and again.
_RICH = 5


@dataclass(frozen=True)
class Words:
    """The ends of lines that a vocabulary has."""

    tokens: int
    end_words: int
    #: Those of the end words that several tokens spell.
    spelled: int
    classes: int
    #: Rhyme classes of `_RICH` words and more.
    rich_classes: int

    def __str__(self) -> str:
        if self.end_words < FEWEST_END_WORDS:
            return f"{self.end_words} of {self.tokens:,} tokens; too few to rhyme: it writes freely"
        return (
            f"{self.end_words:,} ({self.spelled:,} of several tokens) in {self.classes:,} rhymes, "
            f"{self.rich_classes:,} of them with {_RICH} words or more"
        )


def shown(folder: Path, prompt: str, pace: Pace | None) -> str:
    """The bundle in `folder` in words. BundleError if there is none."""
    bundle = read_bundle(folder)
    vocabulary = Vocabulary(bundle)
    rows = {
        "name": bundle.name,
        "family": bundle.family or "not known",
        "licence": bundle.licence,
        "size": _size(bundle),
        "context": f"{bundle.architecture.context_length:,} tokens",
        "line ends": str(words_of(bundle, vocabulary)),
    }
    if pace is not None:
        rows["speed"] = f"{pace.seconds_a_line:.2f} s a line at quick effort, on this machine"
        rows["memory"] = f"{pace.memory_bytes / 1e6:,.0f} MB while it writes one song"
    told = vocabulary.written_out(instructions(SongRequest(prompt), vocabulary))
    table = [f"{label:<11}{text}" for label, text in rows.items()]
    return "\n".join([*table, "", f"What it is told for “{prompt}”:", told])


def words_of(bundle: Bundle, vocabulary: Vocabulary) -> Words:
    """The ends of lines that the bundle's model can be asked for."""
    table = word_table_of(bundle, vocabulary)
    sizes = np.bincount(table.class_of[table.end_words])
    return Words(
        vocabulary.size,
        len(table.end_words),
        len(table.spellings),
        len(sizes),
        int((sizes >= _RICH).sum()),
    )


def _size(bundle: Bundle) -> str:
    on_disk = sum(record.bytes for record in bundle.files.values()) / 1e6
    parameters = sum(map(prod, bundle.architecture.weight_shapes().values()))
    if not bundle.architecture.layers:  # not one of ours, so that its weights are not known
        return f"{on_disk:,.0f} MB on disk"
    return f"{parameters / 1e6:,.0f} million numbers, {on_disk:,.0f} MB on disk"
