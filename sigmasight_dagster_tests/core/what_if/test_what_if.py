"""Hypothetical trades: FIFO by hand, what trading at the close must not change, and every refusal."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.errors import InputError
from sigmasight_core.positions.valuation import position_values
from sigmasight_core.tables import (
    FactorExposures,
    PortfolioSnapshots,
    PositionValues,
    columns_by_role,
    validate,
)
from sigmasight_core.what_if.comparison import compare
from sigmasight_core.what_if.trades import Hypothetical, apply_trades, priced, trial_lots
from sigmasight_core.what_if.trades_csv import parse_trades_csv, trades_csv
from sigmasight_dagster_tests.core.positions.ledger_inputs import (
    MAX_AGE,
    NAN,
    PARAMETERS,
    World,
    ledger,
    position,
    splits,
    typed,
)

CALL, PUT = "AAA240621C00100000", "BBB240621P00050000"
CLOSES = {"AAA": [98.0, 101.0, 99.0, 103.0], "BBB": [52.0, 51.0, 49.5, 48.0], "CCC": [10.0, 10.5, 11.0, 10.2]}
SYMBOLS = ("AAA", "BBB", "CCC", CALL, PUT, "AAA240621P00095000", "BBB240621C00055000")
BOOK = ledger(
    position("AAA", 100, 90.0, "2023-11-01", tags="core"),
    position("AAA", 50, 95.0, "2023-12-01", tags="added"),
    position("BBB", -80, 60.0, "2023-11-15"),
    position(CALL, 5, 4.0, "2023-12-01"),
    position("BBB240621C00055000", -3, 2.0, "2023-12-01"),
    position(PUT, -4, 3.0, "2023-12-01"),
    position("AAA240621P00095000", 6, 5.0, "2023-12-01"),
)
CASH = 1000.0
DAY = pd.Timestamp("2024-01-05")


def world(positions: pd.DataFrame = BOOK, actions: pd.DataFrame | None = None) -> World:
    return World(positions, CLOSES, "2024-01-02", actions)


def file(*rows: str) -> str:
    return "\n".join(["ticker,quantity,price,tags", *rows])


def trade(market: World, *rows: str) -> Hypothetical:
    """The ledger of `market` after the rows of a trade list, at the close of its last session."""
    day = market.sessions[-1]
    parsed = parse_trades_csv(file(*rows), "t.csv", day, ["AAA", "BBB", "CCC"])
    assert parsed.errors.empty
    values = trial_values(market, parsed.trades, day)
    return apply_trades(
        positions=market.positions,
        cash=CASH,
        trades=priced(trades=parsed.trades, values=values, source="t.csv"),
        corporate_actions=market.actions,
        portfolio="book",
        date=day,
    )


def trial_values(market: World, trades: pd.DataFrame, day: pd.Timestamp) -> pd.DataFrame:
    lots = trial_lots(trades, "book", day)
    return position_values(
        dates=pd.DatetimeIndex([day]),
        sessions=market.sessions,
        positions=lots,
        prices=market.prices,
        option_tables=market.option_tables,
        corporate_actions=market.actions,
        securities=market.securities,
        parameters=PARAMETERS,
        max_price_age_days=MAX_AGE,
    )


def snapshot(market: World, after: Hypothetical | None = None) -> pd.Series:
    made = world(market.positions if after is None else after.positions, market.actions)
    made.portfolios = made.portfolios.assign(cash=CASH if after is None else after.cash)
    row = made.snapshots(market.sessions[-1:]).iloc[0]
    return row[columns_by_role(PortfolioSnapshots, "value")].astype(float)


def lots(after: Hypothetical, symbol: str) -> list[tuple[str, str, float, float]]:
    """Id, type, quantity and exit price of the symbol's lots."""
    rows = after.positions[after.positions["symbol"] == symbol].sort_values("position_id")
    return list(
        rows[["position_id", "position_type", "quantity", "exit_price"]].itertuples(index=False, name=None)
    )


