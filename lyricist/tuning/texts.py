"""Songs as the tokens that the model reads when it writes them, and which it is to learn."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np

from lyricist.songs import SongRequest
from lyricist.tuning.training_song import TrainingSong
from lyricist.vocabulary.tokens import Encoder
from lyricist.writing.instructions import instructions
from lyricist.writing.title import title_tokens
from lyricist.writing.verse import section_head

#: A title is to be learned from its first word on; what stands before it in the song is given.
_BEFORE_TITLE = "Title:"
#: Of so many songs some lines are given, if they have no more lines.
_SHARE_WITH_GIVEN, _MOST_WITH_GIVEN = 0.35, 16


@dataclass(frozen=True)
class Text:
    """A song, or some of its lines, as tokens."""

    #: What all texts of a style begin with; read once for several of them.
    prefix: tuple[int, ...]
    #: What follows, and for each token whether it is to be learned.
    tokens: tuple[int, ...]
    learned: tuple[bool, ...]


def texts_of(
    songs: Sequence[TrainingSong], encoder: Encoder, most_tokens: int, seed: int
) -> list[Text]:
    """One text for each song; several, if it has more than `most_tokens` tokens. In order.

    Of some songs, drawn by `seed`, some lines are given: the model is told them, and learns only
    the others.
    """
    rng = np.random.default_rng(seed)
    is_told = encoder.prompt.tells_given
    given = [_some_given(song.lines, rng) if is_told else () for song in songs]
    asked = [
        tuple(instructions(SongRequest(song.prompt, style=song.style, given=lines), encoder))
        for song, lines in zip(songs, given, strict=True)
    ]
    by_style: dict[str, list[tuple[int, ...]]] = defaultdict(list)
    for song, request in zip(songs, asked, strict=True):
        by_style[song.style].append(request)
    prefixes = {style: _common_start(requests) for style, requests in by_style.items()}
    texts = []
    for song, lines, request in zip(songs, given, asked, strict=True):
        prefix = prefixes[song.style]
        texts += _texts_of(song, lines, prefix, request[len(prefix) :], encoder, most_tokens)
    return texts


def _some_given(lines: Sequence[str], rng: np.random.Generator) -> tuple[str | None, ...]:
    """The lines that are told beforehand, as somebody might give them; mostly none."""
    if rng.random() >= _SHARE_WITH_GIVEN or len(lines) > _MOST_WITH_GIVEN:
        return ()
    at = np.arange(len(lines))
    kinds = (
        at % 2 == rng.integers(2),
        at != rng.integers(len(lines)),
        at < rng.integers(len(lines)),
        rng.random(len(lines)) < rng.random(),
    )
    kept = kinds[int(rng.integers(len(kinds)))]
    return tuple(line if keep else None for line, keep in zip(lines, kept, strict=True))


def _common_start(requests: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """What all of them begin with: what the first and the last of them in order begin with."""
    pairs = zip(min(requests), max(requests), strict=False)
    return tuple(token for token, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _texts_of(
    song: TrainingSong,
    given: Sequence[str | None],
    prefix: tuple[int, ...],
    request: tuple[int, ...],
    encoder: Encoder,
    most_tokens: int,
) -> list[Text]:
    room = most_tokens - len(prefix)
    title = title_tokens(song.title or song.prompt, encoder)
    known = len(encoder.encode(_BEFORE_TITLE)) if song.title else len(title)
    start = [*request, *title]
    start_learned = [False] * (len(request) + known) + [True] * (len(title) - known)
    start, start_learned = start[-room // 2 :], start_learned[-room // 2 :]
    texts, tokens, learned = [], list(start), list(start_learned)
    given_lines = iter(given or [None] * len(song.lines))
    for section in song.sections:
        head = encoder.encode(section_head(section.name))
        tokens += head
        learned += [False] * len(head)
        for line in section.lines:
            own = encoder.encode(f"{line}\n")[-room // 3 :]
            if len(tokens) + len(own) > room:  # goes on as a song does when its context is full
                texts.append(Text(prefix, tuple(tokens), tuple(learned)))
                tokens, learned = list(start), [False] * len(start)
            tokens += own
            learned += [next(given_lines) is None] * len(own)
    texts.append(Text(prefix, tuple(tokens[:room]), tuple(learned[:room])))
    return texts
