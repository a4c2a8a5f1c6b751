"""Closes that cannot be, and those that only look so: real falls, rises and volatility."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sigmasight_core.market.plausibility.limits import Limits
from sigmasight_dagster_tests.support.market_rows import actions, judged, prices, sessions, walk

N = 120


def doubted(closes: np.ndarray, **given_columns: object) -> list[int]:
    """Places of the closes that are in doubt."""
    found = judged(prices(closes, **given_columns)).doubts
    return list(sessions(len(closes)).get_indexer(found.loc[found["kind"] == "close", "date"]))


def doubts_at_each_session(closes: np.ndarray, ends: range) -> pd.DataFrame:
    """What is in doubt of the closes as known at each of these sessions, each a symbol of its own."""
    known = prices(closes)
    each = [known.iloc[:end].assign(symbol=f"TO {end}") for end in ends]
    return judged(pd.concat(each, ignore_index=True)).doubts


@pytest.mark.parametrize("factor", [100.0, 0.01, 10.0, 0.1, 1000.0, 2.0, 1 / 1.7, 1e-4])
@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("volatility", [0.01, 0.02])
def test_closes_that_leave_their_level_and_come_back(factor: float, length: int, volatility: float) -> None:
    closes = walk(N, volatility, seed=3)
    closes[60 : 60 + length] *= factor
    assert doubted(closes) == list(range(60, 60 + length))


def heavy(n: int, place: int) -> np.ndarray:
    """Volumes as usual, but on one day."""
    volume = np.full(n, 1e6)
    volume[place] = 1.2e7
    return volume


def test_the_reason_names_the_values_and_the_unit() -> None:
    closes = np.full(N, 50.0)
    closes[60] = 5000.0
    (row,) = judged(prices(closes)).doubts.to_dict("records")
    assert (row["symbol"], row["kind"], row["value"], row["source"]) == ("AAA", "close", 5000.0, "test")
    assert row["held_against"] == pytest.approx(50.0)
    assert row["reason"].startswith("100 times the closes before and after, and comes back (cents or pence")


def test_two_bad_closes_one_up_and_one_down() -> None:
    closes = walk(N, 0.015, seed=4)
    closes[60] *= 100
    closes[61] /= 100
    assert doubted(closes) == [60, 61]


def test_a_bad_close_and_a_good_one_in_turn() -> None:
    closes = walk(N, 0.015, seed=5)
    closes[[50, 52, 54]] *= 10
    assert doubted(closes) == [50, 52, 54]


def test_a_bad_close_on_the_first_session() -> None:
    closes = walk(N, 0.015, seed=6)
    closes[0] *= 100
    assert doubted(closes) == [0]


def test_a_bad_close_beside_a_split() -> None:
    closes = walk(N, 0.015, seed=7, start=400)
    closes[60:] /= 4
    closes[60] *= 100
    told = actions((str(sessions(N)[60].date()), "AAA", "split", 4.0))
    found = judged(prices(closes, adjusted_close=closes), told).doubts
    assert found.loc[found["kind"] == "close", "date"].tolist() == [sessions(N)[60]]
    assert "split" not in set(found["kind"])


@pytest.mark.parametrize("symbols", [1, 40])
def test_each_symbol_is_held_against_itself(symbols: int) -> None:
    rows = pd.concat(
        [
            prices(
                walk(N, 0.02, seed),
                f"S{seed}",
            )
            for seed in range(symbols)
        ],
        ignore_index=True,
    )
    at = rows.index[(rows["symbol"] == "S0") & (rows["date"] == sessions(N)[70])]
    rows.loc[at, ["close", "adjusted_close"]] *= 100
    found = judged(rows.sample(frac=1, random_state=1)).doubts
    assert found[["symbol", "date", "kind"]].to_numpy().tolist() == [["S0", sessions(N)[70], "close"]]


class TestTheNewest:
    """No close on the right of it."""

    @pytest.mark.parametrize("factor", [100.0, 0.01, 2.5, 0.3])
    def test_is_doubted_when_its_jump_is_extreme(self, factor: float) -> None:
        closes = walk(N, 0.015, seed=8)
        closes[-1] *= factor
        assert doubted(closes) == [N - 1]

    @pytest.mark.parametrize("factor", [2.6, 0.29, 1.9])
    def test_is_confirmed_by_the_next_close_on_heavy_volume(self, factor: float) -> None:
        closes = walk(N, 0.015, seed=8)
        closes[-2:] *= factor
        assert doubted(closes, volume=heavy(N, N - 2)) == []

    @pytest.mark.parametrize("factor", [2.6, 0.29, 2.27, 4.4, 0.44])
    @pytest.mark.parametrize("volume", [np.nan, 1e6])
    def test_stays_in_doubt_where_no_volume_says_that_the_market_moved(
        self, factor: float, volume: float
    ) -> None:
        closes = walk(N, 0.015, seed=8)
        closes[-30:] *= factor
        assert doubted(closes, volume=np.full(N, volume)) == list(range(N - 30, N))

    @pytest.mark.parametrize("before", [0, 3, 4])
    def test_a_listing_of_days_is_no_history(self, before: int) -> None:
        closes = walk(N, 0.015, seed=8)
        closes[:before] *= 2.7
        assert doubted(closes) == []

    @pytest.mark.parametrize(("later", "wild"), [(0.002, False), (0.05, True), (0.09, True)])
    def test_a_share_that_is_wilder_since_has_moved(self, later: float, wild: bool) -> None:
        steps = np.random.default_rng(3).normal(0, 0.002, N)
        steps[-30:] = np.random.default_rng(4).normal(0, later, 30)
        steps[-30] = np.log(2.45)
        found = doubted(20 * np.exp(np.cumsum(steps)))
        assert found == ([] if wild else list(range(N - 30, N)))

    @pytest.mark.parametrize("second", [2.5, 0.25, 0.3])
    def test_a_wrong_unit_that_becomes_another_level(self, second: float) -> None:
        closes = walk(N, 0.015, seed=8)
        closes[60:64] *= 10
        closes[64:] *= second
        assert set(range(60, 64)) <= set(doubted(closes))

    @pytest.mark.parametrize("factor", [100.0, 0.01, 37.0, 1 / 10])
    def test_a_level_without_a_cause_is_never_confirmed_by_itself(self, factor: float) -> None:
        closes = walk(N, 0.015, seed=8)
        closes[80:] *= factor
        assert doubted(closes) == list(range(80, N))

    def test_a_wrong_unit_of_weeks_ends_with_the_return(self) -> None:
        closes = walk(N, 0.015, seed=8)
        closes[60:80] *= 100
        assert doubted(closes) == list(range(60, 80))


class TestSplitsNotTold:
    @pytest.mark.parametrize("ratio", [4.0, 3.0, 20.0, 1 / 8, 1 / 10])
    def test_all_closes_since_are_doubted(self, ratio: float) -> None:
        closes = walk(N, 0.01, seed=9, start=300)
        closes[90:] /= ratio
        found = judged(prices(closes)).doubts
        assert found["date"].tolist() == list(sessions(N)[90:])
        name = f"{ratio:g}:1" if ratio > 1 else f"1:{1 / ratio:g}"
        assert all(f"looks like a {name} split that is not told" in reason for reason in found["reason"])
        told = actions((str(sessions(N)[90].date()), "AAA", "split", ratio))
        growth = closes * np.where(np.arange(N) >= 90, ratio, 1.0)
        assert judged(prices(closes, adjusted_close=growth), told).doubts.empty

    def test_the_adjusted_close_knows_of_a_small_one(self) -> None:
        adjusted = walk(N, 0.01, seed=10)
        closes = adjusted * np.where(np.arange(N) >= 90, 1.0, 1.5)
        found = judged(prices(closes, adjusted_close=adjusted)).doubts
        assert found["date"].tolist() == list(sessions(N)[90:])
        assert set(found["reason"]) == {"the adjusted close says that a 3:2 split is not told"}

    def test_a_halving_is_a_split_on_usual_volume_only(self) -> None:
        closes, volume = walk(N, 0.01, seed=11), np.full(N, 1e6)
        closes[90:] *= closes[89] / closes[90] / 1.98
        volume[90:] *= 2
        assert doubted(closes, volume=volume) == list(range(90, N))
        volume[90] = 2e7
        assert doubted(closes, volume=volume) == []

    @pytest.mark.parametrize("ratio", [2.0, 0.5])
    @pytest.mark.parametrize(("seed", "volatility"), [(11, 0.01), (22, 0.02), (33, 0.006)])
    def test_a_halving_or_doubling_without_volume_is_a_split(
        self, ratio: float, seed: int, volatility: float
    ) -> None:
        closes = walk(N, volatility, seed)
        closes[90:] /= ratio
        name = "2:1" if ratio > 1 else "1:2"
        found = judged(prices(closes)).doubts
        assert found["date"].tolist() == list(sessions(N)[90:])
        assert all(f"looks like a {name} split that is not told" in reason for reason in found["reason"])
        told = actions((str(sessions(N)[90].date()), "AAA", "split", ratio))
        assert judged(prices(closes, adjusted_close=np.full(N, np.nan)), told).doubts.empty

    @pytest.mark.parametrize("own", [0.04, -0.04, 0.03])
    def test_a_split_on_a_day_that_is_wild_itself(self, own: float) -> None:
        closes = walk(N, 0.01, seed=11)
        closes[90:] *= closes[89] / closes[90] / 2 * np.exp(own)
        assert doubted(closes, volume=np.full(N, 1e6)) == list(range(90, N))

    def test_a_fall_on_heavy_volume_is_no_split(self) -> None:
        closes, volume = walk(N, 0.01, seed=11), np.full(N, 1e6)
        closes[90:] /= 3
        assert len(doubted(closes, volume=volume)) == N - 90
        volume[90] = 6e7
        assert doubted(closes, volume=volume) == []

    @pytest.mark.parametrize(("first", "second"), [(2.0, 4.0), (3.0, 2.0), (0.1, 4.0)])
    def test_two_splits_on_sessions_that_follow(self, first: float, second: float) -> None:
        closes = walk(N, 0.01, seed=9, start=300)
        closes[89:] /= first
        closes[90:] /= second
        assert doubted(closes) == list(range(89, N))


class TestRealMoves:
    """What happened is not doubted, at no session on the way."""

    GME_2021 = [
        17.25,
        17.37,
        18.36,
        18.08,
        17.69,
        19.94,
        19.95,
        31.40,
        39.91,
        35.50,
        39.36,
        39.12,
        43.03,
        65.01,
    ]
    GME_2021 += [
        76.79,
        147.98,
        347.51,
        193.60,
        325.00,
        225.00,
        90.00,
        92.41,
        53.50,
        63.77,
        60.00,
        50.31,
        51.20,
    ]
    VIX_2018 = [
        11.04,
        11.08,
        11.11,
        13.79,
        14.79,
        14.18,
        13.54,
        13.47,
        17.31,
        37.32,
        29.98,
        27.73,
        33.46,
        29.06,
    ]

    @pytest.mark.parametrize(
        ("before", "closes"), [(0.05, GME_2021), (0.045, VIX_2018)], ids=["GME 2021", "VIX 2018"]
    )
    def test_at_each_session(self, before: float, closes: list[float]) -> None:
        calm = walk(70, before, seed=12)
        every = np.concatenate([calm / calm[-1] * closes[0], closes])
        assert doubts_at_each_session(every, range(71, len(every) + 1)).empty

    def test_at_each_session_is_as_one_session_after_the_other(self) -> None:
        closes = walk(80, 0.02, seed=12)
        closes[[71, 72, 75, 78]] *= [100, 2.3, 0.4, 3.0]
        ends = range(72, 81, 3)
        found = doubts_at_each_session(closes, ends)
        places = sessions(len(closes)).get_indexer(found["date"])
        for end in ends:
            assert list(places[found["symbol"] == f"TO {end}"]) == doubted(closes[:end])
        assert not found.empty

    @pytest.mark.parametrize("fall", [0.45, 0.51, 0.78])
    def test_a_fall_that_stays(self, fall: float) -> None:
        closes = walk(N, 0.03, seed=13)
        closes[60:] *= 1 - fall
        if fall < 0.6:
            assert doubted(closes[:61], volume=heavy(61, 60)) in ([], [60])
        assert doubted(closes[:62], volume=heavy(62, 60)) == []
        assert doubted(closes, volume=heavy(N, 60)) == []

    def test_a_quiet_share_that_jumps_and_is_wild_after(self) -> None:
        steps = np.random.default_rng(14).normal(0, 0.001, N)
        steps[80], steps[81] = np.log(4.57), np.log(2.07)
        steps[82:] = np.random.default_rng(15).normal(0, 0.09, N - 82)
        assert doubted(9.96 * np.exp(np.cumsum(steps))) == []


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), volatility=st.floats(0.02, 0.04))
def test_moves_below_the_thresholds_are_never_doubted(seed: int, volatility: float) -> None:
    limits = Limits()
    steps = np.diff(np.log(walk(400, volatility, seed)), prepend=np.log(50.0))
    closes = 50 * np.exp(np.cumsum(np.clip(steps, -np.log(1.49), np.log(1.49))))
    found = judged(prices(closes)).doubts
    assert found.empty or (found["value"] / found["held_against"]).apply(np.log).abs().min() >= np.log(
        limits.print_factor
    )


@settings(max_examples=20)
@given(
    seed=st.integers(0, 10_000),
    volatility=st.floats(0.02, 0.04),
    place=st.integers(0, 199),
    factor=st.sampled_from([100.0, 0.01]),
)
def test_a_print_in_another_unit_is_always_doubted(
    seed: int, volatility: float, place: int, factor: float
) -> None:
    closes = walk(200, volatility, seed)
    closes[place] *= factor
    assert place in doubted(closes)


class TestConfirmedOrSeenElsewhere:
    def confirmed(self, place: int) -> pd.DataFrame:
        cells = {"table_name": ["daily_prices"], "date": [sessions(N)[place]], "symbol": ["AAA"]}
        return pd.DataFrame({**cells, "kind": ["close"]})

    def test_a_spike_that_a_user_confirms(self) -> None:
        closes = walk(N, 0.02, seed=16)
        closes[60] *= 3
        assert judged(prices(closes), confirmed=self.confirmed(60)).doubts.empty
        assert judged(prices(closes[:62]), confirmed=self.confirmed(60)).doubts.empty

    def test_a_level_that_a_user_confirms_holds_for_what_follows(self) -> None:
        closes = walk(N, 0.02, seed=16)
        closes[60:] *= 20
        assert judged(prices(closes), confirmed=self.confirmed(60)).doubts.empty

    @pytest.mark.parametrize(("other", "doubts"), [(1.001, 0), (0.01, 1), (np.nan, 1)])
    def test_a_second_source(self, other: float, doubts: int) -> None:
        closes = walk(N, 0.02, seed=17)
        closes[60] *= 100
        said = pd.DataFrame({"date": [sessions(N)[60]], "symbol": "AAA", "close": closes[60] * other})
        assert len(judged(prices(closes), others=said).doubts) == doubts


class TestVolumes:
    def test_a_close_that_is_the_volume(self) -> None:
        closes, volume = walk(N, 0.02, seed=18), np.full(N, 2_500_000.0)
        closes[60] = volume[60]
        found = judged(prices(closes, volume=volume)).doubts
        assert found["reason"].tolist() == ["equals the volume of its day"]

    def test_a_column_of_volumes(self) -> None:
        volume = np.random.default_rng(19).uniform(1e6, 3e6, N)
        assert doubted(volume, volume=volume) == list(range(N))

    def test_a_close_that_happens_to_be_the_volume(self) -> None:
        closes = np.round(walk(N, 0.02, seed=20))
        assert doubted(closes, volume=closes.copy()[::-1]) == []


def test_marks_carried_prices_and_rows_without_a_close_are_not_judged() -> None:
    closes = walk(N, 0.02, seed=21)
    closes[60] *= 100
    assert judged(prices(closes).assign(source="marks: mine.csv")).doubts.empty
    assert judged(prices(closes).assign(price_date=pd.Timestamp("2020-12-31"))).doubts.empty
    gaps = prices(closes).assign(close=np.nan, adjusted_close=np.nan)
    assert judged(gaps).doubts.empty
    assert judged(prices(closes).iloc[:0]).doubts.empty
