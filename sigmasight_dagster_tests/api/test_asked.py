"""What /analytics computes for the caller: who may ask, and that it is what the core says."""

import pandas as pd
import pytest

from sigmasight_core.options.pricing import option_values
from sigmasight_core.tables import PositionValues
from sigmasight_dagster_tests.support.api_house import DATES, MINE, ApiHouse
from sigmasight_dagster_tests.support.stored_rows import random_rows, stamp

CALLERS = (None, "reader", "editor", "other", "admin")
CONTRACT = {"spot": 100, "strike": 95, "years": 0.5, "rate": 0.03, "volatility": 0.25, "is_call": False}
GREEKS = {"contracts": [CONTRACT, {**CONTRACT, "style": "european", "is_call": True, "dividend_yield": 0.02}]}


@pytest.mark.parametrize(
    ("path", "body", "wanted"),
    [
        ("/analytics/risk/greeks/calculate", GREEKS, (401, 200, 200, 200, 200)),
        # only positions are published here, so that what it needs is named
        (f"/analytics/risk/{MINE}/stress", {"scenarios": ["market_down_10"]}, (401, 409, 409, 404, 409)),
    ],
)
def test_who_may_ask(api: ApiHouse, path: str, body: object, wanted: tuple[int, ...]) -> None:
    rows = random_rows(PositionValues, DATES, (MINE,))
    api.warehouse.replace(PositionValues, rows, DATES, [MINE], stamp())
    found = {name: api.post(path, body, name).status_code for name in CALLERS}
    assert found == dict(zip(CALLERS, wanted, strict=True))


def test_greeks_are_those_of_the_core(api: ApiHouse) -> None:
    rows = api.post("/analytics/risk/greeks/calculate", GREEKS, "reader").json()
    american = option_values(100, 95, 0.5, 0.03, 0.0, 0.25, False, True)
    european = option_values(100, 95, 0.5, 0.03, 0.02, 0.25, True, False)
    for row, values in zip(rows, (american, european), strict=True):
        for name, number in row.items():
            assert number == pytest.approx(float(getattr(values, name)), rel=1e-9), name
    assert pd.DataFrame(rows).notna().all(axis=None)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/analytics/risk/greeks/calculate", {"contracts": []}),
        ("/analytics/risk/greeks/calculate", {"contracts": [{**CONTRACT, "spot": "NaN"}]}),
        ("/analytics/risk/greeks/calculate", {"contracts": [{**CONTRACT, "is_call": 0}]}),
        ("/analytics/risk/greeks/calculate", {"contracts": [{**CONTRACT, "dividend_yield": False}]}),
        ("/analytics/risk/greeks/calculate", {"contracts": [{**CONTRACT, "years": "0.5"}]}),
        ("/analytics/risk/greeks/calculate", {"contracts": [CONTRACT] * 1001}),
        (f"/analytics/risk/{MINE}/stress", {"scenarios": ["nothing"]}),
        (f"/analytics/risk/{MINE}/stress", {"category": "nothing"}),
        (f"/analytics/risk/{MINE}/stress", {"severity": "mild", "date": "7519-09-20"}),
    ],
)
def test_a_wrong_question_is_refused(api: ApiHouse, path: str, body: object) -> None:
    assert api.post(path, body, "reader").status_code == 422
