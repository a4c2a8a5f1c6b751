"""Presets: own ones, those that are shipped, and a line with file, line, key and cure for each mistake."""

import re

import pytest

from sigmasight_core.brokers.detect import detect
from sigmasight_core.brokers.presets.parse import parse_preset
from sigmasight_core.errors import InputError
from sigmasight_dagster_tests.conftest import REPOSITORY
from sigmasight_dagster_tests.core.brokers.reading import changed, example, held, presets, read

OWN = """\
preset: mybank
title: My bank
currency: USD
numbers: {decimal: ",", thousands: ".", negative: trailing minus}
dates: {formats: "%d.%m.%Y"}
delimiter: semicolon
tables:
  - name: bookings
    header: [Day, What, Paper, Pieces, Course, Sum]
    fields: {date: Day, symbol: Paper, quantity: Pieces, price: Course, amount: Sum}
    rows:
      - {when: {What: Bought}, kind: buy}
      - {when: {What: Sold}, kind: sell}
      - {when: {What: Cash}, by_sign: {of: amount, positive: deposit, negative: withdrawal}}
"""
FILE = """\
Day;What;Paper;Pieces;Course;Sum
03.10.2022;Cash;;;;20.000,00
05.10.2022;Bought;AAPL;100;145,03;14.503,00-
29.11.2022;Sold;AAPL;40;141,17;5.646,80
30.11.2022;Cash;;;;1.000,00-
"""


def complaints(text: str) -> list[str]:
    with pytest.raises(InputError) as refused:
        parse_preset(text, "mine.yaml", presets())
    return str(refused.value).splitlines()


def test_a_preset_of_ones_own() -> None:
    preset = parse_preset(OWN, "mine.yaml")
    history = read(FILE, preset)
    assert history.errors.empty
    assert held(history) == {"AAPL": 60}
    assert history.transactions["amount"].tolist() == [20000, -14503, 5646.80, -1000]
    assert detect(FILE.encode(), "file.csv", presets() | {"mybank": preset}) == "mybank"


def test_a_preset_that_extends_another_has_its_symbols_too() -> None:
    mine = parse_preset(
        "preset: mine\nextends: degiro\nsymbols: {US4370761029: HD}\n", "mine.yaml", presets()
    )
    text = changed("degiro", ("US5949181045", "US4370761029"))
    assert held(read(text, mine)) == {"HD": 20}
    assert mine.symbols["US0378331005"] == "AAPL"
    assert held(read(example("degiro"), mine)) == {"MSFT": 20}


