"""A record as a map that people can read in Firestore's console, and a record again. Pure.

What Firestore would refuse or change is kept as JSON text: `{"as_json": "…"}` in its place.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

#: The one key of a map that stands for a value kept as JSON text.
AS_JSON = "as_json"
#: The fields whose keys are the callers': text as a whole, so that no export makes columns of them.
TEXTS = frozenset({"metadata"})
#: Keys that need no quotation marks in a path; those of Firestore's own begin with two underscores.
_KEY = re.compile(r"(?!__)[A-Za-z_][A-Za-z0-9_]{0,99}")
#: Firestore takes 20 levels; the body itself and what stands around it are some of them.
_DEEPEST = 12
_INT64 = range(-(2**63), 2**63)


def to_map(record: Mapping[str, Any]) -> dict[str, Any]:
    """`record`, plain JSON data, as a map for Firestore; `from_map` gives it back."""
    return {key: _as_json(value) if key in TEXTS else _kept(value) for key, value in record.items()}


def from_map(found: Mapping[str, Any]) -> dict[str, Any]:
    """The record that `to_map` was given. Raises ValueError or TypeError for what it never made."""
    return {key: _read(value) for key, value in found.items()}


def _kept(value: Any, depth: int = _DEEPEST) -> Any:
    if isinstance(value, str):
        return value if _is_utf8(value) else _as_json(value)
    if isinstance(value, Mapping):
        if not depth or AS_JSON in value or not all(map(_KEY.fullmatch, value)):
            return _as_json(value)
        return {key: _kept(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        if not depth or any(isinstance(item, list) for item in value):
            return _as_json(value)
        return [_kept(item, depth - 1) for item in value]
    return _as_json(value) if isinstance(value, int) and value not in _INT64 else value


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _as_json(value: Any) -> dict[str, str]:
    return {AS_JSON: json.dumps(value)}


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        if AS_JSON in value:
            return json.loads(value[AS_JSON])
        return {key: _read(item) for key, item in value.items()}
    return [_read(item) for item in value] if isinstance(value, list) else value
