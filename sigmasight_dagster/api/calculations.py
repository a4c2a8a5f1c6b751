"""The few calculations that the API runs itself: in threads, a bounded number at a time."""

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from anyio import to_thread

from sigmasight_dagster.api.errors import Problem

RETRY_SECONDS: Final = 10

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Calculations:
    """Places for calculations. :param most: that run at once; one more is told to come again."""

    def __init__(self, most: int) -> None:
        self._most, self._running = most, 0

    async def run(self, calculate: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Its result, without holding up other requests. :raises Problem: 503 when every place is taken."""
        if self._running >= self._most:
            said = (
                f"{self._most} calculations are running, which is all that run at once: try again in a moment"
            )
            raise Problem(503, said, "busy", headers={"Retry-After": str(RETRY_SECONDS)})
        self._running += 1
        try:
            return await to_thread.run_sync(lambda: calculate(*args, **kwargs))
        finally:
            self._running -= 1
