"""Reading of the example files, and of changed ones."""

from functools import cache

import pandas as pd

from sigmasight_core.account.positions_file import positions_of
from sigmasight_core.brokers.history import Facts, History, read_history
from sigmasight_core.brokers.presets.rules import Preset
from sigmasight_core.tables import CorporateActions
from sigmasight_dagster.ledger.presets import shipped
from sigmasight_dagster_tests.conftest import REPOSITORY

FOLDER = REPOSITORY / "examples" / "brokers"
TODAY = pd.Timestamp("2022-12-28")


@cache
def presets() -> dict[str, Preset]:
    return shipped()


def example(name: str) -> str:
    return (FOLDER / f"{name}.csv").read_text(encoding="utf-8")


@cache
def history_of(name: str) -> History:
    return read(example(name), name)


def changed(name: str, *changes: tuple[str, str]) -> str:
    """An example with texts replaced, each of which it has."""
    text = example(name)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def read(text: str, preset: Preset | str) -> History:
    rules = presets()[preset] if isinstance(preset, str) else preset
    return read_history(text, "file.csv", "book", rules, Facts(TODAY))


def held(history: History) -> dict[str, float]:
    """Open quantities by symbol, negative = short."""
    columns = CorporateActions.to_schema().columns
    actions = pd.DataFrame({name: pd.Series(dtype=str(column.dtype)) for name, column in columns.items()})
    lots = positions_of(history.transactions, corporate_actions=actions)
    still = lots[lots["exit_date"].isna()]
    return still.groupby("symbol")["quantity"].sum().to_dict()


def refusals(history: History) -> list[tuple[int, str, str]]:
    """Line, column and value of everything that is refused."""
    errors = history.errors
    return list(zip(errors["line"], errors["column"], errors["value"], strict=True))


def reason(history: History, line: int) -> str:
    """Why a line is refused, warned about, or what it was ignored for."""
    rows = history.explained[history.explained["line"] == line]
    return "; ".join(rows["reason"])
