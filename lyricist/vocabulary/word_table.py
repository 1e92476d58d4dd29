"""For every token of a vocabulary, what it is as a word: the arrays that a lexicon answers from.

They depend on the tokenizer alone, so that a bundle can hold them (see `word_table_file`).
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.arrays import BoolArray, FloatArray, IntArray
from lyricist.language.rhyme import is_known, sounds
from lyricist.language.safety import Tier, banned_forms
from lyricist.language.syllables import syllables
from lyricist.language.words import leaves_open, word_list
from lyricist.vocabulary.spelled_words import spelled_words

_INNER_WORD = re.compile(r"^ (?:[a-z]+|[A-Z][a-z]*)$")
_FIRST_WORD = re.compile(r"^[A-Z][a-z]*$")
_PIECE = re.compile(r"^(?:[a-z]+|['’][a-z]{1,2})$")
#: At least three letters, one of them a vowel; the dictionary holds "cc" and "th", too.
_END_WORD = re.compile(r"^ (?=[a-z]{3})[b-df-hj-np-tv-xz]*[aeiouy][a-z]*$")


@dataclass(frozen=True)
class WordTable:
    """One entry per token, in the order of the ids. Masks are True where the description fits.

    All but the masks go on after the vocabulary's end with one entry per spelled word: such a word
    is an end, as the tokens are that can end a line, and its number is no token's.
    """

    texts: Sequence[str]
    #: The lower-case word that the token starts or is.
    words: Sequence[str]
    #: Begins a word inside a line; begins a line; goes on with a word.
    starts: BoolArray
    firsts: BoolArray
    pieces: BoolArray
    #: Is a word as it stands.
    whole: BoolArray
    #: Never to be written; to be written only in explicit lyrics.
    slurs: BoolArray
    profane: BoolArray
    #: Syllables of the token taken as a word of its own.
    syllables: IntArray
    #: The number of its rhyme class, all end words with the same rhyming part, and of its slant
    #: class, those with a similar one; -1 for a token that cannot end a line.
    class_of: IntArray
    slant_class_of: IntArray
    #: All ends, ascending, and how each of them sounds, in the code of `phones`.
    end_words: IntArray
    end_phones: Sequence[str]
    #: The tokens of each spelled word, and the log of its share of what begins with the first.
    spellings: Sequence[Sequence[int]]
    spelled_shares: FloatArray


def derive_word_table(
    texts: Sequence[str], encode: Callable[[str], list[int]] | None = None
) -> WordTable:
    """The table of a vocabulary; a third of a second for 49,000 tokens.

    `encode` is the vocabulary's own; without it no words are spelled.
    """
    words = [text.strip().lower() for text in texts]
    starts, firsts = _matching(_INNER_WORD, texts), _matching(_FIRST_WORD, texts)
    whole, slurs, profane = (np.zeros(len(texts), dtype=np.bool_) for _ in range(3))
    syllable_counts = np.zeros(len(texts), dtype=np.int64)
    banned = banned_forms()
    for word, tokens in tokens_by_word(words, starts | firsts).items():
        syllable_counts[tokens] = syllables(word)
        whole[tokens] = bool(sounds(word))
        if word in banned:
            slurs[tokens] = banned[word] is Tier.SLUR
            profane[tokens] = banned[word] is not Tier.SLUR
    end_words = _end_words(texts, words, starts & ~slurs)
    whole_ends = {words[end] for end in end_words.tolist()}
    spelled = spelled_words(whole_ends, encode) if encode else []
    words += [each.word for each in spelled]
    size = len(words)
    end_words = np.concatenate([end_words, np.arange(len(texts), size)])
    end_sounds = [sounds(words[end])[0] for end in end_words.tolist()]
    spelled_syllables = np.array([syllables(each.word) for each in spelled], np.int64)
    return WordTable(
        texts=[*texts, *(f" {each.word}" for each in spelled)],
        words=words,
        starts=starts,
        firsts=firsts,
        pieces=_matching(_PIECE, texts),
        whole=whole,
        slurs=slurs,
        profane=profane,
        syllables=np.concatenate([syllable_counts, spelled_syllables]),
        class_of=_numbered(size, end_words, [sound.tail for sound in end_sounds]),
        slant_class_of=_numbered(size, end_words, [sound.slant for sound in end_sounds]),
        end_words=end_words,
        end_phones=[sound.phones for sound in end_sounds],
        spellings=[each.tokens for each in spelled],
        spelled_shares=np.array([each.share for each in spelled], np.float32),
    )


def tokens_by_word(words: Sequence[str], chosen: BoolArray) -> Mapping[str, list[int]]:
    """Word -> those of its tokens that are `chosen`, ascending."""
    groups: dict[str, list[int]] = defaultdict(list)
    for token in np.flatnonzero(chosen).tolist():
        groups[words[token]].append(token)
    return dict(groups)


def _matching(pattern: re.Pattern[str], texts: Iterable[str]) -> BoolArray:
    return np.array([found is not None for found in map(pattern.match, texts)], dtype=np.bool_)


def _end_words(texts: Sequence[str], words: Sequence[str], fit: BoolArray) -> IntArray:
    closing = word_list("closing_words")
    unfit = word_list("weak_ends") | word_list("leaks")
    found = [
        token
        for token in np.flatnonzero(fit).tolist()
        if (word := words[token]) not in unfit
        and not leaves_open(word)
        and (_END_WORD.match(texts[token]) or (word in closing and texts[token].islower()))
        and is_known(word)
        and sounds(word)
    ]
    return np.array(found, dtype=np.int64)


def _numbered(size: int, tokens: IntArray, keys: Sequence[str]) -> IntArray:
    """(size,) Tokens with equal keys have equal numbers, counted from 0; all other tokens -1."""
    numbers = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    found = np.full(size, -1, dtype=np.int64)
    found[tokens] = [numbers[key] for key in keys]
    return found
