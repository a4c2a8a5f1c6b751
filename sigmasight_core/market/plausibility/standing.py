"""What stands of a doubt: its versions, the rows as their source gave them, and the rows as they are used.

A doubt is about one value of one row. It is open until a user confirms or rejects the value, the second
source agrees with it, or what came later lifts it. While it is open or rejected, the value is absent.
"""

import json
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.arrays.found import found_in
from sigmasight_core.arrays.types import Bools
from sigmasight_core.market.plausibility.judge import ACTIONS, ADJUSTED, CLOSE, PRICES, RANGE
from sigmasight_core.tables import CorporateActions, DailyPrices, DoubtfulRows, Table

DOUBTFUL: Final = "doubtful "
"""Status of a row of which a value is kept out begins so."""
DISTRIBUTION: Final = "distribution: "
"""Status of an action that a source calls a split begins so, when it is none."""
CHECKS: Final = "checks"
SECOND: Final = "second source"
KEYS: Final = ["table_name", "date", "symbol", "kind"]
CELL: Final = ["table_name", "date", "symbol"]
MODELS: Final[dict[str, type[Table]]] = {PRICES: DailyPrices, ACTIONS: CorporateActions}
OUT: Final = ("open", "rejected")

_PRICES: Final = ("open", "high", "low", "close", "adjusted_close", "volume")
_MASKS: Final = {CLOSE: _PRICES, ADJUSTED: ("adjusted_close",), RANGE: ("open", "high", "low")}
_SAME: Final = 1e-9


def latest(versions: pd.DataFrame) -> pd.DataFrame:
    """The highest version of each doubt, in the order of KEYS."""
    last = versions.sort_values([*KEYS, "version"], kind="stable").drop_duplicates(KEYS, keep="last")
    return last.reset_index(drop=True)


