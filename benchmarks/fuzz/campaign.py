"""One campaign: as many inputs as asked for, a third of each subject."""

from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.fuzz import portfolios, prices, quotes
from benchmarks.fuzz.outcomes import Result


def run(seed: int, count: int) -> list[Result]:
    """Results of `count` inputs; the same for the same seed, and those of a smaller count are among them."""
    third = count // 3
    first = seed * 1_000_000
    with TemporaryDirectory() as folder:
        of_prices = [prices.run(number, Path(folder)) for number in range(first, first + count - 2 * third)]
    of_portfolios = [portfolios.run(number) for number in range(first, first + third)]
    return [*of_prices, *of_portfolios, *quotes.run(range(first, first + third))]
