"""Where a backfill by one process spends its time, as a flame graph: what each sample of it was in.

python -m benchmarks.profile year.svg [--dates 252]
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from benchmarks.books import LAST_DATE, books
from benchmarks.flame import drawn
from sigmasight_core import calendar

PORTFOLIOS: Final = 20
_SAMPLED: Final = "import sys; from benchmarks.sampler import command; command(*sys.argv[1:])"

ITEMS: Final = (
    (
        "events: made, serialised and stored",
        r"/instance/partition_events|/event_log/|:store_event|:log_dagster_event",
    ),
    ("plots, figures and previews of partitions", r"sigmasight_dagster/story/"),
    ("rows: COPY, DELETE, checksums", r"/warehouse/store\.py:(publish|replace)"),
    ("inputs read back from PostgreSQL", r"/engine/batch\.py:|/warehouse/reader\.py:"),
    ("contracts: pandera and gates", r"pandera/|sigmasight_core/tables/|sigmasight_dagster/gates/"),
    ("imports and definitions", r"importlib|/definitions\.py:"),
    ("planning and recovery around runs", r"sigmasight_dagster/(runs|commands)/(?!execute)"),
)
"""What a sample counts as, by the first that its stack has; before the last two comes what it computes."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("graph", type=Path, help="SVG file to write")
    parser.add_argument("--dates", type=int, default=252)
    given = parser.parse_args()
    load = os.getloadavg()[0]
    stacks = sampled(given.dates)
    total = stacks.total()
    title = f"sigmasight backfill, {given.dates} dates x {PORTFOLIOS} portfolios x 30 positions"
    given.graph.write_text(drawn(stacks, title))
    print(f"{title}: {total:,} samples, load {load:.1f}..{os.getloadavg()[0]:.1f}")
    for item, count in items(stacks).most_common():
        print(f"{count / total:>7.1%}  {item}")


def sampled(n_dates: int) -> Counter[tuple[str, ...]]:
    """Stacks of the backfill's process, outermost first: how often each was seen."""
    start = calendar.shift_sessions(LAST_DATE, 1 - n_dates)
    ends = ("--start", f"{start:%Y-%m-%d}", "--end", f"{LAST_DATE:%Y-%m-%d}")
    with books(PORTFOLIOS) as made, tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", _SAMPLED, folder, "backfill", *ends]
        environment = {**made.environment, "SIGMASIGHT_PROCESSES": "1"}
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
        found: Counter[tuple[str, ...]] = Counter()
        for file in Path(folder).glob("*.json"):
            for stack, count in json.loads(file.read_text()).items():
                found[tuple(stack.split(";"))] += count
    return found


def items(stacks: Counter[tuple[str, ...]]) -> Counter[str]:
    """Samples by what they are part of; what is computed by the asset that computes it."""
    found: Counter[str] = Counter()
    for stack, count in stacks.items():
        found[_item(stack)] += count
    return found


def _item(stack: tuple[str, ...]) -> str:
    text = ";".join(stack)
    for item, pattern in ITEMS[:5]:
        if re.search(pattern, text):
            return item
    if asset := re.search(r"sigmasight_dagster/assets/\w+\.py:(\w+)", text):
        return f"computing: {asset[1]}"
    for item, pattern in ITEMS[5:]:
        if re.search(pattern, text):
            return item
    return "Dagster's engine and the rest"


if __name__ == "__main__":
    main()
