"""From the objects of the contract to plain JSON data. At rest `versequeue.records` writes them."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from versequeue.errors import Problem


def wire_time(moment: datetime | None) -> str | None:
    """RFC 3339 in UTC with milliseconds."""
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_bytes(document: Mapping[str, Any]) -> bytes:
    """`document` as JSON in UTF-8. Half a character, which UTF-8 cannot hold, is escaped."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace")


def to_wire(view: Any) -> dict[str, Any]:
    """The dataclass `view` as a JSON object."""
    return {field.name: _plain(getattr(view, field.name)) for field in fields(view)}


def _plain(value: object) -> Any:
    if isinstance(value, Problem):
        return value.document()
    if is_dataclass(value):
        return to_wire(value)
    if isinstance(value, datetime):
        return wire_time(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value
