"""The options of a job as a body may hold them, as pydantic models; so openapi.json has them.

Their bounds, words and defaults are those of `versequeue.rules.options`.
"""

import math
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, WithJsonSchema

from versequeue.intake.texts import MAX_METADATA_CHARACTERS, MetadataKey, ModelName, Mood, printable
from versequeue.intake.validation import Strict
from versequeue.rules.options import (
    LINES,
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

#: What every reader of JSON takes as it is, and every store.
MAX_NUMBER = 2**53


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


def _own_option(value: Any) -> Any:
    if isinstance(value, str):
        value = printable(value)
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
