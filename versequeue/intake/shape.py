"""The shape of a song as a body may say it: its parts, its syllables, the tune that it follows.

Each is stored as text, whichever way it was sent, so that it can be sent again as it is shown.
"""

import re
from functools import lru_cache
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from versequeue.intake.texts import clean_line, is_latin, printable
from versequeue.rules.options import (
    LINES,
    MAX_LINE_CHARACTERS,
    MAX_TUNE_CHARACTERS,
    SYLLABLES,
    syllable_pattern,
)
from versequeue.rules.structure import (
    LETTERS,
    MAX_STRUCTURE_CHARACTERS,
    PART_NAMES,
    PRESETS,
    SCHEMES,
    structure_text,
)

_PART_KEYS = ("name", "lines", "rhyme_scheme")
_PATTERN_BREAK = re.compile(r"[\s,]+")
#: Tunes that were understood and are kept in mind: strangers may send any number of them.
_TUNES_KEPT = 16


def _structure(value: Any) -> Any:
    if isinstance(value, list):
        if not 1 <= len(value) <= LINES.most:
            raise ValueError(f"a song has 1 to {LINES.most} parts")
        value = ", ".join(map(_part_text, value))
    if not isinstance(value, str):
        return value
    # What is wrong with it is quoted, which half of a character cannot be.
    return structure_text(printable(" ".join(value.split())))


def _part_text(part: Any) -> str:
    if not isinstance(part, dict) or not set(part) <= set(_PART_KEYS) or "name" not in part:
        raise ValueError("a part is an object of a name, lines and perhaps a rhyme_scheme")
    name, lines, scheme = (part.get(key) for key in _PART_KEYS)
    if name not in PART_NAMES:
        raise ValueError(f"the name of a part is one of {', '.join(PART_NAMES)}")
    if isinstance(lines, float) and lines.is_integer():
        lines = int(lines)
    is_number = isinstance(lines, int) and not isinstance(lines, bool)
    if lines is not None and not (is_number and 1 <= lines <= LINES.most):
        raise ValueError(f"a {name} has 1 to {LINES.most} lines, a whole number")
    if not isinstance(scheme, str | None) or (scheme and not LETTERS.fullmatch(scheme)):
        raise ValueError(f"the rhyme scheme of a {name} is to be letters, such as ABAB")
    if scheme and lines is None:
        raise ValueError(f"say how many lines the {name} has")
    words = (name, lines, scheme)
    return " ".join(str(word) for word in words if word is not None)


def _syllables(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value) if isinstance(value, int) else f"{value:.10g}"
    if not isinstance(value, str):
        return value
    text = _PATTERN_BREAK.sub(" ", value).strip()
    return " ".join(map(str, syllable_pattern(text)))


# A file may have one tune for a thousand rows, and reads it for each.
@lru_cache(_TUNES_KEPT)
def _tune(text: str) -> str:
    if len(text) > MAX_TUNE_CHARACTERS:
        raise ValueError(f"a tune has at most {MAX_TUNE_CHARACTERS} characters")
    lines = [clean_line(line) for line in text.splitlines() if line.strip()]
    if lines and not LINES.least <= len(lines) <= LINES.most:
        least, most = LINES
        raise ValueError(f"a tune is a verse of {least} to {most} lines, and this has {len(lines)}")
    for line in lines:
        if not is_latin(line):
            raise ValueError("a tune is in Latin letters: its syllables are counted")
    return "\n".join(lines)


_PRESETS_SCHEMA = {"enum": list(PRESETS)}
_TEXT_SCHEMA = {"type": "string", "maxLength": MAX_STRUCTURE_CHARACTERS}
_PART_SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"enum": list(PART_NAMES)},
        "lines": {"type": ["integer", "null"], "minimum": 1, "maximum": LINES.most},
        "rhyme_scheme": {
            "anyOf": [
                {"enum": list(SCHEMES)},
                {"type": "string", "pattern": f"^{LETTERS.pattern}$"},
                {"type": "null"},
            ]
        },
    },
    "required": ["name"],
    "additionalProperties": False,
}
_PARTS_SCHEMA = {
    "type": "array",
    "items": _PART_SCHEMA,
    "minItems": 1,
    "maxItems": LINES.most,
}
_SYLLABLES_TEXT = {
    "type": "string",
    "pattern": r"^[\s,]*(0*[1-9][0-9]*([\s,]+0*[1-9][0-9]*)*[\s,]*)?$",
}
_SYLLABLES_NUMBER = {"type": "integer", "minimum": SYLLABLES.least, "maximum": SYLLABLES.most}

#: A preset, parts as text or a list of parts.
Structure = Annotated[
    str,
    BeforeValidator(_structure),
    WithJsonSchema({"anyOf": [_PRESETS_SCHEMA, _TEXT_SCHEMA, _PARTS_SCHEMA]}),
]
#: The same as a form has it.
StructureText = Annotated[
    str, BeforeValidator(_structure), WithJsonSchema({"anyOf": [_PRESETS_SCHEMA, _TEXT_SCHEMA]})
]
#: A number, or several that are repeated over the lines.
Syllables = Annotated[
    str,
    BeforeValidator(_syllables),
    WithJsonSchema({"anyOf": [_SYLLABLES_TEXT, _SYLLABLES_NUMBER]}),
]
SyllablesText = Annotated[
    str, BeforeValidator(_syllables), WithJsonSchema({"anyOf": [_SYLLABLES_TEXT]})
]
#: A verse, a line on each line; blank ones are left out.
Tune = Annotated[
    str,
    AfterValidator(_tune),
    Field(json_schema_extra={"maxLength": MAX_TUNE_CHARACTERS}),
]
TUNE_NOTE = (
    f"A verse of {LINES.least:g} to {LINES.most:g} lines, each of at most {MAX_LINE_CHARACTERS} "
    "characters, whose syllables, stresses and rhymes the song has."
)
