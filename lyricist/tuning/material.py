"""What a model is tuned on, as lessons: songs to write like, or drafts of which some are better."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from lyricist.fitting.ratings import RatedPlace
from lyricist.language.learned_phrases import LearnedPhrases
from lyricist.tuning.adapted_network import AdaptedNetwork
from lyricist.tuning.packing import batches_of
from lyricist.tuning.preferences import preference_loss, rated_batches
from lyricist.tuning.texts import texts_of
from lyricist.tuning.training import Lesson, TrainingSettings
from lyricist.tuning.training_song import TrainingSong
from lyricist.vocabulary.tokens import Encoder

#: One of so many is kept unseen, but at most so many, to say what has been learned.
_UNSEEN_SHARE, _MOST_UNSEEN = 10, 60
#: A song's tokens are read in pieces of no more; a longer song starts over in its context, too.
_MOST_TOKENS = 320

Parted = TypeVar("Parted")


@dataclass(frozen=True)
class Lessons:
    """What is learned, and what is kept unseen."""

    seen: Sequence[Lesson]
    unseen: Sequence[Lesson]


class Material(Protocol):
    """What a model is tuned on."""

    #: What its pieces are called, and how many there are, those that are kept unseen among them.
    noun: str
    #: Whether it teaches to write around given lines, see `PromptForm`.
    teaches_given: bool

    def __len__(self) -> int: ...

    def lessons(
        self, network: AdaptedNetwork, encoder: Encoder, settings: TrainingSettings, most: int
    ) -> Lessons:
        """What `network` is to learn, in texts of at most `most` tokens."""

    def phrases(self) -> LearnedPhrases:
        """What must not be taken over word for word."""


@dataclass(frozen=True)
class Songs:
    """Songs to write like."""

    songs: Sequence[TrainingSong]
    noun = "songs"
    teaches_given = True

    def __len__(self) -> int:
        return len(self.songs)

    def lessons(
        self, network: AdaptedNetwork, encoder: Encoder, settings: TrainingSettings, most: int
    ) -> Lessons:
        unseen, seen = _parted(self.songs, settings.seed)
        order = np.random.default_rng(settings.seed).permutation(len(seen))

        def made(songs: Sequence[TrainingSong], order: Sequence[int]) -> list[Lesson]:
            texts = texts_of(songs, encoder, min(most, _MOST_TOKENS), settings.seed)
            batches = batches_of([texts[at] for at in order], settings.rows, settings.length)
            return [
                Lesson(partial(network.mean_loss, each), each.used, float(each.weights.sum()))
                for each in batches
            ]

        return Lessons(made(seen, order.tolist()), made(unseen, range(len(unseen))))

    def phrases(self) -> LearnedPhrases:
        return LearnedPhrases.of_songs(song.lines for song in self.songs)


@dataclass(frozen=True)
class RatedDrafts:
    """Drafts of lines, of which a model is to prefer those that a rater did."""

    places: Sequence[RatedPlace]
    noun = "places"
    teaches_given = False

    def __len__(self) -> int:
        return len(self.places)

    def lessons(
        self, network: AdaptedNetwork, encoder: Encoder, settings: TrainingSettings, most: int
    ) -> Lessons:
        unseen, seen = _parted(self.places, settings.seed)

        def made(places: Sequence[RatedPlace]) -> list[Lesson]:
            return [
                Lesson(partial(preference_loss, network, each), each.batch.used)
                for each in rated_batches(
                    places, encoder, settings.rows, min(most, settings.length)
                )
            ]

        return Lessons(made(seen), made(unseen))

    def phrases(self) -> LearnedPhrases:
        """None: the drafts were the model's own."""
        return LearnedPhrases()


def _parted(pieces: Sequence[Parted], seed: int) -> tuple[list[Parted], list[Parted]]:
    """Those that are kept unseen, drawn by lot, and the others."""
    count = min(max(2, len(pieces) // _UNSEEN_SHARE), _MOST_UNSEEN)
    drawn = set(np.random.default_rng(seed).permutation(len(pieces))[:count].tolist())
    unseen = [piece for at, piece in enumerate(pieces) if at in drawn]
    return unseen, [piece for at, piece in enumerate(pieces) if at not in drawn]
