"""Random American contracts, and QuantLib's prices of them."""

from typing import NamedTuple

import numpy as np
import QuantLib as ql


class Sample(NamedTuple):
    spot: np.ndarray
    strike: np.ndarray
    days: np.ndarray
    rate: np.ndarray
    dividend_yield: np.ndarray
    volatility: np.ndarray
    is_call: np.ndarray

    @property
    def years(self):
        return self.days / 365

    @property
    def arguments(self):
        return (
            self.spot,
            self.strike,
            self.years,
            self.rate,
            self.dividend_yield,
            self.volatility,
            self.is_call,
        )

    @property
    def intrinsic(self):
        return np.maximum(np.where(self.is_call, 1, -1) * (self.spot - self.strike), 0)


def sample(size, seed):
    """S/K .5 to 2, 1 day to 5 years, volatility 3% to 150%, rate -1% to 8%, yield 0 to 12%, some 0."""
    draw = np.random.default_rng(seed)
    spot = 100 * np.exp(draw.uniform(np.log(0.5), np.log(2), size))
    days = np.where(
        draw.random(size) < 0.5,
        draw.integers(1, 1826, size),
        np.round(np.exp(draw.uniform(0, np.log(1825), size))),
    )
    volatility = np.where(
        draw.random(size) < 0.5,
        draw.uniform(0.03, 1.5, size),
        np.exp(draw.uniform(np.log(0.03), np.log(1.5), size)),
    )
    rate, dividend_yield = draw.uniform(-0.01, 0.08, size), draw.uniform(0, 0.12, size)
    dividend_yield[draw.random(size) < 0.1] = 0
    rate[draw.random(size) < 0.03] = 0
    equal = draw.random(size) < 0.05
    dividend_yield[equal] = np.maximum(rate[equal], 0)
    return Sample(
        spot,
        np.full(size, 100.0),
        days.astype(int),
        rate,
        dividend_yield,
        volatility,
        draw.random(size) < 0.5,
    )


class Quotes:
    """A Black-Scholes-Merton process whose market data are set option by option."""

    def __init__(self):
        self.today = ql.Date(2, 1, 2024)
        ql.Settings.instance().evaluationDate = self.today
        self.quotes = [ql.SimpleQuote(value) for value in (100.0, 0.0, 0.0, 0.2)]
        spot, dividends, rate, volatility = map(ql.QuoteHandle, self.quotes)
        count = ql.Actual365Fixed()
        self.process = ql.BlackScholesMertonProcess(
            spot,
            ql.YieldTermStructureHandle(ql.FlatForward(self.today, dividends, count)),
            ql.YieldTermStructureHandle(ql.FlatForward(self.today, rate, count)),
            ql.BlackVolTermStructureHandle(
                ql.BlackConstantVol(self.today, ql.NullCalendar(), volatility, count)
            ),
        )

    def options(self, contracts):
        """Options with this process's data set to each contract's, one after the other."""
        for spot, strike, days, rate, dividends, volatility, call in zip(*contracts, strict=True):
            values = map(float, (spot, dividends, rate, volatility))
            for quote, value in zip(self.quotes, values, strict=True):
                quote.setValue(value)
            payoff = ql.PlainVanillaPayoff(ql.Option.Call if call else ql.Option.Put, float(strike))
            yield ql.VanillaOption(payoff, ql.AmericanExercise(self.today, self.today + int(days)))


def quantlib_prices(contracts):
    """Prices by `QdFpAmericanEngine`, its accurate scheme."""
    quotes = Quotes()
    engine = ql.QdFpAmericanEngine(quotes.process, ql.QdFpAmericanEngine.accurateScheme())
    prices = []
    for option in quotes.options(contracts):
        option.setPricingEngine(engine)
        prices.append(option.NPV())
    return np.array(prices)


def finite_difference_prices(contracts):
    """Prices by finite differences, 400 steps by 800."""
    quotes = Quotes()
    engine = ql.FdBlackScholesVanillaEngine(quotes.process, 400, 800)
    prices = []
    for option in quotes.options(contracts):
        option.setPricingEngine(engine)
        prices.append(option.NPV())
    return np.array(prices)
