"""The positions of a report: the 34 columns of its CSV, one row a position, and how many of which type."""

from typing import Final

import numpy as np
import pandas as pd
from pydantic import Field, create_model

from sigmasight_core.conventions import BOUGHT_TYPES, POSITION_TYPES
from sigmasight_core.positions.held import PIECE_OF
from sigmasight_core.report.document import precision
from sigmasight_core.report.document.rows import Day, Decimal, Row, Strict

TEXT, NUMBER, WHOLE, DATE = "text", "number", "whole", "date"

COLUMNS: Final = {
    "position_id": (TEXT, "symbol@entry_date"),
    "symbol": (TEXT, "Symbol; for an option the compact OCC symbol"),
    "quantity": (NUMBER, "Split-adjusted shares or contracts, negative = short; 0 once closed"),
    "entry_price": (NUMBER, "USD per share at entry, as traded then"),
    "current_price": (NUMBER, "USD per share at the close"),
    "market_value": (NUMBER, "USD, |quantity| x price x multiplier"),
    "cost_basis": (NUMBER, "USD, short is negative"),
    "unrealized_pnl": (NUMBER, "USD"),
    "realized_pnl": (NUMBER, "USD locked in by the exit or expiry of this session"),
    "daily_pnl": (NUMBER, "USD since the previous close, or since entry"),
    "total_pnl": (NUMBER, "USD, unrealized_pnl + realized_pnl"),
    "delta": (NUMBER, "Per share; the position's sign is in quantity"),
    "gamma": (NUMBER, "Per share and USD"),
    "theta": (NUMBER, "USD per share and calendar day"),
    "vega": (NUMBER, "USD per share and 1 volatility point"),
    "rho": (NUMBER, "USD per share and 1 percentage point of rate"),
    "underlying_symbol": (TEXT, "Underlying of an option; the symbol itself otherwise"),
    "strike_price": (NUMBER, "USD; empty = no option"),
    "expiration_date": (DATE, "Expiry of an option; empty = no option"),
    "position_type": (TEXT, "LONG, SHORT, LC, SC, LP or SP"),
    "days_to_expiry": (WHOLE, "Calendar days; empty = no option"),
    "sector": (TEXT, "Sector of the underlying"),
    "industry": (TEXT, "Industry of the underlying"),
    "tags": (TEXT, "Tags, ';' between"),
    "entry_date": (DATE, "First session that holds the position at its close"),
    "exit_date": (DATE, "Session of the exit; empty = none up to the date of the report"),
    "notes": (TEXT, "Note of the position; empty = none"),
    "gross_exposure": (NUMBER, "USD, of the portfolio"),
    "net_exposure": (NUMBER, "USD, of the portfolio"),
    "notional": (NUMBER, "USD, of the portfolio"),
    "portfolio_weight": (NUMBER, "exposure / gross exposure of the portfolio, short is negative"),
    "position_exposure": (NUMBER, "USD, short is negative"),
    "portfolio_name": (TEXT, "Name of the portfolio"),
    "report_date": (DATE, "Date of the report"),
}
"""Kind and meaning of each column, in the order of the CSV."""

_PYTHON: Final = {TEXT: str, NUMBER: Decimal, WHOLE: int, DATE: Day}

Position = create_model(  # type: ignore[call-overload]
    "Position",
    __base__=Strict,
    __doc__="One position; None = not available, see status, or does not apply.",
    **{name: (_PYTHON[kind] | None, Field(description=meaning)) for name, (kind, meaning) in COLUMNS.items()},
    status=(str, Field(description="ok, or why a value of it is not available")),
    greeks_status=(str, Field(description="ok, linear, expired, or why a Greek is not available")),
)


class PositionsSummary(Strict):
    """How many positions are held: long = LONG, LC, LP; short = SHORT, SC, SP."""

    total: int
    long: int
    short: int
    options: int
    by_type: dict[str, int]
    ended: int = Field(description="Closed or expired in the session: shown, and not held any more")


