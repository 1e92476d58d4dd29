"""The figures, on verses whose figures anyone can count, and the run that makes a table of them."""

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from lyricist.cli.main import main
from lyricist.evaluate import (
    FREE,
    OURS,
    SHUFFLED,
    EvaluationSettings,
    as_json,
    evaluate,
    table,
)
from lyricist.language.metrics import Verse, measure, rhyme_score, scheme_relations, topic_coverage
from lyricist.language.rhyme import RhymeKind
from lyricist.prompts import frozen_prompts, read_prompts
from lyricist.songs import Effort

LINES = (
    "I walk alone into the night",
    "A window shows a yellow light",
    "The bread is on the wooden table",
    "I walk alone into the",
)


def verse(*lines: str, asked: int = 4) -> Verse:
    return Verse("walking home", asked, "AABB", lines, fewest_syllables=6, most_syllables=9)


def test_rhyme_is_counted_by_the_pairs_of_the_scheme() -> None:
    figures = measure(verse(*LINES))
    assert figures["scheme accuracy"] == figures["perfect"] == 0.5
    assert figures["identity"] == figures["unknown words"] == 0


def test_the_same_end_word_is_an_identity_and_no_rhyme() -> None:
    figures = measure(verse("a night", "the night", "the sea", "I see"))
    assert figures["identity"] == 1
    assert figures["scheme accuracy"] == 0


def test_missing_lines_cost_rhymes_and_the_line_count() -> None:
    figures = measure(verse(*LINES[:2]))
    assert figures["exact line count"] == 0
    assert figures["scheme accuracy"] == 0.5


def test_repetition_and_weak_ends_are_counted() -> None:
    figures = measure(verse(*LINES))
    assert figures["open ends"] == 0.25
    assert figures["repeated lines"] == 0
    assert figures["repeated 4-grams"] == pytest.approx(2 / 12)
    assert figures["distinct-1"] == pytest.approx(16 / 24)
    assert figures["top content word"] == pytest.approx(2 / 12)
    assert measure(verse("so it goes", "so it goes"))["repeated lines"] == 0.5


def test_syllables_are_held_against_the_window() -> None:
    figures = measure(verse("I walk alone into the night", "walk"))
    assert figures["in syllable window"] == 0.5
    assert figures["syllables a line"] == 4.5


@pytest.mark.parametrize(
    ("prompt", "covered"),
    [("a walk", 1), ("walkers", 1), ("the ocean", 0), ("🔥", None), ("write me a song", None)],
)
def test_a_topic_is_covered_by_any_form_of_its_words(prompt: str, covered: float | None) -> None:
    found = topic_coverage(prompt, LINES)
    assert math.isnan(found) if covered is None else found == covered


def test_talk_of_the_task_is_a_leak() -> None:
    leaking = ("Sure, here is your song", "These lines rhyme", "A verse of mine", "outline rhythm")
    assert measure(verse(*leaking))["prompt leaks"] == 4


def test_a_score_needs_pairs() -> None:
    assert rhyme_score([]) is None
    assert (
        rhyme_score([RhymeKind.PERFECT, RhymeKind.SLANT, RhymeKind.NONE, RhymeKind.IDENTITY]) == 0.5
    )
    assert scheme_relations("none", LINES) == []


def test_there_are_fifty_frozen_prompts_of_all_kinds() -> None:
    prompts = frozen_prompts()
    assert len(prompts) == len(set(prompts)) == 50
    assert any(not prompt.isascii() for prompt in prompts)


def test_a_file_of_prompts_has_one_a_line() -> None:
    assert read_prompts("# note\n one \n\ntwo\n") == ("one", "two")


def test_an_evaluation_puts_our_lines_beside_free_and_shuffled_ones(tiny_bundle: Path) -> None:
    settings = EvaluationSettings(
        prompts=("a night bus", "🔥", "my dog"), lines=(4,), together=2, effort=Effort.QUICK
    )
    notes: list[str] = []
    columns = evaluate(tiny_bundle, settings, notes.append)
    assert [column.writer for column in columns] == [OURS, FREE, SHUFFLED]
    assert notes == ["AABB, 4 lines"]
    ours, free, shuffled = columns
    assert ours.figures["scheme accuracy"][0] == 1
    assert free.figures["scheme accuracy"][0] < 1
    assert ours.figures["seconds a line"][0] > 0
    assert ours.figures["passes a line"][0] > 1
    assert sorted(shuffled.verses[0].lines) == sorted(ours.verses[0].lines)
    low, high = ours.figures["distinct-1"][1:]
    assert low <= ours.figures["distinct-1"][0] <= high
    rows = table(columns).splitlines()
    assert rows[0] == "| | ours, AABB, 4 | free sampling, AABB, 4 | ours, shuffled, AABB, 4 |"
    assert len(rows) == 2 + len(ours.figures)
    stored = json.loads(as_json(columns, settings))
    assert stored["settings"]["prompts"][0] == "a night bus"
    assert len(stored["columns"][0]["verses"]) == 3


def test_the_command_writes_a_table_and_a_file(tiny_bundle: Path, tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.txt"
    prompts.write_text("a night bus\n", encoding="utf-8")
    out = tmp_path / "figures.json"
    arguments = ["--prompts", str(prompts), "--bundle", str(tiny_bundle), "--lines", "4"]
    arguments += ["--baseline", "none", "--scheme", "ABBA", "--out", str(out), "--effort", "quick"]
    result = CliRunner().invoke(main, ["evaluate", *arguments])
    assert result.exit_code == 0, result.output
    assert "| scheme accuracy | 1.000 |" in result.output
    assert json.loads(out.read_text(encoding="utf-8"))["columns"][0]["scheme"] == "ABBA"