def test_a_preset_that_extends_another_for_its_numbers() -> None:
    base = parse_preset(OWN, "mine.yaml")
    text = 'preset: points\nextends: mybank\nnumbers: {decimal: ".", thousands: "\'"}\n'
    mine = parse_preset(text, "points.yaml", {"mybank": base})
    file = FILE.replace("20.000,00", "20'000.00").replace("145,03;14.503,00-", "145.03;-14'503.00")
    history = read(file, mine)
    assert history.transactions["amount"].tolist() == [20000, -14503]
    assert history.errors[["line", "value"]].to_numpy().tolist() == [
        [4, "141,17"],
        [4, "5.646,80"],
        [5, "1.000,00-"],
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            "preset: mybank",
            "preset: My Bank",
            "mine.yaml:1: preset: 'My Bank' cannot be its name; use a-z, 0-9",
        ),
        ("preset: mybank", "preset: auto", "mine.yaml:1: preset: 'auto' cannot be its name"),
        ("title: My bank\n", "", "mine.yaml:1: title: missing; add it, or 'extends: NAME'"),
        ("title:", "tittle:", "mine.yaml:2: tittle: unknown key; use preset, extends, title"),
        (
            "currency: USD\n",
            "",
            "currency: no column of table bookings says the currency; write 'currency: USD'",
        ),
        ("semicolon", "dash", "mine.yaml:6: delimiter: unknown value 'dash'; use comma, semicolon, tab, bar"),
        ('thousands: "."', 'thousands: ","', "mine.yaml:4: numbers: decimal and thousands are the same sign"),
        ('thousands: "."', 'thousands: ".."', "mine.yaml:4: numbers.thousands: must be one sign in quotes"),
        ("trailing minus", "red ink", "mine.yaml:4: numbers.negative: unknown value 'red ink'; use minus"),
        ("%d.%m.%Y", "%d.%Y", "mine.yaml:5: dates.formats: '%d.%Y' has no day or month"),
        (
            "kind: buy",
            "kind: purchase",
            "mine.yaml:12: tables[0].rows[0].kind: unknown value 'purchase'; use buy",
        ),
        (
            "kind: buy",
            "kind: buy, ignore: x",
            "mine.yaml:12: tables[0].rows[0]: must say one of kind, by_sign",
        ),
        (
            "What: Bought",
            "What: '(Bought'",
            "mine.yaml:12: tables[0].rows[0].when.What: '(Bought' is not a regular",
        ),
        ("of: amount", "of: colour", "mine.yaml:14: tables[0].rows[2].by_sign.of: unknown value 'colour'"),
        (
            "symbol: Paper",
            "paper: Paper",
            "mine.yaml:10: tables[0].fields.paper: unknown key; use date, symbol",
        ),
        ("{date: Day, ", "{", "mine.yaml:10: tables[0].fields.date: missing; add it"),
        (
            "    rows:",
            "    extract: [{column: Paper, pattern: '(?P<colour>.*)'}]\n    rows:",
            "mine.yaml:11: tables[0].extract[0].pattern: unknown groups colour; name groups as date, symbol",
        ),
        (
            "    rows:",
            "    amounts: brutto\n    rows:",
            "mine.yaml:11: tables[0].amounts: unknown value 'brutto'",
        ),
        ("title: My bank", "title: My bank\ntitle: x", "mine.yaml:3: title: duplicate key; keep one of them"),
        ("title: My bank", "extends: mybroker", "mine.yaml:2: extends: unknown value 'mybroker'; use degiro"),
        ("title: My bank", "title: [", "not YAML"),
    ],
)
def test_a_mistake_is_one_line_with_its_cure(old: str, new: str, line: str) -> None:
    assert old in OWN
    found = complaints(OWN.replace(old, new, 1))
    assert any(line in complaint for complaint in found), found
    assert all(complaint.startswith("mine.yaml:") for complaint in found)


def test_the_presets_of_the_docs_are_presets() -> None:
    page = (REPOSITORY / "docs" / "brokers.md").read_text(encoding="utf-8")
    blocks = re.findall("```yaml\n(.*?)```", page, re.DOTALL)
    made = [parse_preset(block, "docs/brokers.md", presets()) for block in blocks]
    assert [preset.name for preset in made] == ["degiro", "mybank"]
    rows = page.partition("## The project's own form\n\n```\n")[2].partition("```")[0]
    history = read(rows, "transactions")
    assert history.transactions["kind"].tolist() == ["deposit", "buy", "expiry"]
    assert history.errors.empty


def test_every_mistake_is_told_at_once() -> None:
    found = complaints(
        OWN.replace("kind: buy", "kind: x").replace("kind: sell", "kind: y").replace("semicolon", "z")
    )
    assert len(found) == 3


def test_the_isins_that_are_shipped_are_isins() -> None:
    """ISO 6166: letters as numbers from 10 on, then the check digit of Luhn."""
    for isin in presets()["degiro"].symbols:
        digits = "".join(str(int(sign, 36)) for sign in isin)
        doubled = [int(sign) * (1 + (len(digits) - place) % 2) for place, sign in enumerate(digits, start=1)]
        assert sum(value // 10 + value % 10 for value in doubled) % 10 == 0, isin
        assert len(isin) == 12


@pytest.mark.parametrize("name", sorted(presets()))
def test_every_column_of_an_example_is_known_to_its_preset(name: str) -> None:
    assert read(example(name), name).warnings.empty
