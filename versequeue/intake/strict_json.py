"""JSON and names as strangers send them, read so that no two readers may take them differently."""

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from versequeue.errors import FieldError, InvalidJson, ValidationFailed


class RepeatedNames(ValueError):
    """A name stands twice in an object, so that two readers may take two values for it."""


#: What is longer takes long to be read, and Python refuses it in words of its own.
MOST_DIGITS = 4300


def strict_json(text: str) -> Any:
    """The JSON value in `text`. Raises RepeatedNames, or another ValueError also for NaN."""
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique_names,
            parse_constant=_refuse_constant,
            parse_int=_whole_number,
        )
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def repeated(names: Iterable[str]) -> list[str]:
    """Those that are there more than once."""
    return [name for name, count in Counter(names).items() if count > 1]


def pointed(name: object) -> str:
    """A name as a part of a JSON pointer."""
    return str(name).replace("~", "~0").replace("/", "~1")


def quoted(names: list[str]) -> str:
    """Some of a stranger's names, as they may be shown."""
    return ", ".join(f"“{_shortened(name)}”" for name in names[:5])


def _shortened(name: str) -> str:
    printable = "".join(character if character.isprintable() else "�" for character in name)
    return printable if len(printable) <= 40 else printable[:39] + "…"


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if twice := repeated(name for name, _ in pairs):
        raise RepeatedNames(f"{quoted(twice)} is there twice")
    return dict(pairs)


def parse_json(body: bytes) -> Any:
    """The JSON value in `body`. Raises InvalidJson, also for NaN and for text not in UTF-8."""
    if not body.strip():
        raise InvalidJson("The body is empty; a JSON object is expected.")
    try:
        return strict_json(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidJson(f"The body is not UTF-8: byte {error.start} is wrong.") from error
    except RepeatedNames as error:
        raise InvalidJson(f"In the body {error}.") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise InvalidJson(f"The body is not JSON: {error.msg} at {where}.") from error
    except ValueError as error:
        raise InvalidJson(f"The body is not JSON: {error}.") from error


def decode_prompt(body: bytes) -> str:
    """`body` as text. Raises ValidationFailed if it is not UTF-8."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fault = FieldError("/prompt", f"This is not UTF-8: byte {error.start} is wrong.")
        raise ValidationFailed("The body is not UTF-8.", errors=[fault]) from error


def _whole_number(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise ValueError(f"a number in it has more than {MOST_DIGITS} digits")
    return int(digits)


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
