"""Alerts: rules and published rows to rows of `tables.Alerts`, and what a new evaluation changes."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from sigmasight_core.alerts.rules import RUN_FAILED, AlertRule
from sigmasight_core.alerts.watched import EVERYBODY
from sigmasight_core.tables import grain, primary_key, table_name
from sigmasight_core.tables.alerts import Alerts

FIRING, CLEARED, UNAVAILABLE = "firing", "cleared", "unavailable"
KEYS = primary_key(Alerts)
COLUMNS = [str(name) for name in Alerts.to_schema().columns]

OPEN: Final = (FIRING, UNAVAILABLE)
"""States of alerts that have not ended."""
_WHICH = ["rule", "portfolio", "subject"]
_SHOWN_PARTITIONS = 50


def evaluate(
    rule: AlertRule, *, partitions: pd.DataFrame, rows: pd.DataFrame, known: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Compare the rows of one table with one limit, every date, portfolio and row in one call.

    :param partitions: published partitions, the columns date and, of a table by portfolio, portfolio; those
        of portfolios that the rule does not name are left out.
    :param rows: rows of the rule's table: its key, the rule's column and, if the table has them, status and
        detail. Rows outside of the partitions do not count.
    :param known: rows of `tables.Alerts` of the rule: of a rule with an alert for each row, those within the
        limit are left out unless they are known, and so is NULL; None = none is left out.
    :returns: one row of `tables.Alerts` for each partition, or each row of it: firing, cleared (within the
        limit), or unavailable, when the value is NULL or the selected row is not there. Where the rule leaves
        keys of the table open and has one alert for them together, the row farthest beyond the limit; a NULL
        among them counts only if no other is there.
    """
    by = list(grain(rule.model).value)
    watched = partitions[by].drop_duplicates(ignore_index=True)
    if rule.portfolios is not None:
        watched = watched[watched["portfolio"].isin(rule.portfolios)].reset_index(drop=True)
    chosen = np.ones(len(rows), dtype=bool)
    for name, wanted in rule.select:
        chosen &= (rows[name].astype("str") == wanted).to_numpy()
    if rule.each_row and rule.free_keys:
        found = _each(rule, watched, rows[chosen], known)
    else:
        found = watched.merge(_worst(rule, rows[chosen]), on=by, how="left", indicator="_found")
        found = found.assign(subject="", item=_items(rule, found))
    value = found[rule.column].astype("float64").to_numpy()
    there = (found["_found"] == "both").to_numpy()
    no_row_needed = ~there & bool(rule.free_keys)
    conditions = [_beyond(rule, value), np.isfinite(value) | no_row_needed]
    made = pd.DataFrame(
        {
            "rule": rule.rule_id,
            "portfolio": found["portfolio"] if "portfolio" in by else EVERYBODY,
            "date": found["date"],
            "failed_run": "",
            "subject": found["subject"],
            "table_name": table_name(rule.model),
            "item": found["item"],
            "measure": rule.column,
            "value": np.where(np.isfinite(value), value, np.nan),
            "comparison": rule.comparison,
            "threshold": rule.threshold,
            "severity": rule.severity,
            "state": np.select(conditions, [FIRING, CLEARED], default=UNAVAILABLE),
        }
    )
    return made.assign(message=_messages(made, _reasons(found, there), _details(found)))[COLUMNS]


def _each(
    rule: AlertRule, watched: pd.DataFrame, rows: pd.DataFrame, known: pd.DataFrame | None
) -> pd.DataFrame:
    """Every row of the partitions, or those beyond the limit and those that have an alert, gone ones too."""
    by = list(watched.columns)
    which = [*by, "subject"]
    if known is not None and known.empty:
        rows = rows[_beyond(rule, rows[rule.column].astype("float64").to_numpy())]
    items = _items(rule, rows)
    named = watched.merge(rows.assign(subject=items, item=items), on=by).assign(_found="both")
    if known is None or known.empty:
        return named
    alerts = watched.merge(known[which], on=by).drop_duplicates()
    kept = _beyond(rule, named[rule.column].astype("float64").to_numpy())
    kept |= pd.MultiIndex.from_frame(named[which]).isin(pd.MultiIndex.from_frame(alerts))
    gone = alerts[~pd.MultiIndex.from_frame(alerts).isin(pd.MultiIndex.from_frame(named[which]))]
    gone = gone.assign(item=gone["subject"], _found="left_only")
    return pd.concat([named[kept], gone], ignore_index=True) if len(gone) else named[kept]


def _beyond(rule: AlertRule, value: np.ndarray) -> np.ndarray:
    """Whether it is beyond the limit; NaN is not."""
    distance = _distance(rule, value)
    return distance >= 0 if rule.comparison in ("<=", ">=") else distance > 0


def _distance(rule: AlertRule, value: np.ndarray) -> np.ndarray:
    """How far beyond the limit, signed; NaN for NaN."""
    if rule.comparison == "abs>":
        return np.abs(value) - rule.threshold
    return rule.threshold - value if rule.comparison.startswith("<") else value - rule.threshold


def _worst(rule: AlertRule, rows: pd.DataFrame) -> pd.DataFrame:
    """The row of each partition that is farthest beyond the limit, NULL last, first by key among equals."""
    distance = _distance(rule, rows[rule.column].astype("float64").to_numpy())
    ordered = rows.assign(_distance=distance).sort_values(
        ["_distance", *rule.free_keys], ascending=[False, *(True for _ in rule.free_keys)], kind="stable"
    )
    return ordered.drop_duplicates(list(grain(rule.model).value))


