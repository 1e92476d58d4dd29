"""The topic of a song: which words say what its prompt is about, and whether they were sung yet."""

from collections.abc import Mapping, Sequence
from copy import copy

from lyricist.language.safety import is_allowed
from lyricist.language.words import are_close, stem, topic_words, word_list
from lyricist.vocabulary.lexicon import Lexicon

#: Added to the log-probability of topic words: at first, per line without any, at most.
_FIRST_BONUS = 2.0
_RISE = 0.7
_HIGHEST_BONUS = 7.0
#: The same for the other topic words, once one was sung.
_LATER_BONUS = 1.0
#: The same for the next piece of a topic word that has been begun.
_FINISH_BONUS = 8.0


class SongTopic:
    """The topic of one song."""

    def __init__(self, prompt: str, lexicon: Lexicon, explicit: bool) -> None:
        self._lexicon = lexicon
        self.words = tuple(
            word
            for word in topic_words(prompt)
            if is_allowed(word, explicit) and word not in word_list("leaks")
        )
        self._spellings = [
            tuple(lexicon.encode(spelling))
            for word in self.words
            for spelling in (f" {word}", f" {word.capitalize()}", word.capitalize())
        ]
        self._forms = self._forms_in_lexicon()
        self._said: set[str] = set()
        self._lines = 0
        self._general = self._general_bonus()
        #: Word -> whether it is of the topic; kept, since each is asked for again and again.
        self._mentions: dict[str, bool] = {}

    def copy(self) -> "SongTopic":
        """Another one that goes on from here."""
        other = copy(self)
        other._said = set(self._said)
        return other

    @property
    def is_covered(self) -> bool:
        """Whether a word of the prompt, or a close form, was said; true if it has none."""
        return bool(self._said) or not self.words

    def add(self, words: Sequence[str]) -> None:
        """Count one more line."""
        self._lines += 1
        self._said.update(topic for topic in self.words if any(are_close(topic, w) for w in words))
        self._general = self._general_bonus()

    def mentions(self, words: Sequence[str]) -> bool:
        """Whether any of `words` is of the topic."""
        return any(map(self._is_mention, words))

    def bonus(self, tokens: Sequence[int]) -> Mapping[int, float]:
        """Token -> what to add to its log-probability after the line's `tokens`."""
        finish = {
            spelling[begun]: _FINISH_BONUS
            for spelling in self._spellings
            if tokens and tokens[-1] in spelling and (begun := _begun(spelling, tokens))
        }
        return {**self._general, **finish} if finish else self._general

    def line_start(self) -> str:
        """A topic word to begin a line with, for a song that has not come to its topic."""
        return max(self.words, key=len).capitalize()

    def _general_bonus(self) -> Mapping[int, float]:
        """Token -> what to add to its log-probability anywhere in the next line."""
        general = _LATER_BONUS
        if not self.is_covered:
            general = min(_FIRST_BONUS + _RISE * self._lines, _HIGHEST_BONUS)
        return {
            token: general
            for topic, forms in self._forms.items()
            if topic not in self._said
            for token in forms
        }

    def _is_mention(self, word: str) -> bool:
        if word not in self._mentions:
            self._mentions[word] = any(are_close(topic, word) for topic in self.words)
        return self._mentions[word]

    def _forms_in_lexicon(self) -> dict[str, list[int]]:
        """Topic word -> tokens that are, or begin, one of its forms."""
        forms: dict[str, list[int]] = {}
        for word in self.words:
            tokens = {self._lexicon.encode(f" {word}")[0]}
            for form in self._lexicon.words_of_stem(stem(word)):
                tokens.update(map(int, self._lexicon.tokens_of(form)))
            forms[word] = sorted(tokens)
        return forms


def _begun(spelling: Sequence[int], tokens: Sequence[int]) -> int:
    """How many tokens of `spelling`, not all, stand at the end of `tokens`."""
    for begun in range(len(spelling) - 1, 0, -1):
        if tuple(tokens[-begun:]) == spelling[:begun]:
            return begun
    return 0