class TestLedger:
    def test_a_sale_closes_the_oldest_lot_first(self) -> None:
        assert lots(trade(world(), "AAA,-120,,"), "AAA") == [
            ("AAA@2023-11-01", "LONG", 100.0, 103.0),
            ("AAA@2023-12-01", "LONG", 30.0, pytest.approx(NAN, nan_ok=True)),
            ("AAA@2023-12-01/sold", "LONG", 20.0, 103.0),
        ]

    def test_a_close_leaves_nothing(self) -> None:
        after = trade(world(), "AAA,-150,,")
        assert after.positions.loc[after.positions["symbol"] == "AAA", "exit_date"].eq(DAY).all()
        assert after.fills["held_after"].tolist() == [0.0]

    def test_a_flip_closes_all_and_opens_the_rest_on_the_other_side(self) -> None:
        after = trade(world(), "AAA,-200,,flip", "BBB,100,,")
        assert lots(after, "AAA")[2:] == [("AAA@2024-01-05", "SHORT", -50.0, pytest.approx(NAN, nan_ok=True))]
        assert lots(after, "BBB") == [
            ("BBB@2023-11-15", "SHORT", -80.0, 48.0),
            ("BBB@2024-01-05", "LONG", 20.0, pytest.approx(NAN, nan_ok=True)),
        ]

    def test_a_purchase_is_a_lot_of_its_own_at_the_price_of_the_trade(self) -> None:
        after = trade(world(), "AAA,10,77.5,", "CCC,5,,fresh")
        new = after.positions[after.positions["entry_date"] == DAY].set_index("symbol")
        assert new["entry_price"].to_dict() == {"AAA": 77.5, "CCC": 10.2}
        assert new["tags"].to_dict() == {"AAA": "core", "CCC": "fresh"}
        assert new["quantity"].to_dict() == {"AAA": 10.0, "CCC": 5.0}

    @pytest.mark.parametrize(
        ("symbol", "quantity", "kinds"),
        [
            (CALL, -8, {"LC", "SC"}),
            ("BBB240621C00055000", 5, {"SC", "LC"}),
            (PUT, 9, {"SP", "LP"}),
            ("AAA240621P00095000", -7, {"LP", "SP"}),
        ],
    )
    def test_options_flip_between_their_types(self, symbol: str, quantity: int, kinds: set[str]) -> None:
        after = trade(world(), f"{symbol},{quantity},,")
        assert {kind for _, kind, _, _ in lots(after, symbol)} == kinds

    def test_cash_pays_and_receives_100_shares_a_contract(self) -> None:
        after = trade(world(), "AAA,-100,100,", f"{CALL},2,3.5,")
        assert after.cash == CASH + 100 * 100 - 2 * 100 * 3.5
        assert after.fills["cash_change"].tolist() == [10_000.0, -700.0]

    def test_the_same_symbol_entered_today_keeps_its_own_id(self) -> None:
        book = ledger(position("AAA", 7, 102.0, "2024-01-05"))
        after = trade(world(book), "AAA,3,,")
        assert [row[0] for row in lots(after, "AAA")] == ["AAA@2024-01-05", "AAA@2024-01-05/what-if"]

    def test_quantities_are_those_of_the_day_after_a_split(self) -> None:
        market = world(ledger(position("AAA", 10, 180.0, "2023-11-01")), splits(("2023-12-15", "AAA", 2.0)))
        after = trade(market, "AAA,-5,,")
        assert [row[2] for row in lots(after, "AAA")] == [7.5, 2.5]
        assert after.fills["held_before"].tolist() == [20.0]
        assert snapshot(market, after)["net_exposure"] == pytest.approx(15 * 103.0)

    def test_exits_after_the_day_do_not_matter(self) -> None:
        book = ledger(position("AAA", 10, 90.0, "2023-11-01", exit=("2024-02-01", 120.0)))
        assert lots(trade(world(book), "AAA,-10,,"), "AAA") == [("AAA@2023-11-01", "LONG", 10.0, 103.0)]

    def test_ended_positions_cannot_be_traded_again(self) -> None:
        book = ledger(position("AAA", 10, 90.0, "2023-11-01", exit=("2024-01-05", 104.0)))
        assert lots(trade(world(book), "AAA,-4,,"), "AAA")[0][2:] == (10.0, 104.0)


