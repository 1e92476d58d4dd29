"""What the model is told, in the ChatML form that SmolLM2's makers trained it on.

Nothing is said of rhyme or of the number of lines: small models put such words into the lyrics.
"""

from lyricist.songs import SongRequest
from lyricist.tokens import Tokens

#: A topic longer than this says no more; 500 emoji would fill the context.
MOST_TOPIC_TOKENS = 160
SYSTEM = (
    "You are a songwriter. You answer with the words of the song alone, as they are sung: "
    "short lines, concrete images, everyday speech."
)
MANNERS = {
    "rap": "a rap song with punchy, rhythmic lines",
    "pop": "a catchy pop song with simple, bright lines",
    "country": "a country song that tells a plain story",
    "rock": "a loud, driving rock song",
    "folk": "a quiet folk song that tells a story",
    "soul": "a warm, heartfelt soul song",
}


def opening(request: SongRequest, tokens: Tokens) -> list[int]:
    """Token ids of all that stands before the first line."""
    before = f"<|im_start|>system\n{SYSTEM}<|im_end|>\n<|im_start|>user\nWrite {_wish(request)}: "
    return [
        *tokens.encode(before, markup=True),
        *tokens.encode(one_line(request))[:MOST_TOPIC_TOKENS],
        *tokens.encode("<|im_end|>\n<|im_start|>assistant\n", markup=True),
    ]


def one_line(request: SongRequest) -> str:
    """The prompt as one line of single-spaced words."""
    return " ".join(request.prompt.split())


def _wish(request: SongRequest) -> str:
    manner = MANNERS.get(request.style, f"a {request.style} song")
    mood = " ".join(request.mood.split())
    return f"{manner}, in a {mood} mood, about" if mood else f"{manner} about"
