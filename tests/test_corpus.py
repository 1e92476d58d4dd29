"""The corpus keeps what its README promises: form, rhymes, lengths, and prompts of its own."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from lyricist.language.metrics import scheme_relations
from lyricist.language.rhyme import RhymeKind
from lyricist.language.schemes import PATTERNS
from lyricist.language.syllables import syllables
from lyricist.language.words import split_words
from lyricist.tuning.lyrics_files import read_lyrics
from lyricist.writing.styles import STYLES
from tests.support.paths import ROOT

CORPUS = ROOT / "corpus"
FILES = {"verses.jsonl": "lines", "songs.jsonl": "sections"}
LINE = re.compile(r"[A-Z0-9'][A-Za-z0-9 ,.'?!-]*[A-Za-z0-9'?!]")
PROMPT = re.compile(r"[A-Za-z0-9 ,.:'?!-]{1,100}")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / name).read_text("utf-8").splitlines()]


def parts(row: dict[str, Any]) -> list[list[str]]:
    """The lines of each section."""
    return [row["lines"]] if "lines" in row else [part["lines"] for part in row["sections"]]


ROWS = [row for name in FILES for row in rows(name)]
LINES = [line for row in ROWS for part in parts(row) for line in part]


@pytest.mark.parametrize(("name", "lyrics"), FILES.items())
def test_every_row_of_the_corpus_has_its_fields_and_no_others(name: str, lyrics: str) -> None:
    found = rows(name)
    assert len(found) >= 90
    assert {tuple(row) for row in found} == {("prompt", "style", "scheme", "title", lyrics)}
    assert {row["style"] for row in found} <= STYLES.keys()
    assert {row["scheme"] for row in found} <= PATTERNS.keys() - {"none", "AAAA"}
    assert all(PROMPT.fullmatch(row["prompt"]) and PROMPT.fullmatch(row["title"]) for row in found)


def test_tuning_takes_the_corpus_and_so_none_of_its_prompts_is_near_a_frozen_one() -> None:
    assert len(read_lyrics([CORPUS / name for name in FILES])) == len(ROWS)


def test_no_prompt_and_no_line_of_the_corpus_comes_twice() -> None:
    prompts = Counter(row["prompt"].lower() for row in ROWS)
    assert [prompt for prompt, times in prompts.items() if times > 1] == []
    lines = Counter(" ".join(split_words(line)) for line in LINES)
    assert [line for line, times in lines.items() if times > 1] == []


def test_lines_of_the_corpus_are_plain_characters_and_of_six_to_thirteen_syllables() -> None:
    assert [line for line in LINES if not LINE.fullmatch(line)] == []
    lengths = [sum(map(syllables, split_words(line))) for line in LINES]
    assert [
        line for line, length in zip(LINES, lengths, strict=True) if not 6 <= length <= 13
    ] == []
    assert {len(part) for row in ROWS for part in parts(row)} <= {4, 8, 12, 16}


def test_the_corpus_rhymes_as_it_declares() -> None:
    wrong = [
        (row["prompt"], row["scheme"], part)
        for row in ROWS
        for part in parts(row)
        # Of a compound (forty-three) the last part rhymes, as the dictionary has no compounds.
        if {*scheme_relations(row["scheme"], [line.replace("-", " ") for line in part])}
        != {RhymeKind.PERFECT}
    ]
    assert wrong == []


PLAIN = rows("plain.jsonl")
PLAIN_LINES = [line for row in PLAIN for line in row["lines"]]


def test_plain_verses_have_the_fields_of_verses_and_none_of_their_prompts_and_lines() -> None:
    assert {tuple(row) for row in PLAIN} == {("prompt", "style", "scheme", "title", "lines")}
    assert {row["style"] for row in PLAIN} == STYLES.keys()
    assert {row["scheme"] for row in PLAIN} <= PATTERNS.keys() - {"none", "AAAA"}
    prompts = Counter(row["prompt"].lower() for row in [*PLAIN, *ROWS])
    assert [prompt for prompt, times in prompts.items() if times > 1] == []
    lines = Counter(" ".join(split_words(line)) for line in [*PLAIN_LINES, *LINES])
    assert [line for line, times in lines.items() if times > 1] == []


def test_tuning_takes_the_plain_verses_and_so_none_of_their_prompts_is_near_a_frozen_one() -> None:
    assert len(read_lyrics([CORPUS / "plain.jsonl"])) == len(PLAIN) > 4000


def test_plain_verses_rhyme_and_are_of_plain_characters_and_even_length() -> None:
    assert [line for line in PLAIN_LINES if not LINE.fullmatch(line)] == []
    lengths = [sum(map(syllables, split_words(line))) for line in PLAIN_LINES]
    assert 4 <= min(lengths) <= max(lengths) <= 13
    assert {len(row["lines"]) for row in PLAIN} == {4, 8, 12, 16}
    rhymes = Counter(
        kind
        for row in PLAIN
        for kind in scheme_relations(
            row["scheme"], [line.replace("-", " ") for line in row["lines"]]
        )
    )
    assert set(rhymes) == {RhymeKind.PERFECT, RhymeKind.SLANT}
    assert rhymes[RhymeKind.PERFECT] > 0.95 * rhymes.total()
