"""Gate `prices_are_sound`: refused bars are counted by reason; what was merely not given does not warn."""

import pandas as pd

from sigmasight_dagster.gates import market as gates


def test_refused_bars_by_reason() -> None:
    status = [
        "ok",
        "no volume from this source",
        "refused: no close",
        "refused: no close",
        "refused: the close is zero",
    ]
    prices = pd.DataFrame({"symbol": ["A", "B", "C", "D", "C"], "status": status})
    result = gates.PRICES_ARE_SOUND.evaluate(prices)
    assert not result.passed
    assert not gates.PRICES_ARE_SOUND.blocking
    assert result.metadata["refused_by_reason"] == {"no close": 2, "the close is zero": 1}
    assert result.metadata["refused_symbols"] == "C, D"
    assert gates.PRICES_ARE_SOUND.evaluate(prices[:2]).passed
