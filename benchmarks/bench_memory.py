"""Peak memory of one year x 100 portfolios x 30 positions, every asset, through `sigmasight backfill`.

It takes minutes: 25,200 partitions of each portfolio table are computed and stored in a server of its own.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from sigmasight_dagster.embedded_postgres import EmbeddedPostgres

START, END = "2021-12-29", "2022-12-28"
PORTFOLIOS = 100
STOCKS = (
    "AAPL AMD BAC BBY CVX GE HD JNJ JPM KO LLY MRK MSFT MTUM PEP PFE PG QUAL RRC SIZE UNH USMV VLUE WMT XOM"
)
OPTIONS = "AAPL230120C00150000 AAPL230120P00130000 JPM230616C00140000 MSFT230616P00250000 XOM230120C00070000"
LIMIT_MB = 2_000

IMPORT = """
import sys
from pathlib import Path
from sigmasight_dagster.requests import Project
project = Project.open()
for file in sorted(Path(sys.argv[1]).glob("*.csv")):
    parsed = project.parse_portfolio(file.read_bytes(), file.stem, file.name, False)
    assert parsed.errors.empty, parsed.errors
    project.save_portfolio(file.stem, 1e6, file.name, parsed.positions, False)
"""
COMMAND = "from sigmasight_dagster.cli import main; main()"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sb", dir=tempfile.gettempdir()) as folder:
        home = Path(folder)
        try:
            _measure(home)
        finally:
            EmbeddedPostgres(home, None).stop()


def write_portfolios(folder: Path) -> None:
    """Each holds the same symbols, long or short, in quantities of its own."""
    rng = np.random.default_rng(13)
    stocks, options = STOCKS.split(), OPTIONS.split()
    symbols = stocks + options
    sizes = np.repeat([100, 2], [len(stocks), len(options)])
    for i in range(PORTFOLIOS):
        quantities = sizes * rng.choice([-2, -1, 1, 2, 3], len(symbols))
        rows = [f"{symbol},{n},50.0,2021-11-01" for symbol, n in zip(symbols, quantities, strict=True)]
        (folder / f"p{i:03d}.csv").write_text("ticker,quantity,entry_price,entry_date\n" + "\n".join(rows))


def _measure(home: Path) -> None:
    external = ("SIGMASIGHT_DATABASE_URL", "DAGSTER_POSTGRES_URL")
    environment = {name: text for name, text in os.environ.items() if name not in external}
    environment["SIGMASIGHT_HOME"] = str(home)
    inputs = home / "portfolios"
    inputs.mkdir()
    write_portfolios(inputs)
    subprocess.run([sys.executable, "-c", IMPORT, str(inputs)], env=environment, check=True)
    begun = time.perf_counter()
    backfill = [sys.executable, "-c", COMMAND, "backfill", "--start", START, "--end", END]
    with (home / "output").open("w") as output:
        process = subprocess.Popen(backfill, env=environment, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"exit code {process.returncode}\n{(home / 'output').read_text()[-4_000:]}")
    took, peak = time.perf_counter() - begun, usage.ru_maxrss / 1024  # kB on Linux
    name = f"1 year x {PORTFOLIOS} portfolios, peak memory"
    print(f"{name:<44}{'-':>14}{took:>12.1f} s{f'{peak:,.0f} MB':>24}   < {LIMIT_MB:,} MB", flush=True)
