"""Python's garbage collector, in runs that make millions of small objects which all stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

RARE = (100_000, 50, 100)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect seldom: a run keeps its events to the end, and a full collection walks through all of them."""
    before = gc.get_threshold()
    gc.set_threshold(*RARE)
    try:
        yield
    finally:
        gc.set_threshold(*before)
