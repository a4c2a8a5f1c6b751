"""Orders and FIX messages, against the definition and against messages that others publish."""

import io

import pandas as pd
import pytest

from sigmasight_core.errors import InputError
from sigmasight_core.what_if.fix_messages import SOH, FixSession, message, new_orders
from sigmasight_core.what_if.orders import broker_csv, orders

CALL, PUT = "XOM230120C00110000", "BBY230317P00070500"
SENT = pd.Timestamp("2022-12-16 16:30:01.25", tz="America/New_York")


def trades(*rows: tuple[str, float, float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["symbol", "quantity", "held_before"])


def fields(text: str) -> list[list[tuple[str, str]]]:
    """Tags and values of each message, read as a receiver does."""
    found: list[list[tuple[str, str]]] = []
    for pair in text.split(SOH)[:-1]:
        tag, _, value = pair.partition("=")
        if tag == "8":
            found.append([])
        found[-1].append((tag, value))
    return found


@pytest.mark.parametrize(
    "published",
    [
        "8=FIX.4.4|9=134|35=D|34=4|49=CLIENT_1|52=20260408-20:34:22|56=SERVER|11=ORD-1775680462350-830df5|21=1"
        "|38=100|40=1|54=1|55=EURUSD|60=20260408-20:34:22|10=212|",
        "8=FIX.4.4|9=126|35=A|49=theBroker.12345|56=CSERVER|34=1|52=20170117-08:03:04|57=TRADE|50=any_string"
        "|98=0|108=30|141=Y|553=12345|554=passw0rd!|10=131|",
    ],
)
def test_length_and_sum_are_those_of_published_messages(published: str) -> None:
    (given,) = fields(published.replace("|", SOH))
    made = message(given[2][1], [(int(tag), value) for tag, value in given[3:-1]])
    assert made.replace(SOH, "|") == published


def test_each_trade_is_on_the_side_that_what_is_held_says() -> None:
    made = orders(
        trades(
            ("KO", 10, 0), ("KO", 10, 5), ("JPM", -4, 10), ("AAPL", -25, 18), ("TSLA", 30, -12),
            ("WMT", -7, -1), (CALL, 10, 0), (PUT, -3, 1), (PUT, 2, -2),
        ),
        "idea",
    )  # fmt: skip
    assert list(zip(made["symbol"], made["action"], made["quantity"], strict=True)) == [
        ("KO", "BUY", 10), ("KO", "BUY", 10), ("JPM", "SELL", 4),
        ("AAPL", "SELL", 18), ("AAPL", "SELL_SHORT", 7),
        ("TSLA", "BUY_TO_COVER", 12), ("TSLA", "BUY", 18),
        ("WMT", "SELL_SHORT", 7), (CALL, "BUY_TO_OPEN", 10),
        (PUT, "SELL_TO_CLOSE", 1), (PUT, "SELL_TO_OPEN", 2), (PUT, "BUY_TO_CLOSE", 2),
    ]  # fmt: skip
    assert made["client_order_id"].tolist() == [f"idea-{number}" for number in range(1, 13)]
    whole = made.groupby("symbol")["quantity"].sum()
    assert (whole["AAPL"], whole["TSLA"]) == (25, 30)


def test_a_message_is_read_back_as_the_order() -> None:
    made = orders(trades(("BRK.B", -2.5, 1), (PUT, -3, 0)), "idea")
    text = new_orders(made, FixSession("FUND", "BROKER", 7), SENT)
    read = [dict(one) for one in fields(text)]
    assert [one["34"] for one in read] == ["7", "8", "9"]
    assert [(one["55"], one["54"], one["38"]) for one in read] == [
        ("BRK.B", "2", "1"), ("BRK.B", "5", "1.5"), ("BBY", "2", "3")
    ]  # fmt: skip
    common = {"8": "FIX.4.4", "35": "D", "49": "FUND", "56": "BROKER", "40": "1", "59": "0"}
    sent = {"52": "20221216-21:30:01.250", "60": "20221216-21:30:01.250"}
    option = {
        "167": "OPT",
        "200": "202303",
        "541": "20230317",
        "201": "0",
        "202": "70.5",
        "231": "100",
        "77": "O",
    }
    assert all((common | sent).items() <= one.items() for one in read)
    assert option.items() <= read[2].items()
    assert not {"201", "202", "77"} & read[0].keys()
    for one, order in zip(text.split(f"8=FIX.4.4{SOH}")[1:], fields(text), strict=True):
        assert [tag for tag, _ in order[:3]] == ["8", "9", "35"]
        raw = f"8=FIX.4.4{SOH}{one}"
        start, end = raw.index("35="), raw.index(f"{SOH}10=") + 1
        assert int(order[1][1]) == end - start
        assert order[-1] == ("10", f"{sum(raw[:end].encode()) % 256:03d}")


def test_the_brokers_file_has_an_order_a_line() -> None:
    text = broker_csv(orders(trades(("KO", 0.1 + 0.2, 0), (CALL, 2, 0)), "x"))
    read = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False).to_dict("records")
    assert read[0] == {
        "action": "BUY", "symbol": "KO", "quantity": "0.3", "order_type": "MARKET", "time_in_force": "DAY",
        "asset_class": "STOCK", "underlying": "KO", "expiry_date": "", "strike": "", "put_or_call": "",
        "client_order_id": "x-1",
    }  # fmt: skip
    assert (read[1]["expiry_date"], read[1]["strike"], read[1]["put_or_call"]) == (
        "2023-01-20",
        "110.0",
        "CALL",
    )


@pytest.mark.parametrize("symbol", ["=CMD()", "A\x01B", "a b", "", "-KO", CALL.lower()])
def test_a_symbol_that_no_exchange_has_is_refused(symbol: str) -> None:
    with pytest.raises(InputError, match="cannot be ordered"):
        orders(trades((symbol, 1, 0)), "x")


def test_what_fix_cannot_carry_is_refused() -> None:
    made = orders(trades(("KO", 1, 0)), "x")
    with pytest.raises(InputError, match="comp id"):
        new_orders(made, FixSession(f"A{SOH}", "B"), SENT)
    with pytest.raises(InputError, match="time zone"):
        new_orders(made, FixSession("A", "B"), pd.Timestamp("2022-12-16"))
    with pytest.raises(InputError, match="part of a contract"):
        orders(trades((CALL, 1.5, 0)), "x")
