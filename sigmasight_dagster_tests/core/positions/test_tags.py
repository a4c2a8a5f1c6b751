"""Tags of rows against pandas, and what a note may have between its commas."""

import numpy as np
import pandas as pd

from sigmasight_core.account.performance.groups import by_tag
from sigmasight_core.positions.tags import tags_of_rows

DAY = pd.Timestamp("2024-01-03")


def test_every_tag_of_every_row() -> None:
    texts = pd.Series(["tech,core", "", "core", "tech,core", "income"], dtype="str")
    rows, codes, names = tags_of_rows(texts)
    wanted = texts.str.split(",").map(sorted).explode()
    assert rows.tolist() == wanted.index.tolist()
    assert names[codes].tolist() == wanted.tolist()
    assert names.tolist() == ["", "core", "income", "tech"]
    assert [len(part) for part in tags_of_rows(texts.iloc[:0])] == [0, 0, 0]


def test_spaces_and_nothing_between_commas_are_no_part_of_a_tag() -> None:
    rows, codes, names = tags_of_rows(pd.Series(["core, tech", "tech,core,", "core,core", " "], dtype="str"))
    assert names[codes].tolist() == ["core", "tech", "core", "tech", "core", ""]
    assert rows.tolist() == [0, 0, 1, 1, 2, 3]
    values = pd.DataFrame({"date": DAY, "portfolio": "book", "daily_pnl": [1.0, 2.0, 4.0, 8.0]})
    found = by_tag(values.assign(tags=pd.Series(["core, tech", "tech,core,", "core,core", " "], dtype="str")))
    sums = found.groupby("item")["daily_pnl"].sum().to_dict()
    assert sums == {"core": 7.0, "tech": 3.0, "(no tag)": 8.0, "(several tags)": -3.0}
    assert np.isclose(found["daily_pnl"].sum(), 15.0)
