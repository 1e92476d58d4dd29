"""How the songs of one pass share its seconds."""

import pytest

from worker_fn.studio import _Shares


def test_songs_that_end_one_after_another_share_what_they_were_written_together() -> None:
    shares = _Shares(3, begun=10.0)
    parts = [shares.next_s(now) for now in (13.0, 15.0, 16.0)]
    assert parts == pytest.approx([1.0, 2.0, 3.0])
    assert sum(parts) == pytest.approx(6.0)  # the whole pass, and no second of it twice


def test_a_song_alone_has_all_of_its_pass() -> None:
    assert _Shares(1, begun=2.0).next_s(9.5) == 7.5
