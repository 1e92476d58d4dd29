"""The options of a job as a body may hold them, as pydantic models; so openapi.json has them.

Their bounds, words and defaults are those of `versequeue.rules.options`.
"""

import math
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from versequeue.intake.shape import (
    TUNE_NOTE,
    Structure,
    StructureText,
    Syllables,
    SyllablesText,
    Tune,
)
from versequeue.intake.texts import (
    MAX_METADATA_CHARACTERS,
    MetadataKey,
    ModelName,
    Mood,
    Title,
    printable,
)
from versequeue.intake.validation import Misfit, Strict
from versequeue.rules.options import (
    LINES,
    SEED,
    SYLLABLES,
    TEMPERATURE,
    TOP_P,
    Bounds,
    Effort,
    ResolvedOptions,
    Style,
)
from versequeue.rules.structure import RhymeScheme, asked_parts

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
        ResolvedOptions.lines,
        description="How many lines, a song's chorus repeated. Parts and a tune have their own.",
    )
    rhyme_scheme: RhymeScheme = ResolvedOptions.rhyme_scheme
    structure: Structure = Field(
        ResolvedOptions.structure,
        description="`song` is verse, chorus, verse, chorus; or parts, as a list or as text such "
        "as `verse 4 ABAB, chorus 4, chorus`. A chorus that is named again is sung again.",
    )
    syllables: Syllables = Field(
        ResolvedOptions.syllables,
        description=f"Of each line, {SYLLABLES.least} to {SYLLABLES.most}: a number, or several "
        "such as `8 6 8 6` that are repeated over the lines of a part.",
    )
    tune: Tune = Field(ResolvedOptions.tune, description=TUNE_NOTE)
    title: Title = Field(
        ResolvedOptions.title, description="What the song is called; empty: the model says."
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
        given["lines"] = self._own_lines() or self.lines
        return ResolvedOptions(**given)

    @model_validator(mode="after")
    def _go_together(self) -> Self:
        own = self._own_lines()
        if not own:
            return self
        source = "the tune has" if self.tune else "the parts have"
        if self.tune and self.structure != ResolvedOptions.structure:
            raise Misfit("/structure", "a tune is one verse: leave one of the two out")
        if self.tune and self.syllables:
            raise Misfit("/syllables", "the tune says how many there are: leave one of them out")
        if not LINES.least <= own <= LINES.most:
            least, most = LINES
            raise Misfit("/structure", f"a song has {least} to {most} lines, these parts {own}")
        if "lines" in self.model_fields_set and self.lines != own:
            raise Misfit("/lines", f"{source} {own} lines: leave this out")
        return self

    def _own_lines(self) -> int:
        """The lines that the tune or the parts have; 0 where there is neither."""
        if self.tune:
            return len(self.tune.splitlines())
        return sum(part.lines for part in asked_parts(self.structure))


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

    structure: StructureText = ResolvedOptions.structure
    syllables: SyllablesText = ResolvedOptions.syllables
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
