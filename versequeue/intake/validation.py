"""A pydantic model of what came in, and what is wrong with it in plain sentences."""

from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from versequeue.errors import FieldError, ValidationFailed
from versequeue.intake.strict_json import pointed
from versequeue.rules.options import OPTION_NAMES


class Misfit(ValueError):
    """Something that is good by itself and does not go with the rest."""

    def __init__(self, pointer: str, sentence: str) -> None:
        """`pointer` leads to it from the model that is looked at as a whole."""
        super().__init__(sentence)
        self.pointer = pointer


class Strict(BaseModel):
    """Refuses unknown fields and does not guess types."""

    model_config = ConfigDict(extra="forbid", strict=True)


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
    "string_unicode": "There is half of a character in this.",
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
        FieldError(_pointer(fault["loc"]) + _further(fault), _sentence(fault))
        for fault in error.errors(include_url=False, include_input=False)
    ]


def _pointer(location: tuple[int | str, ...]) -> str:
    return "".join(f"/{pointed(part)}" for part in location if part != "[key]")


def _further(fault: Any) -> str:
    error = fault.get("ctx", {}).get("error")
    return error.pointer if isinstance(error, Misfit) else ""


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
