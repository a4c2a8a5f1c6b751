"""What each row is, by the first rule of its table that fits; a row that none fits is refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from sigmasight_core.brokers.cells import Cells
from sigmasight_core.brokers.layout import Part
from sigmasight_core.brokers.presets.rules import RowRule, column_key
from sigmasight_core.ledger.csv_fields import Report

SPLIT: Final = "splits come with the market data"
"""Why presets ignore rows of splits; whether those know them is asked where a history is stored."""
_NONE: Final = -1
_SHOWN: Final = 60


@dataclass(frozen=True)
class Sorted:
    """The rows of a table that are read, and the number of the rule of each; `ignored`: line and reason.

    `splits`: those of the ignored rows that say that shares were split.
    """

    columns: pd.DataFrame
    rule: "pd.Series[int]"
    ignored: list[tuple[int, str]]
    splits: pd.DataFrame


@dataclass(frozen=True)
class Kinds:
    """Of each row: its kind, what it cancels (each empty = none), and whether its price is in its amount."""

    kind: "pd.Series[str]"
    cancels: "pd.Series[str]"
    price_from_amount: "pd.Series[bool]"


def sorted_rows(part: Part, report: Report) -> Sorted:
    """The rule of every row; rows that are ignored go out, rows that are refused too, into the report."""
    columns, rules = part.frame(), part.rules.rows
    number = pd.Series(_NONE, index=columns.index)
    for place, rule in enumerate(rules):
        number = number.mask((number == _NONE) & _fits(rule, columns), place)
    _refuse(number, columns, part, report)
    ignored = number.isin([place for place, rule in enumerate(rules) if rule.ignore])
    refused = number.isin([_NONE, *(place for place, rule in enumerate(rules) if rule.refuse)])
    reasons = [
        (line, rules[at].ignore) for line, at in zip(columns["line"][ignored], number[ignored], strict=True)
    ]
    read = ~ignored & ~refused
    split = number.isin([place for place, rule in enumerate(rules) if rule.ignore == SPLIT])
    return Sorted(
        columns[read].reset_index(drop=True),
        number[read].reset_index(drop=True),
        reasons,
        columns[split].reset_index(drop=True),
    )


def kinds_of(cells: Cells, rule: "pd.Series[int]", numbers: pd.DataFrame, report: Report) -> Kinds:
    """The kind of each row; where its rule goes by a sign, of the number that it names.

    :param numbers: the fields of NUMBERS.
    """
    rules: Sequence[RowRule] = cells.part.rules.rows
    kind = rule.map({place: row.kind for place, row in enumerate(rules)}).astype("str")
    for place, row in enumerate(rules):
        if row.by_sign is not None:
            of, positive, negative = row.by_sign
            value, fits = numbers[of].where(rule == place), rule == place
            kind = kind.mask(value > 0, positive).mask(value < 0, negative)
            known = ~cells.texts["line"].isin(report.refused_lines())
            unclear = f"says whether it is {positive} or {negative}, and is 0 or missing; correct it"
            cells.refuse(report, fits & known & ~(value.abs() > 0), of, unclear)
    return Kinds(
        kind,
        rule.map({place: row.cancels for place, row in enumerate(rules)}).astype("str"),
        rule.isin([place for place, row in enumerate(rules) if row.price_from_amount]),
    )


def _fits(rule: RowRule, columns: pd.DataFrame) -> "pd.Series[bool]":
    fits = pd.Series(True, index=columns.index)
    for name, pattern in rule.when:
        key = column_key(name)
        if key in columns:
            fits &= columns[key].str.fullmatch(pattern).astype(bool)
        elif not pattern.fullmatch(""):
            fits &= False
    return fits


def _refuse(number: "pd.Series[int]", columns: pd.DataFrame, part: Part, report: Report) -> None:
    """Rows that a rule refuses, and rows that none fits."""
    rules = part.rules.rows
    reasons = {place: rule.refuse for place, rule in enumerate(rules) if rule.refuse}
    names = [name for rule in rules for name, _ in rule.when if column_key(name) in columns]
    name = names[0] if names else part.names[0]
    shown = pd.DataFrame({"line": columns["line"], name: columns[column_key(name)]})
    unknown = f"no rule of table {part.rules.name} says what '" + shown[name].str.slice(0, _SHOWN)
    unknown += "' is; add one to a preset of your own, or leave the row out"
    reason = number.map(reasons).astype("str").mask(number == _NONE, unknown)
    report.refuse(reason.notna(), shown, name, reason)
