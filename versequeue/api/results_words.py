"""The results function's handlers for words: what rhymes with one, how lines are stressed.

They read no store. What is told changes only with the version of the server.
"""

from functools import partial
from typing import Any

from flask import Request, Response

from versequeue.api.edge import Handler, conditional, digest, json_response
from versequeue.contract.server_views import MeterView
from versequeue.contract.wire import to_wire
from versequeue.errors import FieldError, NotFound, ValidationFailed
from versequeue.ports.sounds import Sounds
from versequeue.rules.options import LINES

KEPT_S = 86_400
MAX_METER_CHARACTERS = 4000


def word_handlers(sounds: Sounds) -> dict[str, Handler]:
    """What the results function can do with words."""
    return {
        "get_rhymes": partial(get_rhymes, sounds),
        "get_meter": partial(get_meter, sounds),
    }


def get_rhymes(sounds: Sounds, request: Request, word: str) -> Response:
    """200 with the words that rhyme. Raises NotFound, with what is spelled nearly so."""
    asked = word.strip().lower().replace("’", "'")
    found = sounds.rhymes(asked)
    if found is None:
        near = sounds.nearest(asked)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise NotFound(
            f"How this word sounds is not known.{hint}",
            errors=[FieldError("/path/word", each) for each in near],
        )
    return _kept(request, to_wire(found))


def get_meter(sounds: Sounds, request: Request) -> Response:
    """200 with the stresses of each line of the `text` in the query. Raises ValidationFailed."""
    text = request.args.get("text", "")
    lines = text.splitlines()
    if not text.strip() or len(text) > MAX_METER_CHARACTERS or len(lines) > LINES.most:
        rule = f"1 to {LINES.most} lines of at most {MAX_METER_CHARACTERS:,} characters together."
        fault = FieldError("/query/text", f"This is to be {rule}")
        raise ValidationFailed("There are no lines to be read.", errors=[fault])
    return _kept(request, to_wire(MeterView(lines=tuple(map(sounds.meter, lines)))))


def _kept(request: Request, view: dict[str, Any]) -> Response:
    response = json_response(view)
    response.headers["Cache-Control"] = f"private, max-age={KEPT_S}"
    return conditional(request, response, digest(view))
