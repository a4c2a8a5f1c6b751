"""The NYSE's sessions that `sigmasight_core.nyse_schedule` keeps: `python -m tools.nyse` writes them again.

After an upgrade of exchange_calendars: until then processes ask the library, which takes a third of a second.
"""

import textwrap
from importlib.metadata import version
from pathlib import Path

from sigmasight_core import calendar, nyse_schedule

MODULE = Path(nyse_schedule.__file__)


def main() -> None:
    """Write the module."""
    MODULE.write_text(text(), encoding="utf-8")


def text() -> str:
    """The module for the library that is installed."""
    days = calendar.of_the_library()
    holidays = calendar.weekdays().difference(days.sessions)
    closes = days.closes.tz_convert(calendar.NEW_YORK)
    early = closes[closes.hour != calendar.CLOSE_HOUR]
    head = MODULE.read_text(encoding="utf-8").partition("VERSION")[0]
    return (
        f'{head}VERSION: Final = "{version("exchange_calendars")}"\n'
        f"HOLIDAYS: Final = {_lines(holidays.strftime('%Y-%m-%d'))}\n"
        '"""Weekdays without a session."""\n'
        f"EARLY_CLOSES: Final = {_lines(early.strftime('%Y-%m-%dT%H'))}\n"
        '"""Sessions that end before 16:00 in New York, and the hour."""\n'
    )


def _lines(words: "list[str]") -> str:
    return f'"""\n{textwrap.fill(" ".join(words), 108, break_on_hyphens=False)}\n"""'


if __name__ == "__main__":
    main()
