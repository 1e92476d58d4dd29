"""The options of a song: what may be asked for, and what is resolved from it."""

from typing import get_args, get_type_hints

from versequeue.api.bodies import OptionsBody, validate
from versequeue.rules.options import Options, SongOptions


def test_what_may_be_asked_for_is_what_is_resolved() -> None:
    asked = get_type_hints(SongOptions)
    resolved = get_type_hints(Options)
    assert asked == {name: str if get_args(kind) else kind for name, kind in resolved.items()}
    assert set(OptionsBody.model_fields) == set(resolved)


def test_a_request_that_asks_for_nothing_gets_every_default() -> None:
    body: OptionsBody = validate(OptionsBody, {})
    assert body.resolved(seed=7) == Options(seed=7)
