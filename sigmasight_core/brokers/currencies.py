"""What holds of a file as a whole: one currency, one account."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from sigmasight_core.brokers.cells import Cells
from sigmasight_core.brokers.presets.rules import Preset
from sigmasight_core.errors import InputError
from sigmasight_core.ledger.csv_fields import Report
from sigmasight_core.ledger.side_words import DOLLARS, plain_word

_SHOWN: Final = 3


def check_whole(cells: Sequence[Cells], preset: Preset, source: str) -> None:
    """:raises InputError: for a file with two currencies, another than USD, or two accounts, all named."""
    found = pd.concat(
        [_said(part, "currency") for part in cells] or [pd.DataFrame(columns=["line", "value"])]
    )
    stated = [preset.currency] if preset.currency else []
    _one_currency(found.assign(value=found["value"].map(plain_word)), stated, source)
    accounts = pd.concat([_said(part, "account") for part in cells])
    if len(accounts["value"].unique()) > 1:
        raise InputError(
            f"{source}: two accounts in one file: {_places(accounts)}; export them one by one, each is a "
            "portfolio of its own. Nothing is imported"
        )


def refuse_unsaid(cells: Cells, preset: Preset, report: Report) -> None:
    """Rows of which neither a column nor the preset says the currency."""
    if preset.currency:
        return
    texts = cells.texts[cells.places("currency")]
    cells.refuse(report, (texts == "").all(axis=1), "currency", "no currency; correct it, or write USD")


def _said(cells: Cells, field: str) -> pd.DataFrame:
    """Line and text of every value of a field that is not blank."""
    values = [
        pd.DataFrame({"line": cells.texts["line"], "value": cells.texts[place]})
        for place in cells.places(field)
    ]
    found = pd.concat(values)
    return found[found["value"] != ""].drop_duplicates()


def _one_currency(found: pd.DataFrame, stated: list[str], source: str) -> None:
    known = {"USD" if word in DOLLARS else word for word in (*found["value"].unique(), *stated)}
    if len(known) > 1:
        raise InputError(
            f"{source}: two currencies in one file: {_places(found, stated)}; only accounts in USD are "
            "supported: export the rows in USD alone. Nothing is imported"
        )
    if known - {"USD"}:
        where = _places(found, stated)
        raise InputError(
            f"{source}: the amounts are in another currency than USD: {where}; only accounts in USD are "
            "supported. Nothing is imported"
        )


def _places(found: pd.DataFrame, stated: Sequence[str] = ()) -> str:
    """Each value with the first lines that have it."""
    texts = [f"{word} (the preset)" for word in stated]
    for value, lines in found.sort_values("line").groupby("value", sort=False)["line"]:
        first = ", ".join(map(str, lines.unique()[:_SHOWN]))
        more = " and more" if lines.nunique() > _SHOWN else ""
        texts.append(f"{value} (line {first}{more})")
    return ", ".join(texts)
