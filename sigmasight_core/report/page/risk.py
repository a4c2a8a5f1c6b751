"""The sections of risk: factors, contributions, stress, the backtest, Greeks, correlations."""

from typing import Final

from sigmasight_core.report.document.model import ReportBase
from sigmasight_core.report.page.parts import (
    COUNT,
    PERCENT,
    SHORT,
    STATUS,
    TEXT,
    Bars,
    Chart,
    Column,
    Section,
    known,
    largest,
    missing,
    number,
    table,
)
from sigmasight_core.report.page.scenarios import headline_of, ranked, scenarios
from sigmasight_core.tables.portfolio.horizons import BUCKETS

ERRORS_SHOWN: Final = 2.0
"""Standard errors to each side of a bar: about 95%."""
SCENARIOS: Final = 5
PAIRS: Final = 15


def factors(report: ReportBase) -> Section:
    """Betas with their errors, and dollars."""
    section = Section("factors", "Factors", missing(report.engine("factor_analysis")))
    rows = report.rows("factor_exposures")
    columns = (
        Column("factor", "factor", TEXT),
        Column("beta", "beta"),
        Column("std_error", "standard error"),
        Column("exposure_usd", "USD (rates: per basis point)"),
        Column("n_positions", "positions", COUNT),
        STATUS,
    )
    data = table("Exposure to each factor", columns, rows, "factor_exposures")
    drawn = known(rows, "beta")
    if drawn:
        errors = [ERRORS_SHOWN * number(row, "std_error") for row in drawn]
        bars = Bars([row["factor"] for row in drawn], [number(row, "beta") for row in drawn], errors)
        caption = (
            "Bars: beta of the portfolio. Lines: 2 standard errors to each side. Style betas are long-short, "
            "that of rates is per percentage point of yield; they are not added."
        )
        section.charts.append(Chart("factors", "Factor betas", caption, "beta", bars, data))
    elif rows:
        section.tables.append(data)
    rates = report.rows("rate_exposures")
    if rates:
        of_rates = (
            Column("series", "yield", TEXT),
            Column("exposure_usd_per_bp", "USD per basis point"),
            Column("pnl_up_100bp_usd", "P&L for +100 basis points, USD"),
            STATUS,
        )
        caption = "Treasury yields: alternatives, never to be added"
        section.tables.append(table(caption, of_rates, rates, "rate_exposures"))
    else:
        section.sentences.append(f"Yields: n/a ({report.engine('interest_rate_betas').status}).")
    return section


def contributions(report: ReportBase) -> Section:
    """Shares of the parametric value at risk, by factor and by position."""
    section = Section("contributions", "Risk contributions", missing(report.engine("risk_measures")))
    rows = report.rows("risk_contributions")
    for kind in ("factor", "position"):
        of_kind = largest((row for row in rows if row["kind"] == kind), "share")
        if not of_kind:
            continue
        columns = (
            Column("item", kind, TEXT),
            Column("share", "share of VaR 95%", PERCENT),
            Column("component_var_usd", "component, USD"),
            Column("exposure", "exposure"),
            Column("volatility", "volatility"),
            Column("correlation", "correlation"),
            STATUS,
        )
        data = table(f"Contributions by {kind}", columns, of_kind, "risk_contributions")
        drawn = known(of_kind, "share")[:12]
        if drawn:
            bars = Bars([row["item"] for row in drawn], [number(row, "share") for row in drawn])
            caption = "Share of the parametric value at risk (95%, 1 day). Negative: reduces the risk."
            title = f"Risk by {kind}"
            section.charts.append(Chart(f"risk_by_{kind}", title, caption, "percent", bars, data))
        else:
            section.tables.append(data)
    return section


