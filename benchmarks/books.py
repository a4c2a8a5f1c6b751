"""Books on a server of their own, backfilled by the command: on the sample's symbols, or on many."""

import datetime as dt
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sigmasight_core import calendar
from sigmasight_dagster.providers.simulated import SimulatedProvider
from sigmasight_dagster.server.embedded import EmbeddedPostgres

LAST_DATE = pd.Timestamp("2022-12-28")
ENTRY = dt.date(2021, 11, 1)
STOCKS = (
    "AAPL AMD BAC BBY CVX GE HD JNJ JPM KO LLY MRK MSFT MTUM PEP PFE PG QUAL RRC SIZE UNH USMV VLUE WMT XOM"
)
OPTIONS = "AAPL230120C00150000 AAPL230120P00130000 JPM230616C00140000 MSFT230616P00250000 XOM230120C00070000"

IMPORT = """
import sys
from pathlib import Path
from sigmasight_dagster.commands.project import Project
from sigmasight_dagster.ledger import files
project = Project.open()
for file in sorted(Path(sys.argv[1]).glob("*.csv")):
    parsed = files.parse(project, file.read_bytes(), file.stem, file.name, allow_unpriced=False)
    assert parsed.errors.empty, parsed.errors
    project.save_portfolio(file.stem, 1e6, file.name, parsed.positions, False)
"""
COMMAND = "from sigmasight_dagster.cli import main; main()"


@dataclass(frozen=True)
class Backfill:
    """What a backfill took.

    :param cpu_seconds: of the command's processes, in which everything but the server runs.
    :param peak_mb: of the largest of them.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float
    runs: int
    processes: int


@dataclass(frozen=True)
class Books:
    """An embedded server with this many registered portfolios."""

    home: Path
    provider: str = "sample"

    @property
    def environment(self) -> dict[str, str]:
        external = ("SIGMASIGHT_DATABASE_URL", "DAGSTER_POSTGRES_URL")
        kept = {name: text for name, text in os.environ.items() if name not in external}
        return {**kept, "SIGMASIGHT_HOME": str(self.home), "SIGMASIGHT_PROVIDER": self.provider}

    def backfill(self, n_dates: int, processes: int = 0) -> Backfill:
        """Every asset of the last `n_dates` sessions, with the market history that they need.

        :param processes: see the setting.
        """
        start = calendar.shift_sessions(LAST_DATE, 1 - n_dates)
        ends = ("--start", f"{start:%Y-%m-%d}", "--end", f"{LAST_DATE:%Y-%m-%d}")
        log = self.home / "output"
        begun = time.perf_counter()
        with log.open("w") as output:
            command = [sys.executable, "-c", COMMAND, "backfill", *ends]
            environment = {**self.environment, "SIGMASIGHT_PROCESSES": str(processes)}
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
            _, status, usage = os.wait4(process.pid, 0)
        took, said = time.perf_counter() - begun, log.read_text()
        process.returncode = os.waitstatus_to_exitcode(status)
        planned = re.search(r"partitions in (\d+)\s+runs(?:\s+by\s+(\d+))?", said)
        if process.returncode or not planned:
            sys.exit(f"exit code {process.returncode}\n{said[-4_000:]}")
        cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024  # kB on Linux
        return Backfill(took, cpu, peak, int(planned[1]), int(planned[2] or 1))


@contextmanager
def books(n_portfolios: int, *, of_many: bool = False) -> Iterator[Books]:
    """The server is stopped and removed at the end.

    :param of_many: each holds 50 of 500 simulated symbols.
    """
    with tempfile.TemporaryDirectory(prefix="sb", dir=tempfile.gettempdir()) as folder:
        made = Books(Path(folder), "simulated" if of_many else "sample")
        try:
            inputs = made.home / "portfolios"
            inputs.mkdir()
            (_write_of_many if of_many else _write_portfolios)(inputs, n_portfolios)
            command = [sys.executable, "-c", IMPORT, str(inputs)]
            subprocess.run(command, env=made.environment, check=True)
            yield made
        finally:
            EmbeddedPostgres(made.home, None).stop()


def _write_portfolios(folder: Path, count: int) -> None:
    """Each holds the same symbols, long or short, in quantities of its own."""
    rng = np.random.default_rng(13)
    stocks, options = STOCKS.split(), OPTIONS.split()
    symbols = stocks + options
    sizes = np.repeat([100, 2], [len(stocks), len(options)])
    for i in range(count):
        quantities = sizes * rng.choice([-2, -1, 1, 2, 3], len(symbols))
        rows = [f"{symbol},{n},50.0,{ENTRY}" for symbol, n in zip(symbols, quantities, strict=True)]
        _write(folder, i, rows)


def _write_of_many(folder: Path, count: int) -> None:
    """Each holds 45 of 450 stocks, long or short, and 5 of 50 options on the first of them."""
    rng = np.random.default_rng(13)
    stocks = [f"Q{chr(65 + i // 26)}{chr(65 + i % 26)}" for i in range(450)]
    closes = SimulatedProvider(1).daily_prices(stocks, ENTRY, ENTRY).set_index("symbol")["close"].dropna()
    priced = closes.index.to_list()
    options = [
        f"{symbol}230616{'CP'[i % 2]}{round(closes[symbol]) * 1000:08d}"
        for i, symbol in enumerate(priced[:50])
    ]
    for i in range(count):
        chosen = [*rng.choice(priced, 45, replace=False), *rng.choice(options, 5, replace=False)]
        quantities = np.repeat([100, 2], [45, 5]) * rng.choice([-2, -1, 1, 2, 3], 50)
        _write(folder, i, [f"{name},{n},50.0,{ENTRY}" for name, n in zip(chosen, quantities, strict=True)])


def _write(folder: Path, number: int, rows: list[str]) -> None:
    text = "\n".join(["ticker,quantity,entry_price,entry_date", *rows])
    (folder / f"p{number:03d}.csv").write_text(text)
