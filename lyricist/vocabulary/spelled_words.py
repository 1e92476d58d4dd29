"""Words of several tokens that end lines where a vocabulary has few whole words of its own.

So a small vocabulary can rhyme, too: a line's end is chosen among them as if each were one token.
"""

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from lyricist.language.rhyme import sounds
from lyricist.language.words import ranked_words

#: With at least so many words that are single tokens, no others are needed: they rhyme richly.
ENOUGH_WORDS = 3000
#: With fewer spelled words than this there are too few rhymes among them to end every line.
FEWEST_SPELLED = 1000
#: A word of more tokens takes too many passes to try.
MOST_TOKENS = 3
#: Zipf's law in Mandelbrot's form: the word of rank r comes with a frequency like 1 / (r + 2.7).
_RANK_OFFSET = 2.7


@dataclass(frozen=True)
class SpelledWord:
    """A word as the tokens that spell it inside of a line."""

    word: str
    tokens: tuple[int, ...]
    #: Log of its share among all common words that begin with the same token: what is known of the
    #: likelihood of its other tokens before the network is asked.
    share: float


def spelled_words(whole: Collection[str], encode: Callable[[str], list[int]]) -> list[SpelledWord]:
    """The common words that are not among the `whole` ones, which are tokens; none if these are
    enough, or if there are too few."""
    if len(whole) >= ENOUGH_WORDS:
        return []
    ranked = ranked_words("common_words")
    spellings = [tuple(encode(f" {word}")) for word in ranked]
    if not all(spellings):  # a vocabulary without letters
        return []
    weights = [1 / (rank + _RANK_OFFSET) for rank in range(1, len(ranked) + 1)]
    total: defaultdict[int, float] = defaultdict(float)
    for spelling, weight in zip(spellings, weights, strict=True):
        total[spelling[0]] += weight
    found = [
        SpelledWord(word, spelling, float(np.log(weight / total[spelling[0]])))
        for word, spelling, weight in zip(ranked, spellings, weights, strict=True)
        if 1 < len(spelling) <= MOST_TOKENS and word not in whole and sounds(word)
    ]
    return found if len(found) >= FEWEST_SPELLED else []
