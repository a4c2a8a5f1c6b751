"""Groups of positions against pandas' groupby, books of their own, and loops over the worst scenarios."""

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.positions.groups import PARTITIONING, Groups
from sigmasight_core.risk.groups.rows import portfolio_groups
from sigmasight_core.risk.measures import RiskOutput, risk_measures
from sigmasight_core.tables import PortfolioGroups, validate
from sigmasight_core.tables.pnl import PNL_PARTS
from sigmasight_dagster.gates.risk import ADDITIVE, GROUPS_SUM_TO_THE_SAME
from sigmasight_dagster_tests.core.risk.parametric.test_decomposition import (
    BETAS,
    FACTORS,
    beta_rows,
    covariance_rows,
)
from sigmasight_dagster_tests.core.risk.risk_inputs import (
    DAY,
    SESSIONS,
    Holdings,
    factor_moves,
    history,
    mixed,
)
from sigmasight_dagster_tests.core.risk.test_historical_simulation import simulate

HISTORY = history("A", "B", "C")
MARKET = FACTORS[0]
TAGS = ("core,income", "", "income", "core", "", "core,income")
SECTORS = {"A": "Energy", "B": "Energy", "C": "unclassified"}
KEY = ["date", "portfolio", "position_id"]
GREEKS = ("position_delta", "position_gamma", "position_theta", "position_vega", "position_rho")


def two_books() -> Holdings:
    held = Holdings(mixed().rows + mixed(2.0, portfolio="other").rows[:3])
    for number, row in enumerate(held.rows):
        row["position_id"] = f"{row['symbol']}@2018-01-02/{number:02d}"
    return held


def inputs(held: Holdings) -> dict[str, pd.DataFrame]:
    """Everything that the rows of groups are made from, with numbers at random where they are only summed."""
    rng = np.random.default_rng(3)
    values, greeks = held.frames()
    size = len(values)
    gross = values["exposure"].abs().groupby(values["portfolio"]).transform("sum")
    values = values.assign(
        weight=values["exposure"] / gross,
        sector=values["underlying"].map(SECTORS).astype("str"),
        tags=pd.array([TAGS[n % len(TAGS)] for n in range(size)], dtype="str"),
        **{name: rng.normal(0, 100, size) for name in ("daily_pnl", "unrealized_pnl", "realized_pnl")},
    )
    securities = pd.DataFrame(
        {
            "date": DAY,
            "symbol": ["A", "B"],
            "industry": ["Oil", ""],
            "security_type": ["stock", "etf"],
        }
    ).astype({"date": "datetime64[ns]", "symbol": "str", "industry": "str", "security_type": "str"})
    return {
        "position_values": values,
        "position_greeks": greeks.assign(**{name: rng.normal(0, 10, size) for name in GREEKS}),
        "pnl_explain": values[KEY].assign(
            **{name: rng.normal(0, 50, size) for name in PNL_PARTS}, status="ok"
        ),
        "securities": securities,
    }


def grouped(
    given: dict[str, pd.DataFrame], partitions: pd.DataFrame, returns: pd.DataFrame = HISTORY
) -> tuple[pd.DataFrame, RiskOutput]:
    values = given["position_values"]
    groups = Groups.of(partitions, position_values=values, securities=given["securities"])
    total = partitions.assign(daily_return=0.0, total_value=1e5)
    found = risk_measures(
        partitions,
        position_values=values,
        position_greeks=given["position_greeks"],
        log_returns=returns,
        betas=beta_rows(),
        factor_covariance=covariance_rows(),
        factor_returns=factor_moves(HISTORY, *FACTORS).loc[returns.index],
        window=252,
        snapshots=total,
        snapshot_sessions=SESSIONS[-2:],
        first_entries=total.groupby("portfolio")["date"].min(),
        benchmarks=pd.Series("C", index=["book", "other"]),
        risk_free_rate=0.02,
        groups=groups,
    )
    rows = portfolio_groups(
        groups,
        found.groups,
        contributions=found.contributions,
        betas=beta_rows(),
        market=MARKET,
        **{name: frame for name, frame in given.items() if name != "securities"},
    )
    return validate(PortfolioGroups, rows), found


BOTH = pd.DataFrame({"date": DAY, "portfolio": ["book", "other"]})


@pytest.fixture(scope="module")
def made() -> tuple[dict[str, pd.DataFrame], pd.DataFrame, RiskOutput]:
    given = inputs(two_books())
    return given, *grouped(given, BOTH)


