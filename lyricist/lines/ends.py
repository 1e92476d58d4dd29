"""Which words may end a song's next line, and what each costs.

The first line of those that rhyme with each other is their anchor, the later ones answer it.
"""

from collections.abc import Iterable, Sequence
from copy import copy

import numpy as np

from lyricist.arrays import FloatArray, IntArray
from lyricist.language.rhyme import sounds
from lyricist.language.words import is_function_word
from lyricist.lines.draft_writer import Line
from lyricist.lines.history import MOST_USES, History
from lyricist.vocabulary.lexicon import Lexicon

#: An anchor has so many rhymes more than there are lines to answer it.
_SPARE_RHYMES = 4
#: Log-probability that a slant rhyme costs, and one whose stressed syllables are alike from the
#: start (known, renown).
_SLANT_COST, _RICH_COST = 4.0, 2.5
#: What an unpromising rhyme class costs, at most; and any class for each line that ended in it.
_CLASS_WEIGHT, _CLASS_COST, _SAME_CLASS_COST = 0.4, 3.0, 0.8
#: A word that also stands inside of lines is expected there; so much of that counts for an end.
_CLOSING_SHARE = np.float32(0.1)
_TINY = 1e-6


class Ends:
    """The end words of one song."""

    def __init__(self, lexicon: Lexicon, explicit: bool, unasked: Iterable[str] = ()) -> None:
        """`unasked`: words that have no place in this song."""
        self._lexicon = lexicon
        self._available = np.zeros(len(lexicon.texts), dtype=np.bool_)
        self._available[lexicon.end_words] = True
        if not explicit:  # no spelled word is profane
            self._available[np.flatnonzero(lexicon.profane)] = False
        for word in unasked:
            self._available[lexicon.ends_of(word)] = False
        #: How many lines have ended in each rhyme class.
        self._ended = np.zeros(lexicon.classes)

    def copy(self) -> "Ends":
        """Another one that goes on from here."""
        other = copy(self)
        other._available, other._ended = self._available.copy(), self._ended.copy()
        return other

    def use_up(self, line: Line, history: History) -> None:
        """No other line may end like `line`, or in a word that has now been used too often."""
        self._ended[self._lexicon.class_of[line.end]] += 1
        self.use_up_words(line.words, history)

    def use_up_words(self, words: Sequence[str], history: History) -> None:
        """The same of a line of these words, which need not end in one of the ends."""
        self._available[self._lexicon.ends_of(words[-1])] = False
        for word in words:
            if history.uses[word] >= MOST_USES and not is_function_word(word):
                self._available[self._lexicon.ends_of(word)] = False

    def answers(self, before: Sequence[Line]) -> tuple[IntArray, FloatArray]:
        """Ends that answer the lines `before`, and what each costs (0 or less)."""
        lexicon, anchor = self._lexicon, before[0].end
        perfect, slant = lexicon.rhymes_of(anchor), lexicon.slants_of(anchor)
        return self._answers(perfect, slant, lexicon.sound_of(anchor).onset, before)

    def answers_to_word(self, word: str, before: Sequence[Line]) -> tuple[IntArray, FloatArray]:
        """Ends that rhyme with a line that ends in `word`, any word of known sound, and with the
        lines `before`, which do so, too; and what each costs."""
        perfect, slant = self._lexicon.rhymes_with(word)
        return self._answers(perfect, slant, sounds(word)[0].onset, before)

    def _answers(
        self, perfect: IntArray, slant: IntArray, onset: str, before: Sequence[Line]
    ) -> tuple[IntArray, FloatArray]:
        lexicon = self._lexicon
        ends = np.concatenate([perfect, slant])
        costs = np.concatenate([np.zeros(len(perfect)), np.full(len(slant), -_SLANT_COST)])
        found = [lexicon.sound_of(end) for end in ends.tolist()]
        costs -= _RICH_COST * np.array([sound.onset == onset for sound in found], dtype=np.float64)
        spoken = {lexicon.sound_of(line.end).phones.lower() for line in before}
        is_new = [sound.phones.lower() not in spoken for sound in found]
        keep = self._available[ends] & np.array(is_new, dtype=np.bool_)
        return ends[keep], costs[keep].astype(np.float32)

    def anchors(self, to_come: int, expected: FloatArray) -> tuple[IntArray, FloatArray]:
        """Ends that `to_come` more lines can answer, and what each costs (0 or less).

        `expected` says for each of the lexicon's end words how likely it has been so far: likely
        words will find good answers.
        """
        ends = self._lexicon.end_words
        is_open = self._available[ends]
        if not to_come:
            return ends[is_open], np.zeros(int(is_open.sum()), dtype=np.float32)
        classes = self._lexicon.class_of[ends]
        left = np.bincount(classes, weights=is_open)[classes] - 1
        own = expected * is_open
        own *= np.where(self._lexicon.closing_ends, _CLOSING_SHARE, np.float32(1))
        hope = np.log(np.bincount(classes, weights=own)[classes] - own + _TINY)
        hope -= np.quantile(hope, 0.95)
        costs = np.clip(_CLASS_WEIGHT * hope, -_CLASS_COST, 0.0)
        costs -= _SAME_CLASS_COST * self._ended[classes]
        keep = is_open & (left >= to_come + _SPARE_RHYMES)
        if not keep.any():
            keep = is_open & (left >= to_come)
        return ends[keep], costs[keep].astype(np.float32)
