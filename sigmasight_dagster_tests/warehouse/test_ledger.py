"""Registering, replacing and removing portfolios."""

import json

import pandas as pd
import pytest

from sigmasight_core.errors import DataQualityError, InputError
from sigmasight_core.tables import FactorExposures, Portfolios, Positions, validate
from sigmasight_dagster.warehouse import UpstreamNotPublished, Warehouse
from sigmasight_dagster_tests.support.stored_rows import DATES, random_rows, sql, stamp

REGISTERED = {"portfolio": "a", "cash": 1000.10, "source": "a.csv"}


def ledger(portfolio: str = "a", **changes: object) -> pd.DataFrame:
    rows = {
        "portfolio": portfolio,
        "position_id": ["AAPL@2024-01-02", "AAPL240621C00190000@2024-03-01"],
        "symbol": ["AAPL", "AAPL240621C00190000"],
        "underlying": "AAPL",
        "position_type": ["LONG", "SC"],
        "quantity": [0.1 + 0.2, -3.0],
        "multiplier": [1, 100],
        "entry_price": [185.64, 1 / 3],
        "entry_date": pd.to_datetime(["2024-01-02", "2024-03-01"]),
        "exit_price": [190.5, float("nan")],
        "exit_date": pd.to_datetime(["2024-05-01", None]),
        "expiry_date": pd.to_datetime([None, "2024-06-21"]),
        "strike": [float("nan"), 190.0],
        "tags": ["O'Neil, core", ""],
        "notes": ['said "O\'Neil"', None],
    }
    return validate(Positions, pd.DataFrame({**rows, **changes}))


def test_created_then_unchanged(url: str, warehouse: Warehouse) -> None:
    assert warehouse.save_portfolio(REGISTERED, ledger(), stamp("first")) == "created"
    elsewhere = {**REGISTERED, "source": "copy.csv"}
    assert warehouse.save_portfolio(elsewhere, ledger()[::-1], stamp("second")) == "unchanged"
    assert (
        warehouse.save_portfolio(pd.Series(REGISTERED), ledger(), stamp("third"), replace=True) == "unchanged"
    )
    assert sql(url, "SELECT DISTINCT run_id FROM sigmasight.positions") == [("first",)]


def test_reads_have_the_dtypes_and_values_of_the_row_models(warehouse: Warehouse) -> None:
    warehouse.save_portfolio({**REGISTERED, "portfolio": "b"}, ledger("b"), stamp())
    warehouse.save_portfolio(REGISTERED, ledger(), stamp())
    both = pd.concat([ledger(), ledger("b")], ignore_index=True)
    pd.testing.assert_frame_equal(warehouse.positions(), both, check_exact=True)
    pd.testing.assert_frame_equal(warehouse.positions(["b"]), ledger("b"), check_exact=True)
    assert warehouse.positions([]).empty
    expected = pd.DataFrame([REGISTERED, {**REGISTERED, "portfolio": "b"}])
    unsaid = dict.fromkeys(("margin", "lots", "settlement", "benchmark"))
    pd.testing.assert_frame_equal(warehouse.portfolios(), validate(Portfolios, expected.assign(**unsaid)))


def test_what_a_user_typed_is_stored_exactly(url: str, warehouse: Warehouse) -> None:
    warehouse.save_portfolio(REGISTERED, ledger(), stamp())
    typed = sql(
        url, "SELECT quantity::text, entry_price::text, strike::text FROM sigmasight.positions ORDER BY 3"
    )
    assert typed == [("-3", "0.3333333333333333", "190"), ("0.30000000000000004", "185.64", None)]
    assert sql(url, "SELECT cash::text FROM sigmasight.portfolios") == [("1000.1",)]


