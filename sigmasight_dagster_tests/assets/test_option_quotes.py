"""Option quotes through the real assets on a real database: the source of each contract, what-if."""

import datetime as dt
from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd
import pytest

from sigmasight_core import calendar
from sigmasight_core.ledger.portfolio_csv import ledger_rows
from sigmasight_core.options.occ import parse_occ
from sigmasight_core.tables import (
    Grain,
    OptionQuotes,
    OptionVolatilities,
    PortfolioPnlExplain,
    PositionGreeks,
    PositionPnlExplain,
    Positions,
    PositionStress,
    PositionValues,
    Table,
    validate,
)
from sigmasight_dagster.assets import RISK_ASSETS
from sigmasight_dagster.engine.batch import Batch
from sigmasight_dagster.engine.declaration import RiskAsset
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.providers.base import YIELD_SERIES, YieldColumn, treasury_rows
from sigmasight_dagster.providers.sample import SampleProvider
from sigmasight_dagster.server.embedded import EmbeddedPostgres
from sigmasight_dagster.settings import Settings
from sigmasight_dagster.warehouse import AuditStamp
from sigmasight_dagster.what_if.what_if import WhatIf
from sigmasight_dagster_tests.conftest import execute
from sigmasight_dagster_tests.core.options.quote_inputs import ql_values

FIRST = dt.date(2022, 9, 1)
SESSIONS = calendar.sessions(FIRST, "2022-12-16")
DATES = SESSIONS[-4:]
HOLIDAY = DATES[-2]
PERCENT = {"3M": 4.4, "2Y": 4.2, "10Y": 3.5, "30Y": 3.6}
EXPIRY = "2023-03-17"
OWN, CROSSED, UNKNOWN, FREE, LAST = (f"AAPL230317C00{k}000" for k in (140, 145, 150, 160, 155))
BARE = "JPM230317P00120000"
VOLATILITY = {OWN: 0.40, FREE: 0.30, LAST: 0.33}


def rate(date: pd.Timestamp) -> float:
    years = (pd.Timestamp(EXPIRY) - date).days / 365
    return 2 * np.log(1 + np.interp(years, [0.25, 2.0], [PERCENT["3M"], PERCENT["2Y"]]) / 200)


class QuotedProvider(SampleProvider):
    """The sample's real closes with yields, and quotes at known volatilities; HOLIDAY has no yields."""

    def treasury_yields(self, start: dt.date, end: dt.date) -> pd.DataFrame:
        days = calendar.sessions(start, end)
        closed = days == HOLIDAY
        status = np.where(closed, "holiday of the bond market", "ok").astype(object)
        columns = {
            name: YieldColumn(np.where(closed, np.nan, PERCENT[name]), "test", status)
            for name in YIELD_SERIES
        }
        return treasury_rows(days, columns)

    def option_quotes(self, contracts: Collection[str], start: dt.date, end: dt.date) -> pd.DataFrame:
        """A chain of AAPL: OWN and its neighbour FREE have two sides, LAST a trade, CROSSED neither."""
        assert OWN in contracts
        spots = self.daily_prices(["AAPL"], start, end).set_index("date")["close"]
        rows = [row for date, spot in spots.items() if date in DATES for row in self._chain(date, spot)]
        return validate(OptionQuotes, pd.DataFrame(rows, columns=list(OptionQuotes.to_schema().columns)))

    def _chain(self, date: pd.Timestamp, spot: float) -> list[dict[str, object]]:
        days = (pd.Timestamp(EXPIRY) - date).days
        strikes = parse_occ(pd.Series([OWN, FREE, LAST]))["strike"]
        price = {
            name: ql_values(spot, strike, days, rate(date), 0.0, VOLATILITY[name], is_call=True)["price"]
            for name, strike in zip((OWN, FREE, LAST), strikes, strict=True)
        }
        sides = {
            OWN: (price[OWN] - 0.05, price[OWN] + 0.05, 1.0),
            FREE: (price[FREE] - 0.05, price[FREE] + 0.05, 1.0),
            LAST: (0.0, 20.0, price[LAST]),
            CROSSED: (5.0, 4.0, None),
        }
        fixed = {"date": date, "underlying": "AAPL", "implied_volatility": 0.5, "open_interest": 10.0}
        return [
            {
                **fixed,
                "contract": name,
                **dict(zip(("bid", "ask", "last"), quoted, strict=True)),
                "source": "test",
                "status": "ok" if quoted[2] else "no trade",
            }
            for name, quoted in sides.items()
        ]