def written_positions(
    *,
    values: pd.DataFrame,
    greeks: pd.DataFrame,
    ledger: pd.DataFrame,
    securities: pd.DataFrame,
    snapshot: pd.Series,
) -> list[Row]:
    """The positions of one portfolio on one date, as a report holds them, by position_id.

    :param values: and `greeks`: rows of tables.PositionValues and PositionGreeks of the date.
    :param ledger: rows of tables.Positions, with what options delivered.
    :param securities: rows of tables.SecurityMaster.
    :param snapshot: the row of tables.PortfolioSnapshots.
    """
    date = snapshot["date"]
    rows = values.merge(_entries(ledger, date), on="position_id", how="left", validate="many_to_one")
    of_greeks = greeks[["position_id", *sorted(precision.GREEKS), "strike", "days_to_expiry", "status"]]
    rows = rows.merge(of_greeks, on="position_id", how="left", suffixes=("", "_of_greeks"))
    industries = securities.drop_duplicates("symbol").set_index("symbol")["industry"]
    rows = rows.assign(
        current_price=rows["price"],
        total_pnl=rows["unrealized_pnl"] + rows["realized_pnl"],
        underlying_symbol=rows["underlying"],
        strike_price=rows["strike"],
        industry=rows["underlying"].map(industries),
        tags=rows["tags"].str.split(",").map(lambda tags: ";".join(tag.strip() for tag in tags)),
        portfolio_weight=rows["weight"],
        position_exposure=rows["exposure"],
        portfolio_name=rows["portfolio"],
        report_date=date,
        greeks_status=rows["status_of_greeks"].fillna("not computed"),
        **{name: snapshot[name] for name in ("gross_exposure", "net_exposure", "notional")},
    )
    written = {name: _column(name, kind, rows[name]) for name, (kind, _) in COLUMNS.items()}
    written |= {name: rows[name].astype(str).tolist() for name in ("status", "greeks_status")}
    return [dict(zip(written, cells, strict=True)) for cells in zip(*written.values(), strict=True)]


def _entries(ledger: pd.DataFrame, date: pd.Timestamp) -> pd.DataFrame:
    """What the ledger says of each lot, as known on the date: a later exit is none yet."""
    found = ledger[["position_id", "entry_price", "entry_date", "notes"]].assign(
        exit_date=ledger["exit_date"].where(ledger["exit_date"] <= date),
        expiration_date=ledger["expiry_date"],
    )
    if PIECE_OF not in ledger:
        return found
    # a lot of which a part will be delivered is one row until then, named as before
    open_ended = found["exit_date"].where(found["exit_date"].isna())
    pieces = found.assign(position_id=ledger[PIECE_OF], exit_date=open_ended)
    whole: pd.DataFrame = pieces[(ledger[PIECE_OF] != "").to_numpy()]
    return pd.concat([found, whole]).drop_duplicates("position_id")


def summary(values: pd.DataFrame) -> PositionsSummary:
    """Counts of the positions held; rows of tables.PositionValues of one date."""
    held = values[values["quantity"].ne(0)]
    counts = held["position_type"].value_counts().reindex(list(POSITION_TYPES), fill_value=0)
    bought = int(counts[list(BOUGHT_TYPES)].sum())
    return PositionsSummary(
        total=len(held),
        long=bought,
        short=len(held) - bought,
        options=int(counts.drop(["LONG", "SHORT"]).sum()),
        by_type={str(name): int(count) for name, count in counts.items()},
        ended=len(values) - len(held),
    )


def _column(name: str, kind: str, values: pd.Series) -> list:
    if kind == DATE:
        return [None if pd.isna(day) else f"{day:%Y-%m-%d}" for day in values]
    if kind == NUMBER:
        how = precision.kind_of("positions", name, "")
        how = "money" if how == "other" and name in MONEY else how
        return [precision.written(number, how) for number in values.to_numpy(dtype=float, na_value=np.nan)]
    if kind == WHOLE:
        return [None if pd.isna(number) else int(number) for number in values]
    return [None if pd.isna(text) else str(text) for text in values]


MONEY: Final = frozenset(
    {"market_value", "cost_basis", "gross_exposure", "net_exposure", "notional", "position_exposure"}
)
