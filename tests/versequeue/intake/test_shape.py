"""The shape of a song as a body says it: kept as text, or refused with a sentence at its place."""

from typing import Any

import pytest

from tests.support.errors import refusals
from versequeue.intake import shape
from versequeue.intake.job_body import FormJob, JobBody
from versequeue.intake.options_body import OptionsBody
from versequeue.intake.texts import clean_line
from versequeue.intake.validation import validate
from versequeue.rules.options import ResolvedOptions

TUNE = "Row, row, row your boat\n\nGently down the stream\r\nMerrily, merrily\nLife is but a dream"
PARTS = [
    {"name": "verse", "lines": 4, "rhyme_scheme": "ABAB"},
    {"name": "chorus", "lines": 2},
    {"name": "chorus"},
]


def resolved(**options: Any) -> ResolvedOptions:
    """What these options are resolved to."""
    return validate(OptionsBody, options).resolved(7)


def test_a_list_of_parts_says_how_many_lines_the_song_has() -> None:
    options = resolved(structure=PARTS)
    assert (options.structure, options.lines) == ("verse 4 ABAB, chorus 2, chorus", 8)


def test_a_tune_says_how_many_lines_the_song_has() -> None:
    options = resolved(tune=TUNE)
    assert (options.lines, options.tune.count("\n")) == (4, 3)


@pytest.mark.parametrize(
    ("asked", "stored"), [(8, "8"), (8.0, "8"), ("8, 6,8 6 ", "8 6 8 6"), ("08", "8"), (" ", "")]
)
def test_syllables_are_a_number_or_a_pattern(asked: Any, stored: str) -> None:
    assert resolved(syllables=asked).syllables == stored


def test_a_title_is_trimmed_and_may_be_of_any_signs() -> None:
    assert resolved(title=" 1999 — 東京? ").title == "1999 — 東京?"
    assert resolved(title=" \n ").title == ""


def test_options_as_a_job_shows_them_may_be_sent_again() -> None:
    for options in (resolved(structure=PARTS, syllables=8), resolved(tune=TUNE)):
        assert resolved(**vars(options)) == options


def test_a_form_says_the_shape_of_a_song_as_text() -> None:
    fields = {"prompt": "rain", "structure": "verse 4, chorus 2, chorus", "syllables": "8"}
    options = validate(FormJob, fields).as_body().resolved(7)
    assert (options.structure, options.lines, options.syllables) == (fields["structure"], 8, "8")


@pytest.mark.parametrize(
    ("options", "pointer", "said"),
    [
        ({"structure": "verse 65"}, "/structure", "a song has 4 to 64 lines, these parts 65."),
        ({"structure": "verse 3"}, "/structure", "a song has 4 to 64 lines, these parts 3."),
        ({"structure": PARTS, "lines": 16}, "/lines", "the parts have 8 lines: leave this out."),
        ({"structure": [{"name": "hook", "lines": 4}]}, "/structure", "the name of a part is one"),
        ({"structure": [{"lines": 4}]}, "/structure", "a part is an object of a name"),
        ({"structure": [{"name": "verse", "lines": True}]}, "/structure", "a whole number"),
        (
            {"structure": [{"name": "verse", "lines": 65}]},
            "/structure",
            "a verse has 1 to 64 lines",
        ),
        (
            {"structure": [{"name": "verse", "lines": 4, "rhyme_scheme": 4}]},
            "/structure",
            "letters",
        ),
        ({"structure": [{"name": "verse", "rhyme_scheme": "AA"}]}, "/structure", "how many lines"),
        ({"structure": []}, "/structure", "a song has 1 to 64 parts."),
        ({"structure": 4}, "/structure", "this is to be a text."),
        ({"structure": ",".join(["pre-chorus 1 AABB"] * 55)}, "/structure", "at most 1000 charac"),
        ({"syllables": "0 0"}, "/syllables", "a line has 3 to 16 syllables"),
        ({"syllables": 0}, "/syllables", "a line has 3 to 16 syllables"),
        ({"syllables": "8 " * 65}, "/syllables", "at most 64 numbers"),
        ({"structure": "verse 4, \ud800 4"}, "/structure", "control characters are not allowed."),
        ({"structure": "verse 4 \ud800"}, "/structure", "control characters are not allowed."),
        ({"syllables": 10**400}, "/syllables", "a line has 3 to 16 syllables"),
        ({"syllables": True}, "/syllables", "this is to be a text."),
        ({"tune": "word"}, "/tune", "a tune is a verse of 4 to 64 lines, and this has 1."),
        ({"tune": "la\n" * 65}, "/tune", "this has 65."),
        ({"tune": "la la\n" * 3 + "x" * 201}, "/tune", "a line has at most 200 characters."),
        ({"tune": "x" * 4001}, "/tune", "a tune has at most 4000 characters."),
        ({"tune": "la la\n" * 3 + "слово"}, "/tune", "a tune is in Latin letters"),
        ({"title": "x" * 201}, "/title", "this has at most 200 characters."),
        ({"title": "one\ntwo"}, "/title", "a title is one line."),
        ({"title": "one\u2028two"}, "/title", "a title is one line."),
        ({"title": "ding\a"}, "/title", "control characters are not allowed."),
        ({"title": ["x"]}, "/title", "this is to be a text."),
        ({"tune": TUNE, "structure": "song"}, "/structure", "a tune is one verse"),
        ({"tune": TUNE, "syllables": 8}, "/syllables", "the tune says how many"),
        ({"tune": TUNE, "lines": 5}, "/lines", "the tune has 4 lines: leave this out."),
    ],
)
def test_a_shape_that_no_song_can_have_is_refused_with_a_sentence(
    options: dict[str, Any], pointer: str, said: str
) -> None:
    [fault] = refusals(lambda: validate(OptionsBody, options))
    assert fault.pointer == pointer
    assert said in fault.detail[:1].lower() + fault.detail[1:]


def test_a_refusal_in_a_body_points_into_the_options() -> None:
    body = {"prompt": "rain", "options": {"structure": "verse 4", "lines": 5}}
    [fault] = refusals(lambda: validate(JobBody, body))
    assert fault.pointer == "/options/lines"


def test_a_tune_of_a_whole_file_is_read_once_and_not_for_each_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str] = []

    def clean(line: str) -> str:
        read.append(line)
        return clean_line(line)

    monkeypatch.setattr(shape, "clean_line", clean)
    tune = "one tune for all\nof the rows\nof a file\nas a form has it"
    for _ in range(1000):
        assert validate(OptionsBody, {"tune": tune}).tune == tune
    assert len(read) == 4