def is_masked(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Rows that are not as their source gave them."""
    return rows["status"].str.startswith(DOUBTFUL) | rows["status"].str.startswith(DISTRIBUTION)


def as_given(model: type[Table], rows: pd.DataFrame, standing: pd.DataFrame) -> pd.DataFrame:
    """Rows with those that are not as their source gave them replaced by what it gave.

    :param standing: latest versions of the doubts about them.
    """
    masked = is_masked(rows).to_numpy()
    if not masked.any():
        return rows
    name = next(table for table, known in MODELS.items() if known is model)
    mine = standing[standing["table_name"] == name]
    keys = ["date", "symbol"] if model is DailyPrices else ["date", "symbol", "kind"]
    asked = called(rows)
    mine = mine[found_in(mine, asked[masked], keys)]
    # a row that is kept out for two reasons is given twice: by a doubt that stands, if there is one
    mine = mine.sort_values("state", key=lambda state: ~state.isin(OUT), kind="stable").drop_duplicates(keys)
    kept = rows[masked & ~found_in(asked, mine, keys)]
    pieces = [rows[~masked], kept, given_rows(model, mine)]
    both = pd.concat([piece for piece in pieces if len(piece)], ignore_index=True)
    return both[list(rows.columns)].astype(rows.dtypes.to_dict())


def called(rows: pd.DataFrame) -> pd.DataFrame:
    """Actions under the kinds that their source calls them by; prices as they are."""
    return rows.assign(kind=rows["kind"].replace({"distribution": "split"})) if "kind" in rows else rows


def given_rows(model: type[Table], doubts: pd.DataFrame) -> pd.DataFrame:
    """The rows that doubts are about, each once, as their source gave them."""
    columns = list(model.to_schema().columns)
    made = pd.DataFrame([json.loads(text) for text in doubts["given_row"].unique()]).reindex(columns=columns)
    for name in columns:
        if str(model.to_schema().columns[name].dtype).startswith("datetime"):
            made[name] = pd.to_datetime(made[name]).astype("datetime64[ns]")
        else:
            made[name] = made[name].astype(str(model.to_schema().columns[name].dtype))
    return made.drop_duplicates(ignore_index=True)


def as_json(rows: pd.DataFrame) -> list[str]:
    """Rows as `given_rows` reads them."""
    plain = rows.astype("object").where(rows.notna(), None)
    return [json.dumps(row, default=str) for row in plain.to_dict("records")]


def still_true(standing: pd.DataFrame, found: pd.DataFrame) -> Bools:
    """Which standing versions are about the values that are given now.

    :param found: KEYS and the `value` that is given now; what is not in it is no longer given.
    """
    now = standing[[*KEYS, "value"]].merge(
        found[[*KEYS, "value"]], on=KEYS, how="left", suffixes=("", "_now")
    )
    old, new = now["value"].to_numpy(dtype=float), now["value_now"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.abs(new - old) <= _SAME * np.abs(old))


def given_values(prices: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """KEYS and value of everything that may be in doubt."""
    of_prices = [
        prices[["date", "symbol"]].assign(table_name=PRICES, kind=kind, value=prices[column])
        for kind, column in ((CLOSE, "close"), (ADJUSTED, "adjusted_close"), (RANGE, "close"))
    ]
    of_actions = called(actions)[["date", "symbol", "kind"]].assign(
        table_name=ACTIONS, value=actions["amount"]
    )
    return pd.concat([*of_prices, of_actions], ignore_index=True)


def new_versions(
    *,
    found: pd.DataFrame,
    agreed: pd.DataFrame,
    standing: pd.DataFrame,
    values: pd.DataFrame,
    second: str,
) -> pd.DataFrame:
    """What a judgement adds to the versions: doubts that are new, lifted, or confirmed by the second source.

    :param found: what `judge` finds now, of the rows that it was asked about. :param agreed: what it finds
        but for the second source. :param standing: latest versions about these rows.
    :param values: `given_values` of these rows. :param second: name of the second source.
    :returns: columns of `tables.DoubtfulRows` without `given_row`, which `with_given_rows` adds.
    """
    same = standing[still_true(standing, values)]
    kept = same[same["state"].isin(["open", "rejected"])]
    opened = found[~found_in(found, kept, KEYS)].assign(state="open", settled_by=CHECKS)
    sure = same[same["state"] == "confirmed"]
    agreed = agreed[~found_in(agreed, found, KEYS) & ~found_in(agreed, sure, KEYS)]
    agreed = agreed[~found_in(agreed, same[same["state"] == "rejected"], KEYS)]
    agreed = agreed.assign(
        state="confirmed", settled_by=f"{SECOND} {second}", reason="the second source gives this close too"
    )
    ended = standing[(standing["state"] == "open") & found_in(standing, values, KEYS)]
    ended = ended[~found_in(ended, found, KEYS) & ~found_in(ended, agreed, KEYS)]
    other = ~still_true(ended, values)
    now = ended[KEYS].merge(values[[*KEYS, "value"]], on=KEYS, how="left")["value"]
    said = "the source gives " + now.map("{:,.10g}".format).astype("object") + " now"
    reason = said.where(other, "what came later agrees with it").to_numpy()
    lifted = ended.assign(state="lifted", settled_by=CHECKS, reason=reason).drop(columns="given_row")
    made = pd.concat(
        [piece for piece in (opened, agreed, lifted) if len(piece)] or [opened], ignore_index=True
    )
    made = made.drop(columns=["version", "given_row"], errors="ignore")
    before = made[KEYS].merge(standing[[*KEYS, "version"]], on=KEYS, how="left")["version"]
    return made.assign(version=before.fillna(0).astype("int64").to_numpy() + 1)


def with_given_rows(made: pd.DataFrame, *, prices: pd.DataFrame, actions: pd.DataFrame) -> pd.DataFrame:
    """New versions with the rows that they are about, as text: rows of `tables.DoubtfulRows`."""
    pieces = []
    for name, rows in ((PRICES, prices), (ACTIONS, actions)):
        keys = ["date", "symbol", *(["kind"] if name == ACTIONS else [])]
        mine = made[made["table_name"] == name]
        asked = called(rows)
        at = found_in(asked, mine, keys)
        pieces.append(mine.merge(asked.loc[at, keys].assign(given_row=as_json(rows[at])), on=keys))
    both = pd.concat([piece for piece in pieces if len(piece)] or pieces[:1], ignore_index=True)
    return both[list(DoubtfulRows.to_schema().columns)]


def used_prices(prices: pd.DataFrame, standing: pd.DataFrame) -> pd.DataFrame:
    """Prices without the values that are kept out; the status of such a row names the doubt.

    :param prices: as given. :param standing: latest versions that are still true of them.
    """
    kept_out = standing[(standing["table_name"] == PRICES) & standing["state"].isin(OUT)]
    rows = prices.copy()
    for kind in (RANGE, ADJUSTED, CLOSE):
        mine = kept_out.loc[kept_out["kind"] == kind, ["date", "symbol", "value", "reason", "state"]]
        if len(mine):
            said = (
                rows[["date", "symbol"]].merge(mine, on=["date", "symbol"], how="left").set_axis(rows.index)
            )
            hit = said["reason"].notna()
            rows.loc[hit, list(_MASKS[kind])] = np.nan
            rows["status"] = rows["status"].mask(hit, _words(said, kind)).astype("str")
    return rows


def used_actions(actions: pd.DataFrame, kinds: "pd.Series[str]", standing: pd.DataFrame) -> pd.DataFrame:
    """Actions as what they are: distributions apart, doubtful amounts NULL, rejected ones left out.

    :param kinds: of each action, as judged. :param standing: latest versions that are still true of them.
    """
    told = called(actions)["kind"]
    mine = standing[standing["table_name"] == ACTIONS]
    said = called(actions)[["date", "symbol", "kind"]].merge(
        mine.drop(columns="table_name"), on=["date", "symbol", "kind"], how="left"
    )
    said = said.set_axis(actions.index)
    apart = (kinds == "distribution") & (said["state"] != "confirmed")
    doubtful = (said["state"] == "open") & ~apart
    status = actions["status"].mask(apart, DISTRIBUTION + said["reason"].fillna("no split's ratio"))
    status = status.mask(doubtful, _words(said, told))
    rows = actions.assign(
        kind=told.mask(apart, "distribution"),
        amount=actions["amount"].mask(doubtful),
        status=status.astype("str"),
    )
    return rows[(said["state"] != "rejected").to_numpy()].reset_index(drop=True)


def _words(said: pd.DataFrame, kind: "str | pd.Series[str]") -> pd.Series:
    """Status of a row of which a value is kept out: 'doubtful close 5,024.75: 100 times ...'."""
    value = said["value"].map("{:,.6g}".format).astype("object")
    rejected = np.where(said["state"] == "rejected", " (rejected)", "")
    return DOUBTFUL + kind + " " + value + rejected + ": " + said["reason"].fillna("")
