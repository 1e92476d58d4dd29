"""What calls to Google's services have in common: the project, and when a call is made again."""

from typing import Any

from google.api_core import exceptions, retry

from versequeue.errors import StartupError

#: Faults that pass by themselves; a write that ended so may have taken effect.
PASSING_FAULTS = (exceptions.ServiceUnavailable, exceptions.InternalServerError)


def require_project(project: str) -> str:
    """`project`. Raises StartupError if there is none."""
    if not project:
        raise StartupError("VERSEQUEUE_PROJECT has to name the Google Cloud project.")
    return project


def retry_for(timeout_s: float) -> Any:
    """Call again after a fault that passes, for `timeout_s` in all."""
    return retry.Retry(
        predicate=retry.if_exception_type(*PASSING_FAULTS),
        initial=0.1,
        maximum=1.0,
        timeout=timeout_s,
    )
