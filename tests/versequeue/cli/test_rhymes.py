"""`versequeue rhymes`: what is shown of a word's rhymes, and what of a word that is not known."""

import json

from tests.support.command_line import Run
from tests.support.fake_api import FakeApi


def test_rhymes_are_shown_by_their_length(run: Run) -> None:
    result = run("rhymes", "rain")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "Rhymes",
        "  1  train, plain",
        "  2  again",
        "",
        "Slant rhymes",
        "  1  name",
    ]
    assert json.loads(run("rhymes", "rain", "--json").stdout)["word"] == "rain"


def test_a_word_without_rhymes_and_one_that_is_not_known_are_a_sentence(
    run: Run, api: FakeApi
) -> None:
    api.rhymes = {"month": {"object": "rhymes", "word": "month", "syllables": 1}}
    assert run("rhymes", "month").stdout == "Nothing rhymes with it.\n"
    refused = run("rhymes", "rayn")
    assert refused.exit_code == 2
    assert "Error: " in refused.stderr
