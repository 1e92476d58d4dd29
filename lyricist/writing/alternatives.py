"""Which of a song's other drafts would fit in place of its lines."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from lyricist.language.rhyme import RhymeKind, relation
from lyricist.language.safety import mask
from lyricist.language.schemes import rhyme_pairs
from lyricist.language.words import is_function_word, stem
from lyricist.lines.draft_writer import Line
from lyricist.lines.history import MOST_FORMS, MOST_USES
from lyricist.writing.take import Sung

#: So many are offered for a line, at most.
MOST_ALTERNATIVES = 3
#: A draft that has more of its words in common with one that is offered, or with the line itself,
#: is offered only where there are no others.
_MOST_ALIKE = 0.6
_RHYMING = (RhymeKind.PERFECT, RhymeKind.SLANT)

Words = tuple[str, ...]


@dataclass
class _Said:
    """What a song says, each line of it counted once, and without the one that is looked at."""

    uses: Counter[str] = field(default_factory=Counter)
    forms: Counter[str] = field(default_factory=Counter)
    fours: Counter[Words] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    def count(self, words: Words, times: int) -> None:
        """Adds a line, or takes it away again."""
        for counter, found in (
            (self.uses, words),
            (self.forms, map(stem, words)),
            (self.fours, _fours(words)),
            (self.ends, words[-1:]),
        ):
            for each in found:
                counter[each] += times  # type: ignore[index]

    def says(self, words: Words) -> bool:
        """Whether a line of these words would say something once too often."""
        contents = [word for word in words if not is_function_word(word)]
        return (
            self.ends[words[-1]] > 0
            or any(self.fours[four] > 0 for four in _fours(words))
            or any(self.uses[word] >= MOST_USES for word in contents)
            or any(self.forms[stem(word)] >= MOST_FORMS for word in contents)
        )


def alternatives(
    sections: Sequence[tuple[str, Sequence[Sung]]], explicit: bool
) -> list[tuple[tuple[str, ...], ...]]:
    """For each section, given as its scheme and lines, what could stand in place of each line.

    An alternative rhymes wherever its line does, and says nothing that the other lines say already.
    """
    said = _Said()
    for _, lines in sections:
        for sung in lines:
            said.count(sung.words, 1)
    found = []
    for scheme, lines in sections:
        partners = _partners(scheme, lines)
        of_lines = []
        for sung, words in zip(lines, partners, strict=True):
            said.count(sung.words, -1)
            fitting = [
                other
                for other in sung.others
                if not said.says(other.words) and all(_rhyme(other.words, word) for word in words)
            ]
            said.count(sung.words, 1)
            chosen = _unlike(fitting, sung.words)
            of_lines.append(tuple(mask(line.text, explicit) for line in chosen))
        found.append(tuple(of_lines))
    return found


def _partners(scheme: str, lines: Sequence[Sung]) -> list[list[str]]:
    """For each line the end words of those lines that it is paired with and does rhyme with."""
    found: list[list[str]] = [[] for _ in lines]
    for one, other in rhyme_pairs(scheme, len(lines)):
        ends = [lines[at].words[-1] if lines[at].words else "" for at in (one, other)]
        if relation(*ends) in _RHYMING:
            found[one].append(ends[1])
            found[other].append(ends[0])
    return found


def _rhyme(words: Words, word: str) -> bool:
    return relation(words[-1], word) in _RHYMING


def _unlike(fitting: Sequence[Line], words: Words) -> list[Line]:
    """The first of them, those first that have little in common."""
    chosen: list[Line] = []
    for most_alike in (_MOST_ALIKE, 1.0):
        for line in fitting:
            taken = [words, *(each.words for each in chosen)]
            is_new = line.words not in taken
            is_unlike = is_new and all(_alike(line.words, each) <= most_alike for each in taken)
            if len(chosen) < MOST_ALTERNATIVES and is_unlike:
                chosen.append(line)
    return chosen


def _alike(one: Words, other: Words) -> float:
    """The share of the shorter line's words that the other has, too."""
    shared = len({*one} & {*other})
    return shared / max(1, min(len({*one}), len({*other})))


def _fours(words: Words) -> Iterable[Words]:
    return (words[at : at + 4] for at in range(len(words) - 3))
