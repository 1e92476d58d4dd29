"""The tree of errors, for the tests that hold something for every one of them."""

from versequeue import errors
from versequeue.errors import VerseQueueError


def error_tree() -> list[type[VerseQueueError]]:
    """Every class of `versequeue.errors` that is an error."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, VerseQueueError)]
