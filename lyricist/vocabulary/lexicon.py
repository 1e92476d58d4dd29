"""What a line of lyrics asks about tokens: which of them end a line, what rhymes with what."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from lyricist.arrays import BoolArray, IntArray
from lyricist.language.rhyme import EXTRA_SLANTS, Sound, rhyme_slantly, sounds
from lyricist.language.words import is_function_word, stem
from lyricist.vocabulary.tokens import holds_line_end
from lyricist.vocabulary.word_table import WordTable, tokens_by_word

#: What may follow a line's last word; their joint probability says how well the line ends there.
_LINE_ENDS = ("\n", "\n\n", ",", ".", "!", "?", ";", "...", ":")
_ONE_LETTER_WORDS = "aio"
#: A stem has at least so many letters.
_FIRST_LETTERS = 2


class Lexicon:
    """The tokens of one model as words. Masks are over token ids, True where it applies.

    An end is what can end a line: a token, or a word that several tokens spell. Its number is the
    token's, or one that is beyond all tokens.
    """

    def __init__(self, table: WordTable, encode: Callable[[str], list[int]]) -> None:
        self.encode = encode
        # The table's own arrays, which are described there.
        self.texts, self.words, self.syllables = table.texts, table.words, table.syllables
        self.starts, self.firsts, self.pieces = table.starts, table.firsts, table.pieces
        self.whole, self.slurs, self.profane = table.whole, table.slurs, table.profane
        self.end_words, self.class_of = table.end_words, table.class_of
        #: For each of the end words, whether it is a function word.
        self.closing_ends = np.array(
            [is_function_word(table.words[end]) for end in table.end_words.tolist()], np.bool_
        )
        #: How many rhyme classes there are.
        self.classes = int(table.class_of.max(initial=-1)) + 1
        self.newline = encode("\n")[0]
        self.comma = encode(",")[0]
        # Lists and bytes tell of single tokens several times as fast as arrays do.
        #: `pieces` and `syllables` once more.
        self.is_piece, self.lengths = table.pieces.tobytes(), table.syllables.tolist()
        #: Whether a token is a letter that is no word.
        self.is_letter = bytes(len(w) == 1 and w not in _ONE_LETTER_WORDS for w in table.words)
        size = len(table.starts)
        spelled = {size + at: tuple(tokens) for at, tokens in enumerate(table.spellings)}
        #: For every token and spelled word the first token, and the log of what is expected of the
        #: likelihood of the others.
        firsts = [tokens[0] for tokens in spelled.values()]
        self.first_tokens = np.concatenate([np.arange(size), np.array(firsts, np.int64)])
        self.rests = np.concatenate([np.zeros(size, np.float32), table.spelled_shares])
        self._spelled, self._size = spelled, size
        self._spelled_end = {table.words[end]: end for end in spelled}
        self._end_of_tokens = {tokens: end for end, tokens in spelled.items()}
        held = [text for text in table.texts if holds_line_end(text)]
        self.line_ends = self.ids_of([*_LINE_ENDS, *held])
        self._slant_class_of = table.slant_class_of
        self._end_phones = table.end_phones
        self._sounds: dict[int, Sound] = {}

    def ids_of(self, texts: Iterable[str]) -> IntArray:
        """The tokens that are exactly `texts`, as far as there are such tokens."""
        return np.array([self._ids[text] for text in texts if text in self._ids], dtype=np.int64)

    def tokens_of(self, word: str) -> IntArray:
        """All tokens that are the word `word`, inside a line or as its first."""
        return np.array(self._by_word.get(word, ()), dtype=np.int64)

    def ends_of(self, word: str) -> IntArray:
        """All ends that are the word `word`."""
        spelled = self._spelled_end.get(word)
        whole = self.tokens_of(word)
        return whole if spelled is None else np.append(whole, spelled)

    def tokens_of_end(self, end: int) -> tuple[int, ...]:
        """The tokens that spell an end."""
        return self._spelled.get(end) or (end,)

    def end_of_tokens(self, tokens: Sequence[int]) -> int | None:
        """What `tokens`, those of one word, are as an end; None if they are no end."""
        return tokens[0] if len(tokens) == 1 else self._end_of_tokens.get(tuple(tokens))

    def words_of_stem(self, wanted: str) -> list[str]:
        """The words of the vocabulary whose stem is `wanted`."""
        alike = self._by_first_letters.get(wanted[:_FIRST_LETTERS], ())
        return [word for word in alike if word.startswith(wanted[:3]) and stem(word) == wanted]

    def sound_of(self, end: int) -> Sound:
        """How an end word sounds."""
        if end not in self._sounds:
            place = int(np.searchsorted(self.end_words, end))
            self._sounds[end] = Sound(self._end_phones[place])
        return self._sounds[end]

    def rhymes_of(self, end: int) -> IntArray:
        """End words that rhyme perfectly with `end`."""
        return self._without_identities(self.class_of == self.class_of[end], end)

    def slants_of(self, end: int) -> IntArray:
        """End words that only nearly rhyme with `end`."""
        near = self._slant_class_of == self._slant_class_of[end]
        return self._without_identities(near & (self.class_of != self.class_of[end]), end)

    def rhymes_with(self, word: str) -> tuple[IntArray, IntArray]:
        """End words that rhyme perfectly with `word`, which need not be one of them, and those that
        only nearly do; whichever way it is pronounced."""
        spoken = {sound.phones.lower() for sound in sounds(word)}
        perfect: set[int] = set()
        slant: set[int] = set()
        for sound in sounds(word):
            perfect.update(self._by_tail.get(sound.tail, ()))
            near = [sound.slant, sound.slant[:-1], *(sound.slant + more for more in EXTRA_SLANTS)]
            alike = (end for key in near for end in self._by_slant.get(key, ()))
            slant.update(end for end in alike if rhyme_slantly(sound, self.sound_of(end)))
        found = []
        for ends in (perfect, slant - perfect):
            kept = [
                end
                for end in sorted(ends)
                if self.sound_of(end).phones.lower() not in spoken
                and not self.words[end].endswith(word)
                and not word.endswith(self.words[end])
            ]
            found.append(np.array(kept, dtype=np.int64))
        return found[0], found[1]

    def _without_identities(self, chosen: BoolArray, end: int) -> IntArray:
        """The `chosen` tokens but homophones of `end`, words that end in it and ends of it."""
        spoken, word = self.sound_of(end).phones.lower(), self.words[end]
        different = [
            token
            for token in np.flatnonzero(chosen).tolist()
            if self.sound_of(token).phones.lower() != spoken
            and not self.words[token].endswith(word)
            and not word.endswith(self.words[token])
        ]
        return np.array(different, dtype=np.int64)

    @cached_property
    def _ids(self) -> Mapping[str, int]:
        """Text -> the first token with that text."""
        texts = self.texts[: self._size]
        return dict(zip(reversed(texts), range(self._size - 1, -1, -1), strict=True))

    @cached_property
    def _by_tail(self) -> Mapping[str, list[int]]:
        return self._ends_by(lambda sound: sound.tail)

    @cached_property
    def _by_slant(self) -> Mapping[str, list[int]]:
        return self._ends_by(lambda sound: sound.slant)

    def _ends_by(self, key: Callable[[Sound], str]) -> Mapping[str, list[int]]:
        found = defaultdict(list)
        for end in self.end_words.tolist():
            found[key(self.sound_of(end))].append(end)
        return found

    @cached_property
    def _by_word(self) -> Mapping[str, list[int]]:
        return tokens_by_word(self.words, self.starts | self.firsts)

    @cached_property
    def _by_first_letters(self) -> Mapping[str, list[str]]:
        """The words by their first letters; going through all of them takes too long."""
        words = defaultdict(list)
        for word in self._by_word:
            words[word[:_FIRST_LETTERS]].append(word)
        return words
