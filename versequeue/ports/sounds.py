"""What knows how words sound. The job system does not: whoever sets it up hands it in."""

from typing import Protocol

from versequeue.contract.server_views import MeterLine, RhymesView


class Sounds(Protocol):
    """Answers at once, reads no store, and remembers nothing that grows with what is asked."""

    def rhymes(self, word: str) -> RhymesView | None:
        """What rhymes with `word`, in lower case; None if nobody knows how it sounds."""

    def nearest(self, word: str) -> tuple[str, ...]:
        """A few known words that are spelled nearly as `word`, the likeliest first."""

    def meter(self, line: str) -> MeterLine:
        """The syllables of each word of `line`, and how they are stressed."""
