"""What a request body may hold: pydantic models, which openapi.json is made from too.

The options' bounds, words and defaults are those of `versequeue.rules.options`.
"""

import math
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
)

from versequeue.api.edge import pointed
from versequeue.errors import FieldError, ValidationFailed
from versequeue.rules.job import MAX_PROMPT_CHARACTERS, Status
from versequeue.rules.options import (
    LINES,
    MAX_MOOD_CHARACTERS,
    OPTION_NAMES,
    SEED,
    TEMPERATURE,
    TOP_P,
    Bounds,
    Effort,
    ResolvedOptions,
    RhymeScheme,
    Structure,
    Style,
)
from versequeue.rules.push import check_auth, check_public_key

MAX_METADATA_CHARACTERS = 512
#: NFC makes one character of at most so many. What is longer is refused before it is brought into
#: that form: to sort combining marks takes the square of their number.
NFC_SHRINKS = 4
#: What every reader of JSON takes as it is, and every store.
MAX_NUMBER = 2**53
EVENTS = (*(f"job.{each}" for each in Status if each.is_terminal), "batch.completed")


def normalized(text: str, most: int) -> str:
    """`text` in NFC, white space around it left out; as it is if that is sure to exceed `most`."""
    text = text.strip()
    return text if len(text) > NFC_SHRINKS * most else unicodedata.normalize("NFC", text).strip()


def clean_prompt(text: str) -> str:
    """`text` in NFC without white space around it. ValueError says what is wrong with it."""
    text = normalized(text, MAX_PROMPT_CHARACTERS)
    if not text:
        raise ValueError("it is empty: say in a few words what the song is about")
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise ValueError(f"a prompt has at most {MAX_PROMPT_CHARACTERS} characters")
    return _printable(text)


