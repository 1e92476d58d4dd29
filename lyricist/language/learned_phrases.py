"""Phrases of lines that a model was tuned on, which it must not write down again.

Only hashes of them are kept: enough to know such a phrase by, and none to read it from.
"""

import hashlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from lyricist.language.words import is_function_word, split_words

#: So many words in a row are a phrase, and taken over if they are all the same.
PHRASE_WORDS = 4
#: One with fewer words of content than this (at the end of the) is anybody's.
_FEWEST_CONTENT_WORDS = 2
#: So is one that so many songs have.
_SONGS_OF_A_COMMON_ONE = 3
_HASH_BYTES = 8


class LearnedPhrases:
    """Hashes of four words in a row, and of the first three of them, by which they are begun."""

    def __init__(self, hashes: Sequence[int] = ()) -> None:
        """`hashes` in order, each below 2 ** 64."""
        # Searched in where they are: a start has no time to make a set of them.
        self.hashes = hashes

    @classmethod
    def of_songs(cls, songs: Iterable[Iterable[str]]) -> "LearnedPhrases":
        """The phrases of songs, each given as its lines, common ones left out."""
        counts = Counter(phrase for lines in songs for phrase in _phrases(lines))
        hashes: set[int] = set()
        for phrase, count in counts.items():
            if count < _SONGS_OF_A_COMMON_ONE:
                hashes |= {_hash(phrase), _hash(phrase[:-1])}
        return cls(sorted(hashes))

    def and_those_of(self, others: Iterable["LearnedPhrases"]) -> "LearnedPhrases":
        """These and the others'."""
        found = set(self.hashes)
        for other in others:
            found.update(other.hashes)
        return LearnedPhrases(sorted(found))

    def is_begun_by(self, words: Sequence[str]) -> bool:
        """Whether a phrase begins with the last three of `words`."""
        begun = words[1 - PHRASE_WORDS :]
        return len(begun) == PHRASE_WORDS - 1 and len(self.hashes) > 0 and self._has(begun)

    def is_ended_by(self, words: Sequence[str], word: str) -> bool:
        """Whether the last three of `words`, which begin a phrase, and `word` are one."""
        return self._has([*words[1 - PHRASE_WORDS :], word])

    def _has(self, words: Sequence[str]) -> bool:
        wanted = _hash(words)
        at = bisect_left(self.hashes, wanted)
        return at < len(self.hashes) and self.hashes[at] == wanted


def _phrases(lines: Iterable[str]) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for line in lines:
        words = split_words(line)
        for at in range(len(words) - PHRASE_WORDS + 1):
            phrase = tuple(words[at : at + PHRASE_WORDS])
            if sum(not is_function_word(word) for word in phrase) >= _FEWEST_CONTENT_WORDS:
                found.add(phrase)
    return found


def _hash(words: Sequence[str]) -> int:
    digest = hashlib.blake2b(" ".join(words).encode(), digest_size=_HASH_BYTES).digest()
    return int.from_bytes(digest, "little")
