"""What each token of a model is worth to a line of lyrics, as arrays over the vocabulary.

Owns which tokens may be sampled, which can end a line, their syllables and their rhyme classes.
Knows no verse and draws nothing.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

from lyricist.rhyme import Sound, is_known, sounds
from lyricist.safety import Tier, tier
from lyricist.syllables import syllables
from lyricist.words import is_function_word, stem, word_list

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

_INNER_WORD = re.compile(r"^ (?:[a-z]+|[A-Z][a-z]*)$")
_FIRST_WORD = re.compile(r"^[A-Z][a-z]*$")
_PIECE = re.compile(r"^(?:[a-z]+|['’][a-z]{1,2})$")
#: At least three letters, one of them a vowel: "cc" and "th" are in the dictionary, too.
_END_WORD = re.compile(r"^ (?=[a-z]{3})[a-z]*[aeiouy][a-z]*$")
#: What may follow a line's last word; their joint probability says how well the line ends there.
_LINE_ENDS = ("\n", "\n\n", ",", ".", "!", "?", ";", "...", ":")
_NO_TOKENS = np.zeros(0, dtype=np.int64)


class Lexicon:
    """The tokens of one model, seen as words. Masks are over token ids, True where it applies."""

    def __init__(self, texts: Sequence[str], encode: Callable[[str], list[int]]) -> None:
        self.texts = list(texts)
        self.encode = encode
        self._ids = {text: token for token, text in reversed(list(enumerate(self.texts)))}
        #: Token -> the lower-case word that it starts or is.
        self.words = [text.strip().lower() for text in self.texts]
        #: Tokens that begin a word inside a line, begin a line, or go on with a word.
        self.starts = self._matching(_INNER_WORD)
        self.firsts = self._matching(_FIRST_WORD)
        self.pieces = self._matching(_PIECE)
        self.newline = self._ids["\n"]
        self.comma = self._ids[","]
        self.line_ends = np.array([self._ids[end] for end in _LINE_ENDS if end in self._ids])
        words = np.flatnonzero(self.starts | self.firsts)
        self._by_word = _grouped((int(token), self.words[token]) for token in words)
        #: Syllables of a token taken as a word of its own.
        self.syllables = np.zeros(len(self.texts), dtype=np.int64)
        #: Never to be written; to be written only in explicit lyrics.
        self.slurs = np.zeros(len(self.texts), dtype=np.bool_)
        self.profane = np.zeros(len(self.texts), dtype=np.bool_)
        self._weigh_words()
        #: Tokens that can end a line, and how each of them sounds.
        self.end_words = self._find_end_words()
        self._sounds = {int(end): sounds(self.words[end])[0] for end in self.end_words}
        self._perfect = _grouped((end, sound.tail) for end, sound in self._sounds.items())
        self._slant = _grouped((end, sound.slant) for end, sound in self._sounds.items())
        #: For each of `end_words` the number of its class: end words of one rhyming part.
        number = {tail: at for at, tail in enumerate(self._perfect)}
        self.rhyme_class = np.array([number[s.tail] for s in self._sounds.values()], dtype=np.int64)

    def tokens_of(self, word: str) -> IntArray:
        """All tokens that are the word `word`, inside a line or as its first."""
        return self._by_word.get(word, _NO_TOKENS)

    def words_of_stem(self, wanted: str) -> list[str]:
        """The words of the vocabulary that are forms of one, by their stem."""
        return [
            word for word in self._by_word if word.startswith(wanted[:3]) and stem(word) == wanted
        ]

    def sound_of(self, end: int) -> Sound:
        """How an end word sounds."""
        return self._sounds[end]

    def rhymes_of(self, end: int) -> IntArray:
        """End words that rhyme perfectly with `end`: no homophones, not itself."""
        own = self._sounds[end]
        return self._others(self._perfect[own.tail], own)

    def slants_of(self, end: int) -> IntArray:
        """End words that only nearly rhyme with `end`."""
        own = self._sounds[end]
        near = self._others(self._slant[own.slant], own)
        return near[np.array([self._sounds[int(t)].tail != own.tail for t in near], np.bool_)]

    def _others(self, tokens: IntArray, own: Sound) -> IntArray:
        spoken = own.phones.lower()
        keep = [self._sounds[int(token)].phones.lower() != spoken for token in tokens]
        return tokens[np.array(keep, dtype=np.bool_)]

    def _matching(self, pattern: re.Pattern[str]) -> BoolArray:
        return np.array([pattern.match(text) is not None for text in self.texts])

    def _weigh_words(self) -> None:
        for word, tokens in self._by_word.items():
            self.syllables[tokens] = syllables(word)
            found = tier(word)
            self.slurs[tokens] = found is Tier.SLUR
            self.profane[tokens] = found is not None and found is not Tier.SLUR

    def _find_end_words(self) -> IntArray:
        unfit = word_list("weak_ends")
        return np.array(
            [
                token
                for token in np.flatnonzero(self.starts & ~self.slurs)
                if _END_WORD.match(self.texts[token])
                and self.words[token] not in unfit
                and not is_function_word(self.words[token])
                and is_known(self.words[token])
                and sounds(self.words[token])
            ],
            dtype=np.int64,
        )


def _grouped(pairs: Iterable[tuple[int, str]]) -> dict[str, IntArray]:
    groups: dict[str, list[int]] = defaultdict(list)
    for token, key in pairs:
        groups[key].append(token)
    return {key: np.array(tokens, dtype=np.int64) for key, tokens in groups.items()}