class TestInvariants:
    @settings(max_examples=10, deadline=None)
    @given(
        st.dictionaries(
            st.sampled_from(SYMBOLS), st.integers(-200, 200).filter(bool), min_size=1, max_size=len(SYMBOLS)
        )
    )
    def test_trading_at_the_close_leaves_value_and_profit_as_they_are(self, orders: dict[str, int]) -> None:
        market = world()
        before = snapshot(market)
        after = trade(market, *(f"{symbol},{quantity},," for symbol, quantity in orders.items()))
        now = snapshot(market, after)
        for name in ("total_value", "daily_pnl", "cumulative_pnl", "daily_return"):
            assert now[name] == pytest.approx(before[name], rel=1e-12, abs=1e-9), name
        held = world(after.positions).values(market.sessions[-1:]).groupby("symbol")["quantity"].sum()
        wanted = BOOK.groupby("symbol")["quantity"].sum().add(pd.Series(orders), fill_value=0)
        pd.testing.assert_series_equal(held, wanted, check_names=False, check_index_type=False)

    @given(st.floats(1, 200), st.integers(-300, 300).filter(bool))
    @settings(max_examples=5, deadline=None)
    def test_another_price_gains_or_loses_the_difference_to_the_close(
        self, price: float, quantity: int
    ) -> None:
        market = world()
        gain = quantity * (103.0 - price)
        moved = snapshot(market, trade(market, f"AAA,{quantity},{price!r},")) - snapshot(market)
        for name in ("total_value", "daily_pnl", "cumulative_pnl"):
            assert moved[name] == pytest.approx(gain, abs=1e-7), name

    def test_there_and_back_is_where_it_was(self) -> None:
        market = world()
        there = trade(market, "AAA,-40,,", f"{CALL},3,,")
        back = trade(world(there.positions), "AAA,40,,", f"{CALL},-3,,")
        now, before = snapshot(market, back), snapshot(market)
        for name in ("net_exposure", "gross_exposure", "delta_usd", "portfolio_vega"):
            assert now[name] == pytest.approx(before[name], rel=1e-12)
        assert back.cash + there.cash == pytest.approx(2 * CASH)


class TestRefusals:
    def test_a_price_that_is_not_known(self) -> None:
        market = World(BOOK, {**CLOSES, "CCC": [NAN] * 4}, "2024-01-02")
        with pytest.raises(
            InputError, match=r"t\.csv:3: CCC: no price: CCC has none within 7 days; give one"
        ):
            trade(market, "AAA,1,,", "CCC,1,,")
        assert trade(market, "CCC,1,9.75,").cash == CASH - 9.75

    def test_an_option_worth_nothing(self) -> None:
        market = World(BOOK, CLOSES, "2024-01-02", volatility=0.01)
        with pytest.raises(InputError, match="its price is zero; give one in a column price"):
            trade(market, "AAA240119C09000000,1,,")

    def test_a_split_without_ratio(self) -> None:
        market = world(actions=splits(("2023-12-20", "AAA", NAN)))
        with pytest.raises(InputError, match="AAA: the ratio of a split since its entry is not known"):
            trade(market, "AAA,-1,,")

    def test_contracts_adjusted_by_a_split_can_only_be_closed(self) -> None:
        market = world(ledger(position(CALL, 5, 4.0, "2023-12-01")), splits(("2023-12-20", "AAA", 2.0)))
        assert trade(market, f"{CALL},-10,,").fills["held_after"].tolist() == [0.0]
        with pytest.raises(InputError, match=f"{CALL}: the held contracts were adjusted by a split"):
            trade(market, f"{CALL},-11,,")

    @pytest.mark.parametrize(
        ("row", "column", "reason"),
        [
            ("ZZZ,1,,", "ticker", "unknown symbol ZZZ"),
            ("ZZZ240621C00100000,1,,", "ticker", "unknown underlying ZZZ"),
            ("AAA,0,,", "quantity", "zero; positive buys, negative sells"),
            ("AAA,,,", "quantity", "the quantity is missing"),
            ('AAA,"1,000",,', "quantity", "thousands separator"),
            ("AAA,1,0,", "price", "not positive; leave it empty for the close"),
            ("AAA,1,-2,", "price", "not positive"),
            ("AAA,1,$5,", "price", "currency sign"),
            ("AAA,1,,two words", "tags", "is not a tag"),
            ("AAA240231C00100000,1,,", "ticker", "not a valid option symbol"),
            ("AAA240105C00100000,1,,", "ticker", "settled on 2024-01-05"),
            ("AAA240106C00100000,1,,", "ticker", "settled on 2024-01-05"),
            ("AAA231215C00100000,1,,", "ticker", "settled on 2023-12-15"),
            ("bbb,1,,", "ticker", "same ticker as line 2; add up the quantities"),
            ("AAA,1", "", "too few fields: 2 instead of 4"),
        ],
    )
    def test_rows_are_refused_with_line_column_and_cure(self, row: str, column: str, reason: str) -> None:
        parsed = parse_trades_csv(file("BBB,5,,", row), "t.csv", DAY, ["AAA", "BBB"])
        (error,) = parsed.errors.to_dict("records")
        assert (error["line"], error["column"]) == (3, column)
        assert reason in error["reason"]
        assert parsed.trades["symbol"].tolist() == ["BBB"]

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "the file is empty; it needs a header row such as ticker,quantity"),
            ("ticker,price\nAAA,1", "missing columns: quantity"),
            ("ticker,quantity", "there is a header but no trade"),
            ("ticker,qty,quantity\nAAA,1,1", "mean the same"),
        ],
    )
    def test_files_that_cannot_be_read(self, text: str, reason: str) -> None:
        with pytest.raises(InputError, match=reason):
            parse_trades_csv(text, "t.csv", DAY, ["AAA"])


