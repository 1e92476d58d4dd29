"""Goes on with a given line in each of the takes of a song, and hears which of them leads to it."""

from collections.abc import Sequence

from lyricist.engine.port import Engine
from lyricist.engine.sessions import Session
from lyricist.language.words import split_words
from lyricist.lines.likelihoods import Likelihoods
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.writing.take import Take

#: A given line of more tokens is read from there on only; in a small context of a smaller share.
_MOST_TOKENS, _SMALLEST_SHARE = 60, 10
#: What a nat of a given line's mean log-probability is worth beside the judge's opinion of the line
#: before it: who writes between two lines makes the second one expected.
_WORTH = 2.0


def tokens_of(given: str, engine: Engine, lexicon: Lexicon) -> list[int]:
    """A given line as it is read, with its end."""
    most = min(_MOST_TOKENS, engine.context_length // _SMALLEST_SHARE)
    return [*lexicon.encode(given)[-most:], lexicon.newline]


def sing_given(
    takes: Sequence[Take], given: str, tokens: Sequence[int], engine: Engine
) -> Session[list[Take]]:
    """The takes after a given line, which is read as `tokens`. Where there are several, the
    likelier it is in one, the better is its score."""
    words = split_words(given)
    if len(takes) == 1:
        logits = engine.prefill(takes[0].row, tokens)
        return [takes[0].with_given(given, words, logits)]
    likelihoods = [0.0] * len(takes)
    seen = [take.logits for take in takes]
    for token in tokens:
        for at, logits in enumerate(seen):
            likelihoods[at] += Likelihoods.of_logits(logits).of_token(token)
        answers = yield {take.row: token for take in takes}
        seen = [answers[take.row] for take in takes]
    return [
        take.with_given(given, words, logits, _WORTH * likelihood / len(tokens))
        for take, logits, likelihood in zip(takes, seen, likelihoods, strict=True)
    ]
