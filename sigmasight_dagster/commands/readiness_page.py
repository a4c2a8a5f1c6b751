"""The readiness of a portfolio on a terminal: for its own command, and the end of `sigmasight onboard`."""

from collections.abc import Sequence

import pandas as pd

from sigmasight_dagster.commands.table import table

SHOWN = 8


def lines(rows: pd.DataFrame, portfolio: str, date: pd.Timestamp) -> list[str]:
    """What each calculation of one portfolio can and cannot say, its reasons below it.

    :param rows: of `reports.readiness.measure`.
    """
    made = []
    for calculation, reasons in rows.groupby("calculation", sort=False):
        first = reasons.iloc[0]
        more = len(reasons) - SHOWN
        why = [_why(row, len(reasons)) for _, row in reasons.head(SHOWN).iterrows() if row["reason"]]
        made.append(
            {
                "calculation": calculation,
                "ok": f"{first['n_ok']} of {first['n']}",
                "reserved": str(first["n_reserved"] or ""),
                "no value": str(first["n"] - first["n_ok"] - first["n_reserved"] or ""),
                "why": "\n".join([*why, *([f"and {more} more reasons"] if more > 0 else [])]),
            }
        )
    columns = [(name, 0) for name in ("calculation", "ok", "reserved", "no value")]
    return [f"Readiness of {portfolio} on {date:%Y-%m-%d}", *table(made, columns, below="why")]


def _why(row: pd.Series, n_reasons: int) -> str:
    where = [_listed(row[name]) for name in ("items", "parts") if row[name]]
    count = f"{row['n_rows']}: " if n_reasons > 1 and row["n_rows"] else ""
    return count + row["reason"] + (f" ({'; '.join(where)})" if where else "")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
