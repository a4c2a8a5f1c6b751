"""Faults made by hand in the tables of a small project, and where each is to be seen."""

from sigmasight_core.tables import ReverseStress
from sigmasight_dagster.checks import damage
from sigmasight_dagster.warehouse.layout.schema import packed_columns

DAY, NEXT = "2022-11-21", "2022-11-22"
HERE = f"WHERE date = '{DAY}' AND portfolio = 'alpha'"
ON_DAY = f"WHERE date = '{DAY}'"

KEYS = ["table_name", "date", "portfolio", "damage"]
Found = set[tuple[str, str, str, str]]
"""Table, date ('' in the ledger), portfolio and damage."""


def update(table: str, what: str, rows: str = HERE) -> str:
    return f"UPDATE sigmasight.{table} SET {what} {rows}"


def more(table: str, column: str, rows: str = HERE) -> str:
    return update(table, f"{column} = coalesce({column}, 0) * 1.5 + 1", rows)


def copied(table: str, rows: str = HERE, **cells: str) -> str:
    """One row once more, some of its cells replaced."""
    with_cells = f"jsonb_build_object({', '.join(f'{name!r}, {cell!r}' for name, cell in cells.items())})"
    row = f"to_jsonb(t) || {with_cells}"
    return (
        f"INSERT INTO sigmasight.{table} SELECT (jsonb_populate_record(NULL::sigmasight.{table}, {row})).* "
        f"FROM (SELECT * FROM sigmasight.{table} {rows} LIMIT 1) AS t"
    )


def unpublished(table: str, rows: str = HERE) -> str:
    return f"DELETE FROM sigmasight.publications {rows} AND table_name = '{table}'"


def here(table: str, what: str = damage.CHANGED) -> Found:
    return {(table, DAY, "alpha", what)}


def on_day(table: str, what: str = damage.CHANGED) -> Found:
    return {(table, DAY, "", what)}


def of_ledger(table: str, portfolio: str = "alpha") -> Found:
    return {(table, "", portfolio, damage.LEDGER)}


IN_LEDGER = "WHERE portfolio = 'alpha'"

