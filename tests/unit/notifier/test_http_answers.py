"""What an HTTP answer asks for."""

from datetime import UTC, datetime, timedelta

import pytest

from services.notifier.adapters.http_answers import retry_after

NOW = datetime(2026, 6, 2, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("17", timedelta(seconds=17)),
        ("Tue, 02 Jun 2026 08:00:30 GMT", timedelta(seconds=30)),
        ("Tue, 02 Jun 2026 07:00:00 GMT", timedelta(0)),
        ("99999999", timedelta(hours=1)),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_never_longer_than_an_hour(value: str, expected: timedelta | None) -> None:
    assert retry_after({"Retry-After": value}, NOW) == expected