@pytest.mark.parametrize(
    ("registered", "positions", "message"),
    [
        (REGISTERED, ledger(quantity=[1.0, -3.0]), "with 1 positions that differ; use --replace"),
        (REGISTERED, ledger().iloc[:1], "with 1 positions that differ; use --replace"),
        ({**REGISTERED, "cash": 5.0}, ledger(), "with 0 positions that differ and another cash balance"),
    ],
)
def test_a_changed_ledger_needs_replace(
    warehouse: Warehouse, registered: dict, positions: pd.DataFrame, message: str
) -> None:
    warehouse.save_portfolio(REGISTERED, ledger(), stamp())
    with pytest.raises(InputError, match=message):
        warehouse.save_portfolio(registered, positions, stamp())
    pd.testing.assert_frame_equal(warehouse.positions(), ledger())
    assert warehouse.save_portfolio(registered, positions, stamp(), replace=True) == "replaced"
    pd.testing.assert_frame_equal(warehouse.positions(), validate(Positions, positions))
    assert list(warehouse.portfolios()["cash"]) == [registered["cash"]]


def publish(warehouse: Warehouse, *portfolios: str) -> None:
    rows = random_rows(FactorExposures, DATES, portfolios)
    warehouse.replace(FactorExposures, rows, DATES, portfolios, stamp())


def published(warehouse: Warehouse, portfolio: str) -> list[str]:
    found = warehouse.published(FactorExposures, DATES, [portfolio])["date"]
    return list(found.dt.strftime("%Y-%m-%d"))


EVERY = ["2019-12-31", "2024-02-29", "2024-07-03", "2024-12-24"]


@pytest.mark.parametrize(
    ("registered", "positions", "still"),
    [
        (REGISTERED, ledger(tags=["O'Neil, core", "new"]), EVERY[:2]),
        (REGISTERED, ledger().iloc[:1], EVERY[:1]),
        ({**REGISTERED, "cash": 0.0}, ledger(), []),
    ],
)
def test_results_of_an_older_ledger_are_no_longer_published(
    warehouse: Warehouse, registered: dict, positions: pd.DataFrame, still: list[str]
) -> None:
    for name in ("a", "b"):
        warehouse.save_portfolio({**REGISTERED, "portfolio": name}, ledger(name), stamp())
    publish(warehouse, "a", "b")
    warehouse.save_portfolio(registered, positions, stamp(), replace=True)
    assert published(warehouse, "a") == still
    assert published(warehouse, "b") == EVERY
    assert len(warehouse.read(FactorExposures)) == 40


def test_removed(url: str, warehouse: Warehouse) -> None:
    for name in ("a", "b"):
        warehouse.save_portfolio({**REGISTERED, "portfolio": name}, ledger(name), stamp())
    publish(warehouse, "a", "b")
    assert warehouse.remove_portfolio("a", stamp()) == (2, len(EVERY), 20, 0)
    assert set(warehouse.read(FactorExposures)["portfolio"]) == {"b"}
    assert list(warehouse.portfolios()["portfolio"]) == ["b"]
    pd.testing.assert_frame_equal(warehouse.positions(), ledger("b"))
    assert sql(url, "SELECT DISTINCT portfolio FROM sigmasight.factor_exposures_latest") == [("b",)]
    with pytest.raises(UpstreamNotPublished):
        warehouse.require_published(FactorExposures, DATES, ["a"])
    with pytest.raises(InputError, match="portfolio a: not registered"):
        warehouse.remove_portfolio("a", stamp())


def test_a_portfolio_is_its_owners_from_the_first_and_not_replaced_by_another(
    url: str, warehouse: Warehouse
) -> None:
    grants = "SELECT email, portfolio FROM sigmasight.user_portfolios"
    assert warehouse.save_portfolio(REGISTERED, ledger(), stamp(), owner="a@x") == "created"
    assert sql(url, grants) == [("a@x", "a")]
    for rows in (ledger(), ledger().iloc[:1]):
        with pytest.raises(InputError, match="the name a cannot be used: choose another"):
            warehouse.save_portfolio(REGISTERED, rows, stamp(), replace=True, owner="b@x")
    pd.testing.assert_frame_equal(warehouse.positions(), ledger())
    rows = ledger().iloc[:1]
    assert warehouse.save_portfolio(REGISTERED, rows, stamp(), replace=True, owner="a@x") == "replaced"
    assert warehouse.save_portfolio(REGISTERED, ledger(), stamp(), replace=True) == "replaced"
    assert sql(url, grants) == [("a@x", "a")]
    assert warehouse.remove_portfolio("a", stamp()).grants == 1
    assert warehouse.save_portfolio(REGISTERED, ledger(), stamp()) == "created"
    assert sql(url, grants) == []


