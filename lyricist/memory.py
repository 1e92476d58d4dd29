"""What a song has said so far, and what saying a word again would cost.

Works on words, whatever tokens spell them. Knows no rhyme and no model.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence

from lyricist.words import phrases, stem, word_list

FORBIDDEN = float("-inf")

#: A content word is used at most so often in one song, a stock phrase at most so often.
MOST_USES = 2
MOST_STOCK_PHRASES = 3
#: So often all forms of a word together (dream, dreams, dreaming).
_MOST_FORMS = 3
#: Log-probability taken from a word that would say something again.
_BIGRAM_PENALTY = 2.5
_TRIGRAM_PENALTY = 4.0
_SAME_START_PENALTY = 1.2
_SAME_IN_LINE_PENALTY = 1.5
_CONTRACTION_PENALTY = 0.35
_SHOWN_PENALTY = 1.5
_ARTICLES = frozenset({"the", "a", "an", "and", "i", "my", "to", "of"})


class Memory:
    """The lines of one song, counted."""

    def __init__(self) -> None:
        self.ends: set[str] = set()
        self.uses: Counter[str] = Counter()
        self.starts: Counter[str] = Counter()
        self._bigrams: Counter[tuple[str, ...]] = Counter()
        self._trigrams: set[tuple[str, ...]] = set()
        self._fourgrams: set[tuple[str, ...]] = set()
        self._stock: Counter[tuple[str, ...]] = Counter()
        self._stems: Counter[str] = Counter()
        #: Words of lines that the model was shown as examples.
        self._shown: set[str] = set()
        self._stock_by_last = _stock_by_last()
        # Asked for every word that is looked at: looked up once.
        self._function_words, self._leaks = word_list("function_words"), word_list("leaks")

    def add(self, words: Sequence[str]) -> None:
        """Remember one more line."""
        if not words:
            return
        self.ends.add(words[-1])
        self.starts[words[0]] += 1
        self.uses.update(words)
        self._stems.update(stem(word) for word in words)
        self._bigrams.update(_grams(words, 2))
        self._trigrams.update(_grams(words, 3))
        self._fourgrams.update(_grams(words, 4))
        for phrase in phrases("stock_phrases"):
            self._stock[phrase] += sum(gram == phrase for gram in _grams(words, len(phrase)))

    def refuse(self, words: Sequence[str]) -> None:
        """Never say these words in this order, and any of them a little less likely."""
        self._shown.update(words)
        self._trigrams.update(_grams(words, 3))
        self._fourgrams.update(_grams(words, 4))

    def cost(self, words: Sequence[str], word: str) -> float:
        """What to add to the log-probability of `word` after the line's `words`: 0 or less."""
        if self.is_used_up(words, word) or self._repeats_phrase(words, word):
            return FORBIDDEN
        cost = 0.0
        if not words:
            cost -= _SAME_START_PENALTY * self.starts[word]
        else:
            cost -= _BIGRAM_PENALTY * self._bigrams[(words[-1], word)]
            if (*words[-2:], word) in self._trigrams:
                cost -= _TRIGRAM_PENALTY
        if word in words and word not in _ARTICLES:
            cost -= _SAME_IN_LINE_PENALTY
        if word in self._shown and word not in self._function_words:
            cost -= _SHOWN_PENALTY
        if "'" in word:
            cost -= _CONTRACTION_PENALTY * self.uses[word]
        return cost

    def is_used_up(self, words: Sequence[str], word: str) -> bool:
        """Whether a content word is in the line already, or was used as often as it may be."""
        if word in self._function_words:
            return word == words[-1] if words else False
        if word in words or self.uses[word] >= MOST_USES or word in self._leaks:
            return True
        return self._stems[stem(word)] >= _MOST_FORMS

    def _repeats_phrase(self, words: Sequence[str], word: str) -> bool:
        if len(words) >= 3 and (*words[-3:], word) in self._fourgrams:
            return True
        return any(
            self._stock[phrase] >= MOST_STOCK_PHRASES
            and tuple(words[1 - len(phrase) :]) == phrase[:-1]
            for phrase in self._stock_by_last.get(word, ())
        )


def _grams(words: Sequence[str], size: int) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]


def _stock_by_last() -> dict[str, list[tuple[str, ...]]]:
    by_last: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for phrase in phrases("stock_phrases"):
        by_last[phrase[-1]].append(phrase)
    return by_last