FAULTS: dict[str, tuple[list[str], Found]] = {
    "quantity x 10 in the ledger": (
        [update("positions", "quantity = quantity * 10", f"{IN_LEDGER} AND symbol = 'AAPL'")],
        of_ledger("positions"),
    ),
    "cash in the ledger": ([more("portfolios", "cash", IN_LEDGER)], of_ledger("portfolios")),
    "lost transaction": (
        [f"DELETE FROM sigmasight.transactions {IN_LEDGER} AND symbol = 'JPM'"],
        of_ledger("transactions"),
    ),
    "holding of a benchmark": (
        [
            "INSERT INTO sigmasight.benchmark_holdings SELECT 'beta', '2022-01-03', 'AAPL', 1, '', 'SPY', "
            "'x', 1, run_id, code_version, computed_at FROM sigmasight.portfolios LIMIT 1"
        ],
        of_ledger("benchmark_holdings", "beta"),
    ),
    "total value": ([more("portfolio_snapshots", "total_value")], here("portfolio_snapshots")),
    "cash": ([more("portfolio_cash", "opening")], here("portfolio_cash")),
    "value at risk": (
        [more("risk_measures", "value", f"{HERE} AND measure = 'var_95_usd'")],
        here("risk_measures"),
    ),
    "covariance": (
        [more("factor_covariance", "covariance", f"{ON_DAY} AND factor_1 = 'market'")],
        on_day("factor_covariance"),
    ),
    "beta": ([more("factor_betas", "beta", f"{ON_DAY} AND symbol = 'AAPL'")], on_day("factor_betas")),
    "Greek": ([more("position_greeks", "position_delta")], here("position_greeks")),
    "price": ([more("daily_prices", "close", f"{ON_DAY} AND symbol = 'AAPL'")], on_day("daily_prices")),
    "two prices exchanged": (
        [
            "UPDATE sigmasight.daily_prices t SET close = (SELECT o.close FROM sigmasight.daily_prices o "
            "WHERE o.date = t.date AND o.symbol <> t.symbol AND o.symbol IN ('AAPL', 'JPM')) "
            f"{ON_DAY} AND symbol IN ('AAPL', 'JPM')"
        ],
        on_day("daily_prices"),
    ),
    "NULL for a value": (
        [update("daily_prices", "adjusted_close = NULL", f"{ON_DAY} AND symbol = 'AAPL'")],
        on_day("daily_prices"),
    ),
    "rate": ([more("treasury_yields", "yield_percent", ON_DAY)], on_day("treasury_yields")),
    "sector": (
        [update("security_master", "sector = 'Energy'", f"{ON_DAY} AND symbol = 'AAPL'")],
        on_day("security_master"),
    ),
    "corporate action that there was not": (
        [
            f"INSERT INTO sigmasight.corporate_actions SELECT '{DAY}', 'AAPL', 'split', 2, 'me', 'ok', "
            "run_id, code_version, computed_at FROM sigmasight.portfolios LIMIT 1"
        ],
        on_day("corporate_actions", damage.ADDED),
    ),
    "NaN in a snapshot": (
        [update("portfolio_snapshots", "net_exposure = 'NaN'")],
        here("portfolio_snapshots", damage.NOT_FINITE + "net_exposure"),
    ),
    "NaN among scenarios": (
        [update("simulated_pnl", "pnl = ARRAY[1, 'NaN']::real[]")],
        here("simulated_pnl", damage.NOT_FINITE + "pnl"),
    ),
    "correlation": (
        [more("correlation_summary", "average_correlation")],
        here("correlation_summary"),
    ),
    "stress": (
        [more("stress_results", "direct_pnl", f"{HERE} AND severity = 'severe'")],
        here("stress_results"),
    ),
    "one number of many in a packed table": (
        [update("position_stress_packed", "direct_pnl[3] = coalesce(direct_pnl[3], 0) + 1")],
        here("position_stress"),
    ),
    "last row of a packed table": (
        [
            update(
                "reverse_stress_packed",
                ", ".join(f"{name} = trim_array({name}, 1)" for name in packed_columns(ReverseStress)),
            )
        ],
        here("reverse_stress", damage.LOST),
    ),
    "P&L": ([more("portfolio_pnl_explain", "daily_pnl")], here("portfolio_pnl_explain")),
    "return": ([more("portfolio_returns", "daily_return")], here("portfolio_returns")),
    "sign of a weight": (
        [
            update(
                "portfolio_groups_packed",
                "weight = (SELECT array_agg(-w ORDER BY n) FROM unnest(weight) WITH ORDINALITY AS u(w, n))",
            )
        ],
        here("portfolio_groups"),
    ),
    "name of a group": (
        [update("portfolio_groups_packed", "group_name[2] = group_name[2] || ' '")],
        here("portfolio_groups"),
    ),
    "status": (
        [update("position_values", "status = 'no price'", f"{HERE} AND symbol = 'AAPL'")],
        here("position_values"),
    ),
    "document of a report": (
        [
            update(
                "portfolio_reports",
                "document = document || ' '",
                f"WHERE date = '{NEXT}' AND portfolio = 'alpha'",
            )
        ],
        {("portfolio_reports", NEXT, "alpha", damage.CHANGED)},
    ),
    "time of a row": (
        [update("expiries", "computed_at = computed_at + interval '1 hour'")],
        here("expiries", damage.OTHER_WRITER),
    ),
    "run of a publication": (
        [update("publications", "run_id = 'mine'", f"{HERE} AND table_name = 'risk_measures'")],
        here("risk_measures", damage.OTHER_WRITER),
    ),
    "count of a publication": (
        [update("publications", "n_rows = n_rows + 1", f"{HERE} AND table_name = 'risk_measures'")],
        here("risk_measures", damage.LOST),
    ),
    "publication of nothing, for nobody": (
        [copied("publications", f"{HERE} AND table_name = 'expiries'", portfolio="ghost", n_rows="0")],
        {("expiries", DAY, "ghost", damage.CHANGED), ("expiries", DAY, "ghost", damage.UNREGISTERED)},
    ),
    "deleted publication": (
        [unpublished("position_values")],
        here("position_values", damage.FOREIGN),
    ),
    "deleted publications of market data": (
        [unpublished("factor_betas", ON_DAY)],
        on_day("factor_betas", damage.FOREIGN),
    ),
    "partition erased with its publication": (
        [unpublished("position_values"), f"DELETE FROM sigmasight.position_values {HERE}"],
        here("position_values", damage.MISSING + "position_pnl_explain"),
    ),
    "lost row": (
        [f"DELETE FROM sigmasight.position_values {HERE} AND symbol = 'AAPL'"],
        here("position_values", damage.LOST),
    ),
    "row twice": ([copied("position_values", position_id="again")], here("position_values", damage.ADDED)),
    "row of a portfolio that there is not": (
        [copied("position_values", portfolio="ghost")],
        {("position_values", DAY, "ghost", damage.FOREIGN)},
    ),
    "row on a Saturday": (
        [copied("portfolio_snapshots", date="2022-11-19")],
        {("portfolio_snapshots", "2022-11-19", "alpha", damage.FOREIGN)},
    ),
    "exchanged dates": (
        [
            update("portfolio_snapshots", "date = '1999-01-04'"),
            update(
                "portfolio_snapshots", f"date = '{DAY}'", f"WHERE date = '{NEXT}' AND portfolio = 'alpha'"
            ),
            update("portfolio_snapshots", f"date = '{NEXT}'", "WHERE date = '1999-01-04'"),
        ],
        {("portfolio_snapshots", day, "alpha", damage.CHANGED) for day in (DAY, NEXT)},
    ),
    "truncated table": (
        ["TRUNCATE sigmasight.stress_results"],
        {("stress_results", day, name, damage.LOST) for day in (DAY, NEXT) for name in ("alpha", "beta")},
    ),
}