def labelled(given: dict[str, pd.DataFrame], found: RiskOutput) -> pd.DataFrame:
    """One row a position and group, with everything that is summed, by pandas alone."""
    rows = (
        given["position_values"].merge(given["position_greeks"], on=KEY).merge(given["pnl_explain"], on=KEY)
    )
    parts = found.contributions[found.contributions["kind"] == "position"]
    rows = rows.merge(
        parts[["date", "portfolio", "item", "component_var_usd"]].rename(columns={"item": "position_id"}),
        on=KEY,
    )
    beta = rows["underlying"].map({name: loadings[0] for name, loadings in BETAS.items()})
    option = rows["position_type"].str.len() == 2
    rows = rows.assign(
        n_positions=1.0,
        n_priced=1.0,
        gross_exposure=rows["exposure"].abs(),
        net_exposure=rows["exposure"],
        long_exposure=rows["exposure"].clip(lower=0),
        short_exposure=rows["exposure"].clip(upper=0),
        delta_usd=rows["delta_exposure"],
        delta_adjusted_exposure=rows["delta_exposure"].abs(),
        market_beta_usd=rows["delta_exposure"] * beta,
        **{name.removeprefix("position_"): rows[name] for name in GREEKS},
        asset_class=rows["underlying"].map({"A": "stock", "B": "etf", "C": "unknown"}).mask(option, "option"),
        industry=rows["underlying"].map({"A": "Oil", "B": "unclassified", "C": "unclassified"}),
        tag=rows["tags"].str.split(","),
    )
    frames = [rows.assign(dimension=name, group_name=rows[name]) for name in PARTITIONING]
    tagged = rows.explode("tag")
    return pd.concat([*frames, tagged.assign(dimension="tag", group_name=tagged["tag"])])


def test_sums_are_those_of_pandas(made: tuple) -> None:
    given, rows, found = made
    keys = ["date", "portfolio", "dimension", "group_name"]
    columns = [name for name in ADDITIVE if name != "component_es_usd"]
    wanted = labelled(given, found).groupby(keys)[columns].sum()
    assert rows[keys].values.tolist() == wanted.reset_index()[keys].values.tolist()
    np.testing.assert_allclose(rows[columns].to_numpy(float), wanted.to_numpy(float), rtol=1e-10, atol=1e-9)
    assert (rows["status"] == "ok").all()


def test_the_risk_of_a_group_is_that_of_a_book_of_its_own(made: tuple) -> None:
    given, rows, found = made
    held = two_books()
    members = labelled(given, found).groupby(["portfolio", "dimension", "group_name"])["position_id"].agg(set)
    few = rows["dimension"].isin(["sector", "tag"]) & (rows["portfolio"] == "book")
    for row in rows[few].itertuples():
        mine = members[row.portfolio, row.dimension, row.group_name]
        alone = simulate(Holdings([one for one in held.rows if one["position_id"] in mine]))
        assert row.var_95_usd == pytest.approx(alone.value_at_risk[0, 0], rel=1e-10)
        assert row.es_95_usd == pytest.approx(alone.expected_shortfall[0, 0], rel=1e-10)


def test_components_are_mean_losses_in_the_worst_scenarios(made: tuple) -> None:
    _given, rows, _found = made
    held = two_books()
    whole = {
        name: simulate(Holdings([r for r in held.rows if r["portfolio"] == name])).pnl[0]
        for name in BOTH["portfolio"]
    }
    for row in rows[rows["dimension"] == "underlying"].itertuples():
        mine = [r for r in held.rows if (r["portfolio"], r["underlying"]) == (row.portfolio, row.group_name)]
        alone, total = simulate(Holdings(mine)).pnl[0].astype(float), whole[row.portfolio]
        order, mass = np.argsort(total), 504 * 0.05
        worst, last = order[:25], order[25]
        expected = -(alone[worst].sum() + (mass - 25) * alone[last]) / mass
        assert row.component_es_usd == pytest.approx(expected, rel=1e-5)


def test_components_sum_to_the_portfolio(made: tuple) -> None:
    _, rows, found = made
    total = found.measures.pivot_table(index="portfolio", columns="measure", values="value")
    sums = rows.groupby(["dimension", "portfolio"])[["component_var_usd", "component_es_usd"]].sum()
    for dimension in PARTITIONING:
        for column, measure in (
            ("component_var_usd", "parametric_var_95_usd"),
            ("component_es_usd", "es_95_usd"),
        ):
            np.testing.assert_allclose(sums.loc[dimension, column], total[measure], rtol=1e-10)


