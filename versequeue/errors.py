"""Every error of the job system: one tree, each class with its HTTP status, slug and title.

The slugs are part of the public contract and never change. Every problem document is made here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any


@dataclass(frozen=True)
class FieldError:
    """One fault in the input: `pointer` is a JSON pointer into the body, `detail` one sentence."""

    pointer: str
    detail: str


@dataclass(frozen=True)
class Problem:
    """A problem document, RFC 9457. The mappings are for openapi.json, as in the contract."""

    type: Annotated[str, {"pattern": "^/problems/"}] = ""
    title: str = ""
    status: int = 0
    detail: str = ""
    #: the path that was asked for
    instance: Annotated[str, {"optional": True}] = ""
    #: false where the same job is bound to fail again; left out otherwise
    retryable: Annotated[bool, {"optional": True}] = True
    errors: Annotated[
        tuple[Mapping[str, object], ...], {"optional": True, "items": {"type": "object"}}
    ] = ()

    @property
    def slug(self) -> str:
        """The stable name of the problem."""
        return self.type.rsplit("/", 1)[-1]

    def document(self) -> dict[str, Any]:
        """The problem as plain JSON data, without those of the optional fields that say nothing."""
        # Only `retryable` can be True, and says something where it is False.
        return {
            name: value
            for name, value in asdict(self).items()
            if value is not True and value not in ("", ())
        }


def is_retryable(document: Mapping[str, object] | None) -> bool:
    """Whether the job that ended with this stored problem may succeed if it is tried again."""
    return document is None or bool(document.get("retryable", True))


class VerseQueueError(Exception):
    """Something went wrong on our side; the details are in the logs."""

    status: int = 500
    slug: str = "internal"
    title: str = "Internal error"
    #: False: a job that met this alone would meet it again, so that it is not tried again
    retryable: bool = True
    #: what Retry-After says, unless who raises it knows better
    retry_after_s: float | None = None

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError | Mapping[str, object]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or (type(self).__doc__ or self.title).strip())
        self.errors = tuple(errors)
        wait = {} if self.retry_after_s is None else {"Retry-After": f"{self.retry_after_s:g}"}
        self.headers = wait | dict(headers or {})

    def problem(self, instance: str = "") -> Problem:
        """What a caller who asked for `instance` is told of this error."""
        errors = tuple(asdict(one) if isinstance(one, FieldError) else one for one in self.errors)
        about = (f"/problems/{self.slug}", self.title, self.status, str(self))
        return Problem(*about, instance, self.retryable, errors)


class InvalidJson(VerseQueueError):
    """The body is not valid JSON in UTF-8."""

    status, slug, title = 400, "invalid-json", "Invalid JSON"


class InvalidRequest(VerseQueueError):
    """The request cannot be understood."""

    status, slug, title = 400, "invalid-request", "Invalid request"


class Unauthorized(VerseQueueError):
    """This server asks for an API key in the X-Api-Key header."""

    status, slug, title = 401, "unauthorized", "API key missing"


class Forbidden(VerseQueueError):
    """The API key is not one of this server's keys."""

    status, slug, title = 403, "forbidden", "API key refused"


class CrossOrigin(VerseQueueError):
    """A page of another origin sent this; the owner can allow it in VERSEQUEUE_CORS_ORIGINS."""

    status, slug, title = 403, "cross-origin", "Another origin's page"


class WrongHost(VerseQueueError):
    """This server does not answer to that host name; the owner can add it to VERSEQUEUE_HOSTS."""

    status, slug, title = 421, "wrong-host", "Wrong host"


class NotFound(VerseQueueError):
    """There is nothing here."""

    status, slug, title = 404, "not-found", "Not found"


class MethodNotAllowed(VerseQueueError):
    """This resource does not take that method; Allow names the ones that it takes."""

    status, slug, title = 405, "method-not-allowed", "Method not allowed"


