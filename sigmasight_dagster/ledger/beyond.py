"""What a file names that the sample's prices do not reach, symbols and dates; the setting that has them."""

from typing import Final

import pandas as pd

from sigmasight_core.ledger.symbols import ADD_PRICES, UNKNOWN
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.settings import Settings

ANY_SYMBOL: Final = {"live": "real prices from Yahoo, over the network", "simulated": "made up, offline"}
"""Providers that have every symbol and date without a file of one's own, and whence."""
DATA_END: Final = "data end on "


def cured(errors: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    """The errors of a file; of unknown symbols with a cure that fits the sample: no price can be added."""
    if settings.provider != "sample" or errors.empty:
        return errors
    cure = "choose a provider that has any symbol: SIGMASIGHT_PROVIDER=live"
    return errors.assign(reason=errors["reason"].str.replace(ADD_PRICES, cure, regex=False))


def are_beyond(errors: pd.DataFrame, settings: Settings) -> bool:
    """Whether another provider would accept what is refused of a file."""
    reasons = errors["reason"].astype("str")
    return settings.provider == "sample" and bool(
        (reasons.str.startswith(UNKNOWN) | reasons.str.contains(DATA_END, regex=False)).any()
    )


def what_there_is(platform: Platform) -> list[str]:
    """Paragraphs: what the sample has, and which setting has everything."""
    provider = platform.market_data
    symbols = sorted(provider.symbols() or ())
    whence = " or ".join(f"SIGMASIGHT_PROVIDER={name} ({what})" for name, what in ANY_SYMBOL.items())
    first, last = provider.first_date(), provider.last_date()
    return [
        f"The sample has prices of {len(symbols)} symbols, {first} to {last}:",
        " ".join(symbols),
        f"Any symbol, and every date until now: {whence}.",
    ]


def environment(settings: Settings, provider: str) -> dict[str, str]:
    """The settings of another provider, with a state directory, and so a database, of its own."""
    return {"SIGMASIGHT_PROVIDER": provider, "SIGMASIGHT_HOME": str(settings.home / provider)}
