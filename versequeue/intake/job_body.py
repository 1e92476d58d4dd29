"""What a request for a job or a batch may hold, as pydantic models. openapi.json has them too."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from versequeue.intake.given_lines import GivenLines, Lines, fitted
from versequeue.intake.options_body import FormOptions, OptionsBody, OwnOptions, Real
from versequeue.intake.terms_body import FormTerms, TermsBody
from versequeue.intake.texts import Metadata, Prompt
from versequeue.intake.validation import Strict
from versequeue.rules.job import Status
from versequeue.rules.options import ResolvedOptions
from versequeue.rules.push import check_auth, check_public_key
from versequeue.rules.terms import TERM_NAMES
from versequeue.rules.webhook import BATCH_PROGRESS, JOB_STARTED

ENDS = (*(f"job.{each}" for each in Status if each.is_terminal), "batch.completed")
EVENTS = (JOB_STARTED, *ENDS[:-1], BATCH_PROGRESS, ENDS[-1])


class WebhookBody(Strict):
    """Who is told, and of what."""

    url: str = Field(min_length=1, max_length=2048)
    events: list[Literal[EVENTS]] = Field(  # type: ignore[valid-type]
        default_factory=list,
        max_length=len(EVENTS),
        description=f"Empty: {', '.join(ENDS)}.",
    )


class PushKeysBody(Strict):
    """What is written to the browser with, as base64url without padding."""

    p256dh: Annotated[str, AfterValidator(check_public_key)] = Field(
        description="The browser's public key, a point of P-256 in 65 bytes."
    )
    auth: Annotated[str, AfterValidator(check_auth)] = Field(description="Its secret of 16 bytes.")


class PushBody(Strict):
    """A browser's `PushSubscription` as it writes itself."""

    endpoint: str = Field(min_length=1, max_length=2048)
    keys: PushKeysBody
    expiration_time: Annotated[float | None, Real] = Field(
        None, alias="expirationTime", description="Not looked at."
    )


class AskedJob(TermsBody):
    """What the body of POST /v1/jobs holds whatever the model writes."""

    prompt: Prompt
    metadata: Metadata = Field(
        default_factory=dict, description="At most 16 texts of yours, handed back with the job."
    )
    webhook: WebhookBody | None = None
    push: PushBody | None = None


class JobBody(AskedJob, GivenLines):
    """The body of POST /v1/jobs."""

    options: OptionsBody = Field(default_factory=OptionsBody)  # type: ignore[arg-type]

    @model_validator(mode="after")
    def _given_fits(self) -> Self:
        self.given = list(fitted(self.given, self.resolved(0)))
        return self

    def resolved(self, seed: int) -> ResolvedOptions:
        """How the song is to be written; `seed` is used if none was given."""
        return self.options.resolved(seed)

    def given_lines(self) -> Lines:
        """The lines that stay as they are, in all their places; none if all are to be written."""
        return tuple(self.given)

    def own(self) -> dict[str, Any] | None:
        """The options of a model that writes no songs."""
        return None


class OwnJobBody(AskedJob):
    """The body of POST /v1/jobs where the model writes no songs."""

    options: OwnOptions = Field(default_factory=dict)

    def resolved(self, seed: int) -> ResolvedOptions:
        """A seed, and nothing else of a song: the result is one line."""
        return ResolvedOptions(seed, lines=1)

    def given_lines(self) -> Lines:
        """None."""
        return ()

    def own(self) -> dict[str, Any]:
        """The options that the model is handed."""
        return dict(self.options)


AnyJobBody = JobBody | OwnJobBody


class FormJob(FormOptions, FormTerms):
    """The body of POST /v1/jobs as a form: the prompt, the options and the terms side by side."""

    prompt: Prompt

    def as_body(self) -> JobBody:
        """The same request as a JSON body's model."""
        given = self.model_dump(exclude={"prompt"})
        terms = {name: given.pop(name) for name in TERM_NAMES}
        options = OptionsBody.model_construct(**given)
        return JobBody.model_construct(prompt=self.prompt, options=options, **terms)


class BatchFields(Strict):
    """What may be said of a batch beside its rows and their options."""

    metadata: Metadata = Field(default_factory=dict)
    webhook: WebhookBody | None = None
    push: PushBody | None = None
