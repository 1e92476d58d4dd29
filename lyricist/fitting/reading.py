"""Reads rated drafts with the model, token by token, as it would have written them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lyricist.arrays import DoubleArray, FloatArray, IntArray
from lyricist.engine.port import Engine
from lyricist.fitting.ratings import RatedPlace
from lyricist.language.words import split_words
from lyricist.lines.draft import count_syllables
from lyricist.lines.figures import Place, Reading, figures_of
from lyricist.lines.likelihoods import Likelihoods, rank_of
from lyricist.songs import SongRequest
from lyricist.vocabulary.lexicon import Lexicon
from lyricist.vocabulary.tokens import Vocabulary
from lyricist.writing.instructions import instructions
from lyricist.writing.title import title_tokens
from lyricist.writing.verse import section_head

_SECTION = "Verse 1"


@dataclass(frozen=True)
class ReadDrafts:
    """Rated drafts as the model read them, one a row."""

    #: (drafts, figures), (drafts, layers * width), (drafts,)
    figures: DoubleArray
    states: DoubleArray
    ratings: DoubleArray
    #: (drafts,): the number of each one's place, and of its prompt.
    places: IntArray
    prompts: IntArray


class DraftReader:
    """Reads drafts in the rows of the engine's wide family."""

    def __init__(self, engine: Engine, vocabulary: Vocabulary, lexicon: Lexicon) -> None:
        self._engine, self._vocabulary, self._lexicon = engine, vocabulary, lexicon
        self._rows = range(engine.max_rows, engine.max_rows + engine.wide_rows)

    def read(
        self, places: Sequence[RatedPlace], on_place: Callable[[int], None] = lambda _place: None
    ) -> ReadDrafts:
        """All drafts of `places`; `on_place` is told of each place's number once it is read."""
        figures: list[DoubleArray] = []
        states: list[FloatArray] = []
        ratings: list[int] = []
        numbers: list[int] = []
        prompts: list[int] = []
        prompt_numbers: dict[str, int] = {}
        for number, place in enumerate(places):
            for reading, state in self._read_place(place):
                figures.append(figures_of(reading))
                states.append(state)
            ratings += [rating for _line, rating in place.drafts]
            numbers += [number] * len(place.drafts)
            prompt = prompt_numbers.setdefault(place.prompt, len(prompt_numbers))
            prompts += [prompt] * len(place.drafts)
            on_place(number)
        return ReadDrafts(
            np.stack(figures),
            np.stack(states).astype(np.float64),
            np.array(ratings, np.float64),
            np.array(numbers),
            np.array(prompts),
        )

    def _read_place(self, place: RatedPlace) -> list[tuple[Reading, FloatArray]]:
        """Each draft's reading, and the hidden state after its last token."""
        for row in self._rows:
            self._engine.rewind(row, 0)
        logits = self._engine.prefill(self._rows[0], self._context(place))
        found: list[tuple[Reading, FloatArray]] = []
        length = self._engine.length(self._rows[0])
        for start in range(0, len(place.drafts), len(self._rows)):
            lines = [line for line, _ in place.drafts[start : start + len(self._rows)]]
            self._engine.rewind(self._rows[0], length)
            for row in self._rows[1:]:
                self._engine.copy(self._rows[0], row)
            found += self._read_lines(place, lines, logits)
        return found

    def _read_lines(
        self, place: RatedPlace, lines: Sequence[str], logits: FloatArray
    ) -> list[tuple[Reading, FloatArray]]:
        """As many lines as there are rows, at most, all of which begin at `logits`."""
        rows = self._rows[: len(lines)]
        spelled = [self._lexicon.encode(line) for line in lines]
        seen = {row: [logits] for row in rows}
        states: dict[int, FloatArray] = {}
        for at in range(max(map(len, spelled))):
            tokens = {
                row: line[at] for row, line in zip(rows, spelled, strict=True) if at < len(line)
            }
            for row, answer in self._engine.step(tokens).items():
                seen[row].append(answer)
                state = self._engine.state(row)
                states[row] = np.zeros(0, np.float32) if state is None else state
        return [
            (self._reading(place, line, tokens, seen[row]), states[row])
            for row, line, tokens in zip(rows, lines, spelled, strict=True)
        ]

    def _reading(
        self, place: RatedPlace, line: str, tokens: Sequence[int], seen: Sequence[FloatArray]
    ) -> Reading:
        found = [Likelihoods.of_logits(logits) for logits in seen]
        words = split_words(line)
        places: list[Place] = [each.place(self._lexicon.line_ends) for each in found]
        return Reading(
            places,
            [each.of_token(token) for each, token in zip(found, tokens, strict=False)],
            [rank_of(token, logits) for token, logits in zip(tokens, seen, strict=False)],
            words,
            count_syllables(words) - place.target_syllables,
            place.is_answer,
        )

    def _context(self, place: RatedPlace) -> list[int]:
        """All that stood before the line when it was drafted."""
        written = "".join(f"{line}\n" for line in place.before)
        return [
            *instructions(SongRequest(place.prompt, style=place.style), self._vocabulary),
            *title_tokens(place.title, self._vocabulary),
            *self._vocabulary.encode(section_head(_SECTION)),
            *self._vocabulary.encode(written),
        ]
