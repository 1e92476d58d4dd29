"""What can be measured of lyrics: rhyme, variety, length, topic, leaks. Pure functions of text."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.language.phones import is_vowel
from lyricist.language.rhyme import RhymeKind, relation, sounds
from lyricist.language.schemes import rhyme_pairs
from lyricist.language.syllables import syllables
from lyricist.language.words import (
    are_close,
    is_function_word,
    leaves_open,
    split_words,
    topic_words,
)

#: Words of the task itself, which do not belong into a song.
_LEAK = re.compile(
    r"\brhym\w*|\bverses?\b|\blyrics?\b|\blines\b|\bsure,? here|\bchorus", re.IGNORECASE
)
#: How far back rhyme density looks, in words.
_DENSITY_REACH = 15
_RHYMING = (RhymeKind.PERFECT, RhymeKind.SLANT)
#: How two lines sound together that do not rhyme.
RHYMELESS = tuple(kind for kind in RhymeKind if kind not in _RHYMING)


@dataclass(frozen=True)
class Verse:
    """Lines as they were written, and what was asked for."""

    prompt: str
    asked_lines: int
    scheme: str
    lines: tuple[str, ...]
    fewest_syllables: int
    most_syllables: int


def measure(verse: Verse) -> dict[str, float]:
    """All figures of one verse; NaN where one does not apply to it."""
    words = [split_words(line) for line in verse.lines]
    return {
        **_rhyme(verse, words),
        "exact line count": float(len(verse.lines) == verse.asked_lines),
        "open ends": _mean(leaves_open(line[-1]) for line in words if line),
        "distinct-1": _distinct(words, 1),
        "distinct-2": _distinct(words, 2),
        "repeated lines": 1 - _ratio(len(set(map(tuple, words))), len(words)),
        "repeated 4-grams": 1 - _distinct(words, 4),
        "top content word": _top_content_word(words),
        **_lengths(verse, words),
        "topic coverage": topic_coverage(verse.prompt, verse.lines),
        "prompt leaks": float(sum(len(_LEAK.findall(line)) for line in verse.lines)),
        "end rhyme within two lines": _end_rhyme(words),
        "rhyme density": _density([word for line in words for word in line]),
    }


def scheme_relations(scheme: str, lines: Sequence[str]) -> list[RhymeKind]:
    """How the lines that `scheme` pairs really sound together."""
    ends = [(split_words(line) or [""])[-1] for line in lines]
    return [relation(ends[one], ends[other]) for one, other in rhyme_pairs(scheme, len(lines))]


def sung_relations(
    sections: Iterable[tuple[str, Sequence[str]]],
) -> dict[tuple[int, int], RhymeKind]:
    """How the lines of each pair sound together, of sections with their schemes in singing order.

    A pair is two line numbers that count from 0 through all sections.
    """
    found: dict[tuple[int, int], RhymeKind] = {}
    start = 0
    for scheme, lines in sections:
        kinds = scheme_relations(scheme, lines)
        for (one, other), kind in zip(rhyme_pairs(scheme, len(lines)), kinds, strict=True):
            found[start + one, start + other] = kind
        start += len(lines)
    return found


def rhyme_score(relations: Sequence[RhymeKind]) -> float | None:
    """The share of pairs that rhyme, slant ones included; None if no pair was asked for."""
    return _mean(found in _RHYMING for found in relations) if relations else None


def topic_coverage(prompt: str, lines: Sequence[str]) -> float:
    """1 if a topic word of the prompt, or a close form, was sung; NaN if it has none."""
    topics = topic_words(prompt)
    if not topics:
        return float("nan")
    sung = {word for line in lines for word in split_words(line)}
    return float(any(are_close(topic, word) for topic in topics for word in sung))


def _rhyme(verse: Verse, words: list[list[str]]) -> dict[str, float]:
    lines = [" ".join(line) for line in words[: verse.asked_lines]]
    lines += [""] * (verse.asked_lines - len(lines))
    found = scheme_relations(verse.scheme, lines)
    shares = {kind: _mean(one is kind for one in found) for kind in RhymeKind}
    return {
        "scheme accuracy": shares[RhymeKind.PERFECT] + shares[RhymeKind.SLANT],
        "perfect": shares[RhymeKind.PERFECT],
        "identity": shares[RhymeKind.IDENTITY],
        "unknown words": shares[RhymeKind.UNKNOWN],
    }


def _lengths(verse: Verse, words: list[list[str]]) -> dict[str, float]:
    counts = [sum(map(syllables, line)) for line in words]
    inside = [verse.fewest_syllables <= count <= verse.most_syllables for count in counts]
    mean = _mean(counts)
    return {
        "in syllable window": _mean(inside),
        "syllables a line": mean,
        "syllable variation": float(np.std(counts)) / mean if counts and mean else float("nan"),
    }


def _distinct(words: list[list[str]], size: int) -> float:
    grams = [tuple(line[at : at + size]) for line in words for at in range(len(line) - size + 1)]
    return _ratio(len(set(grams)), len(grams))


def _top_content_word(words: list[list[str]]) -> float:
    uses = Counter(word for line in words for word in line if not is_function_word(word))
    return _ratio(max(uses.values(), default=0), uses.total())


def _end_rhyme(words: list[list[str]]) -> float:
    """The share of lines whose end rhymes with one of the two lines before."""
    ends = [line[-1] for line in words if line]
    return _mean(
        any(relation(end, earlier) in _RHYMING for earlier in ends[max(0, at - 2) : at])
        for at, end in enumerate(ends)
        if at
    )


def _density(words: list[str]) -> float:
    """For each word, how many of its last vowels also end some recent word, at most; their mean."""
    vowels = [_vowels(word) for word in words]
    longest = []
    for at, own in enumerate(vowels):
        recent = range(max(0, at - _DENSITY_REACH), at)
        before = [vowels[back] for back in recent if words[back] != words[at]]
        longest.append(max((_shared_end(own, other) for other in before), default=0))
    return _mean(longest)


def _vowels(word: str) -> str:
    known = sounds(word)
    return "".join(filter(is_vowel, known[0].phones)).lower() if known else ""


def _shared_end(one: str, other: str) -> int:
    shared = 0
    while shared < min(len(one), len(other)) and one[-1 - shared] == other[-1 - shared]:
        shared += 1
    return shared


def _mean(values: Iterable[float]) -> float:
    numbers = [float(value) for value in values]
    return sum(numbers) / len(numbers) if numbers else float("nan")


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
