"""When a job is to be written, as a body, a form or a row of a file may say it.

The bounds that depend on the moment and the owner are those of `versequeue.rules.terms`.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema

from versequeue.errors import FieldError, ValidationFailed
from versequeue.intake.options_body import Real
from versequeue.intake.validation import FAULTY, Strict, validate
from versequeue.records import parse_time
from versequeue.rules.terms import AT_ONCE, TERM_NAMES, Terms, When, fault_of

LEAST_DEADLINE_S = 1
#: What a text is that is longer than any time.
MOST_TIME_CHARACTERS = 40
NO_TIME = "this is to be a time with its zone, such as 2026-03-01T18:00:00Z"

#: From a row's own terms to all of them. Raises ValidationFailed that names the bad ones.
ReadTerms = Callable[[Mapping[str, Any]], Terms]


def _moment(value: Any) -> Any:
    if isinstance(value, datetime) or value is None:
        return value
    if not isinstance(value, str) or len(value) > MOST_TIME_CHARACTERS:
        raise ValueError(NO_TIME)
    try:
        return parse_time(value.strip().upper()).astimezone(UTC)
    except ValueError as error:
        raise ValueError(NO_TIME) from error


_SECONDS: Any = Field(ge=LEAST_DEADLINE_S, allow_inf_nan=False)


class TermsBody(Strict):
    """When it is to be written; everything has a default."""

    deadline_s: Annotated[Annotated[float, _SECONDS] | None, Real] = Field(
        None, description="It expires if it has not ended so many seconds from now."
    )
    when: When = Field(
        "now", description="`later` costs less: it waits until it fills a pass with others."
    )
    ready_by: Annotated[datetime | None, BeforeValidator(_moment)] = Field(
        None, description="By when a later job is to be ready: in an hour, if it is not said."
    )

    def terms(self, now: datetime, limit_s: float) -> Terms:
        """What is asked for. Raises ValidationFailed if that cannot be had."""
        terms = Terms(self.deadline_s, self.when, self.ready_by)
        if fault := fault_of(terms, now, limit_s):
            name, sentence = fault
            raise ValidationFailed(FAULTY, errors=[FieldError(f"/{name}", sentence)])
        return terms


class FormTerms(TermsBody):
    """The same as fields of a form or cells of a row: text that reads as a number will do."""

    model_config = ConfigDict(extra="forbid", strict=False)

    # A form has no null: what is not wanted is left out, or empty.
    deadline_s: Annotated[
        float | None,
        _SECONDS,
        WithJsonSchema({"anyOf": [{"type": "number", "minimum": LEAST_DEADLINE_S}, {"const": ""}]}),
    ] = None
    ready_by: Annotated[
        datetime | None,
        BeforeValidator(_moment),
        WithJsonSchema({"anyOf": [{"type": "string", "format": "date-time"}, {"const": ""}]}),
    ] = None


def taken_terms(fields: dict[str, str]) -> dict[str, str]:
    """What `fields` say of them, which is taken out of there."""
    return {name: fields.pop(name) for name in TERM_NAMES if name in fields}


def terms_reader(
    asked: Mapping[str, str], model: type[TermsBody], now: datetime, limit_s: float
) -> ReadTerms:
    """From a row's terms, as `model` has them, to all of its terms; `asked` are those of all rows.

    Raises ValidationFailed for those of all rows.
    """
    given = validate(FormTerms, dict(asked))
    of_all = given.terms(now, limit_s) if asked else AT_ONCE
    set_for_all = given.model_dump(exclude_unset=True)

    def read(own: Mapping[str, Any]) -> Terms:
        if not own:
            return of_all
        inherited = {**set_for_all, **own}
        if own.get("when") == "now" and "ready_by" not in own:
            inherited.pop("ready_by", None)
        return validate(model, inherited).terms(now, limit_s)

    return read