class NotFinished(VerseQueueError):
    """The job has not succeeded, so it has no lyrics yet."""

    status, slug, title = 409, "not-finished", "Not finished"


class NothingToRedeliver(VerseQueueError):
    """No webhook event of this job has been sent yet, or the receiver wants no more of them."""

    status, slug, title = 409, "nothing-to-redeliver", "Nothing to redeliver"


class RetryRefused(VerseQueueError):
    """The failed rows of this batch are not tried again; `detail` says why."""

    status, slug, title = 409, "retry-refused", "Retry refused"


class Gone(VerseQueueError):
    """This was kept for its retention time and is no longer available."""

    status, slug, title = 410, "gone", "Gone"


class PayloadTooLarge(VerseQueueError):
    """The body is larger than this resource takes."""

    status, slug, title = 413, "payload-too-large", "Payload too large"


class UnsupportedMediaType(VerseQueueError):
    """This resource does not take that content type."""

    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"


class ValidationFailed(VerseQueueError):
    """Some of the fields are not valid; `errors` names each of them."""

    status, slug, title = 422, "validation", "Validation failed"


class BatchInvalid(VerseQueueError):
    """Some rows of the file are not valid; nothing was queued."""

    status, slug, title = 422, "batch-invalid", "Invalid prompt file"


class WebhookUrlForbidden(VerseQueueError):
    """A webhook goes to an https URL with a public address."""

    status, slug, title = 422, "webhook-url-forbidden", "Webhook URL forbidden"


class IdempotencyKeyReused(VerseQueueError):
    """This Idempotency-Key was used with another body; use a new key for a new request."""

    status, slug, title = 422, "idempotency-key-reused", "Idempotency key reused"


class RateLimited(VerseQueueError):
    """Too many requests from this client; Retry-After says when to come back."""

    status, slug, title = 429, "rate-limited", "Rate limited"


class BudgetExhausted(VerseQueueError):
    """Today's budget of songs is used up; Retry-After says when the next day begins."""

    status, slug, title = 429, "budget-exhausted", "Daily budget exhausted"


class StoreUnavailable(VerseQueueError):
    """The store cannot be reached just now; try again."""

    status, slug, title = 503, "store-unavailable", "Store unavailable"
    retry_after_s = 5


class Unreadable(VerseQueueError):
    """A newer version of the server wrote this; it can be read again when all are of that one."""

    status, slug, title = 503, "unreadable", "Unreadable"
    retry_after_s = 60


class QueueUnavailable(VerseQueueError):
    """The queue cannot be reached just now; the sweep will publish the job."""

    status, slug, title = 503, "queue-unavailable", "Queue unavailable"


class FunctionUnavailable(VerseQueueError):
    """This part of the server is starting; try again."""

    status, slug, title = 503, "function-unavailable", "Function unavailable"
    retry_after_s = 2


class NotAllowed(VerseQueueError):
    """What the job is now does not allow this change."""

    status, slug, title = 409, "not-allowed", "Not allowed"


class LeaseLost(NotAllowed):
    """This attempt was given up on: the job belongs to another attempt or has ended."""

    status, slug, title = 409, "lease-lost", "Lease lost"


class StartupError(VerseQueueError):
    """The server cannot start; one sentence for the person at the terminal, exit status 2."""


class ModelUnavailable(VerseQueueError):
    """The model bundle cannot be fetched or loaded; the text says where it was looked for."""

    slug, title = "model-unavailable", "Model unavailable"


class GenerationFailed(VerseQueueError):
    """The model could not write this song, and with the same seed never can."""

    slug, title = "generation-failed", "Generation failed"
    retryable = False


class WorkerLost(VerseQueueError):
    """The worker of this attempt is dead, or has stopped reporting."""

    slug, title = "worker-lost", "Worker lost"


class WorkerStopped(VerseQueueError):
    """The worker of this attempt was told to stop."""

    slug, title = "worker-stopped", "Worker stopped"
