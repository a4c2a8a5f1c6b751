"""The HTTP header Retry-After (RFC 9110, 10.2.3): seconds, or a date."""

import datetime as dt
from email.utils import parsedate_to_datetime


def retry_after_seconds(header: str | None) -> float | None:
    """How long a server asks to be left alone; None = it does not say so in words that are understood."""
    text = (header or "").strip()
    if text.isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=dt.UTC)
    return max(0.0, (date - dt.datetime.now(dt.UTC)).total_seconds())
