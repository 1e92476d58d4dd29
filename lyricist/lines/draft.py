"""A draft: one candidate for a line while it grows, and the ways in which it could end."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lyricist.arrays import FloatArray
from lyricist.language.syllables import syllables
from lyricist.language.words import split_words
from lyricist.lines.figures import Place
from lyricist.vocabulary.lexicon import Lexicon


@dataclass(frozen=True)
class Seen:
    """What the network said at one place of a draft."""

    #: What comes next, to choose from it again.
    logits: FloatArray
    place: Place
    #: The head's part of the judgement of a line that ends here.
    of_state: float = 0.0


@dataclass(frozen=True)
class Ending:
    """One way to end a draft: keep its first `kept` tokens, then say the end word."""

    kept: int
    #: The end word (see `Lexicon`) and its tokens.
    end: int
    tokens: tuple[int, ...]
    #: Log-probability of the end word there, costs and bonuses included.
    likelihood: float
    #: The part of that which is of the tokens after the first: expected, until they are said.
    rest: float
    #: Syllables of the whole line.
    syllables: int
    #: What the network said after the end word; None if the draft went on otherwise there.
    after: Seen | None = None

    @property
    def held(self) -> int:
        """How many of the draft's tokens its row has to hold to try this one."""
        return self.kept + (len(self.tokens) if self.after is not None else 0)

    def said(self, rest: float) -> "Ending":
        """The same once it is known how likely the tokens after the first are."""
        return replace(self, likelihood=self.likelihood - self.rest + rest, rest=rest)


@dataclass
class Draft:
    """A line being written in one row of the engine."""

    #: Which of the line's drafts it is. A draft depends on this number and not on its row.
    number: int
    row: int
    lexicon: Lexicon
    rng: np.random.Generator
    #: What the line begins with; it is in the row already and not among the tokens.
    given: str = ""
    tokens: list[int] = field(default_factory=list)
    likelihoods: list[float] = field(default_factory=list)
    #: How many tokens were likelier than each.
    ranks: list[int] = field(default_factory=list)
    #: What was said before each token, and after the last once that is known.
    seen: list[Seen] = field(default_factory=list)
    endings: list[Ending] = field(default_factory=list)
    #: Tokens that must not come again at their index in the line: (index, token).
    refused: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        #: The words before each token, and those after the last: split once, read often.
        self._words: list[list[str]] = [split_words(self.given)]
        for token in self.tokens:
            self._words.append(self._words_with(token))

    def append(self, token: int, likelihood: float, rank: int) -> None:
        """Take `token`, chosen from what was seen last."""
        self.tokens.append(token)
        self.likelihoods.append(likelihood)
        self.ranks.append(rank)
        self._words.append(self._words_with(token))

    def text(self, kept: int | None = None) -> str:
        """The line so far, or what is given and its first `kept` tokens."""
        return self.given + "".join(self.lexicon.texts[token] for token in self.tokens[:kept])

    def words(self, kept: int | None = None) -> list[str]:
        """The line's words, the last of them perhaps unfinished; not to be changed."""
        return self._words[len(self.tokens) if kept is None else kept]

    @property
    def last_word_start(self) -> int:
        """The index of the token that began the last word."""
        at = len(self.tokens) - 1
        while at > 0 and self.lexicon.pieces[self.tokens[at]]:
            at -= 1
        return at

    def refuse_last_word(self) -> None:
        """Take the last word back and never begin it there again."""
        start = self.last_word_start
        self.refused.add((start, self.tokens[start]))
        del self.tokens[start:], self.likelihoods[start:], self.ranks[start:]
        del self.seen[start + 1 :]
        del self._words[start + 1 :]
        self.endings = [
            each for each in self.endings if each.kept < start - 1 and each.held < start
        ]

    def fluency(self, kept: int) -> float:
        """Mean log-probability of the first `kept` tokens."""
        return float(np.mean(self.likelihoods[:kept])) if kept else 0.0

    def _words_with(self, token: int) -> list[str]:
        """The line's words once `token` is appended."""
        if self.lexicon.starts[token]:  # a space and a word, so that the words before it stay
            return [*self._words[-1], self.lexicon.words[token]]
        return split_words(self.text(len(self._words)))


def count_syllables(words: Sequence[str]) -> int:
    """Syllables of a line."""
    return sum(map(syllables, words))
