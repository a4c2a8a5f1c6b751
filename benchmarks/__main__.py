"""`make bench`: each benchmark measures the plain way and ours in the same run and prints the ratio.

python -m benchmarks [NAME ...]
"""

import os
import platform
import sys
from importlib import import_module
from pathlib import Path


def main(names: list[str]) -> None:
    found = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    load = os.getloadavg()[0]
    print(
        f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}"
    )
    print(f"{'benchmark':<44}{'plain':>14}{'ours':>14}{'ratio (min..max)':>24}   goal")
    for name in names or found:
        import_module(f"benchmarks.bench_{name}").main()


main(sys.argv[1:])