def history(warehouse: Warehouse) -> list[tuple[int, str, str, str]]:
    rows = warehouse.ledger_changes("a")
    return list(zip(rows["change"], rows["position_id"], rows["action"], rows["command"], strict=True))


def test_every_change_is_in_the_history(warehouse: Warehouse) -> None:
    option, share = ledger()["position_id"]
    warehouse.save_portfolio(REGISTERED, ledger(), stamp("import"))
    warehouse.save_portfolio(REGISTERED, ledger(), stamp("the same again"), replace=True)
    other = ledger(quantity=[1.0, -3.0])
    warehouse.save_portfolio(REGISTERED, other, stamp(), replace=True, command="edit")
    warehouse.save_portfolio({**REGISTERED, "cash": 5.0}, other.iloc[1:], stamp(), replace=True)
    warehouse.remove_portfolio("a", stamp("remove"))
    warehouse.save_portfolio(REGISTERED, ledger().iloc[:0], stamp("anew"))
    assert history(warehouse) == [
        (1, "", "cash", "import"),
        (1, option, "added", "import"),
        (1, share, "added", "import"),
        (2, share, "changed", "edit"),
        (3, "", "cash", "run"),
        (3, option, "removed", "run"),
        (4, "", "cash", "remove"),
        (4, share, "removed", "remove"),
        (5, "", "cash", "anew"),
    ]
    rows = warehouse.ledger_changes("a").set_index(["change", "position_id"])
    assert json.loads(rows.loc[(2, share), "before"])["quantity"] == 0.1 + 0.2
    after = json.loads(rows.loc[(2, share), "after"])
    assert (after["quantity"], after["exit_date"], after["strike"]) == (1.0, "2024-05-01", None)
    assert (rows.loc[(3, ""), "before"], rows.loc[(3, ""), "after"]) == ('{"cash": 1000.1}', '{"cash": 5.0}')
    assert rows["before"].isna().tolist() == [True] * 3 + [False] * 5 + [True]
    assert rows["after"].isna().tolist() == [False] * 5 + [True] * 3 + [False]


def test_margin_is_kept_until_it_is_said_otherwise(warehouse: Warehouse) -> None:
    def save(**said: str) -> str:
        return warehouse.save_portfolio({**REGISTERED, **said}, ledger(), stamp(), replace=True)

    def stored() -> str:
        return str(warehouse.portfolios()["margin"].iloc[0])

    assert (save(), save(margin="no"), save(margin="yes")) == ("created", "unchanged", "replaced")
    publish(warehouse, "a")
    assert (save(), save(margin="yes"), stored()) == ("unchanged", "unchanged", "yes")
    assert warehouse.save_portfolio(REGISTERED, ledger().iloc[:1], stamp(), replace=True) == "replaced"
    assert stored() == "yes"
    assert (save(margin="no"), stored()) == ("replaced", "no")
    # who may owe has other cash on every date
    assert published(warehouse, "a") == []
    changes = warehouse.ledger_changes("a")
    assert changes.loc[changes["action"] == "cash", "after"].tolist()[1:] == [
        f'{{"cash": {REGISTERED["cash"]}, "margin": "{said}"}}' for said in ("yes", "no")
    ]


def test_settlement_is_kept_until_it_is_said_otherwise(warehouse: Warehouse) -> None:
    def save(**said: str) -> str:
        return warehouse.save_portfolio({**REGISTERED, **said}, ledger(), stamp(), replace=True)

    def stored() -> list[str]:
        return [str(text) for text in warehouse.portfolios()[["margin", "settlement"]].iloc[0]]

    assert (save(settlement="cash"), save(settlement="physical", margin="yes")) == ("created", "replaced")
    publish(warehouse, "a")
    assert (save(), save(settlement="physical"), stored()) == ("unchanged", "unchanged", ["yes", "physical"])
    assert (save(settlement="cash"), stored()) == ("replaced", ["yes", "cash"])
    assert published(warehouse, "a") == []