class Computed:
    """Every asset computed and published in order, gates evaluated."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.gates: dict[str, bool] = {}
        held = [OWN, CROSSED, UNKNOWN, LAST, BARE, "AAPL"]
        terms = parse_occ(pd.Series(held))
        entered = terms.assign(
            symbol=held,
            underlying=["AAPL"] * 4 + ["JPM", "AAPL"],
            quantity=[2.0, -1.0, 3.0, 1.0, -4.0, 50.0],
            trade_price=0.0,
            entry_price=8.0,
            entry_date=SESSIONS[-10],
            exit_price=np.nan,
            exit_date=pd.NaT,
            tags="",
            notes=pd.array([None] * len(held), dtype="str"),
        )
        made = validate(Positions, ledger_rows(entered, "book"))
        registered = {"portfolio": "book", "cash": 100_000.0, "source": "book.csv"}
        self.stamp = AuditStamp.now("test")
        platform.warehouse.save_portfolio(registered, made, self.stamp)

    def run(self) -> None:
        for asset in RISK_ASSETS:
            by_portfolio = asset.grain is Grain.DATE_PORTFOLIO
            self._publish(asset, DATES if by_portfolio else SESSIONS, ("book",) if by_portfolio else ())

    def _publish(self, asset: RiskAsset, dates: pd.DatetimeIndex, names: tuple[str, ...]) -> None:
        frames = asset.compute(Batch(asset, self.platform, dates, names, pd.Timestamp(FIRST)))
        made = frames if isinstance(frames, tuple) else (frames,)
        rows = {model: validate(model, frame) for model, frame in zip(asset.tables, made, strict=True)}
        self.gates |= {gate.name: gate.evaluate(rows[gate.model]).passed for gate in asset.gates}
        for model, frame in rows.items():
            self.platform.warehouse.replace(model, frame, dates, names or None, self.stamp)

    def read(self, model: type[Table], date: pd.Timestamp = DATES[-1]) -> pd.DataFrame:
        """Rows of a date by contract."""
        rows = self.platform.warehouse.read(model, [date])
        if "position_id" in rows:
            rows = rows.assign(contract=rows["position_id"].str.partition("@")[0])
        return rows.set_index("contract")


@pytest.fixture(scope="module")
def computed(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Computed]:
    name = "option_quotes"
    execute(postgres_server.url("postgres"), f"CREATE DATABASE {name}")
    settings = Settings(
        _env_file=None,
        home=tmp_path_factory.mktemp("home"),
        database_url=postgres_server.url(name),
        provider="sample",
        start_date=FIRST,
    )
    platform = Platform(settings)
    platform.__dict__["market_data"] = QuotedProvider()
    platform.warehouse.migrate()
    made = Computed(platform)
    made.run()
    yield made
    platform.warehouse.close()
    execute(postgres_server.url("postgres"), f"DROP DATABASE {name} WITH (FORCE)")


def test_each_contract_takes_the_best_source_that_it_has(computed: Computed) -> None:
    values, greeks = computed.read(PositionValues), computed.read(PositionGreeks)
    prices, sources = values["price_source"].to_dict(), greeks["implied_vol_source"].to_dict()
    assert {name: (prices[name], sources[name]) for name in (OWN, LAST, CROSSED, UNKNOWN, BARE)} == {
        OWN: ("quote mid", "quote"),
        LAST: ("quote last", "quote"),
        CROSSED: ("model", "chain_neighbour"),
        UNKNOWN: ("model", "chain_neighbour"),
        BARE: ("model", "realized"),
    }
    levels = greeks["implied_volatility"]
    assert levels[[OWN, LAST]].tolist() == pytest.approx([0.40, 0.33], rel=1e-9)
    by_strike = np.interp([145, 150], [140, 155, 160], [0.40, 0.33, 0.30])
    assert levels[[CROSSED, UNKNOWN]].tolist() == pytest.approx(by_strike.tolist(), rel=1e-9)
    assert set(greeks.loc[[OWN, BARE], "status"]) == {"ok"}


def test_prices_and_greeks_are_quantlibs(computed: Computed) -> None:
    values, greeks = computed.read(PositionValues), computed.read(PositionGreeks)
    strikes = {OWN: (140, 0.40), UNKNOWN: (150, np.interp(150, [140, 155], [0.40, 0.33]))}
    for name, (strike, volatility) in strikes.items():
        row, days = greeks.loc[name], (pd.Timestamp(EXPIRY) - DATES[-1]).days
        expected = ql_values(
            row["underlying_price"], strike, days, rate(DATES[-1]), 0.0, volatility, is_call=True
        )
        assert values.loc[name, "price"] == pytest.approx(expected.pop("price"), rel=1e-9)
        assert row[list(expected)].tolist() == pytest.approx(list(expected.values()), rel=1e-7)


def test_rates_are_of_the_session_or_carried_over_a_holiday(computed: Computed) -> None:
    today, holiday = computed.read(PositionGreeks), computed.read(PositionGreeks, HOLIDAY)
    assert today.loc[OWN, "risk_free_rate"] == pytest.approx(rate(DATES[-1]), rel=1e-12)
    assert today.loc[BARE, "risk_free_rate_source"] == "treasury"
    assert holiday.loc[OWN, "risk_free_rate_source"] == f"treasury: yields of {DATES[-3]:%Y-%m-%d}"
    assert holiday.loc[OWN, "risk_free_rate"] == pytest.approx(rate(HOLIDAY), rel=1e-12)
    assert today.loc["AAPL", "risk_free_rate_source"] == "linear"


def test_gates_pass_and_the_explained_pnl_adds_up(computed: Computed) -> None:
    assert computed.gates["greeks_agree_with_mibian"]
    assert computed.gates["pnl_parts_sum_to_daily_pnl"]
    explained = computed.platform.warehouse.read(PositionPnlExplain)
    option = explained[explained["position_id"].str.startswith(OWN)]
    share = (option["vega_pnl"] / option["daily_pnl"]).abs().tolist()
    assert share[0] > 0.1, "from the realized volatility to the quote's"
    assert max(share[1:]) < 1e-6, "the quote's volatility stayed the same"
    assert len(computed.platform.warehouse.read(PortfolioPnlExplain)) == len(DATES)
    stress = computed.platform.warehouse.read(PositionStress, [DATES[-1]])
    assert not stress["status"].str.contains("Greeks").any()
    assert stress.loc[stress["status"] == "ok", "direct_pnl"].notna().any()


def test_the_contract_that_the_chain_lacks_has_a_row_that_says_so(computed: Computed) -> None:
    found = computed.read(OptionVolatilities)
    assert set(found.index) == {OWN, LAST, FREE, CROSSED, UNKNOWN}
    assert found.loc[UNKNOWN, "status"] == "chain_neighbour: no price: no quote of the contract"
    assert found.loc[CROSSED, "status"] == "chain_neighbour: no price: no trade"
    assert found.loc[[OWN, LAST, FREE], "status"].tolist() == ["ok"] * 3


def test_a_what_if_trade_is_priced_by_the_quote(computed: Computed) -> None:
    what_if = WhatIf(computed.platform, "book", DATES[-1])
    parsed = what_if.parse(f"ticker,quantity\n{FREE},2\n{OWN},-2\n".encode(), "t.csv")
    assert parsed.errors.empty
    made = what_if.compute(parsed.trades, "t.csv")
    trades = made.trades.set_index("symbol")
    assert set(trades["price_source"]) == {"quote mid"}
    expected = computed.read(OptionVolatilities).loc[FREE, "price"]
    assert trades.loc[FREE, "trade_price"] == pytest.approx(expected, rel=1e-12)
    rows = made.computed[PositionGreeks]
    traded = rows[(rows["portfolio"] != "book") & rows["position_id"].str.startswith(FREE)]
    assert traded["implied_vol_source"].tolist() == ["quote"]