def _items(rule: AlertRule, found: pd.DataFrame) -> pd.Series:
    """Which row it is: 'factor=value, position_id=SPY@2022-10-03'."""
    fixed = ", ".join(f"{name}={wanted}" for name, wanted in rule.select)
    text = pd.Series(fixed, index=found.index, dtype="str")
    for name in rule.free_keys:
        known = found[name].notna()
        part = f"{name}=" + found[name].astype("str").fillna("")
        joined = text + part if not fixed and name == rule.free_keys[0] else text + ", " + part
        text = joined.where(known, text)
    return text


def _reasons(found: pd.DataFrame, there: np.ndarray) -> pd.Series:
    """Why there is no value, where there is none."""
    status = found["status"] if "status" in found else pd.Series("the value is NULL", index=found.index)
    absent = "the portfolio has no such row" if "portfolio" in found else "there is no such row"
    return status.astype("str").where(there, absent)


def _details(found: pd.DataFrame) -> pd.Series:
    """What a row says of itself, to be told after its value."""
    if "detail" not in found:
        return pd.Series("", index=found.index, dtype="str")
    detail = found["detail"].fillna("").astype("str")
    return (": " + detail).where(detail != "", "")


def _messages(made: pd.DataFrame, reasons: pd.Series, details: pd.Series) -> pd.Series:
    item = (" [" + made["item"] + "]").where(made["item"] != "", "")
    whose = (made["portfolio"].astype("str") + " ").where(~made["portfolio"].isin(["", EVERYBODY]), "")
    what = whose + made["date"].dt.strftime("%Y-%m-%d") + ": " + made["table_name"]
    what += "." + made["measure"] + item
    limit = made["comparison"] + " " + made["threshold"].map(_number).astype("str")
    number = made["value"].map(_number).astype("str")
    fired = what + " is " + number + ", limit " + limit + details
    cleared = what + " is " + number.where(made["value"].notna(), "absent") + ", no longer " + limit
    missing = what + " is unavailable: " + reasons
    return fired.where(made["state"] == FIRING, cleared.where(made["state"] == CLEARED, missing))


def _number(value: float) -> str:
    """Cents of what is large, six digits of what is small."""
    return f"{value:,.2f}".removesuffix(".00") if abs(value) >= 1000 else f"{value:.6g}"


def continued(evaluated: pd.DataFrame, alerts: pd.DataFrame) -> pd.DataFrame:
    """Rows on how things stand now, with the date on which their alert began, where it has not ended.

    :param evaluated: as `evaluate` returns them. :param alerts: rows of `tables.Alerts`.
    """
    lasting = alerts[alerts["state"].isin(OPEN)].sort_values("date", kind="stable")
    began = lasting.drop_duplicates(_WHICH).rename(columns={"date": "_began"})
    date = evaluated[_WHICH].merge(began[[*_WHICH, "_began"]], how="left")["_began"].set_axis(evaluated.index)
    return evaluated.assign(date=date.fillna(evaluated["date"]))


def changes(*, stored: pd.DataFrame, evaluated: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What an evaluation changes in the table of alerts.

    :param stored: rows of `tables.Alerts`, at least those of the evaluated keys.
    :param evaluated: rows as `evaluate` or `failed_run` return them; several with one key: the last counts.
    :returns: rows to write (a limit that holds is written only where an alert is to be cleared, an equal row
        not at all), and those among them to tell: firing now and not before, or firing before and not now.
    """
    latest = evaluated.drop_duplicates(KEYS, keep="last")
    before = latest[KEYS].merge(stored, on=KEYS, how="left")[COLUMNS]
    before.index = latest.index
    known, fires = before["state"].notna(), latest["state"] == FIRING
    fired = before["state"] == FIRING
    values = [name for name in COLUMNS if name not in KEYS]
    same = (latest[values].eq(before[values]) | (latest[values].isna() & before[values].isna())).all(axis=1)
    write = ~(known & same) & (known | (latest["state"] != CLEARED))
    tell = write & (fires != fired)
    return latest[write].reset_index(drop=True), latest[tell].reset_index(drop=True)


def failed_run(
    run_id: str,
    assets: tuple[str, ...],
    reason: str,
    bad_partitions: tuple[str, ...],
    severity: str,
    default_date: pd.Timestamp,
) -> pd.DataFrame:
    """One row of `tables.Alerts` for a failed run.

    :param bad_partitions: keys "date" or "date|portfolio" that the run named as the reason, or all its own.
    :param default_date: the date of the row when there are no partitions.
    """
    parts = [key.partition("|") for key in bad_partitions]
    dates = [pd.Timestamp(date) for date, _, _ in parts]
    names = {name for _, _, name in parts}
    shown = ", ".join(bad_partitions[:_SHOWN_PARTITIONS])
    more = len(bad_partitions) - _SHOWN_PARTITIONS
    shown += f" and {more} more" if more > 0 else ""
    row: Mapping[str, object] = {
        "rule": RUN_FAILED,
        "portfolio": names.pop() if len(names) == 1 else "",
        "date": min(dates, default=pd.Timestamp(default_date)).normalize(),
        "failed_run": run_id,
        "subject": "",
        "table_name": ", ".join(assets),
        "item": "",
        "measure": "",
        "value": np.nan,
        "comparison": "",
        "threshold": np.nan,
        "severity": severity,
        "state": FIRING,
        "message": f"run {run_id} failed: {', '.join(assets) or 'no step'}: {reason}; "
        f"bad partitions ({len(bad_partitions)}): {shown or 'none named'}",
    }
    return pd.DataFrame([row]).astype({"date": "datetime64[ns]"})[COLUMNS]
