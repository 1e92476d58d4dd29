"""Frozen dataclasses to JSON at rest and back: unknown fields are ignored, missing get defaults."""

import json
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


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: text of one length, so that it sorts as time does."""
    return f"{moment.astimezone(UTC).isoformat(timespec='microseconds')[:-6]}Z"


def parse_time(text: str) -> datetime:
    """The aware UTC moment that `format_time` wrote; ValueError if it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} is in no time zone")
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
    """The dataclass `cls` that `to_record` wrote; TypeError if a required field is missing."""
    readers = _readers_of(typing.cast(Any, cls))
    known = {name: read(record[name]) for name, read in readers if name in record}
    return cls(**known)


def to_json(value: object) -> str:
    """`to_record` as compact JSON text."""
    # The encoder walks the containers itself and asks only about what it does not know.
    return json.dumps(value, default=_plain, ensure_ascii=False, separators=(",", ":"))


def from_json(cls: type[T], text: str) -> T:
    """The dataclass that `to_json` wrote."""
    return from_record(cls, json.loads(text))


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return vars(value)
    return to_record(value)


@cache
def _readers_of(cls: type[Any]) -> tuple[tuple[str, Reader], ...]:
    # What a field needs is worked out once a class: for each record it took longer than the rest.
    return tuple((name, _reader(hint)) for name, hint in typing.get_type_hints(cls).items())


def _reader(hint: Any) -> Reader:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        inner = _reader(next(arg for arg in typing.get_args(hint) if arg is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        item = _reader(typing.get_args(hint)[0])
        return lambda values: tuple(map(item, values))
    if isinstance(hint, type):
        if is_dataclass(hint):
            return partial(from_record, hint)
        if issubclass(hint, datetime):
            return parse_time
        if issubclass(hint, StrEnum):
            return hint
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value
