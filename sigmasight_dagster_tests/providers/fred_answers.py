"""Answers in the shape of FRED's `series/observations` (XML), for the fault server."""

from typing import Any
from xml.sax.saxutils import quoteattr

from sigmasight_dagster_tests.providers.fault_server import Rows

OBSERVATIONS = "/series/observations"
BAD_KEY = (
    b'<?xml version="1.0" encoding="utf-8" ?>\n<error code="400" '
    b'message="Bad Request.  The value for variable api_key is not registered." />\n'
)


def observations(rows: Rows) -> bytes:
    """Rows with `date` and `close`, the yield in percent; None and NaN are written as a dot."""
    lines = "\n".join(_line(row) for row in rows)
    return (
        '<?xml version="1.0" encoding="utf-8" ?>\n'
        '<observations realtime_start="2022-10-10" realtime_end="2022-10-10" units="lin" output_type="1" '
        f'file_type="xml" order_by="observation_date" sort_order="asc" count="{len(rows)}" offset="0" '
        f'limit="100000">\n{lines}\n</observations>\n'
    ).encode()


def _line(row: dict[str, Any]) -> str:
    value = row["close"]
    text = "." if value is None or value != value else f"{value:g}"
    return (
        '  <observation realtime_start="2022-10-10" realtime_end="2022-10-10" '
        f"date={quoteattr(row['date'])} value={quoteattr(text)}/>"
    )
