"""A stranger's texts: trimmed, in NFC, bounded, without control characters."""

import unicodedata
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, ValidationInfo

from versequeue.rules.job import MAX_PROMPT_CHARACTERS
from versequeue.rules.options import (
    MAX_GIVEN_CHARACTERS,
    MAX_LINE_CHARACTERS,
    MAX_MOOD_CHARACTERS,
    MAX_TITLE_CHARACTERS,
)

MAX_METADATA_CHARACTERS = 512

#: NFC makes one character of at most so many. What is longer is refused before it is brought into
#: that form: to sort combining marks takes the square of their number.
NFC_SHRINKS = 4
_ORDINAL_SIGNS = "ªº"


def normalized(text: str, most: int) -> str:
    """`text` in NFC, white space around it left out; as it is if that is sure to exceed `most`."""
    text = text.strip()
    return text if len(text) > NFC_SHRINKS * most else unicodedata.normalize("NFC", text).strip()


def clean_prompt(text: str) -> str:
    """`text` in NFC without white space around it. ValueError says what is wrong with it."""
    text = normalized(text, MAX_PROMPT_CHARACTERS)
    if not text:
        raise ValueError("it is empty: say in a few words what the song is about")
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise ValueError(f"a prompt has at most {MAX_PROMPT_CHARACTERS} characters")
    return printable(text)


def printable(text: str) -> str:
    """`text` as it is. Raises ValueError if there are control characters in it."""
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("control characters are not allowed")
    return text


def clean_line(text: str, most: int = MAX_LINE_CHARACTERS) -> str:
    """`text` as a line of a song, of `most` characters. ValueError says what is wrong with it."""
    # NFC makes several characters of a few.
    if max(len(text), len(text := normalized(text, most))) > most:
        raise ValueError(f"a line has at most {most} characters")
    if not words_of(text):
        raise ValueError("there is no word in this line")
    if any(unicodedata.category(character) in ("Zl", "Zp") for character in text):
        raise ValueError("this is more than one line")
    return printable(text)


def words_of(text: str) -> str:
    """The letters of `text`, and nothing else of it."""
    return "".join(filter(str.isalpha, text))


def is_latin(text: str) -> bool:
    """Whether all letters of `text` are Latin ones, accents or not.

    Signs that go with letters of any script (1ª, Hawaiʻi) count as none.
    """
    return all(
        unicodedata.name(letter, "").startswith("LATIN ")
        for letter in words_of(text)
        if letter not in _ORDINAL_SIGNS and unicodedata.category(letter) != "Lm"
    )


def _short(text: str, most: int) -> str:
    text = normalized(text, most)
    if len(text) > most:
        raise ValueError(f"this has at most {most} characters")
    return printable(text)


def _mood(text: str) -> str:
    return _short(text, MAX_MOOD_CHARACTERS)


def _title(text: str) -> str:
    if len(text.strip().splitlines()) > 1:
        raise ValueError("a title is one line")
    return _short(text, MAX_TITLE_CHARACTERS)


def _model_name(text: str, info: ValidationInfo) -> str:
    served = info.context or ()
    if text and text not in served:
        raise ValueError(f"this server has no such model; it has {', '.join(served)}")
    return text


# The patterns say in openapi.json what the validators do; the validators have the better words.
_PRINTABLE = r"[^\u0000-\u001f\u007f-\u009f]"
_BLANK = r"[^\S\u0000-\u001f\u007f-\u009f]"
_VISIBLE = r"[^\s\u0000-\u001f\u007f-\u009f]"
_IS_PRINTABLE = AfterValidator(printable)
_ANY_PRINTABLE: Any = Field(json_schema_extra={"pattern": f"^{_PRINTABLE}*$"})

#: What openapi.json says of a prompt, wherever one stands.
PROMPT_SCHEMA: dict[str, Any] = {
    "minLength": 1,
    "maxLength": MAX_PROMPT_CHARACTERS,
    "pattern": f"^{_BLANK}*{_VISIBLE}{_PRINTABLE}*$",
}

Prompt = Annotated[
    str,
    AfterValidator(clean_prompt),
    Field(
        description=f"What the song is about, 1 to {MAX_PROMPT_CHARACTERS} characters after "
        "trimming and NFC.",
        json_schema_extra=PROMPT_SCHEMA,
    ),
]

#: A line that stays as it is.
GivenLine = Annotated[
    str,
    AfterValidator(partial(clean_line, most=MAX_GIVEN_CHARACTERS)),
    Field(
        json_schema_extra={
            "maxLength": MAX_GIVEN_CHARACTERS,
            "pattern": f"^{_PRINTABLE}*$",
        }
    ),
]

Mood = Annotated[
    str,
    AfterValidator(_mood),
    Field(
        json_schema_extra={"maxLength": MAX_MOOD_CHARACTERS, "pattern": f"^{_PRINTABLE}*$"},
    ),
]

Title = Annotated[
    str,
    AfterValidator(_title),
    Field(
        json_schema_extra={"maxLength": MAX_TITLE_CHARACTERS, "pattern": f"^{_PRINTABLE}*$"},
    ),
]

#: Which there are, the server says in openapi.json itself.
ModelName = Annotated[str, AfterValidator(_model_name)]

MetadataText = Annotated[
    str, StringConstraints(max_length=MAX_METADATA_CHARACTERS), _IS_PRINTABLE, _ANY_PRINTABLE
]

MetadataKey = Annotated[
    str, StringConstraints(min_length=1, max_length=64), _IS_PRINTABLE, _ANY_PRINTABLE
]

Metadata = Annotated[
    dict[MetadataKey, MetadataText],
    Field(max_length=16, json_schema_extra={"additionalProperties": False}),
]
