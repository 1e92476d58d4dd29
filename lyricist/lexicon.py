"""What each token of a model is worth to a line of lyrics, as arrays over the vocabulary.

Owns which tokens may be sampled, which can end a line, their syllables and their rhyme classes.
Knows no verse and draws nothing.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from lyricist.rhyme import Sound, is_known, sounds
from lyricist.safety import Tier, banned_forms
from lyricist.syllables import syllables
from lyricist.words import stem, word_list

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

_INNER_WORD = re.compile(r"^ (?:[a-z]+|[A-Z][a-z]*)$")
_FIRST_WORD = re.compile(r"^[A-Z][a-z]*$")
_PIECE = re.compile(r"^(?:[a-z]+|['’][a-z]{1,2})$")
#: At least three letters, one of them a vowel: "cc" and "th" are in the dictionary, too.
_END_WORD = re.compile(r"^ (?=[a-z]{3})[a-z]*[aeiouy][a-z]*$")
#: A stem has at least so many letters.
_FIRST_LETTERS = 2
#: What may follow a line's last word; their joint probability says how well the line ends there.
_LINE_ENDS = ("\n", "\n\n", ",", ".", "!", "?", ";", "...", ":")


class Lexicon:
    """The tokens of one model, seen as words. Masks are over token ids, True where it applies."""

    def __init__(self, texts: Sequence[str], encode: Callable[[str], list[int]]) -> None:
        self.texts = texts
        self.encode = encode
        size = len(texts)
        self._ids = dict(zip(reversed(texts), range(size - 1, -1, -1), strict=True))
        #: Token -> the lower-case word that it starts or is.
        self.words = [text.strip().lower() for text in texts]
        #: Tokens that begin a word inside a line, begin a line, or go on with a word.
        self.starts = self._matching(_INNER_WORD)
        self.firsts = self._matching(_FIRST_WORD)
        self.pieces = self._matching(_PIECE)
        self.newline = encode("\n")[0]
        self.comma = encode(",")[0]
        self.line_ends = self.ids_of(_LINE_ENDS)
        self._by_word = _grouped(
            (token, self.words[token])
            for token in np.flatnonzero(self.starts | self.firsts).tolist()
        )
        #: Syllables of a token taken as a word of its own.
        self.syllables = np.zeros(size, dtype=np.int64)
        #: Tokens that are words as they stand.
        self.whole = np.zeros(size, dtype=np.bool_)
        #: Never to be written; to be written only in explicit lyrics.
        self.slurs = np.zeros(size, dtype=np.bool_)
        self.profane = np.zeros(size, dtype=np.bool_)
        self._weigh_words()
        #: Tokens that can end a line, and how each of them sounds.
        self.end_words = self._find_end_words()
        self._sounds = {end: sounds(self.words[end])[0] for end in self.end_words.tolist()}
        self._perfect = _grouped((end, sound.tail) for end, sound in self._sounds.items())
        self._slant = _grouped((end, sound.slant) for end, sound in self._sounds.items())
        #: Token -> the number of its rhyme class, the end words of one rhyming part; else -1.
        self.class_of = np.full(size, -1, dtype=np.int64)
        for number, tokens in enumerate(self._perfect.values()):
            self.class_of[tokens] = number
        #: How many rhyme classes there are.
        self.classes = len(self._perfect)

    def ids_of(self, texts: Iterable[str]) -> IntArray:
        """The tokens that are exactly `texts`, as far as there are such tokens."""
        return np.array([self._ids[text] for text in texts if text in self._ids], dtype=np.int64)

    def tokens_of(self, word: str) -> IntArray:
        """All tokens that are the word `word`, inside a line or as its first."""
        return np.array(self._by_word.get(word, ()), dtype=np.int64)

    def words_of_stem(self, wanted: str) -> list[str]:
        """The words of the vocabulary that are forms of one, by their stem."""
        alike = self._by_first_letters.get(wanted[:_FIRST_LETTERS], ())
        return [word for word in alike if word.startswith(wanted[:3]) and stem(word) == wanted]

    def sound_of(self, end: int) -> Sound:
        """How an end word sounds."""
        return self._sounds[end]

    def rhymes_of(self, end: int) -> IntArray:
        """End words that rhyme perfectly with `end`: no homophones, no compounds of one word."""
        own = self._sounds[end]
        return self._others(self._perfect[own.tail], end)

    def slants_of(self, end: int) -> IntArray:
        """End words that only nearly rhyme with `end`."""
        own = self._sounds[end]
        near = self._others(self._slant[own.slant], end)
        return near[np.array([self._sounds[int(t)].tail != own.tail for t in near], np.bool_)]

    @cached_property
    def _by_first_letters(self) -> dict[str, list[str]]:
        """The words by their first letters: to go through all at each question takes too long."""
        words = defaultdict(list)
        for word in self._by_word:
            words[word[:_FIRST_LETTERS]].append(word)
        return words

    def _others(self, tokens: Sequence[int], end: int) -> IntArray:
        spoken, word = self._sounds[end].phones.lower(), self.words[end]
        different = [
            token
            for token in tokens
            if self._sounds[token].phones.lower() != spoken
            and not self.words[token].endswith(word)
            and not word.endswith(self.words[token])
        ]
        return np.array(different, dtype=np.int64)

    def _matching(self, pattern: re.Pattern[str]) -> BoolArray:
        return np.array([found is not None for found in map(pattern.match, self.texts)])

    def _weigh_words(self) -> None:
        banned = banned_forms()
        for word, tokens in self._by_word.items():
            count = syllables(word)
            is_whole = bool(sounds(word))
            for token in tokens:
                self.syllables[token] = count
                self.whole[token] = is_whole
            if word in banned:
                self.slurs[tokens] = banned[word] is Tier.SLUR
                self.profane[tokens] = banned[word] is not Tier.SLUR

    def _find_end_words(self) -> IntArray:
        unfit = word_list("weak_ends") | word_list("function_words") | word_list("leaks")
        tokens = np.flatnonzero(self.starts & ~self.slurs).tolist()
        return np.array(
            [
                token
                for token in tokens
                if (word := self.words[token]) not in unfit
                and _END_WORD.match(self.texts[token])
                and is_known(word)
                and sounds(word)
            ],
            dtype=np.int64,
        )


def _grouped(pairs: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for token, key in pairs:
        groups[key].append(token)
    return dict(groups)
