"""Gives a song its title before the first line is written, so that the song can follow it."""

from collections.abc import Sequence

import numpy as np

from lyricist.engine.sessions import Session
from lyricist.language.rhyme import sounds
from lyricist.language.safety import is_allowed, mask
from lyricist.language.words import is_function_word, split_words
from lyricist.lines.draft import Draft, count_syllables
from lyricist.lines.history import History
from lyricist.lines.likelihoods import Likelihoods, rank_of
from lyricist.lines.next_token import Chooser, Voice
from lyricist.lines.topic import SongTopic
from lyricist.songs import SongRequest
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.tokens import Encoder
from lyricist.writing.instructions import unasked_in
from lyricist.writing.share import EngineShare

_BEFORE, _AFTER = 'Title: "', '"\n'
#: Tokens that end a title, where the vocabulary has them.
_CLOSERS = ('"', '",', '".', '"**', '"\n', '"\n\n', '".\n', "\n", ".", "!", "?", "...", " (")
_MOST_SYLLABLES = 9
_MOST_TOKENS = 8
#: A prompt's "word" may be all of the prompt; as a title it would fill the context, and then all of
#: it would be read again for every line.
_LONGEST_WORD = 24
#: What is read of a title that is given: the song's lines are to have room behind it.
_MOST_GIVEN_TOKENS = 40
_MOST_TEMPERATURE = 0.6
#: Gives the title other random numbers than the lines, whose seeds count from 0.
_SEED = 1_000_003
_UNTITLED = "Untitled"
#: Words that a title writes small, unless they come first.
_SMALL = frozenset(
    ("a", "an", "and", "at", "but", "by", "for", "from", "in", "of", "on", "or", "the", "to")
)


def write_title(
    request: SongRequest,
    share: EngineShare,
    lexicon: Lexicon,
    topic: SongTopic,
    context: Sequence[int],
) -> Session[tuple[str, list[int]]]:
    """A title, and the tokens that name it: the one that is asked for, else one of the model's,
    which falls back on the prompt's own words.

    `context` is what the model reads before it. The share's first row holds that afterwards, and
    nothing else.
    """
    row = share.rows[0]
    share.engine.rewind(row, 0)
    if request.title:
        share.engine.prefill(row, context)
        return request.title, _given_tokens(request.title, share.vocabulary)
    voice = Voice(min(request.temperature, _MOST_TEMPERATURE), request.top_p, request.explicit)
    history = History(unasked=unasked_in(request))
    chooser = Chooser(lexicon, voice, history, topic)
    draft = Draft(0, row, lexicon, np.random.default_rng([request.seed, _SEED]))
    logits = share.engine.prefill(row, [*context, *share.vocabulary.encode(_BEFORE)])
    closers = lexicon.ids_of(_CLOSERS)
    while len(draft.tokens) < _MOST_TOKENS:
        words = draft.words()
        likelihoods = Likelihoods.of_logits(logits)
        if words and draft.rng.random() < np.exp(likelihoods.of(closers)).sum():
            break
        room = _MOST_SYLLABLES - count_syllables(words)
        token = chooser.choose(draft, likelihoods, room, go_on=False)
        if token is None:
            break
        draft.append(token, likelihoods.of_token(token), rank_of(token, logits))
        logits = (yield {row: token})[row]
    title = _clean(draft.text(), request, topic)
    share.engine.rewind(row, len(context))
    return title, title_tokens(title, share.vocabulary)


def title_tokens(title: str, vocabulary: Encoder) -> list[int]:
    """The tokens that name a song's title before its first section."""
    return vocabulary.encode(f"{_BEFORE}{title}{_AFTER}")


def _given_tokens(title: str, vocabulary: Encoder) -> list[int]:
    """The same of a title that somebody else has made: of a long one the beginning."""
    tokens = title_tokens(title, vocabulary)
    if len(tokens) <= _MOST_GIVEN_TOKENS:
        return tokens
    return [
        *vocabulary.encode(f"{_BEFORE}{title}")[:_MOST_GIVEN_TOKENS],
        *vocabulary.encode(_AFTER),
    ]


def _clean(text: str, request: SongRequest, topic: SongTopic) -> str:
    words = [word for word in text.replace(",", "").split() if split_words(word)]
    while words and is_function_word(words[-1]):
        words.pop()
    is_sound = all(
        is_allowed(word, request.explicit) and (sounds(word) or word.lower() in topic.words)
        for word in words
    )
    if not words or not is_sound:
        short = [word for word in topic.words if len(word) <= _LONGEST_WORD]
        words = short[:3] or [_UNTITLED]
    for at, word in enumerate(words):
        if not at or word not in _SMALL:
            words[at] = word[:1].upper() + word[1:]
    return mask(" ".join(words), request.explicit)
