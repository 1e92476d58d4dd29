"""Given lines as a body has them: in all their places, or refused with a sentence at theirs."""

from typing import Any

import pytest

from tests.support.errors import refusals
from versequeue.intake.given_lines import read_given
from versequeue.intake.job_body import JobBody, OwnJobBody
from versequeue.intake.prompt_files import FileFormat, check
from versequeue.intake.validation import validate
from versequeue.rules.options import ResolvedOptions

VERSE = ResolvedOptions(seed=7, lines=4)
#: Lines 3 and 4 are sung again as lines 7 and 8.
SONG = ResolvedOptions(seed=7, lines=8, structure="verse 2, chorus 2, verse 2, chorus")


def refusal(given: Any, options: ResolvedOptions = VERSE) -> tuple[str, str]:
    """Where these given lines are refused, and what is said there."""
    [fault] = refusals(lambda: read_given(given, options))
    return fault.pointer, fault.detail


def test_given_lines_are_cleaned_as_a_prompt_is() -> None:
    assert read_given([" cafe\u0301 ", None, None, None], VERSE) == ("café", None, None, None)


def test_signs_that_go_with_latin_letters_are_no_other_script() -> None:
    given = ("Hawai\u02bbi por 1\u00aa vez", None, None, None)
    assert read_given(list(given), VERSE) == given


def test_where_nothing_rhymes_a_given_line_is_in_any_script() -> None:
    options = ResolvedOptions(seed=7, lines=4, structure="verse 4 ABC-")
    given = ("東京", None, None, None)
    assert read_given(list(given), options) == given


def test_a_line_that_grows_beyond_its_bound_in_its_usual_form_is_refused() -> None:
    given = ["a" + "\U0001d160" * 400, None, None, None]
    assert refusal(given) == ("/given/0", "A line has at most 800 characters.")


def test_a_line_that_was_written_on_from_the_longest_prompt_may_be_given() -> None:
    given = ("rain " * 100 + "and so it goes on", None, None, None)
    assert read_given(list(given), VERSE) == given


def test_long_lines_are_refused_where_they_are_too_much_together() -> None:
    options = ResolvedOptions(seed=7, lines=20)
    assert len(read_given(["x" * 800] * 16 + [None] * 4, options)) == 20
    refused = refusal(["x" * 800] * 16 + ["y", None, None, None], options)
    assert refused == ("/given", "All lines together have at most 12,800 characters.")


@pytest.mark.parametrize("given", [[], [None] * 4], ids=["no", "empty"])
def test_where_nothing_is_given_all_is_written(given: Any) -> None:
    assert read_given(given, VERSE) == ()


def test_what_is_given_of_a_chorus_stands_wherever_it_is_sung() -> None:
    given = [None, None, "Oh sun", None, None, None, None, "Oh rain"]
    expected = (None, None, "Oh sun", "Oh rain", None, None, "Oh sun", "Oh rain")
    assert read_given(given, SONG) == expected


@pytest.mark.parametrize(
    ("given", "pointer", "said"),
    [
        (["One"] * 65, "/given", "This has at most 64 entries."),
        (["One"], "/given", "The song has 4 lines and this has 1."),
        ([None, "x" * 2000, None, None], "/given/1", "A line has at most 800 characters."),
        ([None, "a\tb", None, None], "/given/1", "Control characters are not allowed."),
        ([None, "a\u2028b", None, None], "/given/1", "This is more than one line."),
        ([None, " 1, 2! ", None, None], "/given/1", "There is no word in this line."),
        ([None, "", None, None], "/given/1", "There is no word in this line."),
        ([None, 5, None, None], "/given/1", "This is to be a text."),
        ([None, "東京 love", None, None], "/given/1", "The lines rhyme"),
        (["One"] * 4, "/given", "Every line is given"),
        ("One", "/given", "This is to be a list."),
    ],
    ids=[
        "65",
        "short",
        "long",
        "tab",
        "break",
        "digits",
        "blank",
        "number",
        "kanji",
        "all",
        "text",
    ],
)
def test_given_lines_that_cannot_stand_are_refused_with_a_sentence(
    given: Any, pointer: str, said: str
) -> None:
    place, detail = refusal(given)
    assert place == pointer
    assert detail.startswith(said)


def test_a_chorus_whose_repeats_differ_is_refused_where_it_differs() -> None:
    given = [None, None, "Oh sun", None, None, None, "Oh moon", None]
    assert refusal(given, SONG) == ("/given/6", "Here line 3 is sung again, which differs.")


def test_a_song_without_rhymes_takes_any_script() -> None:
    options = ResolvedOptions(seed=7, lines=4, rhyme_scheme="none")
    assert read_given(["東京", None, None, None], options)[0] == "東京"


def test_a_chorus_given_once_leaves_the_verses_to_be_written() -> None:
    given = ["One", "Two", "Three", "Four", "Five", "Six", None, None]
    assert refusal(given, SONG)[0] == "/given"


def test_a_body_has_its_given_lines_in_all_their_places() -> None:
    body = {"prompt": "rain", "options": {"lines": 4}, "given": ["Rain ", None, None, None]}
    assert validate(JobBody, body).given_lines() == ("Rain", None, None, None)


def test_a_model_that_writes_no_songs_takes_no_given_lines() -> None:
    [fault] = refusals(lambda: validate(OwnJobBody, {"prompt": "rain", "given": []}))
    assert fault.pointer == "/given"


def test_a_row_of_a_file_has_given_lines_or_is_refused_by_its_line() -> None:
    rows = b"""{"prompt": "rain", "given": ["Rain", null, null, null]}
{"prompt": "sun", "given": null}
{"prompt": "fog", "given": ["Fog"]}
"""
    checked = check(rows, FileFormat.JSONL, lambda _options: VERSE)
    assert [row.given for row in checked.rows] == [("Rain", None, None, None), ()]
    assert [(fault.line, fault.code, fault.detail) for fault in checked.faults] == [
        (3, "invalid-given", "given: The song has 4 lines and this has 1.")
    ]
