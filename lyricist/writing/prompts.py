"""What the model is told, in the ChatML form that SmolLM2's makers trained it on.

Nothing is said of rhyme or of the number of lines: small models put such words into the lyrics.
"""

import re

from lyricist.songs import SongRequest
from lyricist.vocabulary.tokens import Tokens
from lyricist.writing.styles import DEFAULT_STYLE, STYLES, Style

#: A topic longer than this says no more; 500 emoji would fill the context.
MOST_TOPIC_TOKENS = 120
#: "Write me a rap about", as many prompts begin: what follows is the topic.
_ASKING = re.compile(
    r"^(?:(?:can|could|would) you |please )*"
    r"(?:write|make|create|compose|generate|give|do)(?: me| us)? "
    r"(?:(?:an?|the|some)(?: \w+)? (?:song|rap|poem|verse|track|lyrics) (?:about|on) )?",
    re.IGNORECASE,
)
_PLEASE = re.compile(r"[,.]? please\b[.!?]*$", re.IGNORECASE)
SYSTEM = "You write song lyrics with short, concrete lines, like these:"


def opening(request: SongRequest, tokens: Tokens) -> list[int]:
    """Token ids of all that stands before the first line.

    A model whose vocabulary has no ChatML markup is given the topic as a line of its own.
    """
    if len(tokens.encode("<|im_start|>", markup=True)) != 1:
        return tokens.encode(f"{one_line(request)}\n")[-MOST_TOPIC_TOKENS:]
    example = "\n".join(style_of(request).example)
    before = f"<|im_start|>system\n{SYSTEM}\n{example}<|im_end|>\n<|im_start|>user\n"
    return [
        *tokens.encode(before, markup=True),
        *tokens.encode(f"Write the lyrics of {_wish(request)} about "),
        *tokens.encode(topic_of(request))[:MOST_TOPIC_TOKENS],
        *tokens.encode(".<|im_end|>\n<|im_start|>assistant\n", markup=True),
    ]


def one_line(request: SongRequest) -> str:
    """The prompt as one line of single-spaced words."""
    return " ".join(request.prompt.split())


def topic_of(request: SongRequest) -> str:
    """The prompt without the words that only ask for a song."""
    prompt = one_line(request)
    return _PLEASE.sub("", _ASKING.sub("", prompt)) or prompt


def style_of(request: SongRequest) -> Style:
    """The style that was asked for; the default one if it is not known."""
    return STYLES.get(request.style, STYLES[DEFAULT_STYLE])


def _wish(request: SongRequest) -> str:
    mood = " ".join(request.mood.split())
    wish = style_of(request).wish
    return f"{wish}, in a {mood} mood," if mood else wish
