"""Every error of the job system: one tree, each class with its HTTP status, slug and title.

The slugs are part of the public contract and never change. Every problem document, that of an
answer and that of a failed job, is made here.
"""

import errno
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any

#: What a call on the system says where the fault is nobody's but the machine's.
SURROUNDINGS = frozenset(
    (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ENOSPC, errno.EAGAIN)
)


@dataclass(frozen=True)
class FieldError:
    """One fault in the input: `pointer` is a JSON pointer into the body, `detail` one sentence."""

    pointer: str
    detail: str


#: So many faults of a request are named: a small one may have thousands, and each is a sentence.
MOST_ERRORS = 100


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

    def __init_subclass__(cls, status: int | None = None, slug: str = "", title: str = "") -> None:
        """What is not said is that of the class above; a title is its slug in words."""
        cls.status = cls.status if status is None else status
        cls.slug = slug or cls.slug
        cls.title = title or (slug.replace("-", " ").capitalize() if slug else cls.title)

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError | Mapping[str, object]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or (type(self).__doc__ or self.title).strip())
        self.errors = tuple(errors)[:MOST_ERRORS]
        wait = {} if self.retry_after_s is None else {"Retry-After": f"{self.retry_after_s:g}"}
        self.headers = wait | dict(headers or {})

    def problem(self, instance: str = "") -> Problem:
        """What a caller who asked for `instance` is told of this error."""
        errors = tuple(asdict(one) if isinstance(one, FieldError) else one for one in self.errors)
        about = (f"/problems/{self.slug}", self.title, self.status, str(self))
        return Problem(*about, instance, self.retryable, errors)


class InvalidJson(VerseQueueError, status=400, slug="invalid-json", title="Invalid JSON"):
    """The body is not valid JSON in UTF-8."""


class InvalidRequest(VerseQueueError, status=400, slug="invalid-request"):
    """The request cannot be understood."""


class Unauthorized(VerseQueueError, status=401, slug="unauthorized", title="API key missing"):
    """This server asks for an API key in the X-Api-Key header."""


class Forbidden(VerseQueueError, status=403, slug="forbidden", title="API key refused"):
    """The API key is not one of this server's keys."""


class CrossOrigin(VerseQueueError, status=403, slug="cross-origin", title="Another origin's page"):
    """A page of another origin sent this; the owner can allow it in VERSEQUEUE_CORS_ORIGINS."""


class WrongHost(VerseQueueError, status=421, slug="wrong-host"):
    """This server does not answer to that host name; the owner can add it to VERSEQUEUE_HOSTS."""


class NotFound(VerseQueueError, status=404, slug="not-found"):
    """There is nothing here."""


class MethodNotAllowed(VerseQueueError, status=405, slug="method-not-allowed"):
    """This resource does not take that method; Allow names the ones that it takes."""


class NotFinished(VerseQueueError, status=409, slug="not-finished"):
    """The job has not succeeded, so it has no lyrics yet."""


class NothingToRedeliver(VerseQueueError, status=409, slug="nothing-to-redeliver"):
    """No webhook event of this job has been sent yet, or the receiver wants no more of them."""


class PushTaken(VerseQueueError, status=409, slug="push-taken"):
    """Another browser has asked to be told of this already."""


class RetryRefused(VerseQueueError, status=409, slug="retry-refused"):
    """The failed rows of this batch are not tried again; `detail` says why."""


class Gone(VerseQueueError, status=410, slug="gone"):
    """This was kept for its retention time and is no longer available."""


class PayloadTooLarge(VerseQueueError, status=413, slug="payload-too-large"):
    """The body is larger than this resource takes."""


class UnsupportedMediaType(VerseQueueError, status=415, slug="unsupported-media-type"):
    """This resource does not take that content type."""


class ValidationFailed(VerseQueueError, status=422, slug="validation", title="Validation failed"):
    """Some of the fields are not valid; `errors` names each of them."""


class BatchInvalid(VerseQueueError, status=422, slug="batch-invalid", title="Invalid prompt file"):
    """Some rows of the file are not valid; nothing was queued."""


class WebhookUrlForbidden(
    VerseQueueError, status=422, slug="webhook-url-forbidden", title="Webhook URL forbidden"
):
    """A webhook goes to an https URL with a public address."""


class IdempotencyKeyReused(VerseQueueError, status=422, slug="idempotency-key-reused"):
    """This Idempotency-Key was used with another body; use a new key for a new request."""


class RateLimited(VerseQueueError, status=429, slug="rate-limited"):
    """Too many requests from this client; Retry-After says when to come back."""


class BudgetExhausted(
    VerseQueueError, status=429, slug="budget-exhausted", title="Daily budget exhausted"
):
    """Today's budget of songs is used up; Retry-After says when the next day begins."""


class StoreUnavailable(VerseQueueError, status=503, slug="store-unavailable"):
    """The store cannot be reached just now; try again."""

    retry_after_s = 5


class Unreadable(VerseQueueError, status=503, slug="unreadable"):
    """A newer version of the server wrote this; it can be read again when all are of that one."""

    retry_after_s = 60


class QueueUnavailable(VerseQueueError, status=503, slug="queue-unavailable"):
    """The queue cannot be reached just now; the sweep will publish the job."""


class FunctionUnavailable(VerseQueueError, status=503, slug="function-unavailable"):
    """This part of the server is starting; try again."""

    retry_after_s = 2


class NotAllowed(VerseQueueError, status=409, slug="not-allowed"):
    """What the job is now does not allow this change."""


class LeaseLost(NotAllowed, slug="lease-lost"):
    """This attempt was given up on: the job belongs to another attempt or has ended."""


class StartupError(VerseQueueError):
    """The server cannot start; one sentence for the person at the terminal, exit status 2."""


class ModelUnavailable(VerseQueueError, slug="model-unavailable"):
    """The model bundle cannot be reached just now; the text says where it was looked for."""


class ModelUnusable(ModelUnavailable, slug="model-unusable"):
    """The model bundle is damaged or cannot be served; the text says what is wrong with it."""


class ModelNotServed(VerseQueueError, slug="model-not-served"):
    """The model that this job asks for is not one of this server's any more."""


class GenerationFailed(VerseQueueError, slug="generation-failed"):
    """The model could not write this song, and with the same seed never can."""

    retryable = False


class WorkerLost(VerseQueueError, slug="worker-lost"):
    """The worker of this attempt is dead, or has stopped reporting."""


class WorkerStopped(VerseQueueError, slug="worker-stopped"):
    """The worker of this attempt was told to stop."""
