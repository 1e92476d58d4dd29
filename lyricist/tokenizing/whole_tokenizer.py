"""A tokenizer as it was read, before it is known how its model is spoken to."""

from dataclasses import dataclass
from enum import StrEnum

from tokenizers import Tokenizer


class Spaces(StrEnum):
    """Where a text begins as if a space stood before it.

    The tokenizers that a bundle holds add none, since what a song goes on with begins no text;
    where the model's makers had one, the prompt's form brings it (`model_tokenizer`).
    """

    NEVER = "never"
    #: At the start of all.
    FIRST = "first"
    #: There, and after each piece of markup.
    ALWAYS = "always"


@dataclass(frozen=True)
class WholeTokenizer:
    """What was read."""

    tokenizer: Tokenizer
    spaces: Spaces = Spaces.NEVER
    #: Whether a text begins with the first token, as far as the tokenizer says.
    adds_bos: bool = False