def test_another_benchmark_unpublishes_what_is_held_against_it(
    warehouse: Warehouse,
) -> None:
    def save(**said: str) -> str:
        return warehouse.save_portfolio({**REGISTERED, **said}, ledger(), stamp(), replace=True)

    def named() -> list[str]:
        return warehouse.ledger_symbols("a")["underlying"].tolist()

    assert (save(), save(benchmark="QQQ"), save()) == ("created", "replaced", "unchanged")
    # its prices are those of a symbol that the portfolio names, as if it were held
    assert "QQQ" in named()
    publish(warehouse, "a")
    before = published(warehouse, "a")
    assert save(benchmark="IWM") == "replaced"
    # the published table here is not held against it
    assert published(warehouse, "a") == before != []
    assert "QQQ" not in named()
    assert json.loads(warehouse.ledger_changes("a")["after"].iloc[-1])["benchmark"] == "IWM"


def test_holdings_of_a_benchmark_are_replaced_as_a_whole_and_go_with_it(warehouse: Warehouse) -> None:
    def save(*weights: float) -> str:
        rows = pd.DataFrame({"symbol": [f"H{number}" for number in range(len(weights))], "weight": weights})
        same = {
            "portfolio": "a",
            "holdings_date": pd.Timestamp("2022-01-03"),
            "sector": "",
            "benchmark": "QQQ",
        }
        rows = rows.assign(**same, source="h.csv", source_line=2)
        return warehouse.save_benchmark_holdings("a", rows, stamp(), "test")

    def held() -> list[float]:
        return warehouse.benchmark_holdings(["a"])["weight"].tolist()

    warehouse.save_portfolio({**REGISTERED, "benchmark": "QQQ"}, ledger(), stamp())
    assert (save(0.4, 0.6), save(0.4, 0.6), held()) == ("replaced", "unchanged", [0.4, 0.6])
    assert {"H0", "H1"} <= set(warehouse.ledger_symbols("a")["symbol"])
    publish(warehouse, "a")
    before = published(warehouse, "a")
    assert (save(1.0), held()) == ("replaced", [1.0])
    # the published table here is not held against them
    assert published(warehouse, "a") == before != []
    last = warehouse.ledger_changes("a")
    last = last[last["change"] == last["change"].max()]
    assert last["position_id"].tolist() == ["holding/2022-01-03/H0", "holding/2022-01-03/H1"]
    assert last["action"].tolist() == ["changed", "removed"]
    assert json.loads(last["before"].iloc[1])["weight"] == 0.6
    warehouse.save_portfolio({**REGISTERED, "benchmark": "IWM"}, ledger(), stamp(), replace=True)
    assert held() == []
    with pytest.raises(InputError, match="beside another benchmark"):
        save(1.0)


def test_a_refused_ledger_leaves_no_history(warehouse: Warehouse) -> None:
    warehouse.save_portfolio(REGISTERED, ledger(), stamp())
    stale = ledger(quantity=[9.0, -3.0])
    with pytest.raises(InputError, match="changed meanwhile; repeat the command"):
        warehouse.save_portfolio(REGISTERED, ledger().iloc[:1], stamp(), replace=True, expected=stale)
    with pytest.raises(InputError, match="--replace"):
        warehouse.save_portfolio(REGISTERED, stale, stamp())
    assert {number for number, *_ in history(warehouse)} == {1}


def test_refused_rows(warehouse: Warehouse) -> None:
    with pytest.raises(InputError, match="portfolio a: a position belongs to portfolio b"):
        warehouse.save_portfolio(REGISTERED, ledger("b"), stamp())
    with pytest.raises(DataQualityError, match=r"portfolios: .*column portfolio"):
        warehouse.save_portfolio({**REGISTERED, "portfolio": "a|b"}, ledger("ab"), stamp())
    assert warehouse.portfolios().empty


def test_a_portfolio_without_positions(warehouse: Warehouse) -> None:
    assert warehouse.save_portfolio(REGISTERED, ledger().iloc[:0], stamp()) == "created"
    assert warehouse.save_portfolio(REGISTERED, ledger().iloc[:0], stamp()) == "unchanged"
    assert warehouse.positions(["a"]).empty
    assert warehouse.remove_portfolio("a", stamp()) == (0, 0, 0, 0)
