"""From a server's JSON to the frozen values of `types`: a stranger's answer is refused here."""

from dataclasses import replace
from typing import TypeVar

from versequeue.client.errors import UnexpectedAnswer
from versequeue.client.types import (
    Batch,
    CheckedFile,
    Job,
    Jobs,
    Models,
    Overview,
    Rhymes,
    Row,
    ServerStatus,
)
from versequeue.records import CANNOT_READ, from_record

Asked = TypeVar("Asked", Job, Jobs, Batch, Overview, CheckedFile, Row, ServerStatus, Models, Rhymes)


def read_answer(cls: type[Asked], document: object, *, replayed: bool = False) -> Asked:
    """`document` as a `cls`. Raises UnexpectedAnswer if it is something else."""
    noun = cls.__name__.lower()
    if not isinstance(document, dict):
        raise UnexpectedAnswer(f"The server's answer is not a {noun}.")
    given = {name: value for name, value in document.items() if value is not None}
    try:
        value = from_record(cls, {**given, "replayed": replayed})
    except CANNOT_READ as error:
        raise UnexpectedAnswer(f"The server's answer is not a readable {noun}: {error}") from error
    return replace(value, raw=document)
