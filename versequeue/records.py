"""Frozen dataclasses to JSON at rest and back: unknown fields are ignored, missing get defaults.

What is read has the types that its class says, all the way down: whoever works with it never meets
a list where a number was to be.
"""

import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, partial
from typing import Any, TypeVar

T = TypeVar("T")
Reader = Callable[[Any], Any]
#: What `from_record` raises at what it cannot read, and `json.loads` before it.
CANNOT_READ = (ValueError, TypeError, KeyError, RecursionError)
#: No number of ours comes near it, so that sums and products of them can be stored and sent.
BEYOND_ALL_NUMBERS = 2.0**63
#: Moments before and behind these years are no clock's, and leave no room to reckon with.
FIRST_YEAR, LAST_YEAR = 1000, 9000


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: text of one length, so that it sorts as time does."""
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"


def parse_time(text: str) -> datetime:
    """The aware UTC moment that `format_time` wrote; TypeError or ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} is in no time zone")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"{text!r} is no clock's time")
    return moment


def to_record(value: object) -> Any:
    """`value` as plain JSON data: dataclasses as objects, times as text, tuples as arrays."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_record(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): to_record(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_record(item) for item in value]
    return value


def from_record(cls: type[T], record: Mapping[str, Any]) -> T:
    """The dataclass `cls` that `to_record` wrote; one of CANNOT_READ if it is something else."""
    _check(record, dict)
    readers = _readers_of(typing.cast(Any, cls))
    known = {name: read(record[name]) for name, read in readers if name in record}
    return cls(**known)


def to_json(value: object) -> str:
    """`to_record` as compact JSON text, with half characters, which no file can hold, escaped."""
    # The encoder walks the containers itself and asks only about what it does not know.
    text = json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return vars(value)
    return to_record(value)


@cache
def _readers_of(cls: type[Any]) -> tuple[tuple[str, Reader], ...]:
    # What a field needs is worked out once a class: for each record it took longer than the rest.
    return tuple((name, _reader(hint)) for name, hint in typing.get_type_hints(cls).items())


def _reader(hint: Any) -> Reader:
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        read = _reader(next(arg for arg in inner if arg is not type(None)))
        return lambda value: None if value is None else read(value)
    if origin is tuple:
        return partial(_read_items, _reader(inner[0]))
    if origin is typing.Literal:
        return partial(_read_word, inner)
    if origin in (dict, Mapping):
        return partial(_read_values, _reader(inner[1]))
    return _reader_of_class(hint) if isinstance(hint, type) else _as_it_is


def _reader_of_class(cls: type[Any]) -> Reader:
    if is_dataclass(cls):
        return partial(from_record, cls)
    if issubclass(cls, datetime):
        return parse_time
    if issubclass(cls, StrEnum):
        return cls
    return _PLAIN.get(cls, _as_it_is)


def _read_items(read: Reader, values: Any) -> tuple[Any, ...]:
    return tuple(map(read, _check(values, list)))


def _read_values(read: Reader, values: Any) -> dict[str, Any]:
    return {name: read(value) for name, value in _check(values, dict).items()}


def _read_text(value: Any) -> str:
    # Any of its kinds: what is read need not have been JSON.
    return value if isinstance(value, str) else str(_check(value, str))


def _read_word(words: tuple[str, ...], value: Any) -> str:
    if value not in words:
        raise ValueError(f"{value!r} is none of {', '.join(words)}")
    return str(value)


def _read_count(value: Any) -> int:
    if not 0 <= _check(value, int) < BEYOND_ALL_NUMBERS:
        raise ValueError(f"{value!r} counts nothing")
    return int(value)


def _read_number(value: Any) -> float:
    # A whole one stays whole: it is told and stored again as it was written.
    if type(value) is not int and not math.isfinite(_check(value, float)):
        raise ValueError(f"{value!r} is no number")
    if not -BEYOND_ALL_NUMBERS < value < BEYOND_ALL_NUMBERS:
        raise ValueError(f"{value!r} is no number of ours")
    return typing.cast(float, value)


def _check(value: Any, kind: type[Any]) -> Any:
    # Not isinstance: True is an int to Python.
    if type(value) is not kind:
        raise TypeError(f"{type(value).__name__} in place of {kind.__name__}")
    return value


def _as_it_is(value: Any) -> Any:
    return value


_PLAIN: Mapping[type[Any], Reader] = {
    str: _read_text,
    bool: partial(_check, kind=bool),
    int: _read_count,
    float: _read_number,
}
