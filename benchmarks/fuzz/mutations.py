"""Ways in which files come out wrong: one value, one column, some rows, the whole file, its encoding."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

Rng = np.random.Generator


@dataclass(frozen=True)
class Sheet:
    """A CSV file before it is written.

    :ivar prices: names of the columns with prices; `date`: of the one with the date.
    """

    header: list[str]
    rows: list[list[str]]
    prices: tuple[str, ...]
    date: str

    def place(self, name: str) -> int:
        """Position of a column."""
        return self.header.index(name)

    def text(self) -> str:
        """The file."""
        return "\n".join(",".join(row) for row in [self.header, *self.rows]) + "\n"

    def changed(self, row: int, name: str, word: Callable[[str], str]) -> "Sheet":
        """With another word in one cell."""
        rows = [list(cells) for cells in self.rows]
        rows[row][self.place(name)] = word(rows[row][self.place(name)])
        return replace(self, rows=rows)

    def mapped(self, names: tuple[str, ...], first: int, last: int, word: Callable[[str], str]) -> "Sheet":
        """With other words in columns of a run of rows."""
        rows = [list(cells) for cells in self.rows]
        for cells in rows[first:last]:
            for name in names:
                cells[self.place(name)] = word(cells[self.place(name)])
        return replace(self, rows=rows)


Mutation = Callable[[Sheet, Rng], Sheet]


def times(factor: float) -> Callable[[str], str]:
    """The number times a factor, in as many digits as people write."""
    return lambda word: f"{float(word) * factor:.10g}"


def _some_factor(rng: Rng) -> float:
    return float(rng.choice([10.0, 100.0, 1000.0, 0.1, 0.01, 0.001]))


def _row(sheet: Sheet, rng: Rng) -> int:
    return int(rng.integers(len(sheet.rows)))


def _price(sheet: Sheet, rng: Rng) -> str:
    return str(rng.choice(sheet.prices))


def one_price_by_a_factor(sheet: Sheet, rng: Rng) -> Sheet:
    """A wrong number of zeros in one cell."""
    return sheet.changed(_row(sheet, rng), _price(sheet, rng), times(_some_factor(rng)))


def one_row_by_a_factor(sheet: Sheet, rng: Rng) -> Sheet:
    """All prices of one row."""
    at = _row(sheet, rng)
    return sheet.mapped(sheet.prices, at, at + 1, times(_some_factor(rng)))


def some_rows_by_a_factor(sheet: Sheet, rng: Rng) -> Sheet:
    """Two to five rows in a row."""
    at = _row(sheet, rng)
    return sheet.mapped(sheet.prices, at, at + int(rng.integers(2, 6)), times(_some_factor(rng)))


def cents_from_a_row_on(sheet: Sheet, rng: Rng) -> Sheet:
    """Another unit from one day on."""
    return sheet.mapped(sheet.prices, _row(sheet, rng), len(sheet.rows), times(100.0))


def whole_file_in_cents(sheet: Sheet, _rng: Rng) -> Sheet:
    """Every price in another unit."""
    return sheet.mapped(sheet.prices, 0, len(sheet.rows), times(100.0))


def swapped_columns(sheet: Sheet, rng: Rng) -> Sheet:
    """Two names of the header change places."""
    first, second = (int(place) for place in rng.choice(len(sheet.header), 2, replace=False))
    header = list(sheet.header)
    header[first], header[second] = header[second], header[first]
    return replace(sheet, header=header)


def swapped_cells(sheet: Sheet, rng: Rng) -> Sheet:
    """Two words of one row change places."""
    first, second = (int(place) for place in rng.choice(len(sheet.header), 2, replace=False))
    rows, at = [list(cells) for cells in sheet.rows], _row(sheet, rng)
    rows[at][first], rows[at][second] = rows[at][second], rows[at][first]
    return replace(sheet, rows=rows)


def dropped_rows(sheet: Sheet, rng: Rng) -> Sheet:
    """Some rows are gone."""
    kept = rng.random(len(sheet.rows)) > rng.uniform(0.02, 0.4)
    return replace(
        sheet, rows=[row for row, keep in zip(sheet.rows, kept, strict=True) if keep] or sheet.rows
    )


def duplicated_row(sheet: Sheet, rng: Rng) -> Sheet:
    """One row twice, perhaps elsewhere."""
    rows = list(sheet.rows)
    rows.insert(_row(sheet, rng), sheet.rows[_row(sheet, rng)])
    return replace(sheet, rows=rows)


def reordered_rows(sheet: Sheet, rng: Rng) -> Sheet:
    """Newest first, or in no order."""
    order = rng.permutation(len(sheet.rows)) if rng.random() < 0.5 else np.arange(len(sheet.rows))[::-1]
    return replace(sheet, rows=[sheet.rows[place] for place in order])


def flipped_sign(sheet: Sheet, rng: Rng) -> Sheet:
    """A price below zero."""
    return sheet.changed(_row(sheet, rng), _price(sheet, rng), lambda word: f"-{word}")


def decimal_comma(sheet: Sheet, rng: Rng) -> Sheet:
    """Decimal commas, in quotes, in one row or in all."""
    first, last = (0, len(sheet.rows)) if rng.random() < 0.5 else (at := _row(sheet, rng), at + 1)
    return sheet.mapped(sheet.prices, first, last, lambda word: f'"{word.replace(".", ",")}"')


def thousands_separators(sheet: Sheet, rng: Rng) -> Sheet:
    """1,234.50 in quotes, or 1 234.50."""
    sign = str(rng.choice([",", " ", "'", "."]))
    return sheet.changed(_row(sheet, rng), _price(sheet, rng), lambda word: f'"1{sign}{word.zfill(3)}"')


def other_words(sheet: Sheet, rng: Rng) -> Sheet:
    """What stands in spreadsheets in place of a number."""
    words = [
        "NaN",
        "inf",
        "-inf",
        "",
        "#N/A",
        "null",
        "n/a",
        "1e309",
        "0",
        "0x1F",
        "1e5",
        "--",
        "12%",
        "$12",
        "TRUE",
    ]
    return sheet.changed(_row(sheet, rng), _price(sheet, rng), lambda _: str(rng.choice(words)))


def _written(word: str, way: str, days: int = 0) -> str:
    """A date in another form, or some days later; what an earlier mutation left as no date stays."""
    try:
        return dt.datetime.strftime(pd.Timestamp(word) + pd.Timedelta(days=days), way)
    except (ValueError, NotImplementedError, OverflowError):
        return word


def shifted_dates(sheet: Sheet, rng: Rng) -> Sheet:
    """The dates of some rows, or all, on other days."""
    days = int(rng.choice([-365, -30, -7, -1, 1, 7, 30, 365, 3650]))
    at = 0 if rng.random() < 0.5 else _row(sheet, rng)
    last = len(sheet.rows) if rng.random() < 0.5 else at + 1
    return sheet.mapped((sheet.date,), at, last, lambda word: _written(word, "%Y-%m-%d", days))


def other_dates(sheet: Sheet, rng: Rng) -> Sheet:
    """Another way to write dates, or a slip in one."""
    way = str(rng.choice(["%m/%d/%Y", "%d/%m/%Y", "%d.%m.%Y", "%Y%m%d", "%y-%m-%d", "%Y-%d-%m", "%b %d, %Y"]))
    first, last = (0, len(sheet.rows)) if rng.random() < 0.7 else (at := _row(sheet, rng), at + 1)
    return sheet.mapped((sheet.date,), first, last, lambda word: f'"{_written(word, way)}"')


def stray_columns(sheet: Sheet, rng: Rng) -> Sheet:
    """Columns that nobody asked for, named and not."""
    name = str(rng.choice(["", "Notes", "Unnamed: 0", "Currency", "close ", "Multiplier", "id"]))
    words = {"Currency": "USD", "Multiplier": "1"}
    rows = [[*row, words.get(name, str(number))] for number, row in enumerate(sheet.rows)]
    return replace(sheet, header=[*sheet.header, name], rows=rows)


def lost_cell(sheet: Sheet, rng: Rng) -> Sheet:
    """A row with a cell less, or more."""
    rows, at = [list(cells) for cells in sheet.rows], _row(sheet, rng)
    if rng.random() < 0.5:
        del rows[at][int(rng.integers(len(rows[at])))]
    else:
        rows[at].insert(int(rng.integers(len(rows[at]))), str(rng.choice(["", "7", rows[at][0]])))
    return replace(sheet, rows=rows)


EVERY: Final[Mapping[str, Mutation]] = {
    made.__name__: made
    for made in (
        *(one_price_by_a_factor, one_row_by_a_factor, some_rows_by_a_factor, cents_from_a_row_on),
        *(whole_file_in_cents, swapped_columns, swapped_cells, dropped_rows, duplicated_row, reordered_rows),
        *(flipped_sign, decimal_comma, thousands_separators, other_words, shifted_dates, other_dates),
        *(stray_columns, lost_cell),
    )
}


def encoded(text: str, rng: Rng) -> tuple[str, bytes]:
    """A name for how the file is written, and the file: most as UTF-8, some as programs write them."""
    ways: list[tuple[str, Callable[[str], bytes]]] = [
        ("BOM", lambda t: t.encode("utf-8-sig")),
        ("UTF-16", lambda t: t.encode("utf-16")),
        ("Latin-1", lambda t: ("# Z\xfcrich\n" + t).encode("latin-1")),
        ("CRLF", lambda t: t.replace("\n", "\r\n").encode()),
        ("trailing commas", lambda t: t.replace("\n", ",\n").encode()),
        ("semicolons", lambda t: t.replace(",", ";").encode()),
        ("tabs", lambda t: t.replace(",", "\t").encode()),
        ("blank lines", lambda t: t.replace("\n", "\n\n").encode()),
        ("cut off", lambda t: t[: int(len(t) * rng.uniform(0.3, 0.99))].encode()),
        ("open quote", lambda t: t.replace(",", ',"', 1 + int(rng.integers(4))).encode()),
        ("NUL", lambda t: (t[:60] + "\x00" + t[60:]).encode()),
    ]
    if rng.random() < 0.8:
        return "", text.encode()
    name, way = ways[int(rng.integers(len(ways)))]
    return name, way(text)


def mutated(sheet: Sheet, rng: Rng, own: Mapping[str, Mutation]) -> tuple[str, Sheet]:
    """One mutation, sometimes two, of all and those of the subject's own."""
    every = {**EVERY, **own}
    names = [str(rng.choice(list(every))) for _ in range(1 if rng.random() < 0.75 else 2)]
    for name in names:
        try:
            sheet = every[name](sheet, rng)
        except (ValueError, IndexError):  # a second one that the first has left nothing for
            continue
    return " + ".join(sorted(set(names))), sheet
