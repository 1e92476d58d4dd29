"""The tree of errors, for the tests that hold something for every one of them."""

from collections.abc import Callable

import pytest

from versequeue import errors
from versequeue.errors import FieldError, ValidationFailed, VerseQueueError


def error_tree() -> list[type[VerseQueueError]]:
    """Every class of `versequeue.errors` that is an error."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, VerseQueueError)]


def refusals(call: Callable[[], object]) -> list[FieldError]:
    """The fields that are at fault, as `call` refuses them."""
    with pytest.raises(ValidationFailed) as refused:
        call()
    return [fault for fault in refused.value.errors if isinstance(fault, FieldError)]
