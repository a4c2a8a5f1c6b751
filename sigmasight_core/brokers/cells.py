"""The rows of one table: where each field stands, what is taken out of texts, what may not be ignored."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from sigmasight_core.brokers.contracts import occ_symbols
from sigmasight_core.brokers.formats import plain_numbers
from sigmasight_core.brokers.layout import Part
from sigmasight_core.brokers.presets.rules import FIELDS, OPTION_PARTS, Preset, column_key
from sigmasight_core.ledger import side_words as words
from sigmasight_core.ledger.csv_fields import Report
from sigmasight_core.ledger.csv_rows import plain_name

SUMMED: Final = ("fees",)
EVERY: Final = ("currency",)
_MEANING: Final = (
    words.DIRECTION
    | words.SIZE
    | words.CURRENCY
    | words.RATE
    | words.MULTIPLIER
    | words.UNIT
    | words.PRICE_UNIT
) | (
    words.RIGHT | words.STRIKE | words.EXPIRY | words.UNDERLYING | words.STATUS | words.EFFECT | words.FACTOR
)
_MEANING_PARTS: Final = (
    "fee",
    "commission",
    "tax",
    "charge",
    "currency",
    "rate",
    "account",
    "withh",
    "cancel",
)


@dataclass(frozen=True)
class Cells:
    """The texts of one table.

    :param columns: `line` and every column of the file under its key.
    :param texts: `line` and every field as text, empty where the table has no such column; of `fees` and
        `currency` the columns in their order as `fees`, `fees.1` and so on.
    :param names: column of the file by field, for messages.
    """

    part: Part
    columns: pd.DataFrame
    texts: pd.DataFrame
    names: Mapping[str, str]

    def places(self, field: str) -> list[str]:
        """Columns of `texts` that hold a field."""
        return [name for name in map(str, self.texts) if name == field or name.startswith(f"{field}.")]

    def refuse(
        self, report: Report, bad: "pd.Series[bool]", field: str, reason: "str | pd.Series[str]"
    ) -> None:
        """Refuse rows for what a field holds, under the name of its column."""
        report.refuse(bad, self.shown(field), self.names.get(field, field), reason)

    def warn(
        self, report: Report, odd: "pd.Series[bool]", field: str, reason: "str | pd.Series[str]"
    ) -> None:
        """Keep rows, and say what is odd in a field."""
        report.warn(odd, self.shown(field), self.names.get(field, field), reason)

    def shown(self, field: str) -> pd.DataFrame:
        """`line` and the texts of a field under the name of its column."""
        values = self.texts.get(field, pd.Series("", index=self.texts.index, dtype="str"))
        return pd.DataFrame({"line": self.texts["line"], self.names.get(field, field): values})


def cells_of(part: Part, columns: pd.DataFrame, preset: Preset, report: Report) -> Cells:
    """Fields of a table's rows, options as OCC symbols, own names as tickers; what is unknown is refused.

    :param columns: those rows of `Part.frame` that are read.
    """
    if preset.blanks:
        blanks = columns.isin(preset.blanks) & (columns.columns != "line")
        columns = columns.mask(blanks, "")
    texts, names = pd.DataFrame({"line": columns["line"]}), {}
    for field in FIELDS:
        found = [name for name in part.rules.fields.get(field, ()) if column_key(name) in columns]
        for number, name in enumerate(found if field in (*SUMMED, *EVERY) else found[:1]):
            place = field if number == 0 else f"{field}.{number}"
            texts[place], names[place] = columns[column_key(name)], name
        if not found:
            texts[field] = pd.Series("", index=columns.index, dtype="str")
    parts = _extracted(part, columns, texts, names)
    cells = Cells(part, columns, texts, names)
    parts["strike"] = plain_numbers(parts["strike"].fillna(""), preset.numbers).where(parts["strike"].notna())
    column = names.get("symbol", "symbol")
    options = occ_symbols(parts, cells.shown("symbol"), column, report)
    own = texts["symbol"].map(dict(preset.symbols))
    texts["symbol"] = options.fillna(own.astype("str")).fillna(texts["symbol"])
    _check_must(cells, report)
    _check_unknown(cells, report)
    return cells


def _extracted(part: Part, columns: pd.DataFrame, texts: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Put what stands in texts into the fields; returns the parts of options.

    The first pattern that fits a row counts, for each field.
    """
    parts = pd.DataFrame({name: pd.Series(None, index=columns.index, dtype="str") for name in OPTION_PARTS})
    filled: dict[str, pd.Series[bool]] = {}
    for rule in part.rules.extract:
        key = column_key(rule.column)
        if key not in columns or columns.empty:
            continue
        found = columns[key].str.extract(rule.pattern, expand=True)
        fits = columns[key].str.fullmatch(rule.pattern)
        for name in rule.pattern.groupindex:
            value = found[name].str.strip()
            target = parts if name in OPTION_PARTS else texts
            free = fits & value.notna() & ~filled.get(name, pd.Series(False, index=columns.index))
            if name in OPTION_PARTS:
                names.setdefault("symbol", rule.column)
            else:
                names.setdefault(name, rule.column)
            target[name] = target[name].mask(free, value)
            filled[name] = filled.get(name, free) | free
    return parts


def _check_must(cells: Cells, report: Report) -> None:
    for rule in cells.part.rules.must:
        key = column_key(rule.column)
        if key in cells.columns:
            values = cells.columns[key]
            shown = pd.DataFrame({"line": cells.columns["line"], rule.column: values})
            report.refuse(~values.str.fullmatch(rule.pattern), shown, rule.column, rule.reason)


def _check_unknown(cells: Cells, report: Report) -> None:
    """A column that the preset does not know: refused where it can change the meaning, else told once."""
    known, unused = cells.part.rules.columns(), []
    for name in cells.part.names:
        key = column_key(name)
        values = cells.columns[key]
        if key in known or (values == "").all():
            continue
        first = _first_of(key)
        if first in known:
            other = pd.DataFrame({"line": cells.columns["line"], name: values})
            said = "the column is there twice, with two values; remove one of them"
            report.refuse(values != cells.columns[first], other, name, said)
            continue
        if not _means(name):
            unused.append(name)
            continue
        shown = pd.DataFrame({"line": cells.columns["line"], name: values})
        zero = values.str.fullmatch(r"[-+]?0*\.?0*")
        reason = (
            "this column can change what the row means, and the preset does not know it; name it in the "
            "preset as a field, in 'must', or as unused"
        )
        report.refuse((values != "") & ~zero, shown, name, reason)
    if unused:
        header = pd.DataFrame({"line": [cells.part.header_line], ", ".join(unused): [""]})
        report.warn(
            pd.Series([True]), header, header.columns[1], "not used: these columns change nothing here"
        )


def _first_of(key: str) -> str:
    """Of a column that is there twice, the key of the first."""
    return re.sub(r" \(\d+\)$", "", key)


def _means(name: str) -> bool:
    plain = plain_name(name)
    return plain in _MEANING or any(part in plain for part in _MEANING_PARTS)
