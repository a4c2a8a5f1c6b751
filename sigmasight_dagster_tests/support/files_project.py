"""A small project on price files of its own (provider `files`)."""

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from sigmasight_dagster_tests.support.project import CliProject
from sigmasight_dagster_tests.support.small_project import FIRST_DATE, SmallProject


class FilesProject(SmallProject):
    """Data start at FIRST."""

    FIRST: ClassVar[str] = FIRST_DATE

    @property
    def folder(self) -> Path:
        """Where the price files lie."""
        return self.home / "prices"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **super().environment,
            "SIGMASIGHT_START_DATE": self.FIRST,
            "SIGMASIGHT_PROVIDER": "files",
            "SIGMASIGHT_FILES_DIR": str(self.folder),
        }

    @classmethod
    def without_prices(cls, empty: CliProject) -> Self:
        """The project, with an empty folder of prices."""
        made = cls(empty.home, empty.asset_url, empty.dagster_url)
        made.folder.mkdir()
        return made

    def write_closes(self, symbol: str, days: pd.DatetimeIndex, closes: np.ndarray) -> None:
        """The price file of a symbol."""
        frame = pd.DataFrame({"Date": days.strftime("%Y-%m-%d"), "Close": closes})
        frame.to_csv(self.folder / f"{symbol}.csv", index=False)