def test_a_position_without_a_price_is_named_and_left_out() -> None:
    given = inputs(two_books())
    lost = (given["position_values"]["symbol"] == "B").to_numpy()
    values = given["position_values"]
    unknown = ["exposure", "weight", "daily_pnl", "unrealized_pnl"]
    given["position_values"] = values.assign(**{name: values[name].mask(lost) for name in unknown})
    greeks = given["position_greeks"]
    given["position_greeks"] = greeks.assign(delta_exposure=greeks["delta_exposure"].mask(lost))
    rows, _ = grouped(given, BOTH)
    one = rows.set_index(["portfolio", "dimension", "group_name"])
    long, short = one.loc[("book", "position_type", "LONG")], one.loc[("book", "position_type", "SHORT")]
    assert (long["status"], short["status"]) == ("ok", "unavailable: no price for B")
    assert short[["net_exposure", "daily_pnl", "var_95_usd", "component_es_usd"]].isna().all()
    assert (short["n_positions"], short["n_priced"]) == (1, 0)
    energy = one.loc[("book", "sector", "Energy")]
    assert energy["status"] == "partial: no price for B"
    assert energy["n_priced"] == energy["n_positions"] - 1
    assert energy["var_95_usd"] > 0


def test_what_an_explanation_lacks_is_told() -> None:
    given = inputs(two_books())
    explain = given["pnl_explain"]
    given["pnl_explain"] = explain.assign(rates_pnl=np.nan, status="partial: without rates")
    rows, _ = grouped(given, BOTH)
    assert set(rows["status"]) == {"partial: P&L explained without rates"}
    assert rows["rates_pnl"].isna().all()


def test_what_was_closed_today_adds_its_pnl_alone() -> None:
    given = inputs(two_books())
    last = len(given["position_values"]) - 1
    values = given["position_values"].copy()
    values.loc[last, ["quantity", "exposure", "weight", "unrealized_pnl"]] = 0.0
    given["position_values"] = values.assign(underlying=values["underlying"].mask(values.index == last, "Z"))
    given["position_greeks"] = given["position_greeks"].drop(index=last)
    rows, _ = grouped(given, BOTH)
    closed = rows[rows["group_name"] == "Z"].iloc[0]
    assert closed["status"] == "ok"
    assert closed["n_positions"] == 0
    assert closed["daily_pnl"] == values["daily_pnl"].iloc[last]
    assert (
        closed[["net_exposure", "delta", "var_95_usd", "component_var_usd", "market_beta_usd"]] == 0
    ).all()


def test_too_few_scenarios_are_told() -> None:
    returns = HISTORY.copy()
    returns.loc[returns.index[:-100], "B"] = np.nan
    rows, _ = grouped(inputs(two_books()), BOTH, returns)
    one = rows[rows["portfolio"] == "book"].set_index(["dimension", "group_name"])
    alone = one.loc[("underlying", "B")]
    assert alone["status"] == "partial: fewer than 252 scenarios for B"
    assert np.isnan(alone["var_95_usd"])
    assert np.isfinite(alone["net_exposure"])
    assert one.loc[("sector", "Energy"), "var_95_usd"] > 0
    assert GROUPS_SUM_TO_THE_SAME.evaluate(rows).passed


def test_nothing_held_and_nothing_known_of_a_symbol() -> None:
    given = inputs(two_books())
    none = {name: frame if name == "securities" else frame.iloc[:0] for name, frame in given.items()}
    rows, found = grouped(none, BOTH)
    assert rows.empty
    assert found.simulated_pnl["n_obs"].tolist() == [504, 504]
    assert GROUPS_SUM_TO_THE_SAME.evaluate(rows).passed
    rows, _ = grouped(given | {"securities": given["securities"].iloc[:0]}, BOTH)
    names = rows.groupby("dimension")["group_name"].agg(set)
    assert names["industry"] == {"unclassified"}
    assert names["asset_class"] == {"option", "unknown"}


@pytest.mark.parametrize("column", ["net_exposure", "component_var_usd", "daily_pnl", "n_positions"])
def test_the_gate_sees_a_group_that_is_wrong(made: tuple, column: str) -> None:
    _, rows, _ = made
    assert GROUPS_SUM_TO_THE_SAME.evaluate(rows).passed
    wrong = rows.copy()
    at = wrong.index[(wrong["dimension"] == "sector") & (wrong["portfolio"] == "other")][0]
    wrong.loc[at, column] += 1
    found = GROUPS_SUM_TO_THE_SAME.evaluate(wrong)
    assert not found.passed
    assert set(wrong.iloc[list(found.rows)]["portfolio"]) == {"other"}
    lacking = rows[~((rows["dimension"] == "underlying") & (rows["portfolio"] == "book"))].reset_index(
        drop=True
    )
    assert not GROUPS_SUM_TO_THE_SAME.evaluate(lacking).passed


def test_the_same_bits_in_any_batch(made: tuple) -> None:
    given, rows, _ = made
    alone = {
        name: frame.query("portfolio == 'other'") if "portfolio" in frame else frame
        for name, frame in given.items()
    }
    alone = {name: frame.reset_index(drop=True) for name, frame in alone.items()}
    found, _ = grouped(alone, BOTH.iloc[1:].reset_index(drop=True))
    wanted = rows[rows["portfolio"] == "other"].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)
