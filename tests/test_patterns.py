"""Every regular expression reads a stranger's text in time that grows no faster than the text."""

import re
from collections import deque
from collections.abc import Iterator

import pytest

from tests.support.backtracking import Automaton, automaton, faults
from tests.support.cpu_limit import TookTooLong, cpu_limit
from tests.support.patterns import (
    Pattern,
    patterns_of,
    python_patterns,
    schema_patterns,
    script_patterns,
)
from versequeue.api.openapi import document
from versequeue.config import Settings

PATTERNS = [*python_patterns(), *script_patterns()]
SCHEMAS = list(schema_patterns(document(Settings())))
#: A pattern that is not linear needs half a minute and more for so many characters.
RUN_CHARACTERS = 60_000
RUN_CPU_S = 5


def machine_of(pattern: Pattern) -> Automaton:
    return automaton(pattern.text, pattern.flags, anchored=pattern.anchored)


@pytest.mark.parametrize("pattern", [*PATTERNS, *SCHEMAS], ids=str)
def test_no_pattern_can_read_a_text_in_more_ways_than_it_has_characters(pattern: Pattern) -> None:
    assert faults(machine_of(pattern)) == []


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_a_text_that_is_made_for_a_pattern_is_read_soon(pattern: Pattern) -> None:
    compiled = re.compile(pattern.text, pattern.flags)
    read = compiled.match if pattern.anchored else compiled.search
    for text in hostile_texts(machine_of(pattern)):
        with cpu_limit(RUN_CPU_S):
            read(text)


def hostile_texts(machine: Automaton) -> Iterator[str]:
    """For each place where the pattern can go round: the way there, many rounds, and a misfit."""
    for state in range(1, len(machine.reads)):
        round_trip = way(machine, state, state)
        if round_trip:
            there = way(machine, 0, state)
            yield there + round_trip * (RUN_CHARACTERS // len(round_trip)) + "\0"
            again = there + round_trip * 3
            yield again * (RUN_CHARACTERS // len(again)) + "\0"


def way(machine: Automaton, start: int, goal: int) -> str:
    """The shortest text that leads from `start` to `goal`; "" if there is none."""
    waiting, seen = deque([(start, "")]), set()
    while waiting:
        state, text = waiting.popleft()
        for after, reads in machine.steps(state):
            if after not in seen and after != 0 and reads:
                seen.add(after)
                waiting.append((after, text + min(reads)))
                if after == goal:
                    return text + min(reads)
    return ""


@pytest.mark.parametrize(
    "text",
    [
        r"(?<![\w'])(?:\w[ .\-_]+){2,}\w(?![\w'])",  # exponential on underscores
        r"(?:a+)+b",
        r"(?:a|a)*b",
        r"(?:a*)*b",
        r"(?:a|ab|b)*c",
        r"(?:\s|\d\s+)+x",
        r"^\w*\d\w*$",  # quadratic
        r"[a-z]+$",
        r"b(?:b*c)?",
        r"^(.*?)([\w'-]*)(\W*)$",
        r"(?<=a.*)b",
        r"(\w)\1*\w*x",
    ],
)
def test_what_is_ambiguous_is_seen(text: str) -> None:
    assert faults(automaton(text))


@pytest.mark.parametrize(
    "text", [r"[a-z]+", r"^[a-z]+$", r"[A-Z][^A-Z]*$", r"\d+(?:,\d+)*", r"\bsing\w*|\bsong\b"]
)
def test_what_is_linear_passes(text: str) -> None:
    assert faults(automaton(text)) == []


def test_the_hostile_texts_find_what_the_automaton_finds() -> None:
    first, *_ = hostile_texts(automaton(r"[a-z]+$"))
    with pytest.raises(TookTooLong), cpu_limit(1):
        re.search(r"[a-z]+$", first)


def test_a_pattern_is_seen_where_and_as_it_is_used() -> None:
    source = "import re\n_ONE = re.compile(r'a+', re.I)\n_ONE.fullmatch(x)\nre.sub('b+$', '', x)\n"
    found = sorted(patterns_of(source, "m.py"), key=str)
    assert found == [
        Pattern("m.py:2", "a+", int(re.IGNORECASE), anchored=True),
        Pattern("m.py:4", "b+$"),
    ]
    with pytest.raises(ValueError, match=r"m\.py:1 makes a pattern while it runs"):
        list(patterns_of("re.match(given, text)", "m.py"))


def test_the_patterns_of_python_and_of_the_page_are_found() -> None:
    names = {pattern.place.partition(":")[0] for pattern in PATTERNS}
    assert {"lyricist/language/words.py", "versequeue/logs.py", "web/lyric.js"} <= names
    assert len(PATTERNS) > 40