def stress(report: ReportBase) -> Section:
    """The five worst and the five best scenarios, their plausibility, and the parts of the factors."""
    section = Section("stress", "Stress", missing(report.engine("stress_testing")))
    every = scenarios(report)
    rows = ranked(every)
    worst = rows[:SCENARIOS]
    best = rows[max(len(rows) - SCENARIOS, len(worst)) :][::-1]
    columns = (
        Column("scenario", "scenario", TEXT),
        Column("severity", "severity", TEXT),
        Column("correlated_pnl", "correlated P&L, USD"),
        Column("direct_pnl", "direct P&L, USD"),
        Column("plausibility_sigma", "sigmas away", SHORT),
        Column("warning", "warning", TEXT),
        STATUS,
    )
    chosen = [*worst, *best[::-1]]
    if chosen:
        data = table("The worst and the best scenarios", columns, chosen, "stress_results")
        bars = Bars(
            [row["scenario"].replace("_", " ") for row in chosen],
            [number(row, headline_of(row)) for row in chosen],
            marks=[number(row, "direct_pnl") for row in chosen],
        )
        caption = (
            "Bars: P&L of the likeliest state given the shocks; of rate shocks the direct P&L. Marks: P&L if "
            "only the shocked factors move."
        )
        section.charts.append(Chart("stress", "Worst and best scenarios", caption, "USD", bars, data))
    if every:
        lost = [row for row in every if row[headline_of(row)] is None]
        caption = "Every scenario, the worst first"
        section.tables.append(table(caption, columns, [*rows, *lost], "stress_results"))
    section.tables += _impacts(report, [row["scenario"] for row in worst])
    reverse = report.rows("reverse_stress")
    if reverse:
        of_reverse = (
            Column("loss_percent", "loss, percent of value", SHORT),
            Column("factor", "factor", TEXT),
            Column("factor_move", "move"),
            Column("unit", "unit", TEXT),
            Column("achieved_pnl", "P&L, USD"),
            Column("plausibility_sigma", "sigmas away", SHORT),
        )
        caption = "The likeliest states that lose a given share"
        section.tables.append(table(caption, of_reverse, reverse, "reverse_stress"))
    return section


def _impacts(report: ReportBase, worst: list[str]) -> list:
    rows = [row for row in report.rows("scenario_impacts") if row["scenario"] in worst]
    if not rows:
        return []
    columns = (
        Column("scenario", "scenario", TEXT),
        Column("factor", "factor", TEXT),
        Column("pnl", "part, USD"),
        Column("direct_pnl", "direct P&L, USD"),
        STATUS,
    )
    caption = "The worst scenarios by factor; revaluation is what is not linear"
    return [table(caption, columns, rows, "scenario_impacts")]


def backtest(report: ReportBase) -> Section:
    """How value at risk would have done."""
    why_not = missing(report.engine("risk_measures"))
    section = Section("backtest", "Value at risk held against the past", why_not)
    rows = report.rows("var_backtests")
    columns = (
        Column("confidence", "confidence, percent", TEXT),
        Column("traffic_light", "Basel light", TEXT),
        Column("breaches", "breaches", COUNT),
        Column("expected_breaches", "expected", SHORT),
        Column("n_obs", "sessions", COUNT),
        Column("kupiec_p_value", "Kupiec p"),
        Column("christoffersen_p_value", "Christoffersen p"),
        Column("verdict", "verdict", TEXT),
        STATUS,
    )
    if rows:
        section.tables.append(table("Backtest of today's book over the past", columns, rows, "var_backtests"))
    measures = (
        Column("measure", "measure", TEXT),
        Column("value", "value"),
        Column("unit", "unit", TEXT),
        Column("n_obs", "observations", COUNT),
        STATUS,
    )
    section.tables.append(table("Every measure", measures, report.rows("risk_measures"), "risk_measures"))
    return section


