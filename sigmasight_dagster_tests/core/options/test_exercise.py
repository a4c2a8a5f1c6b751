"""Exercise styles and calls that are likely to be exercised."""

import numpy as np
import pandas as pd

from sigmasight_core.options.exercise import AMERICAN, EUROPEAN, early_exercise_likely, exercise_style


def test_styles():
    roots = ["SPX", "SPXW", "XSP", "NDX", "NDXP", "RUT", "RUTW", "VIX", "VIXW", "DJX", "XEO"]
    assert list(exercise_style(roots)) == [EUROPEAN] * len(roots)
    assert list(exercise_style(pd.Series(["OEX", "SPY", "AAPL", "SPX1"]))) == [AMERICAN] * 4
    assert list(exercise_style(pd.Series(["SPX", None], dtype=object))) == [EUROPEAN, None]


def test_early_exercise_is_likely():
    """Time value .20 against a dividend of .50, and what speaks against it one by one."""
    spot, strike, price = 110.0, 100.0, 10.2
    assert early_exercise_likely(spot, strike, price, 0.5, True)
    assert not early_exercise_likely(spot, strike, price, 0.1, True)
    assert not early_exercise_likely(spot, strike, price, 0.5, False)
    assert not early_exercise_likely(99.0, strike, 0.2, 0.5, True)
    dividends = np.array([0.5, 0.0, np.nan])
    np.testing.assert_array_equal(
        early_exercise_likely(spot, strike, price, dividends, True), [True, False, False]
    )
    assert not early_exercise_likely(spot, strike, np.nan, 0.5, True)