def test_an_exported_trade_list_reads_back_the_same() -> None:
    rows = ("AAA,-0.30000000000000004,101.123456789,", "BBB,1e6,,", f'{CALL},-2,3.5,"a,b"')
    parsed = parse_trades_csv(file(*rows), "t.csv", DAY, ["AAA", "BBB"])
    assert parsed.errors.empty
    again = parse_trades_csv(trades_csv(parsed.trades), "t.csv", DAY, ["AAA", "BBB"])
    pd.testing.assert_frame_equal(again.trades, parsed.trades, check_exact=True)


def test_comparison_pairs_rows_by_key_and_says_what_is_on_one_side_only() -> None:
    day = pd.Timestamp("2024-01-05")
    fixed = {"date": day, "std_error": 0.1, "n_positions": 2, "status": "ok"}
    rows = (("a", "market", 1.0, 10.0), ("b", "market", 0.5, 4.0), ("b", "value", 0.1, 1.0))
    names = ("portfolio", "factor", "beta", "exposure_usd")
    exposures = typed(FactorExposures, [{**fixed, **dict(zip(names, row, strict=True))} for row in rows])
    market = world()
    compared = compare({FactorExposures: exposures, PositionValues: market.values()}, "a", "b")
    assert set(compared["table_name"]) == {"factor_exposures"}
    found = compared.set_index(["item", "measure"])
    assert found.loc[("market", "exposure_usd"), ["today", "what_if", "change"]].tolist() == [10.0, 4.0, -6.0]
    assert found.loc[("market", "beta"), "unit"] == "as factor_betas.beta"
    only = found.loc[("value", "beta")]
    assert np.isnan(only["today"])
    assert np.isnan(only["change"])
    assert only["status"] == "today: no such row; what-if: ok"


def test_comparison_keeps_the_order_of_columns_and_the_status() -> None:
    market = world()
    today = validate(PortfolioSnapshots, market.snapshots(market.sessions[-1:]))
    other = today.assign(portfolio="other", daily_return=NAN, status="no base")
    rows = compare({PortfolioSnapshots: pd.concat([today, other])}, "book", "other")
    assert rows["measure"].tolist()[:4] == ["total_value", "cash", "gross_exposure", "net_exposure"]
    assert set(rows["status"]) == {"today: ok; what-if: no base"}
    assert (rows["item"] == "").all()
