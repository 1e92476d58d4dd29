"""The words that a song has used so far, and what using one again would cost."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from lyricist.language.learned_phrases import LearnedPhrases
from lyricist.language.words import phrases, stem, word_list

Words = tuple[str, ...]
FORBIDDEN = float("-inf")

#: A content word is used at most so often in one song, a stock phrase at most so often.
MOST_USES = 2
MOST_STOCK_PHRASES = 3
#: So often all forms of a word together (dream, dreams, dreaming).
MOST_FORMS = 3
#: A line with so many content words of one example says it again in other words.
_COPIED_WORDS = 3
#: Log-probability taken from a word that would say something again.
_BIGRAM_PENALTY = 2.5
_TRIGRAM_PENALTY = 4.0
_SAME_START_PENALTY = 1.2
_SAME_IN_LINE_PENALTY = 1.5
_CONTRACTION_PENALTY = 0.35
_SHOWN_PENALTY = 1.5
_ARTICLES = frozenset({"the", "a", "an", "and", "i", "my", "to", "of"})
NONE_LEARNED = LearnedPhrases()
_NOTHING: Mapping[str, int] = {}


class History:
    """The words of one song's lines, counted."""

    def __init__(
        self,
        learned: LearnedPhrases = NONE_LEARNED,
        unasked: frozenset[str] = frozenset(),
    ) -> None:
        """`learned`: phrases that the model was tuned on, and so must not write.

        `unasked`: words that have no place in this song.
        """
        self.learned, self.unasked = learned, unasked
        self.uses: Counter[str] = Counter()
        self.starts: Counter[str] = Counter()
        #: One to three words in a row -> which words followed them, and how often.
        self._followers: dict[Words, Counter[str]] = defaultdict(Counter)
        self._phrases_said: Counter[Words] = Counter()
        #: The stock phrases that have been used as often as they may be.
        self._used_up_phrases: set[Words] = set()
        self._stems: Counter[str] = Counter()
        #: Words of lines that the model was shown as examples.
        self._shown: set[str] = set()
        #: Of each of those lines the stems of its content words.
        self._examples: list[frozenset[str]] = []
        # Needed for every word that is considered, so they are fetched once.
        self._function_words, self._leaks = word_list("function_words"), word_list("leaks")
        #: Word -> what is true of it wherever it stands in the next line.
        self.standings = _Standings(self._standing)
        #: Stem -> the words with a standing that are forms of it.
        self._forms: dict[str, list[str]] = defaultdict(list)

    def copy(self) -> "History":
        """Another one that goes on from here."""
        other = History(self.learned, self.unasked)
        other.uses, other.starts = self.uses.copy(), self.starts.copy()
        for words, followers in self._followers.items():
            other._followers[words] = followers.copy()
        other._phrases_said = self._phrases_said.copy()
        other._used_up_phrases = set(self._used_up_phrases)
        other._stems, other._shown = self._stems.copy(), set(self._shown)
        other._examples = list(self._examples)
        other.standings.update(self.standings)
        for root, forms in self._forms.items():
            other._forms[root] = list(forms)
        return other

    def add(self, words: Sequence[str]) -> None:
        """Count one more line."""
        if not words:
            return
        self.starts[words[0]] += 1
        self.uses.update(words)
        stems = [stem(word) for word in words]
        self._stems.update(stems)
        self._forget_standings(stems)
        for size in (2, 3, 4):
            self._learn(words, size)
        stock = phrases("stock_phrases")
        for size in set(map(len, stock)):
            self._phrases_said.update(gram for gram in _grams(words, size) if gram in stock)
        self._used_up_phrases = {
            phrase for phrase, times in self._phrases_said.items() if times >= MOST_STOCK_PHRASES
        }

    def add_example(self, words: Sequence[str]) -> None:
        """A line that the model is shown: not to be repeated, and its words are less welcome."""
        self._forget_standings(list(self._forms))
        self._shown.update(words)
        self._examples.append(self._content_stems(words))
        self._learn(words, 3)
        self._learn(words, 4)

    def copies_an_example(self, words: Sequence[str]) -> bool:
        """Whether a line says what the model was shown, with a word or two changed."""
        stems = self._content_stems(words)
        return any(len(stems & example) >= _COPIED_WORDS for example in self._examples)

    def _content_stems(self, words: Sequence[str]) -> frozenset[str]:
        return frozenset(stem(word) for word in words if word not in self._function_words)

    def is_refused(self, words: Sequence[str], word: str) -> bool:
        """Whether a content word is in the line already, or was used as often as it may be, or a
        phrase that was learned is completed."""
        is_taken = self.learned.is_begun_by(words) and self.learned.is_ended_by(words, word)
        return is_taken or _is_refused(self.standings[word], words, word)

    def followers(self, words: Sequence[str]) -> Mapping[str, int]:
        """How often each word was used right after these one to three."""
        return self._followers.get(tuple(words), _NOTHING)

    def barred_after(self, words: Sequence[str]) -> set[str]:
        """Words that would repeat four words in a row, or a stock phrase once too often."""
        barred = {
            phrase[-1]
            for phrase in self._used_up_phrases
            if tuple(words[1 - len(phrase) :]) == phrase[:-1]
        }
        return barred.union(self.followers(words[-3:])) if len(words) >= 3 else barred

    def _learn(self, words: Sequence[str], size: int) -> None:
        for *before, last in _grams(words, size):
            self._followers[tuple(before)][last] += 1

    def _forget_standings(self, stems: Iterable[str]) -> None:
        """Drops what is known of the forms of these stems; all other words stay as they were."""
        for changed in stems:
            for word in self._forms.pop(changed, ()):
                del self.standings[word]

    def _standing(self, word: str) -> "Standing":
        root = stem(word)
        self._forms[root].append(word)
        is_function_word = word in self._function_words
        is_used_up = not is_function_word and (
            self.uses[word] >= MOST_USES
            or word in self._leaks
            or word in self.unasked
            or self._stems[root] >= MOST_FORMS
        )
        is_shown = word in self._shown and not is_function_word
        shown_penalty = _SHOWN_PENALTY if is_shown else 0.0
        contraction_penalty = _CONTRACTION_PENALTY * self.uses[word] if "'" in word else 0.0
        anywhere = FORBIDDEN if is_used_up else 0.0 - shown_penalty - contraction_penalty
        return Standing(is_function_word, is_used_up, shown_penalty, contraction_penalty, anywhere)


