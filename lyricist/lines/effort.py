"""How much is done for each line of a song, by the effort that was asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

from lyricist.songs import Effort

#: An end word less likely than this sounds forced.
FORCED = -7.0


@dataclass(frozen=True)
class Drafts:
    """How many drafts of a line are begun."""

    #: In any case; and at most, if none of them became a good line.
    fewest: int
    most: int


@dataclass(frozen=True)
class Search:
    """How widely the best draft of a line is searched for."""

    #: Drafts that are written side by side.
    rows: int
    #: Ways in which the song may go on that are kept as long as a rhyme is to come.
    takes: int
    #: Drafts of a line whose end word is free but for its rhymes, and of one that must rhyme.
    anchor: Drafts
    answer: Drafts
    #: A line with a lower score than this, or a forced end, is not good.
    good: float
    #: Of the drafts that have come to their third token, so many are dropped: the least likely.
    dropped: float
    #: So many ways to end a draft are tried.
    endings: int

    @property
    def all_rows(self) -> int:
        """With those that hold the takes before a line and after it."""
        return self.rows + (2 * self.takes if self.takes > 1 else 0)


SEARCHES: Mapping[Effort, Search] = {
    Effort.QUICK: Search(
        4, 1, Drafts(4, 8), Drafts(4, 8), good=float("-inf"), dropped=0.0, endings=1
    ),
    Effort.NORMAL: Search(
        12, 3, Drafts(12, 12), Drafts(18, 28), good=7.2, dropped=1 / 3, endings=3
    ),
    Effort.BEST: Search(20, 4, Drafts(24, 24), Drafts(36, 64), good=7.7, dropped=1 / 3, endings=3),
}
#: The most rows that any search needs.
MOST_ROWS = max(search.all_rows for search in SEARCHES.values())


def effort_within(effort: Effort, rows: int) -> Effort:
    """The effort that was asked for; the quick one, where an engine has too few rows for it."""
    return effort if SEARCHES[effort].all_rows <= rows else Effort.QUICK
