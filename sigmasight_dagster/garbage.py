"""Python's garbage collector, where millions of small objects are made which all stay: imports and runs."""

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


@contextmanager
def no_collections(*, for_good: bool = False) -> Iterator[None]:
    """While modules are imported: to look for garbage in what they make takes a quarter of the time.

    :param for_good: nor later in anything that there is by then; for what a process does once.
    """
    gc.disable()
    try:
        yield
    finally:
        if for_good:
            gc.freeze()
        gc.enable()
