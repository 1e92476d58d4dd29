"""From a server's JSON to the frozen values of `types`: a stranger's answer is refused here."""

import math
from dataclasses import fields, is_dataclass, replace
from functools import cache
from typing import Any, TypeVar, get_args, get_type_hints

from versequeue.client.errors import UnexpectedAnswer
from versequeue.client.types import Batch, CheckedFile, Job, Row, ServerStatus
from versequeue.records import from_record

Asked = TypeVar("Asked", Job, Batch, CheckedFile, Row, ServerStatus)


def read_answer(cls: type[Asked], document: object, *, replayed: bool = False) -> Asked:
    """`document` as a `cls`. Raises UnexpectedAnswer if it is something else."""
    noun = cls.__name__.lower()
    if not isinstance(document, dict):
        raise UnexpectedAnswer(f"The server's answer is not a {noun}.")
    given = {name: value for name, value in document.items() if value is not None}
    try:
        value = from_record(cls, {**given, "replayed": replayed})
        _check_plain(value)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise UnexpectedAnswer(f"The server's answer is not a readable {noun}: {error}") from error
    return replace(value, raw=document)


def _check_plain(value: Any) -> None:
    """Raise TypeError for a number or a text, however deep in `value`, that is none."""
    if isinstance(value, tuple):
        for each in value:
            _check_plain(each)
    elif is_dataclass(value) and not isinstance(value, type):
        kinds = _kinds_of(type(value))
        for field in fields(value):
            found = getattr(value, field.name)
            if found is not None and not _is_a(found, kinds[field.name]):
                raise TypeError(f"{field.name} is {type(found).__name__}")
            _check_plain(found)


@cache
def _kinds_of(cls: type[Any]) -> dict[str, tuple[Any, ...]]:
    hints = get_type_hints(cls)
    return {name: (hint, *get_args(hint)) for name, hint in hints.items()}


def _is_a(found: object, kinds: tuple[Any, ...]) -> bool:
    if float in kinds or int in kinds:
        return isinstance(found, int | float) and math.isfinite(found)
    return isinstance(found, str) if kinds == (str,) else True
