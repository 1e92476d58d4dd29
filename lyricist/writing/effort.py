"""How much is done for each line of a song, by the effort that was asked for.

Owns those numbers; knows no drafts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from lyricist.songs import Effort

#: An end word less likely than this sounds forced.
FORCED = -7.0


@dataclass(frozen=True)
class Search:
    """How widely the best draft of a line is searched for."""

    #: Drafts that are written side by side.
    rows: int
    #: Drafts that are begun in any case; and at most, if none of them became a good line.
    fewest: int
    most: int
    #: A line with a lower score than this, or a forced end, is not good.
    good: float
    #: Of the drafts that have come to their third token, so many are dropped: the least likely.
    dropped: float


SEARCHES: Mapping[Effort, Search] = {
    Effort.QUICK: Search(rows=4, fewest=4, most=8, good=float("-inf"), dropped=0.0),
    Effort.NORMAL: Search(rows=16, fewest=24, most=48, good=-3.2, dropped=1 / 3),
    Effort.BEST: Search(rows=24, fewest=56, most=96, good=-2.8, dropped=1 / 3),
}
#: The most rows that any search fills.
MOST_ROWS = max(search.rows for search in SEARCHES.values())


def search_for(effort: Effort, rows: int) -> Search:
    """The search of an effort; the quick one, where an engine has too few rows for it."""
    wanted = SEARCHES[effort]
    return wanted if wanted.rows <= rows else SEARCHES[Effort.QUICK]
