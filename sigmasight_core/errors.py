"""Errors of the core. Each message names the thing that is wrong and the cure, in one line."""

import datetime as dt
from collections.abc import Sequence


class SigmaSightError(Exception):
    """Base of every error that SigmaSight raises on purpose; its text is fit to be shown to a user."""


class InputError(SigmaSightError):
    """Input from outside (a file, a symbol, a date, an option of a command) cannot be used."""


class TransientError(SigmaSightError):
    """A source did not answer as it should (timeout, busy, rate limit); a later attempt may succeed.

    :param retry_after_seconds: how long the source asked to be left alone; None = it did not say.
    """

    def __init__(self, message: str, retry_after_seconds: float | None = None):
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class SourceError(SigmaSightError):
    """A source refuses for good (unknown endpoint, bad key, an answer that cannot be read): tried once.

    Its text never holds a key.
    """


class NoDataError(SigmaSightError):
    """A source has nothing for some of the dates asked for.

    :param dates: those dates; the others can be computed.
    """

    def __init__(self, message: str, dates: Sequence[dt.date]):
        super().__init__(message)
        self.dates = tuple(dates)


class LedgerError(SigmaSightError):
    """Stored positions cannot be used as they are.

    :param portfolios: whose positions; the other portfolios can be computed.
    """

    def __init__(self, message: str, portfolios: Sequence[str]):
        super().__init__(message)
        self.portfolios = tuple(portfolios)


class DataQualityError(SigmaSightError):
    """Computed or fetched rows break their table's contract and must not be stored."""