def greeks(report: ReportBase) -> Section:
    """Greeks of the portfolio and of its options, and what expires when; or that there are no options."""
    section = Section("greeks", "Greeks and expiries")
    if not report.positions_summary.options:
        section.sentences.append("No options are held.")
        return section
    snapshot = report.rows("portfolio_snapshots")[:1]
    names = ("portfolio_delta", "portfolio_gamma", "portfolio_theta", "portfolio_vega", "portfolio_rho")
    units = report.engine("portfolio_snapshot").units
    totals = [
        {
            "what": name,
            "value": row[name],
            "unit": units[f"portfolio_snapshots.{name}"],
            "status": row["status"],
        }
        for row in snapshot
        for name in (*names, "delta_usd")
    ]
    of_total = (Column("what", "Greek", TEXT), Column("value", "value"), Column("unit", "unit", TEXT))
    section.tables.append(table("Greeks of the portfolio", of_total, totals, "portfolio_snapshots"))
    options = [row for row in report.rows("position_greeks") if row["strike"] is not None]
    columns = (
        Column("position_id", "position", TEXT),
        Column("days_to_expiry", "days to expiry", COUNT),
        Column("implied_volatility", "volatility", PERCENT),
        Column("position_delta", "delta, shares"),
        Column("position_gamma", "gamma"),
        Column("position_theta", "theta, USD a day"),
        Column("position_vega", "vega, USD a point"),
        Column("position_rho", "rho, USD a point"),
        Column("early_exercise", "early exercise", TEXT),
        STATUS,
    )
    ordered = sorted(options, key=lambda row: row["days_to_expiry"] or 0)
    section.tables.append(table("Options, the next to expire first", columns, ordered, "position_greeks"))
    of_expiry = (
        Column("bucket", "days to expiry", TEXT),
        Column("n_positions", "options", COUNT),
        Column("notional", "notional, USD"),
        Column("net_exposure", "net, USD"),
        Column("delta_usd", "delta, USD"),
        *(Column(name, name) for name in ("delta", "gamma", "theta", "vega", "rho")),
        STATUS,
    )
    buckets = {name: place for place, name in enumerate(BUCKETS)}
    ending = sorted(report.rows("expiries"), key=lambda row: buckets.get(row["bucket"], len(buckets)))
    section.tables.append(table("What ends when", of_expiry, ending, "expiries"))
    return section


def correlations(report: ReportBase) -> Section:
    """Diversification, clusters, and the pairs that are most alike."""
    engine = report.engine("correlation_analysis")
    section = Section("correlations", "Correlations", missing(engine))
    if section.sentences:
        return section
    if engine.as_of != report.metadata.report_date:
        section.sentences.append(f"These are of {engine.as_of}: the newest on or before the date.")
    summary = (
        Column("n_symbols", "holdings", COUNT),
        Column("average_correlation", "average correlation"),
        Column("effective_positions", "effective positions"),
        Column("effective_bets", "effective bets"),
        Column("cluster_concentration", "share in clusters", PERCENT),
        Column("n_clusters", "clusters", COUNT),
    )
    rows = report.rows("correlation_summary")
    section.tables.append(table("Diversification", summary, rows, "correlation_summary"))
    clusters = [row for row in report.rows("correlation_clusters") if row["cluster_size"] > 1]
    of_cluster = (
        Column("cluster", "cluster", COUNT),
        Column("nickname", "name", TEXT),
        Column("symbol", "symbol", TEXT),
        Column("exposure", "exposure, USD"),
    )
    ordered = sorted(clusters, key=lambda row: (row["cluster"], row["symbol"]))
    if ordered:
        section.tables.append(table("Clusters of look-alikes", of_cluster, ordered, "correlation_clusters"))
    pairs = [
        row
        for row in known(report.rows("position_correlations"), "correlation")
        if row["symbol_1"] != row["symbol_2"]
    ]
    pairs = largest(pairs, "correlation")
    of_pair = (
        Column("symbol_1", "symbol", TEXT),
        Column("symbol_2", "and", TEXT),
        Column("correlation", "correlation"),
        Column("n_obs", "sessions", COUNT),
    )
    caption = f"The {min(PAIRS, len(pairs))} pairs that move most together or against each other"
    section.tables.append(table(caption, of_pair, pairs[:PAIRS], "position_correlations"))
    return section
