"""Greeks of 1,000,000 options against a mibian loop."""

import mibian
import numpy as np

from benchmarks.measure import compare
from sigmasight_core.options.black_scholes import black_scholes_merton

N_OURS = 1_000_000
N_PLAIN = 300


def main() -> None:
    rng = np.random.default_rng(7)
    spot = rng.uniform(50, 400, N_OURS)
    strike = spot * rng.uniform(0.7, 1.3, N_OURS)
    days = rng.integers(1, 730, N_OURS).astype(float)
    rate = rng.uniform(0.0, 0.06, N_OURS)
    volatility = rng.uniform(0.1, 0.8, N_OURS)
    is_call = rng.random(N_OURS) < 0.5

    def plain() -> None:
        for i in range(N_PLAIN):
            mibian.BS([spot[i], strike[i], rate[i] * 100, days[i]], volatility=volatility[i] * 100)

    def ours() -> None:
        black_scholes_merton(spot, strike, days / 365, rate, 0.0, volatility, is_call)

    compare("Greeks of 1,000,000 options, mibian loop", plain, ours, ">= 3,000", plain_scale=N_OURS / N_PLAIN)
