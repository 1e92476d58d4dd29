"""A song to learn from, and whether its prompt must stay unseen."""

from dataclasses import dataclass
from functools import cache

from lyricist.language.words import stem, topic_words
from lyricist.prompts import frozen_prompts
from lyricist.songs import Section

#: Two prompts are near if they share more than this of all their topic words together.
_NEAR = 0.5


@dataclass(frozen=True)
class TrainingSong:
    """A song as one would like it to be written, and what it would be asked for by."""

    prompt: str
    style: str
    #: "" where its author gave it none.
    title: str
    sections: tuple[Section, ...]

    @property
    def lines(self) -> tuple[str, ...]:
        return tuple(line for section in self.sections for line in section.lines)


def frozen_prompt_near(prompt: str) -> str | None:
    """The one of the fifty frozen prompts that `prompt` is near to, if there is one.

    Models are compared by what they write on those, so that none may have learned from them.
    """
    own = _topic(prompt)
    near = (frozen for frozen in frozen_prompts() if _are_near(own, _topic(frozen)))
    return next(near, None)


@cache
def _topic(prompt: str) -> frozenset[str]:
    """The stems of a prompt's topic words; the prompt itself if it has none."""
    stems = frozenset(map(stem, topic_words(prompt)))
    return stems or frozenset({" ".join(prompt.casefold().split())})


def _are_near(first: frozenset[str], second: frozenset[str]) -> bool:
    return len(first & second) > _NEAR * len(first | second)
