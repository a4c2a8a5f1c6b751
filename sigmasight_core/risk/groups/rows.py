"""Rows of the groups of a portfolio: sums over the positions, and the risk of each group."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.gaps import gap_status, gap_texts
from sigmasight_core.arrays.types import Bools, Floats, Texts
from sigmasight_core.conventions import OK
from sigmasight_core.positions.groups import Groups
from sigmasight_core.positions.held import KEY
from sigmasight_core.positions.sums import GREEK_COLUMNS, same_keys, with_greeks
from sigmasight_core.risk.book import RiskBook
from sigmasight_core.risk.groups.tails import GroupRisk, Pairs
from sigmasight_core.tables.pnl import PNL_PARTS

_COUNTS: Final = ("n_positions", "n_priced")
_RISK: Final = ("market_beta_usd", "component_var_usd")


def book_pairs(book: RiskBook, groups: Groups, position_values: pd.DataFrame) -> Pairs:
    """The groups of the positions that are at risk, as the simulation takes them.

    :param position_values: the rows that the groups are of.
    """
    places = position_values[KEY].assign(place=np.arange(len(position_values)))
    found = book.rows[KEY].merge(places, how="left", on=KEY, validate="one_to_one")["place"]
    book_row = np.full(len(position_values), -1, dtype=np.intp)
    book_row[found.to_numpy(dtype=np.intp)] = np.arange(len(book.rows))
    row = book_row[groups.row]
    return Pairs(row[row >= 0], groups.group[row >= 0], groups.partition)


def portfolio_groups(
    groups: Groups,
    risk: GroupRisk,
    *,
    position_values: pd.DataFrame,
    position_greeks: pd.DataFrame,
    pnl_explain: pd.DataFrame,
    contributions: pd.DataFrame,
    betas: pd.DataFrame,
    market: str,
) -> pd.DataFrame:
    """Rows of `tables.PortfolioGroups`.

    Sums leave out what is NULL, and the status says whose it is; a sum of nothing but NULL is NULL.

    :param groups: of the rows of position_values. :param risk: simulated, of each group.
    :param pnl_explain: rows of tables.PositionPnlExplain. :param contributions: rows of
        tables.RiskContributions. :param betas: rows of tables.FactorBetas.
    :param market: id of the market factor.
    """
    rows = with_greeks(position_values=position_values, position_greeks=position_greeks)
    rows = rows.assign(
        **_explained(rows, pnl_explain),
        market_beta_usd=_market_dollars(rows, betas, market),
        component_var_usd=_components(rows, contributions),
    )
    exposure, held = _floats(rows, "exposure"), rows["held"].to_numpy(dtype=bool)
    columns = {
        "n_positions": held.astype(float),
        "n_priced": (held & ~np.isnan(exposure)).astype(float),
        "gross_exposure": np.abs(exposure),
        "net_exposure": exposure,
        "long_exposure": np.maximum(exposure, 0.0),
        "short_exposure": np.minimum(exposure, 0.0),
        "weight": _floats(rows, "weight"),
        "delta_usd": _floats(rows, "delta_exposure"),
        "delta_adjusted_exposure": np.abs(_floats(rows, "delta_exposure")),
        **{name: _floats(rows, name) for name in ("daily_pnl", *PNL_PARTS)},
        **{name: _floats(rows, name) for name in ("unrealized_pnl", "realized_pnl")},
        **{name.removeprefix("position_"): _floats(rows, name) for name in GREEK_COLUMNS},
        **{name: _floats(rows, name) for name in _RISK},
    }
    frame = groups.keys.assign(
        **groups.sums(columns),
        var_95_usd=risk.value_at_risk,
        es_95_usd=risk.expected_shortfall,
        component_es_usd=risk.component_shortfall,
    ).astype(dict.fromkeys(_COUNTS, "int64"))
    return frame.assign(status=_status(groups, rows, held, frame, risk))


def _floats(rows: pd.DataFrame, name: str) -> Floats:
    return rows[name].to_numpy(dtype=float, na_value=np.nan)


def _explained(rows: pd.DataFrame, explain: pd.DataFrame) -> dict[str, Any]:
    """Parts of the P&L of each row, and `untold`: what its explanation lacks, '' = nothing."""
    found = explain
    if not same_keys(rows, explain):
        found = rows[KEY].merge(explain, how="left", on=KEY, validate="one_to_one")
    words = found["status"].fillna("not explained").str.removeprefix("partial: ")
    untold = words.where((words != OK).to_numpy(), "").to_numpy(dtype=object)
    return {**{name: _floats(found, name) for name in PNL_PARTS}, "untold": untold}


def _market_dollars(rows: pd.DataFrame, betas: pd.DataFrame, market: str) -> Floats:
    """Delta exposure x market beta of the underlying; 0 for what is not held any more."""
    of_market = betas.loc[(betas["factor"] == market).to_numpy(), ["date", "symbol", "beta"]]
    found = rows[["date", "underlying"]].merge(
        of_market.rename(columns={"symbol": "underlying"}), how="left", validate="many_to_one"
    )
    dollars = _floats(rows, "delta_exposure") * _floats(found, "beta")
    return np.where(rows["held"].to_numpy(dtype=bool), dollars, 0.0)


def _components(rows: pd.DataFrame, contributions: pd.DataFrame) -> Floats:
    """Component value at risk of each position; 0 for what is closed or settled: it has no row."""
    of_positions = contributions[(contributions["kind"] == "position").to_numpy()]
    given = of_positions.rename(columns={"item": "position_id"})[[*KEY, "component_var_usd"]]
    found = rows[KEY].merge(given, how="left", on=KEY, validate="one_to_one", indicator=True)
    return np.where(found["_merge"] == "left_only", 0.0, _floats(found, "component_var_usd"))


def _status(groups: Groups, rows: pd.DataFrame, held: Bools, frame: pd.DataFrame, risk: GroupRisk) -> Any:
    gaps = []
    for words, lost, names in _gaps(rows, held):
        pairs = lost[groups.row]
        gaps.append((words, groups.group[pairs], names[groups.row[pairs]]))
    texts = gap_texts(gaps, len(frame))
    both = np.where((texts != "") & (risk.reason != ""), "; ", "")
    return pd.array(gap_status(texts + both + risk.reason, frame["net_exposure"].isna()), dtype="str")


def _gaps(rows: pd.DataFrame, held: Bools) -> Iterator[tuple[str, Bools, Texts]]:
    """What rows lack: in words, which rows, and the name or reason of each."""
    names, untold = (rows[name].to_numpy(dtype=object) for name in ("underlying", "untold"))
    unpriced = rows["exposure"].isna().to_numpy()
    no_greeks = held & rows["delta_exposure"].isna().to_numpy() & ~unpriced
    no_pnl = rows["daily_pnl"].isna().to_numpy()
    sound = ~unpriced & ~no_greeks
    yield "no price for", unpriced, names
    yield "no Greeks for", no_greeks, names
    yield "no daily P&L for", no_pnl & ~unpriced, names
    yield "P&L explained", ~no_pnl & (untold != ""), untold
    yield "no market beta for", sound & rows["market_beta_usd"].isna().to_numpy(), names
    yield "no component VaR for", sound & rows["component_var_usd"].isna().to_numpy(), names
    for name in ("weight", "unrealized_pnl", "realized_pnl"):
        yield f"no {name} for", sound & rows[name].isna().to_numpy(), names
