"""The audit agrees with sound Greeks, finds each unsound one, and says what it could not audit."""

import sys

import numpy as np
import pandas as pd
import pytest

from sigmasight_core.errors import InputError, SigmaSightError
from sigmasight_core.options.audit import GREEKS, TOLERANCE, AuditorMissingError, audit_greeks
from sigmasight_core.options.black_scholes import black_scholes_merton


@pytest.fixture
def sample():
    random = np.random.default_rng(11)
    n = 400
    frame = pd.DataFrame(
        {
            "underlying_price": random.uniform(1, 3000, n),
            "days_to_expiry": pd.array(random.integers(1, 900, n), dtype="Int64"),
            "implied_volatility": np.exp(random.uniform(np.log(0.02), np.log(4), n)),
            "risk_free_rate": random.uniform(-0.01, 0.1, n),
            "dividend_yield": np.where(random.random(n) < 0.4, 0, random.uniform(0, 0.1, n)),
            "is_call": random.random(n) < 0.5,
        },
        index=np.arange(n) + 1000,
    )
    frame["strike"] = frame["underlying_price"] * np.exp(random.normal(0, 0.3, n))
    return with_greeks(frame)


def with_greeks(frame):
    values = black_scholes_merton(
        frame["underlying_price"],
        frame["strike"],
        frame["days_to_expiry"] / 365,
        frame["risk_free_rate"],
        frame["dividend_yield"],
        frame["implied_volatility"],
        frame["is_call"],
    )
    return frame.assign(**values._asdict())


def test_our_greeks_pass(sample):
    audit = audit_greeks(sample)
    assert (audit["status"] == "ok").all()
    assert audit["relative_difference"].max() < TOLERANCE
    assert audit.index.tolist() == sample.index.tolist()


@pytest.mark.parametrize("name", [*GREEKS, "price"])
def test_each_wrong_value_is_found(sample, name):
    liquid = sample[sample[name].abs() > 1e-3 * sample[name].abs().median()]
    row = liquid.index[5]
    sample.loc[row, name] *= 1 + 1e-7
    audit = audit_greeks(sample)
    assert audit.loc[row, "relative_difference"] == pytest.approx(1e-7, rel=0.2)
    assert audit.loc[row, "worst"] == name
    assert (audit["relative_difference"].drop(row) < TOLERANCE).all()


def test_a_missing_value_of_ours_is_a_defect(sample):
    sample.loc[1000, "vega"] = np.nan
    audit = audit_greeks(sample.head(2).drop(columns="price"))
    assert audit["relative_difference"].tolist()[0] == np.inf
    assert audit.loc[1000, "worst"] == "vega"


def test_rows_that_mibian_cannot_take(sample):
    rows = sample.head(5).copy()
    rows.loc[1000, "days_to_expiry"] = 0
    rows.loc[1001, "implied_volatility"] = 0.0
    rows.loc[1002, "strike"] = np.nan
    rows.loc[1003, "strike"] = -1.0
    audit = audit_greeks(rows)
    assert audit["status"].tolist() == [
        "not audited: expired",
        "not audited: no volatility",
        "not audited: an input is missing",
        "not audited: an input is impossible",
        "ok",
    ]
    assert audit["relative_difference"].isna().tolist() == [True] * 4 + [False]
    assert audit_greeks(sample.head(0)).columns.tolist() == ["relative_difference", "worst", "status"]


def test_refusals(sample, monkeypatch):
    with pytest.raises(InputError, match="no column strike, vega"):
        audit_greeks(sample.drop(columns=["strike", "vega"]))
    monkeypatch.setitem(sys.modules, "mibian", None)
    with pytest.raises(AuditorMissingError, match="mibian is not installed"):
        audit_greeks(sample)
    assert issubclass(AuditorMissingError, SigmaSightError)
