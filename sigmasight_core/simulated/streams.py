"""Random streams of the simulated market: each name and purpose has its own, whatever else is asked for.

A stream depends on the seed, the name and the purpose alone. Its numbers come one after the other, session by
session, so that a longer path begins with the shorter one.
"""

import hashlib
from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from sigmasight_core.arrays.types import Floats


class Purpose(IntEnum):
    """What a stream is for; the numbers are part of the seed and never change."""

    MARKET = 1
    VOLATILITY = 2
    YIELDS = 3
    STYLES = 4
    PARAMETERS = 5
    NOISE = 6
    BARS = 7
    GAPS = 8
    QUOTES = 9


def stream(seed: int, name: str, purpose: Purpose, skip: int = 0) -> np.random.Generator:
    """The stream of a name (a symbol, a contract, a part of the market).

    :param skip: how many uniform numbers of `Generator.random` to leave out.
    """
    digest = int.from_bytes(hashlib.blake2b(name.encode(), digest_size=16).digest(), "little")
    bits = np.random.PCG64(np.random.SeedSequence((seed, digest, int(purpose))))
    return np.random.Generator(bits.advance(skip) if skip else bits)


def uniforms(seed: int, names: Sequence[str], purpose: Purpose, rows: tuple[int, int], width: int) -> Floats:
    """Uniform numbers above 0 and below 1 of rows [first, end) of every name's stream, [R, N, width].

    Any range of rows costs the same and has the same numbers, however it is cut.
    """
    first, end = rows
    found = np.empty((len(names), end - first, width))
    for place, name in enumerate(names):  # each has its own generator
        stream(seed, name, purpose, first * width).random(out=found[place])
    return np.maximum(found, np.finfo(float).tiny, out=found).swapaxes(0, 1)
