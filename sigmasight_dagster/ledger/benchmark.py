"""The benchmark that a user names for a portfolio: a symbol that has prices."""

from sigmasight_core import calendar
from sigmasight_core.errors import InputError, SourceError, TransientError
from sigmasight_core.ledger.spelling import plain_symbol
from sigmasight_dagster import session_dates
from sigmasight_dagster.runs.workspace import Workspace, utc_now

_SESSIONS = 10
"""A symbol without a close on any of so many sessions up to the last closed one is not known."""


def checked_benchmark(workspace: Workspace, written: str | None) -> tuple[str | None, str]:
    """The symbol as it is stored, and what is to be told of it; None = none was given.

    A provider that lists its symbols has it or not. Any other is asked for its last closes; where the source
    does not answer, the symbol is taken, and told to be unchecked.

    :raises InputError: where the provider has no prices of it.
    """
    if written is None:
        return None, ""
    symbol, provider = plain_symbol(written), workspace.platform.market_data
    listed = provider.symbols()
    if listed is not None:
        known = symbol in listed
    else:
        last = session_dates.last_closed_session(utc_now())
        first = calendar.shift_sessions(last, -_SESSIONS)
        try:
            prices = provider.daily_prices([symbol], first.date(), last.date())
        except (SourceError, TransientError) as error:
            return symbol, f"--benchmark {symbol}: not checked, for the source does not answer: {error}"
        known = bool(prices.loc[prices["symbol"] == symbol, "close"].notna().any())
    if not known:
        raise InputError(
            f"--benchmark {written}: the {provider.name} provider has no prices of {symbol}; give a symbol "
            "that it has, such as the fund that follows the index"
        )
    return symbol, ""
