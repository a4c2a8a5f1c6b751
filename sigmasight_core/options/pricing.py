"""Prices, Greeks and implied volatilities by exercise style: what the calculations call.

European rows are those of `black_scholes` and `implied_volatility`, bit for bit; American rows those of
`american`. Arguments, units, limits and the NaN policy are those of `black_scholes`; `is_american` broadcasts
with them. A row's figures are the same bits in any batch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from sigmasight_core.arrays.inputs import as_calls, as_floats
from sigmasight_core.arrays.types import Floats, Texts
from sigmasight_core.options import black_scholes
from sigmasight_core.options import implied_volatility as european
from sigmasight_core.options.american.implied_volatility import american_implied_volatility
from sigmasight_core.options.american.pricing import american_price, american_values
from sigmasight_core.options.black_scholes import OptionValues, black_scholes_merton

_ByStyle = Callable[..., tuple[np.ndarray, ...]]


def option_price(
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    dividend_yield: Any,
    volatility: Any,
    is_call: Any,
    is_american: Any,
) -> Floats:
    """Price, USD per share, of the broadcast shape of the arguments."""
    arguments = (spot, strike, years, rate, dividend_yield, volatility)
    return _by_style(_european_price, _american_price, arguments, is_call, is_american)[0]


def option_values(
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    dividend_yield: Any,
    volatility: Any,
    is_call: Any,
    is_american: Any,
) -> OptionValues:
    """Price and Greeks; the price is that of `option_price`."""
    arguments = (spot, strike, years, rate, dividend_yield, volatility)
    return OptionValues(*_by_style(black_scholes_merton, american_values, arguments, is_call, is_american))


def implied_volatility(
    price: Any,
    spot: Any,
    strike: Any,
    years: Any,
    rate: Any,
    dividend_yield: Any,
    is_call: Any,
    is_american: Any,
) -> tuple[Floats, Texts]:
    """Volatility at which `option_price` returns `price`, and a status (str): ok, or why it is NaN."""
    arguments = (price, spot, strike, years, rate, dividend_yield)
    found = _by_style(
        european.implied_volatility, american_implied_volatility, arguments, is_call, is_american
    )
    return found[0], found[1]


def _european_price(*arguments: Any) -> tuple[np.ndarray, ...]:
    return (black_scholes.option_price(*arguments),)


def _american_price(*arguments: Any) -> tuple[np.ndarray, ...]:
    return (american_price(*arguments),)


def _by_style(
    of_europeans: _ByStyle, of_americans: _ByStyle, arguments: tuple[Any, ...], is_call: Any, style: Any
) -> tuple[np.ndarray, ...]:
    """Each element's outputs from the function of its style."""
    american = np.asarray(style, dtype=bool)
    inputs = [*map(as_floats, arguments), as_calls(is_call)]
    shape = np.broadcast_shapes(american.shape, *(array.shape for array in inputs))
    if american.all() or not american.any():
        of_all = of_americans if american.any() else of_europeans
        return tuple(_of_shape(output, shape) for output in of_all(*arguments, is_call))
    american = np.broadcast_to(american, shape)
    results: list[np.ndarray] = []
    for of_style, chosen in ((of_europeans, ~american), (of_americans, american)):
        *picked, calls = (np.broadcast_to(array, shape)[chosen] for array in inputs)
        outputs = of_style(*picked, calls)
        results = results or [np.empty(shape, dtype=output.dtype) for output in outputs]
        for result, output in zip(results, outputs, strict=True):
            result[chosen] = output
    return tuple(results)


def _of_shape(output: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return output if output.shape == shape else np.array(np.broadcast_to(output, shape))
