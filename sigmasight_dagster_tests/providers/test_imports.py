"""What one source alone needs is imported when that source is used: every step of a run imports the rest."""

import subprocess
import sys

SLOW = ("yfinance", "fredapi", "httpx2", "scipy.stats")


def test_the_definitions_import_no_library_of_one_source() -> None:
    code = f"import sys, sigmasight_dagster.definitions; print([m for m in {SLOW} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
