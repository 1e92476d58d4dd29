"""What the studio relies on in both of the packages that it joins."""

from lyricist.songs import MOST_SONGS
from versequeue.rules.batch import JOBS_PER_MESSAGE


def test_the_writer_takes_the_songs_of_a_whole_message_together() -> None:
    assert JOBS_PER_MESSAGE <= MOST_SONGS
