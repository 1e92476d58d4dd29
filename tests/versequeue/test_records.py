"""Records at rest: what is written is read again, and what nobody wrote is refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from versequeue.records import format_time, parse_time


def test_a_time_is_written_in_utc_and_read_again() -> None:
    moment = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert format_time(moment) == "2025-12-31T23:30:00.000000Z"
    assert parse_time(format_time(moment)) == moment
    assert parse_time(format_time(moment)).utcoffset() == UTC.utcoffset(None)


def test_a_time_in_no_time_zone_is_refused_since_it_could_be_compared_with_none() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        parse_time("2026-01-01T00:00:00")