def _printable(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("control characters are not allowed")
    return text


def _mood(text: str) -> str:
    text = normalized(text, MAX_MOOD_CHARACTERS)
    if len(text) > MAX_MOOD_CHARACTERS:
        raise ValueError(f"this has at most {MAX_MOOD_CHARACTERS} characters")
    return _printable(text)


def _model_name(text: str, info: ValidationInfo) -> str:
    served = info.context or ()
    if text and text not in served:
        raise ValueError(f"this server has no such model; it has {', '.join(served)}")
    return text


# The patterns say in openapi.json what the validators do; the validators have the better words.
_PRINTABLE = r"[^\u0000-\u001f\u007f-\u009f]"
_BLANK = r"[^\S\u0000-\u001f\u007f-\u009f]"
_VISIBLE = r"[^\s\u0000-\u001f\u007f-\u009f]"
_IS_PRINTABLE = AfterValidator(_printable)
_ANY_PRINTABLE: Any = Field(json_schema_extra={"pattern": f"^{_PRINTABLE}*$"})

#: What openapi.json says of a prompt, wherever one stands.
PROMPT_SCHEMA: dict[str, Any] = {
    "minLength": 1,
    "maxLength": MAX_PROMPT_CHARACTERS,
    "pattern": f"^{_BLANK}*{_VISIBLE}{_PRINTABLE}*$",
}
Prompt = Annotated[
    str,
    AfterValidator(clean_prompt),
    Field(
        description=f"What the song is about, 1 to {MAX_PROMPT_CHARACTERS} characters after "
        "trimming and NFC.",
        json_schema_extra=PROMPT_SCHEMA,
    ),
]
Mood = Annotated[
    str,
    AfterValidator(_mood),
    Field(
        json_schema_extra={"maxLength": MAX_MOOD_CHARACTERS, "pattern": f"^{_PRINTABLE}*$"},
    ),
]
#: Which there are, the server says in openapi.json itself.
ModelName = Annotated[str, AfterValidator(_model_name)]
MetadataText = Annotated[
    str, StringConstraints(max_length=MAX_METADATA_CHARACTERS), _IS_PRINTABLE, _ANY_PRINTABLE
]
MetadataKey = Annotated[
    str, StringConstraints(min_length=1, max_length=64), _IS_PRINTABLE, _ANY_PRINTABLE
]
Metadata = Annotated[
    dict[MetadataKey, MetadataText],
    Field(max_length=16, json_schema_extra={"additionalProperties": False}),
]


class Strict(BaseModel):
    """Refuses unknown fields and does not guess types."""

    model_config = ConfigDict(extra="forbid", strict=True)


def _whole_float(value: Any) -> Any:
    if not isinstance(value, int) or isinstance(value, bool):
        return value
    try:
        return float(value)
    except OverflowError:  # out of every bound, and so refused by the bounds' own words
        return math.copysign(math.inf, 1 if value > 0 else -1)


def _whole_number(value: Any) -> Any:
    # To JSON Schema 8.0 is an integer too.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _within(bounds: Bounds) -> Any:
    return Field(ge=bounds.least, le=bounds.most)


Real = BeforeValidator(_whole_float)
Whole = BeforeValidator(_whole_number)


class OptionsBody(Strict):
    """How the song is to be written; everything has a default."""

    lines: Annotated[int, _within(LINES), Whole] = Field(
        ResolvedOptions.lines, description="How many lines, a song's chorus repeated."
    )
    rhyme_scheme: RhymeScheme = ResolvedOptions.rhyme_scheme
    structure: Structure = Field(
        ResolvedOptions.structure, description="`song` is verse, chorus, verse, chorus."
    )
    style: Style = ResolvedOptions.style
    mood: Mood = Field(ResolvedOptions.mood, description="Free text, for example `hopeful`.")
    temperature: Annotated[float, _within(TEMPERATURE), Real] = ResolvedOptions.temperature
    top_p: Annotated[float, _within(TOP_P), Real] = ResolvedOptions.top_p
    seed: Annotated[Annotated[int, _within(SEED)] | None, Whole] = Field(
        None, description="Chosen at random and reported if left out."
    )
    explicit: bool = Field(
        ResolvedOptions.explicit, description="Whether profanity may stay as it is."
    )
    continue_prompt: bool = Field(
        ResolvedOptions.continue_prompt,
        description="Whether the prompt is the beginning of the first line.",
    )
    effort: Effort = Field(
        ResolvedOptions.effort, description="How widely each line is searched for: `best` is slow."
    )
    model: ModelName = Field(
        ResolvedOptions.model, description="One of those of `/v1/models`; empty: the first."
    )

    def resolved(self, seed: int) -> ResolvedOptions:
        """The options with every default filled in; `seed` is used if none was given."""
        given = self.model_dump()
        given["seed"] = seed if self.seed is None else self.seed
        return ResolvedOptions(**given)


class WebhookBody(Strict):
    """Who is told, and of what."""

    url: str = Field(min_length=1, max_length=2048)
    events: list[Literal[EVENTS]] = Field(  # type: ignore[valid-type]
        default_factory=list, max_length=len(EVENTS), description="Empty: every event."
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


def _own_option(value: Any) -> Any:
    if isinstance(value, str):
        value = _printable(value)
    elif isinstance(value, bool) or (isinstance(value, int | float) and abs(value) <= MAX_NUMBER):
        return value
    if not isinstance(value, str) or len(value) > MAX_METADATA_CHARACTERS:
        raise ValueError(
            f"it is a text of at most {MAX_METADATA_CHARACTERS} characters, a number, true or false"
        )
    return value


#: The options of a model that writes no songs: it alone knows which there are.
OwnOptions = Annotated[
    dict[MetadataKey, Annotated[Any, AfterValidator(_own_option)]], Field(max_length=16)
]


class JobBody(Strict):
    """The body of POST /v1/jobs."""

    prompt: Prompt
    options: OptionsBody = Field(default_factory=OptionsBody)  # type: ignore[arg-type]
    metadata: Metadata = Field(
        default_factory=dict, description="At most 16 texts of yours, handed back with the job."
    )
    webhook: WebhookBody | None = None
    push: PushBody | None = None

    def resolved(self, seed: int) -> ResolvedOptions:
        """How the song is to be written; `seed` is used if none was given."""
        return self.options.resolved(seed)

    def own(self) -> dict[str, Any] | None:
        """The options of a model that writes no songs."""
        return None


class OwnJobBody(JobBody):
    """The body of POST /v1/jobs where the model writes no songs."""

    options: OwnOptions = Field(default_factory=dict)  # type: ignore[assignment]

    def resolved(self, seed: int) -> ResolvedOptions:
        """A seed, and nothing else of a song: the result is one line."""
        return ResolvedOptions(seed, lines=1)

    def own(self) -> dict[str, Any]:
        """The options that the model is handed."""
        return dict(self.options)


def _form_flag(value: Any) -> Any:
    words = {"true": True, "on": True, "1": True, "false": False, "off": False, "0": False}
    if str(value).lower() not in words:
        raise ValueError("true or false")
    return words[str(value).lower()]


FormFlag = Annotated[
    bool,
    BeforeValidator(_form_flag),
    WithJsonSchema({"enum": ["true", "false", "on", "off", "1", "0", True, False, 1, 0]}),
]


class FormOptions(OptionsBody):
    """The same options as fields of a form: text that reads as a number or a flag will do."""

    model_config = ConfigDict(extra="forbid", strict=False)

    explicit: FormFlag = ResolvedOptions.explicit
    continue_prompt: FormFlag = ResolvedOptions.continue_prompt
    # A form has no null: a seed that is not wanted is left out.
    seed: Annotated[
        int | None,
        _within(SEED),
        WithJsonSchema({"type": "integer", "minimum": SEED.least, "maximum": SEED.most}),
    ] = None


class FormJob(FormOptions):
    """The body of POST /v1/jobs as a form: the prompt and the options side by side."""

    prompt: Prompt

    def as_body(self) -> JobBody:
        """The same request as a JSON body's model."""
        options = OptionsBody.model_construct(**self.model_dump(exclude={"prompt"}))
        return JobBody.model_construct(prompt=self.prompt, options=options)


class BatchFields(Strict):
    """What may be said of a batch beside its rows and their options."""

    metadata: Metadata = Field(default_factory=dict)
    webhook: WebhookBody | None = None
    push: PushBody | None = None


_OBJECT, _WHOLE, _NUMBER = (
    "This is to be a JSON object.",
    "This is to be a whole number.",
    "This is to be a number.",
)
#: What a refusal says beside the fields at fault.
FAULTY = "Some fields of the request are not valid."
#: What is said of each kind of fault that pydantic finds, with the bounds that it names.
_SENTENCES = {
    "missing": "This field is required.",
    "extra_forbidden": "This field is not known.",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
    "list_type": "This is to be a list.",
    "string_type": "This is to be a text.",
    "bool_type": "This is to be true or false.",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_from_float": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "greater_than_equal": "This is to be at least {ge:.10g}.",
    "less_than_equal": "This is to be at most {le:.10g}.",
    "literal_error": "This is to be {expected}.",
    "string_too_short": "This is empty.",
    "string_too_long": "This has at most {max_length} characters.",
    "too_long": "This has at most {max_length} entries.",
}

Model = TypeVar("Model", bound=Strict)


def validate(model: type[Model], data: Any, served: Sequence[str] = ()) -> Model:
    """`data` as an instance of `model`. Raises ValidationFailed that names every field at fault.

    `served` are the names that the option `model` may be.
    """
    try:
        return model.model_validate(data, context=served)
    except ValidationError as error:
        raise ValidationFailed(FAULTY, errors=field_errors(error)) from error


def field_errors(error: ValidationError) -> list[FieldError]:
    """What pydantic found, as JSON pointers and plain sentences, without the input's text."""
    return [
        FieldError(_pointer(fault["loc"]), _sentence(fault))
        for fault in error.errors(include_url=False, include_input=False)
    ]


def _pointer(location: tuple[int | str, ...]) -> str:
    return "".join(f"/{pointed(part)}" for part in location if part != "[key]")


def _sentence(fault: Any) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden" and len(fault["loc"]) == 1 and fault["loc"][0] in OPTION_NAMES:
        return "This belongs in options."
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(**context)
    return as_sentence(str(context.get("error") or fault["msg"]))


def as_sentence(text: str) -> str:
    """`text` with a capital at the beginning and a full stop at the end."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
