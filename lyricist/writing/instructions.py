"""What the model is told before a song, in the form that its makers trained it on.

It is told nothing of rhyme or of the number of lines: small models put such words into the lyrics.
"""

import re

from lyricist.language.faith import unasked_words
from lyricist.songs import SongRequest
from lyricist.vocabulary.tokens import Encoder
from lyricist.writing.styles import style_of

#: How many tokens of a given beginning of the first line are read.
MOST_GIVEN_TOKENS = 160
#: A topic is cut to this length; 500 emoji would fill the context.
MOST_TOPIC_TOKENS = 120
#: Given lines that are longer together are not told.
MOST_TOLD_TOKENS = 140
_KEEP, _TO_BE_WRITTEN = "Keep these lines, and write the others:", "-"
#: Many prompts begin with "Write me a rap about"; what follows is the topic.
_REQUEST_START = re.compile(
    r"^(?:(?:can|could|would) you |please )*"
    r"(?:write|make|create|compose|generate|give|do)(?: me| us)? "
    r"(?:(?:an?|the|some)(?: \w+)? (?:song|rap|poem|verse|track|lyrics) (?:about|on) )?",
    re.IGNORECASE,
)
_PLEASE = re.compile(r"[,.]? please\b[.!?]*$", re.IGNORECASE)
_SYSTEM = "You write song lyrics with short, concrete lines, like these:"


def instructions(request: SongRequest, encoder: Encoder) -> list[int]:
    """Token ids of all that stands before the title and the first line.

    A model that is no assistant is given the topic as a line of its own.
    """
    form = encoder.prompt
    if not form.is_chat:
        topic = encoder.encode(f"{one_line(request)}\n")[-MOST_TOPIC_TOKENS:]
        return [*encoder.encode(form.before, markup=True), *topic]
    style, mood = style_of(request), " ".join(request.mood.split())
    example = "\n".join(style.example)
    wish = f"{style.wish}, in a {mood} mood," if mood else style.wish
    asked = [
        *encoder.encode(f"{form.before}{_SYSTEM}\n{example}{form.between}", markup=True),
        *encoder.encode(f"Write the lyrics of {wish} about "),
        *encoder.encode(topic_of(request))[:MOST_TOPIC_TOKENS],
    ]
    told = _told(request, encoder)
    if not told:
        return [*asked, *encoder.encode(f".{form.after}", markup=True)]
    return [*asked, *told, *encoder.encode(form.after, markup=True)]


def _told(request: SongRequest, encoder: Encoder) -> list[int]:
    """What a model that was taught so is told of the given lines, if they are not too long."""
    if not (encoder.prompt.tells_given and any(request.given)):
        return []
    lines = "\n".join(line or _TO_BE_WRITTEN for line in request.given)
    told = encoder.encode(f". {_KEEP}\n{lines}")
    return told if len(told) <= MOST_TOLD_TOKENS else []


def one_line(request: SongRequest) -> str:
    """The prompt as one line of single-spaced words."""
    return " ".join(request.prompt.split())


def unasked_in(request: SongRequest) -> frozenset[str]:
    """The words that its song must not have because nothing in the request asks for them."""
    return unasked_words(request.prompt, request.style, request.mood)


def topic_of(request: SongRequest) -> str:
    """The prompt without the words that only ask for a song."""
    prompt = one_line(request)
    return _PLEASE.sub("", _REQUEST_START.sub("", prompt)) or prompt
