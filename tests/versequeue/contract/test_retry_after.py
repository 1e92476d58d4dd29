"""Retry-After, as polite servers and hostile receivers send it."""

from datetime import UTC, datetime

import pytest

from versequeue.contract.retry_after import http_date, retry_after_s

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("999999999", 86400),
        ("9" * 20, 86400),
        ("9" * 60_000, 86400),
        ("Sun, 01 Mar 2026 12:01:30 GMT", 90),
        ("Sun, 01 Mar 2026 12:01:30", 90),
        ("Sun, 01 Mar 2026 12:01:30 -0000", 90),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("Sun, 01 Mar 2027 11:00:00 GMT", 86400),
        ("Sun, 01 Mar 99999999999999999999 11:00:00 GMT", None),
        ("Sun, 01 Mar 2026 11:00:00 +9999999999", None),
        ("²", None),
        ("0\x1f", None),
        ("٣", None),
        ("-5", None),
        ("1e3", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: float | None) -> None:
    assert retry_after_s(text, NOW) == seconds


def test_a_date_says_nothing_without_the_moment_it_counts_from() -> None:
    assert retry_after_s("Sun, 01 Mar 2026 12:01:30 GMT", None) is None
    assert retry_after_s("5", None) == 5
    assert http_date("nothing") is None
