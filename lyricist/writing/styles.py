"""The styles of songs: what the model is shown of each, and how long its lines are.

The examples are this project's own lines. They set tone, concreteness and length; what they are
about is ordinary, so that little of it finds its way into a song.
"""

from dataclasses import dataclass

from lyricist.songs import SongRequest


@dataclass(frozen=True)
class Style:
    """One style of song."""

    #: How the song is asked for.
    wish: str
    #: Syllables of a line: at least, as liked best, at most.
    syllables: tuple[int, int, int]
    example: tuple[str, ...]


STYLES = {
    "rap": Style(
        "a rap song",
        (7, 10, 12),
        (
            "Coffee going cold by the window pane",
            "I count the carriages on every train",
            "You painted the kitchen the colour of rust",
            "And the radio sings through a summer of dust",
        ),
    ),
    "pop": Style(
        "a bright, catchy pop song",
        (6, 8, 10),
        (
            "Your jacket on the back of my chair",
            "I dance in my socks on the stair",
            "Call me when the weekend is near",
            "I'll turn up the song till you hear",
        ),
    ),
    "country": Style(
        "a country song that tells a plain story",
        (7, 9, 11),
        (
            "Your old blue truck in the gravel and mud",
            "Two empty bottles, a river in flood",
            "I fixed up the fence at the end of the lane",
            "And waited all week for the wind and the rain",
        ),
    ),
    "rock": Style(
        "a loud, driving rock song",
        (6, 8, 10),
        (
            "Engine screaming down the line",
            "Broken glass and a warning sign",
            "I kicked the door, I burned the map",
            "No one here is going back",
        ),
    ),
    "folk": Style(
        "a quiet folk song that tells a story",
        (6, 8, 10),
        (
            "We left the town before the light",
            "The river sang to us all night",
            "A candle burned upon the sill",
            "And someone walked across the hill",
        ),
    ),
    "soul": Style(
        "a warm, tender soul song",
        (6, 8, 10),
        (
            "Hold my hand on the kitchen floor",
            "Sunday rain is at the door",
            "You hum a tune I always knew",
            "And every morning I wake to you",
        ),
    ),
}
DEFAULT_STYLE = "rap"


def style_of(request: SongRequest) -> Style:
    """The style that was asked for; the default one if it is not known."""
    return STYLES.get(request.style, STYLES[DEFAULT_STYLE])
