"""Orders as FIX 4.4 NewOrderSingle messages (FIX Trading Community, FIX 4.4, volumes 1 and 4)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from sigmasight_core.errors import InputError
from sigmasight_core.what_if.orders import plain

SOH: Final = "\x01"
COMP_ID: Final = r"^[A-Za-z0-9_.:-]{1,32}$"
_SIDES: Final = {
    "BUY": "1",
    "BUY_TO_COVER": "1",
    "BUY_TO_OPEN": "1",
    "BUY_TO_CLOSE": "1",
    "SELL": "2",
    "SELL_TO_OPEN": "2",
    "SELL_TO_CLOSE": "2",
    "SELL_SHORT": "5",
}

Field = tuple[int, str]


@dataclass(frozen=True)
class FixSession:
    """Who sends to whom.

    :param sender: SenderCompID (49). :param target: TargetCompID (56).
    :param first_number: MsgSeqNum (34) of the first message.
    """

    sender: str
    target: str
    first_number: int = 1


def new_orders(made: pd.DataFrame, session: FixSession, sent: pd.Timestamp) -> str:
    """One NewOrderSingle an order, each after the other, as they go over the wire.

    :param made: from `orders.orders`. :param sent: SendingTime and TransactTime; with a time zone.
    :raises InputError: on a comp id that FIX cannot carry, or a time without a zone.
    """
    for name in (session.sender, session.target):
        if not re.match(COMP_ID, name):
            raise InputError(f"comp id {name[:40]!r}: 1 to 32 letters, digits, '_', '.', ':', '-'")
    if sent.tzinfo is None:
        raise InputError("the time of sending has no time zone: give one, such as UTC")
    at = sent.tz_convert("UTC").strftime("%Y%m%d-%H:%M:%S.%f")[:-3]
    return "".join(
        message(
            "D",
            [
                (49, session.sender),
                (56, session.target),
                (34, str(number)),
                (52, at),
                *_order(order, at),
            ],
        )
        for number, order in enumerate(_records(made), session.first_number)
    )


def _records(made: pd.DataFrame) -> list[dict[str, object]]:
    return [{str(name): cell for name, cell in row.items()} for row in made.to_dict("records")]


def message(kind: str, fields: Iterable[Field]) -> str:
    """A message with its length and its sum.

    BodyLength (9): bytes from 35 to the separator before 10. CheckSum (10): sum of all before it, modulo 256.
    """
    body = "".join(f"{tag}={text}{SOH}" for tag, text in [(35, kind), *fields])
    whole = f"8=FIX.4.4{SOH}9={len(body.encode('ascii'))}{SOH}{body}"
    return f"{whole}10={sum(whole.encode('ascii')) % 256:03d}{SOH}"


def _order(order: dict[str, object], at: str) -> list[Field]:
    """Fields of one order: ClOrdID, instrument, side, time, quantity, market, for the day."""
    option = order["asset_class"] == "OPTION"
    return [
        (11, str(order["client_order_id"])),
        (55, str(order["underlying"])),
        *(_contract(order) if option else [(167, "CS")]),
        (54, _SIDES[str(order["action"])]),
        (60, at),
        (38, plain(float(str(order["quantity"])))),
        (40, "1"),
        (15, "USD"),
        (59, "0"),
        *([(77, "O" if order["opens"] else "C")] if option else []),
    ]


def _contract(order: dict[str, object]) -> list[Field]:
    """What is ordered: PutOrCall (201) is of other versions, which many read beside CFICode (461).

    The code (ISO 10962) says option, call or put, and X for each of four attributes that it leaves open.
    """
    expiry, call = pd.Timestamp(str(order["expiry_date"])), order["put_or_call"] == "CALL"
    return [
        (461, "OCXXXX" if call else "OPXXXX"),
        (167, "OPT"),
        (200, expiry.strftime("%Y%m")),
        (541, expiry.strftime("%Y%m%d")),
        (201, "1" if call else "0"),
        (202, plain(float(str(order["strike"])))),
        (231, "100"),
    ]
