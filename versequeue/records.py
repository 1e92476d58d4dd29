"""Frozen dataclasses to JSON at rest and back.

Readers ignore fields that they do not know and fill in defaults for those that are missing, so
that an old and a new version can run side by side on one store. Knows no store.
"""

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar

T = TypeVar("T")


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds: text of one length, so that it sorts as time does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_time(text: str) -> datetime:
    """The aware UTC moment that `format_time` wrote; ValueError if it is none."""
    return datetime.fromisoformat(text)


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
    hints = _hints_of(typing.cast(Any, cls))
    known = {name: _read(hints[name], record[name]) for name in hints if name in record}
    return cls(**known)


def to_json(value: object) -> str:
    """`to_record` as compact JSON text."""
    return json.dumps(to_record(value), ensure_ascii=False, separators=(",", ":"))


def from_json(cls: type[T], text: str) -> T:
    """The dataclass that `to_json` wrote."""
    return from_record(cls, json.loads(text))


@cache
def _hints_of(cls: type[Any]) -> dict[str, Any]:
    # Working them out again for each record took longer than all the rest of reading it.
    return typing.get_type_hints(cls)


def _read(hint: Any, value: Any) -> Any:
    origin = typing.get_origin(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        inner = next(arg for arg in typing.get_args(hint) if arg is not type(None))
        return _read(inner, value)
    if origin is tuple:
        inner = typing.get_args(hint)[0]
        return tuple(_read(inner, item) for item in value)
    if isinstance(hint, type):
        if is_dataclass(hint):
            return from_record(hint, value)
        if issubclass(hint, datetime):
            return parse_time(value)
        if issubclass(hint, StrEnum):
            return hint(value)
    return value
