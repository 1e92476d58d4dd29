"""The options of a song: every place that has a line for each of them has all of them."""

import json
import re
from dataclasses import asdict
from typing import get_args, get_type_hints

import click
import pytest

from tests.support.paths import ROOT
from versequeue.cli.options import song_options
from versequeue.intake.options_body import FormOptions, OptionsBody
from versequeue.intake.validation import validate
from versequeue.rules.options import (
    OPTION_NAMES,
    Effort,
    ResolvedOptions,
    SongOptions,
    Style,
)
from versequeue.rules.structure import Preset, RhymeScheme

#: The page is for people: it leaves these to the server.
FOR_PROGRAMS_ONLY = {"temperature", "top_p", "seed"}
#: Are stored as text, whichever way they were asked for.
STORED_AS_TEXT = {"structure", "syllables"}


def test_what_may_be_asked_for_is_what_is_resolved() -> None:
    asked = get_type_hints(SongOptions)
    resolved = get_type_hints(ResolvedOptions)
    assert asked.keys() == resolved.keys()
    for name in asked.keys() - STORED_AS_TEXT:
        assert asked[name] == (str if get_args(resolved[name]) else resolved[name])
    assert all(str in get_args(asked[name]) for name in STORED_AS_TEXT)
    assert set(OptionsBody.model_fields) == set(FormOptions.model_fields) == set(resolved)


def test_a_request_that_asks_for_nothing_gets_every_default() -> None:
    body: OptionsBody = validate(OptionsBody, {})
    assert body.resolved(seed=7) == ResolvedOptions(seed=7)


def test_the_command_line_has_every_option() -> None:
    command = click.command()(song_options(lambda _options: None))
    assert {option.name for option in command.params} == set(OPTION_NAMES)


def test_the_page_has_every_option_for_people_with_its_default() -> None:
    form = (ROOT / "web" / "form.js").read_text(encoding="utf-8")
    found = re.search(r"^const USUAL = (\{.*\});$", form, re.M)
    assert found
    usual = json.loads(re.sub(r"(\w+):", r'"\1":', found[1]))
    defaults = asdict(ResolvedOptions(seed=7))
    assert usual == {name: defaults[name] for name in defaults.keys() - FOR_PROGRAMS_ONLY}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("styles", Style),
        ("structures", Preset),
        ("schemes", RhymeScheme),
        ("efforts", Effort),
    ],
)
def test_the_page_has_a_text_for_every_word(name: str, words: object) -> None:
    texts = (ROOT / "web" / "en.js").read_text(encoding="utf-8")
    block = re.search(rf"^export const {name} = \{{(.*?)\}};$", texts, re.M | re.S)
    assert block
    assert set(re.findall(r"(\w+): \"", block[1])) == set(get_args(words))


def test_the_page_for_api_users_has_every_option() -> None:
    rows = (ROOT / "docs" / "api.md").read_text()
    assert [name for name in OPTION_NAMES if f"\n| `{name}` |" not in rows] == []
