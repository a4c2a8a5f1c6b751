"""All five formats are parsed, and every number is held against its cell."""

import csv
import io
import json
import re
import zipfile
from decimal import Decimal
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from sigmasight_core.report.document.positions import COLUMNS, TEXT
from sigmasight_core.report.page.as_csv import as_csv
from sigmasight_core.report.page.as_html import as_html
from sigmasight_core.report.page.as_json import as_json
from sigmasight_core.report.page.as_markdown import as_markdown
from sigmasight_core.report.page.as_xlsx import as_xlsx
from sigmasight_core.report.page.page import SECTIONS, page
from sigmasight_dagster_tests.support import report_rows

MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def report():
    return report_rows.report(report_rows.sound())


@pytest.fixture(scope="module")
def cells(report) -> set[Decimal]:
    """Every number of the data object, which test_build holds against the stored cells."""
    found: set[Decimal] = set()

    def walk(part: object) -> None:
        if isinstance(part, dict):
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)
        elif isinstance(part, int) or (isinstance(part, str) and re.fullmatch(r"-?\d+\.\d+", part)):
            found.add(Decimal(part))

    walk(json.loads(as_json(report)))
    return found


class Page(HTMLParser):
    """The numbers of a page (value, text), its tags, and its links."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self._value: str | None = None

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag == "data":
            self._value = dict(attrs)["value"]

    def handle_data(self, data: str) -> None:
        if self._value is not None:
            self.numbers.append((self._value, data))
            self._value = None


def plain(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace(MINUS, "-").removesuffix("%"))


def assert_shows(text: str, value: Decimal) -> None:
    """The text is the value, in percent, or with two decimals of it."""
    shown = plain(text)
    wanted = value * 100 if text.endswith("%") else value
    digits = max(-shown.as_tuple().exponent, 0)
    assert abs(shown - wanted) <= Decimal("0.5000001").scaleb(-digits), (text, value)


@pytest.fixture(scope="module")
def text(report) -> str:
    return as_html(report)


def test_html(text: str, cells: set[Decimal]) -> None:
    found = Page()
    found.feed(text)
    assert len(found.numbers) > 500
    for value, shown in found.numbers:
        assert Decimal(value) in cells, value
        assert_shows(shown, Decimal(value))
    assert "script" not in found.tags
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert [
        value for name, value in found.attributes if name in ("src", "href") and not value.startswith("#")
    ] == []
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    assert found.tags.count("figure") == found.tags.count("svg") == found.tags.count("figcaption") > 6
    assert not re.search(r"(?:fill|stroke): #", text)


def test_a_page_has_its_sections_in_order(report, text: str) -> None:
    places = [text.index(f'<section id="{section.name}"') for section in page(report).sections]
    assert places == sorted(places)
    assert len(places) == len(SECTIONS) == 14


def test_markdown(report, cells: set[Decimal]) -> None:
    text = as_markdown(report)
    assert "<script" not in text
    shorter = {f"{100 * float(cell):.2f}%" for cell in cells} | {f"{float(cell):,.2f}" for cell in cells}
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    parts = [part.strip() for row in rows for part in row]
    numbers = [part for part in parts if re.fullmatch(rf"{MINUS}?[\d,]+(\.\d+)?%?", part)]
    for part in numbers:
        found = part in ("95", "99", "2022") or plain(part) in cells  # levels and years are keys
        assert found or part.replace(MINUS, "-") in {*shorter, "0.00%"}, part
    assert len(numbers) > 500


def test_csv(report) -> None:
    lines = list(csv.reader(io.StringIO(as_csv(report))))
    assert lines[0] == list(COLUMNS)
    assert len(lines[0]) == 34
    for line, position in zip(lines[1:], report.positions, strict=True):
        for text, (name, (kind, _)) in zip(line, COLUMNS.items(), strict=True):
            value = position.model_dump()[name]
            if kind == TEXT:
                assert not text.startswith(("=", "+", "-", "@"))
                assert text.removeprefix("'") == (value or "")
            else:
                assert text == ("" if value is None else str(value)), name


def test_json(report) -> None:
    again = json.loads(as_json(report))
    assert list(again)[:5] == ["version", "metadata", "portfolio", "calculation_engines", "positions_summary"]
    assert len(again["snapshots"]) == 30
    assert not re.search(r"\d\.\d", re.sub(r'"(?:[^"\\]|\\.)*"', "", as_json(report)))  # decimals are strings


def test_xlsx(report, cells: set[Decimal]) -> None:
    numbers = 0
    values = {float(cell) for cell in cells}
    with zipfile.ZipFile(io.BytesIO(as_xlsx(report))) as book:
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
        assert len(sheets) == len(SECTIONS) + 1
        for sheet in sheets:
            root = ElementTree.fromstring(book.read(sheet))
            assert not root.findall(".//{*}f")
            for cell in root.findall(".//{*}c"):
                value = cell.find("{*}v")
                if cell.get("t") != "s" and value is not None:
                    numbers += 1
                    assert float(value.text or "") in values
    assert numbers > 700
    assert as_xlsx(report) == as_xlsx(report)


def test_a_page_of_nothing_says_why() -> None:
    rows = report_rows.sound()
    empty = {
        model: frame
        if table in ("position_values", "position_greeks", "portfolio_snapshots")
        else frame.iloc[:0]
        for (model, frame), table in zip(rows.items(), report_rows.by_name(rows), strict=True)
    }
    text = as_markdown(report_rows.report(empty))
    assert "n/a: no rows: nothing of it is held" in text
    assert as_html(report_rows.report(empty)).count("<section") == len(SECTIONS)


def test_comparison_scenarios_are_neither_worst_nor_best(report, text: str) -> None:
    assert any(row["scenario"] == "crash_replayed" for row in report.rows("stress_results"))
    assert report.comparison_scenarios == ["crash_replayed"]
    assert "crash_replayed" not in as_markdown(report)
    assert "crash replayed" not in text
