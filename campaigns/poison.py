"""Hostile files in the inbox beside a good one: ticks go on, the good is imported, the bad are put aside."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import dagster as dg
import numpy as np
import pandas as pd

from campaigns import judges
from campaigns.figures import Figures
from campaigns.house import FULL, House
from sigmasight_core.tables import Portfolios, Positions
from sigmasight_dagster.ledger import inbox
from sigmasight_dagster.platform import Platform
from sigmasight_dagster.runs.workspace import Workspace
from sigmasight_dagster.settings import Settings

HEADER: Final = b"ticker,quantity,entry_price,entry_date\n"
GOOD: Final = HEADER + b"AAPL,100,142.48,2022-10-03\nMSFT,-50,240.74,2022-10-04\n"
TICKS: Final = 6
SECONDS_A_TICK: Final = 30.0
MOST_FILES: Final = 8

Draw = random.Random
Maker = Callable[[Path, Draw], None]


def _noise(path: Path, draw: Draw) -> None:
    path.write_bytes(draw.randbytes(draw.randint(1, 20_000)))


def _cut(path: Path, draw: Draw) -> None:
    path.write_bytes(HEADER + b"AAPL,100,142.48,2022-10-03\nMSFT,-5"[: -draw.randint(1, 5)])


def _not_finite(path: Path, draw: Draw) -> None:
    word = draw.choice([b"nan", b"inf", b"-inf", b"1e400", b"", b"0", b"=1+1", b"9" * 400])
    path.write_bytes(HEADER + b"AAPL," + word + b",142.48,2022-10-03\n")


def _price(path: Path, draw: Draw) -> None:
    word = draw.choice([b"-5", b"nan", b"1e-300", b"14248", b"cmd|'/c calc'!A1", b"\x00"])
    path.write_bytes(HEADER + b"AAPL,100," + word + b",2022-10-03\n")


def _date(path: Path, draw: Draw) -> None:
    word = draw.choice([b"0000-00-00", b"2999-01-01", b"2022-02-30", b"1700-01-01", b"yesterday", b"44837"])
    path.write_bytes(HEADER + b"AAPL,100,142.48," + word + b"\n")


def _symbol(path: Path, draw: Draw) -> None:
    word = draw.choice([b"'; DROP TABLE x; --", b"../../etc", b"A" * 5_000, b"\xe2\x80\xaeAAPL", b"\xff\xfe"])
    path.write_bytes(HEADER + word + b",100,142.48,2022-10-03\n")


def _flipped(path: Path, draw: Draw) -> None:
    """Some bytes of a good file, each with another one in its place, and one that no text has."""
    data = bytearray(GOOD)
    for _ in range(draw.randint(1, 10)):
        data[draw.randrange(len(data))] = draw.randrange(256)
    data[draw.randrange(len(HEADER), len(data))] = 0
    path.write_bytes(bytes(data))


def _huge(path: Path, draw: Draw) -> None:
    """Gigabytes, of which none are on the disk."""
    with path.open("wb") as file:
        file.write(GOOD)
        file.truncate(draw.randint(1, 20) * 2**30)


def _long_line(path: Path, draw: Draw) -> None:
    path.write_bytes(HEADER + b"AAPL," + b"1" * draw.randint(200_000, 900_000) + b",1,2022-10-03\n")


def _columns(path: Path, draw: Draw) -> None:
    path.write_bytes(b",".join([b"ticker"] * draw.randint(2, 3_000)) + b"\nAAPL\n")


def _link(path: Path, draw: Draw) -> None:
    path.symlink_to(draw.choice(["/etc/passwd", "/dev/zero", "/nowhere", path.name]))


def _fifo(path: Path, _draw: Draw) -> None:
    os.mkfifo(path)


def _empty(path: Path, _draw: Draw) -> None:
    path.touch()


MAKERS: Final[tuple[Maker, ...]] = (
    _noise,
    _cut,
    _not_finite,
    _price,
    _date,
    _symbol,
    _flipped,
    _huge,
    _long_line,
    _columns,
    _link,
    _fifo,
    _empty,
)
NAMES: Final = (
    "bad{i}.csv",
    "Bad {i}.csv",
    "bad{i}\n.csv",
    "bad{i}\udcff.csv",
    "bad{i};rm -rf.csv",
    "bad{i}" + "x" * 200 + ".csv",
    "alpha.csv",
    "bad{i}|a,b.csv",
    "$(bad{i}).csv",
)
"""One of them is that of a registered portfolio, whose ledger must stay as it is."""


@dataclass
class Poison:
    """The campaign in one house."""

    house: House
    figures: Figures

    def play(self, number: int) -> None:
        """One round: some hostile files and a good one, and as many ticks as they need."""
        draw = random.Random(number)
        self.house.restore(FULL)
        self.figures.rounds += 1
        settings = Settings()
        folder = inbox.directory(settings)
        made = [_drop(folder, draw, i) for i in range(draw.randint(1, MOST_FILES))]
        plot = ", ".join(f"{path.name[:40]!r} of {maker}" for path, maker in made)
        self.figures.did["hostile files"] += len(made)
        good = f"good{number}"
        (folder / f"{good}.csv").write_bytes(GOOD)
        platform = Platform(settings)
        with dg.DagsterInstance.get() as instance:
            before = _ledger(platform)
            stuck, told = ticks(Workspace(settings, platform, instance))
            after = _ledger(platform)
        self.figures.found("stuck", [*stuck, *judges.locks(self.house.url)], number, plot)
        self.figures.found("lost", _not_put_away(folder, told), number, plot)
        self.figures.found("wrong", changed(before, after, good), number, plot)
        _clear(folder)


def _drop(folder: Path, draw: Draw, place: int) -> tuple[Path, str]:
    path, maker = folder / draw.choice(NAMES).format(i=place), draw.choice(MAKERS)
    while path.exists() or path.is_symlink():
        path = path.with_name(f"again{path.name}")
    maker(path, draw)
    return path, maker.__name__.strip("_")


def ticks(workspace: Workspace) -> tuple[list[str], list[str]]:
    """Look into the inbox until nothing is left to do: seen, imported, put away, each on a tick.

    :returns: what ended or delayed a tick, and what the last tick told of files that it could not take.
    """
    cursor: str | None = None
    told: list[str] = []
    for _ in range(TICKS):
        begun = time.monotonic()
        try:
            tick = inbox.look(workspace, cursor, pd.Timestamp.now(tz="UTC"))
        except Exception as error:  # whatever it is: the sensor would end with it
            return [f"the tick ended with {type(error).__name__}: {str(error)[:200]}"], told
        cursor, told = tick.cursor, tick.problems
        if (took := time.monotonic() - begun) > SECONDS_A_TICK:
            return [f"a tick took {took:.0f} s"], told
    return [], told


def _ledger(platform: Platform) -> pd.DataFrame:
    """Every position of every registered portfolio."""
    names = platform.warehouse.read(Portfolios, columns=["portfolio"])
    positions = platform.warehouse.read(Positions, columns=["portfolio", "symbol", "quantity", "entry_price"])
    return names.merge(positions, how="left", on="portfolio")


def changed(before: pd.DataFrame, after: pd.DataFrame, good: str) -> list[str]:
    """What has come into the ledger beside the good file's two positions, and whether these have."""
    theirs, others = after[after["portfolio"] == good], after[after["portfolio"] != good]
    found = []
    if not np.array_equal(np.sort(theirs["quantity"]), [-50.0, 100.0]):
        found.append(f"the good file's positions are {theirs['quantity'].tolist()}")
    added = others[~others["portfolio"].isin(before["portfolio"])]
    if len(added):
        found.append(f"a hostile file was imported: {added.iloc[0].to_dict()}")
    kept = others[others["portfolio"].isin(before["portfolio"])]
    if not kept.reset_index(drop=True).equals(before.reset_index(drop=True)):
        found.append("the ledger of another portfolio was changed")
    return found


def _not_put_away(folder: Path, told: list[str]) -> list[str]:
    """Files that are neither in imported/ nor, with a report, in rejected/."""
    left = [path.name for path in folder.iterdir() if not path.is_dir() or path.is_symlink()]
    rejected = [path for path in (folder / inbox.REJECTED).iterdir() if not path.name.endswith(".report.txt")]
    silent = [path for path in rejected if not path.with_name(f"{path.stem}.report.txt").exists()]
    return [
        *(f"{name!r} is still in the inbox; the last tick: {' / '.join(told)[:300]}" for name in left),
        *(f"{path.name!r} was rejected without a report" for path in silent),
    ]


def _clear(folder: Path) -> None:
    for place in (folder, folder / inbox.REJECTED, folder / inbox.IMPORTED):
        for path in place.iterdir():
            if path.is_symlink() or not path.is_dir():
                path.unlink()