class Standing(NamedTuple):
    """What is true of a word wherever in the next line it stands."""

    is_function_word: bool
    #: A content word that was used as often as it may be, or that may never be.
    is_used_up: bool
    shown_penalty: float
    contraction_penalty: float
    #: What the word costs where the words before it do not matter.
    anywhere: float


class _Standings(dict[str, Standing]):
    """Word -> standing, worked out when first asked for. Known ones are found without a call in
    Python, since many are asked for at every token."""

    def __init__(self, work_out: Callable[[str], Standing]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, word: str) -> Standing:
        found = self[word] = self._work_out(word)
        return found


class WordCosts:
    """What words would cost as the next one of a line."""

    def __init__(self, history: History, words: Sequence[str]) -> None:
        """`words` are those of the line so far."""
        self._history, self._words = history, words
        self._standings = history.standings
        self._barred = history.barred_after(words)
        self._begins_learned = history.learned.is_begun_by(words)
        self._after_one = history.followers(words[-1:])
        self._after_two = history.followers(words[-2:]) if len(words) > 1 else _NOTHING
        #: All words whose cost here is not the one that they have anywhere.
        self._special = self._barred.union(
            words or history.starts, self._after_one, self._after_two
        )

    def of(self, word: str) -> float:
        """What to add to the log-probability of `word`: 0 or less."""
        if self._begins_learned and self._history.learned.is_ended_by(self._words, word):
            return FORBIDDEN
        standing = self._standings[word]
        return self._special_cost(word, standing) if word in self._special else standing.anywhere

    def _special_cost(self, word: str, standing: Standing) -> float:
        words = self._words
        if word in self._barred or _is_refused(standing, words, word):
            return FORBIDDEN
        cost = 0.0
        if not words:
            cost -= _SAME_START_PENALTY * self._history.starts[word]
        else:
            cost -= _BIGRAM_PENALTY * self._after_one.get(word, 0)
            if word in self._after_two:
                cost -= _TRIGRAM_PENALTY
        if word in words and word not in _ARTICLES:
            cost -= _SAME_IN_LINE_PENALTY
        return cost - standing.shown_penalty - standing.contraction_penalty


def _is_refused(standing: Standing, words: Sequence[str], word: str) -> bool:
    if standing.is_function_word:
        return bool(words) and word == words[-1]
    return standing.is_used_up or word in words


def _grams(words: Sequence[str], size: int) -> list[Words]:
    return [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
